-- The hidden library `__types`: run-time values of type aliases (spec typed-lua, runtime type values).
-- The eraser writes `local User = __types.define(...)` where a program reads an alias as a value; `!` becomes `__types.nonnil`.
-- The host sets `match(pattern, text)`: RE2, for `@pattern`. Nothing here yields or does I/O.

local type, next, pairs, select, error, pcall, tostring, rawequal, rawlen =
  type, next, pairs, select, error, pcall, tostring, rawequal, rawlen
local getmetatable, setmetatable, math_type, floor = getmetatable, setmetatable, math.type, math.floor
local concat, unpack, format, find, sub = table.concat, table.unpack, string.format, string.find, string.sub
-- Characters, not bytes; nil when the text is not UTF-8.
local utf8_length = utf8.len

local types = {}

-- A type value is an empty table; what it means stands here, out of reach: { node = ..., env = ... }.
-- A node is the name of a primitive, or { tag, ... }. An env has the definitions a node refers to and the arguments of a
-- generic type.
local meanings = setmetatable({}, { __mode = "k" })
local metatable = { __metatable = false, __name = "type" }

local function value_of(meaning)
  local value = setmetatable({}, metatable)
  meanings[value] = meaning
  return value
end

-- ---- meaning ----

local any = { node = "any" }

-- What a name that is no type of the chunk means: the value of another module's alias, applied to arguments, or anything.
local function extern_meaning(node, env)
  local ok, found = pcall(env.externs[node[2]])
  local meaning = ok and meanings[found] or any
  if #node == 2 or type(meaning.node) ~= "table" or meaning.node[1] ~= "ref" then return meaning end
  local applied, args = { "ref", meaning.node[2] }, {}
  for i = 3, #node do
    applied[i], args[i - 2] = { "param", i - 2 }, { node = node[i], env = env }
  end
  return { node = applied, env = { definitions = meaning.env.definitions, externs = meaning.env.externs, args = args } }
end

-- Follows aliases, parameters and values of other modules until a node that says something itself.
-- The third result is the name of the last alias on the way.
local function resolve(node, env)
  local name
  for _ = 1, 100 do
    if type(node) == "string" then return node, env, name end
    local tag = node[1]
    if tag == "ref" then
      local definition = env.definitions[node[2]]
      local args = {}
      for i = 1, definition.params do
        args[i] = node[i + 2] and { node = node[i + 2], env = env } or any
      end
      env = { definitions = env.definitions, externs = env.externs, args = args }
      node, name = definition.node, definition.name
    elseif tag == "param" then
      local arg = env.args[node[2]] or any
      node, env, name = arg.node, arg.env, nil
    elseif tag == "extern" then
      local meaning = extern_meaning(node, env)
      node, env, name = meaning.node, meaning.env, nil
    else
      return node, env, name
    end
  end
  -- An alias of itself: `type X = X`.
  return "any", env, name
end

local fields_of

-- Aliases by name, everything else as it is written.
local function show(node, env, depth)
  if type(node) == "string" then return node end
  depth = (depth or 0) + 1
  local tag = node[1]
  if depth > 4 then return "..." end
  if tag == "ref" then
    local name = env.definitions[node[2]].name
    if #node == 2 then return name end
    local args = {}
    for i = 3, #node do args[i - 2] = show(node[i], env, depth) end
    return name .. "<" .. concat(args, ", ") .. ">"
  elseif tag == "param" then
    local arg = env.args[node[2]] or any
    return show(arg.node, arg.env, depth)
  elseif tag == "extern" then
    local meaning = extern_meaning(node, env)
    return show(meaning.node, meaning.env, depth)
  elseif tag == "literal" then
    return type(node[2]) == "string" and format("%q", node[2]) or tostring(node[2])
  elseif tag == "optional" then
    return show(node[2], env, depth) .. "?"
  elseif tag == "annotated" then
    return show(node[2], env, depth)
  elseif tag == "array" then
    return "{" .. show(node[2], env, depth) .. "}"
  elseif tag == "union" or tag == "intersection" then
    local members = {}
    for i = 2, #node do members[i - 1] = show(node[i], env, depth) end
    return concat(members, tag == "union" and " | " or " & ")
  elseif tag == "record" then
    local parts = {}
    for i, field in next, node[2] do
      parts[i] = field[1] .. (field[3] and "?: " or ": ") .. show(field[2], env, depth)
    end
    if node[3] then parts[#parts + 1] = "[" .. show(node[3], env, depth) .. "]: " .. show(node[4], env, depth) end
    return "{" .. concat(parts, ", ") .. "}"
  elseif tag == "function" then
    return "function"
  end
  return tag
end

local function is_callable(value)
  if type(value) == "function" then return true end
  local meta = getmetatable(value)
  return type(meta) == "table" and meta.__call ~= nil
end

local function is_integer(value)
  return math_type(value) == "integer" or (type(value) == "number" and value == floor(value) and value - value == 0)
end

local primitives = {
  any = function() return true end,
  unknown = function() return true end,
  never = function() return false end,
  integer = is_integer,
  ["function"] = is_callable,
  error = function(value) return value ~= nil end,
  type = function(value) return meanings[value] ~= nil end,
}
for _, name in next, { "nil", "number", "string", "boolean", "table", "userdata", "thread" } do
  primitives[name] = function(value) return type(value) == name end
end

-- What a message says of a value.
local function got(value)
  if type(value) == "string" and #value <= 40 then return format("string %q", value) end
  if type(value) == "boolean" then return "boolean " .. tostring(value) end
  return type(value)
end

-- ---- validation: nil when the value fits, else where (".items[2]") and why, and whether a literal differed ----

local check

local function key_path(key)
  if type(key) == "string" then
    if find(key, "^[%a_][%w_]*$") then return "." .. key end
    return "[" .. format("%q", key) .. "]"
  end
  return "[" .. tostring(key) .. "]"
end

local function expected(node, env, value)
  return "", "expected " .. show(node, env) .. ", got " .. type(value), false
end

local function check_record(node, env, value, seen)
  if type(value) ~= "table" then return "", "expected table, got " .. type(value), false end
  for _, field in next, node[2] do
    local item = value[field[1]]
    if item ~= nil or not field[3] then
      local path, why, literal = check(field[2], env, item, seen)
      if path then return key_path(field[1]) .. path, why, literal end
    end
  end
  if not node[3] then return nil end
  local named = fields_of(node)
  for key, item in pairs(value) do
    if not (named and named[key]) then
      local path, why = check(node[3], env, key, seen)
      if path then return key_path(key), "key: " .. why, false end
      path, why = check(node[4], env, item, seen)
      if path then return key_path(key) .. path, why, false end
    end
  end
end

local function check_array(node, env, value, seen)
  if type(value) ~= "table" then return "", "expected table, got " .. type(value), false end
  local key = next(value)
  if key ~= nil and #value == 0 then
    return "", "expected " .. show(node, env) .. ", got table with key " .. (type(key) == "string" and format("%q", key) or tostring(key)), false
  end
  for i = 1, #value do
    local path, why, literal = check(node[2], env, value[i], seen)
    if path then return "[" .. i .. "]" .. path, why, literal end
  end
end

-- Of several refusals the most telling: one that lies inside the value and is not merely another tag.
local function check_union(node, env, value, seen)
  local best_path, best_why, best_rank = nil, nil, 0
  for i = 2, #node do
    local path, why, literal = check(node[i], env, value, seen)
    if not path then return nil end
    local rank = (path == "" and 0) or (literal and 0) or 1
    if rank > best_rank then best_path, best_why, best_rank = path, why, rank end
  end
  if best_path then return best_path, best_why, false end
  local only_literals = true
  for i = 2, #node do
    local member = resolve(node[i], env)
    if type(member) == "string" or member[1] ~= "literal" then only_literals = false end
  end
  if only_literals then return "", "expected " .. show(node, env) .. ", got " .. got(value), true end
  return expected(node, env, value)
end

local function length_of(value)
  if type(value) == "string" then return utf8_length(value) or #value end
  if type(value) == "table" then return #value end
end

local validators = {}

function validators.min(value, limit)
  if type(value) == "number" and not (value >= limit) then return tostring(value) .. " is less than the minimum " .. tostring(limit) end
end

function validators.max(value, limit)
  if type(value) == "number" and not (value <= limit) then return tostring(value) .. " is greater than the maximum " .. tostring(limit) end
end

function validators.min_len(value, limit)
  local length = length_of(value)
  if length and length < limit then return "length " .. length .. " is less than the minimum length " .. tostring(limit) end
end

function validators.max_len(value, limit)
  local length = length_of(value)
  if length and length > limit then return "length " .. length .. " is greater than the maximum length " .. tostring(limit) end
end

function validators.pattern(value, pattern)
  if type(value) == "string" and not types.match(pattern, value) then return "does not match pattern " .. pattern end
end

local function check_annotated(node, env, value, seen)
  local path, why, literal = check(node[2], env, value, seen)
  if path then return path, why, literal end
  if value == nil then return nil end
  for i = 3, #node do
    local failure = validators[node[i][1]](value, node[i][2])
    if failure then return "", failure, false end
  end
end

local function check_extended(node, env, value, seen)
  for i = 2, #node do
    local path, why, literal = check(node[i], env, value, seen)
    if path then return path, why, literal end
  end
end

-- The literal names of a record's fields.
local function check_keyof(node, env, value)
  local inner = resolve(node[2], env)
  if type(inner) == "table" and inner[1] == "record" and not inner[3] then
    local named = fields_of(inner)
    if not (named and named[value]) then return "", "expected the name of a field of " .. show(node[2], env) .. ", got " .. got(value), true end
  end
end

local checks = {
  record = check_record,
  array = check_array,
  union = check_union,
  intersection = check_extended,
  annotated = check_annotated,
  keyof = check_keyof,
  optional = function(node, env, value, seen)
    if value == nil then return nil end
    return check(node[2], env, value, seen)
  end,
  literal = function(node, env, value)
    if rawequal(value, node[2]) or (type(value) == "number" and value == node[2]) then return nil end
    return "", "expected " .. show(node, env) .. ", got " .. got(value), true
  end,
  ["function"] = function(_, _, value)
    if is_callable(value) then return nil end
    return "", "expected function, got " .. type(value), false
  end,
}

-- seen[value][node]: a table that is just being checked against a node is taken to fit, so that cycles end.
function check(node, env, value, seen)
  local found, found_env = resolve(node, env)
  if type(found) == "string" then
    if primitives[found](value) then return nil end
    return "", "expected " .. found .. ", got " .. type(value), false
  end
  if type(value) ~= "table" then return checks[found[1]](found, found_env, value, seen) end
  local nodes = seen[value]
  if not nodes then
    nodes = {}
    seen[value] = nodes
  elseif nodes[found] then
    return nil
  end
  nodes[found] = true
  local path, why, literal = checks[found[1]](found, found_env, value, seen)
  -- Only what is under way: the same node may stand for another type (generics) later.
  nodes[found] = nil
  return path, why, literal
end

local named_fields = setmetatable({}, { __mode = "k" })

function fields_of(node)
  local named = named_fields[node]
  if named then return named end
  named = {}
  for _, field in next, node[2] do named[field[1]] = field end
  named_fields[node] = named
  return named
end

-- nil, or the message with its path: "items[2].name: expected string, got nil".
local function refusal(meaning, value)
  local path, why = check(meaning.node, meaning.env, value, {})
  if not path then return nil end
  if path == "" then return why end
  return (sub(path, 1, 1) == "." and sub(path, 2) or path) .. ": " .. why
end

-- ---- subtyping, for `integer <= number` and `==` ----

local is_subtype

local function base_of(literal)
  return is_integer(literal) and "integer" or type(literal)
end

local function fits_record(a, a_env, b, b_env, seen)
  if a[1] == "array" then return #b[2] == 0 and b[3] ~= nil and is_subtype("integer", nil, b[3], b_env, seen) and is_subtype(a[2], a_env, b[4], b_env, seen) end
  if a[1] ~= "record" then return false end
  local named = fields_of(a)
  for _, field in next, b[2] do
    local own = named[field[1]]
    if own then
      if (own[3] and not field[3]) or not is_subtype(own[2], a_env, field[2], b_env, seen) then return false end
    elseif not field[3] then
      return false
    end
  end
  if not b[3] then return true end
  return a[3] ~= nil and is_subtype(a[3], a_env, b[3], b_env, seen) and is_subtype(a[4], a_env, b[4], b_env, seen)
end

function is_subtype(a, a_env, b, b_env, seen)
  a, a_env = resolve(a, a_env)
  b, b_env = resolve(b, b_env)
  if a == b or b == "any" or b == "unknown" or a == "never" or a == "any" then return true end
  local a_tag, b_tag = type(a) == "table" and a[1], type(b) == "table" and b[1]
  if a_tag and b_tag then
    seen[a] = seen[a] or {}
    if seen[a][b] then return true end
    seen[a][b] = true
  end
  if a_tag == "annotated" then return is_subtype(a[2], a_env, b, b_env, seen) end
  if b_tag == "annotated" then return is_subtype(a, a_env, b[2], b_env, seen) end
  if a_tag == "optional" then
    return is_subtype("nil", nil, b, b_env, seen) and is_subtype(a[2], a_env, b, b_env, seen)
  end
  if a_tag == "union" then
    for i = 2, #a do
      if not is_subtype(a[i], a_env, b, b_env, seen) then return false end
    end
    return true
  end
  if b_tag == "optional" then return a == "nil" or is_subtype(a, a_env, b[2], b_env, seen) end
  if b_tag == "union" or a_tag == "intersection" then
    local whole = b_tag == "union" and b or a
    for i = 2, #whole do
      if b_tag == "union" then
        if is_subtype(a, a_env, b[i], b_env, seen) then return true end
      elseif is_subtype(a[i], a_env, b, b_env, seen) then
        return true
      end
    end
    return false
  end
  if b_tag == "intersection" then
    for i = 2, #b do
      if not is_subtype(a, a_env, b[i], b_env, seen) then return false end
    end
    return true
  end
  if a_tag == "literal" then
    if b_tag == "literal" then return a[2] == b[2] end
    a, a_tag = base_of(a[2]), false
    if a == b then return true end
  end
  if a == "integer" and b == "number" then return true end
  if b == "table" then return a_tag == "record" or a_tag == "array" end
  if b == "function" then return a_tag == "function" end
  if b_tag == "record" and a_tag then return fits_record(a, a_env, b, b_env, seen) end
  if b_tag == "array" and a_tag == "array" then return is_subtype(a[2], a_env, b[2], b_env, seen) end
  if b_tag == "function" and a_tag == "function" then return #a[2] == #b[2] end
  return false
end

function metatable.__le(a, b)
  local left, right = meanings[a], meanings[b]
  if not (left and right) then error("attempt to compare a type with a " .. type(left and b or a), 2) end
  return is_subtype(left.node, left.env, right.node, right.env, {})
end

function metatable.__lt(a, b)
  return a <= b and not (b <= a)
end

function metatable.__eq(a, b)
  return meanings[a] ~= nil and meanings[b] ~= nil and a <= b and b <= a
end

-- ---- what Lua sees of a type ----

local methods = {}

local function meaning_of(value, method)
  local meaning = meanings[value]
  if not meaning then error("bad self for method '" .. method .. "' (type expected)", 3) end
  return meaning
end

-- Checks without raising: the value, or nil and why.
function methods.is(self, value)
  local why = refusal(meaning_of(self, "is"), value)
  if why then return nil, why end
  return value, nil
end

function metatable.__call(self, value)
  local meaning = meaning_of(self, "call")
  if meaning.method and rawequal(meaning.owner, value) then return meaning.method(value) end
  local why = refusal(meaning, value)
  if why then error(why, 2) end
  return value
end

function metatable.__tostring(self)
  local meaning = meanings[self]
  return show(meaning.node, meaning.env)
end

local function resolved(self, method)
  local meaning = meaning_of(self, method)
  local node, env = resolve(meaning.node, meaning.env)
  while type(node) == "table" and node[1] == "annotated" do node, env = resolve(node[2], env) end
  return node, env
end

function methods.kind(self)
  local node = resolved(self, "kind")
  if type(node) == "string" then return node end
  if node[1] == "record" and #node[2] == 0 and node[3] then return "map" end
  return node[1]
end

function methods.name(self)
  local meaning = meaning_of(self, "name")
  local node, _, name = resolve(meaning.node, meaning.env)
  return name or (type(node) == "string" and node or nil)
end

-- A part of a type as a type value of its own.
local function part(node, env)
  if node == nil then return nil end
  return value_of({ node = node, env = env })
end

local function field_type(field, env)
  return part(field[3] and { "optional", field[2] } or field[2], env)
end

function methods.elem(self)
  local node, env = resolved(self, "elem")
  if node[1] == "array" then return part(node[2], env) end
end

function methods.key(self)
  local node, env = resolved(self, "key")
  if node[1] == "record" then return part(node[3], env) end
end

function methods.val(self)
  local node, env = resolved(self, "val")
  if node[1] == "record" then return part(node[4], env) end
end

function methods.inner(self)
  local node, env = resolved(self, "inner")
  if node[1] == "optional" then return part(node[2], env) end
end

function methods.ret(self)
  local node, env = resolved(self, "ret")
  if node[1] == "function" then return part(node[3] and node[3][1], env) end
end

local function iterate(count, item)
  local i = 0
  return function()
    i = i + 1
    if i <= count then return item(i) end
  end
end

-- `for name, field_type in Point:fields() do`, in the order of the declaration.
function methods.fields(self)
  local node, env = resolved(self, "fields")
  if node[1] ~= "record" then return iterate(0) end
  local fields = node[2]
  return iterate(#fields, function(i) return fields[i][1], field_type(fields[i], env) end)
end

function methods.variants(self)
  local node, env = resolved(self, "variants")
  if node[1] ~= "union" then return iterate(0) end
  return iterate(#node - 1, function(i) return part(node[i + 1], env) end)
end

function methods.params(self)
  local node, env = resolved(self, "params")
  if node[1] ~= "function" then return iterate(0) end
  local params = node[2]
  return iterate(#params, function(i) return part(params[i], env) end)
end

-- A field may be called as a method is: then `User.name` is its type, and `User:name()`, which calls that type with User, the
-- method. Only `is` is never hidden.
function metatable.__index(self, key)
  local method = methods[key]
  if key == "is" then return method end
  local node, env = resolve(meanings[self].node, meanings[self].env)
  local field = type(node) == "table" and node[1] == "record" and fields_of(node)[key]
  if not field then return method end
  local value = field_type(field, env)
  if method then meanings[value].method, meanings[value].owner = method, self end
  return value
end

function metatable.__newindex(self, key)
  error("attempt to modify the type " .. tostring(self) .. " (field '" .. tostring(key) .. "')", 2)
end

-- ---- what the eraser calls ----

local function env_of(definitions, externs)
  local env = { definitions = {}, externs = externs or {}, args = {} }
  for i, definition in next, definitions do
    env.definitions[i] = { name = definition[1], params = definition[2], node = definition[3] }
  end
  return env
end

-- The value of an alias: the first of `definitions` ({ name, number of parameters, node }), which refer to each other.
function types.define(definitions, externs)
  return value_of({ node = { "ref", 1 }, env = env_of(definitions, externs) })
end

-- `typeof(x)` of an annotated variable: takes the variable and gives its annotation.
function types.fixed(node, definitions, externs)
  local value = type(node) == "string" and types.primitives[node] or value_of({ node = node, env = env_of(definitions, externs) })
  return function() return value end
end

-- `typeof(x)` of anything else: the type of the value there is.
function types.typeof(value)
  if meanings[value] then return types.primitives.type end
  return types.primitives[type(value)] or types.primitives.any
end

-- `Number`, `Integer` and so on.
function types.named(given, name)
  if given ~= nil then return given end
  return types.primitives[name]
end

-- `expr!`
function types.nonnil(value)
  if value == nil then error("expected a value, got nil", 2) end
  return value
end

-- The primitive types as values: casts that raise (`integer(x)`) and compare (`integer <= number`).
types.primitives = {}
for name in next, primitives do types.primitives[name] = value_of({ node = name }) end

-- Set by the host.
function types.match()
  error("@pattern is not available here", 2)
end

return types
