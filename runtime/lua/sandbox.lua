-- What every Lua state starts with: the frozen base environment, per-process globals, `require`, and the sugar of channels and
-- messages. Runs once per VM, before any code of an app. State and policy live in TypeScript: this adds methods only.
-- host: host functions by name. codes: the entry's code first, then its libraries. method: what the entry's table is asked for.
local host, codes, method, needs_environment, base_modules, types_library = ...

local type, next, pairs, select, error, pcall, rawget, rawset, rawequal, assert, tonumber =
  type, next, pairs, select, error, pcall, rawget, rawset, rawequal, assert, tonumber
local setmetatable, getmetatable, tostring, ipairs = setmetatable, getmetatable, tostring, ipairs
local string, table, math, coroutine, utf8, collectgarbage = string, table, math, coroutine, utf8, collectgarbage
local floor, unpack, concat = math.floor, table.unpack, table.concat
local find, sub, format, rep = string.find, string.sub, string.format, string.rep

-- ---- frozen tables: a proxy that reads through and refuses to be written ----

local frozen = setmetatable({}, { __mode = "k" })

local function freeze(content, call)
  local proxy = {}
  frozen[proxy] = content
  return setmetatable(proxy, {
    __index = content,
    __newindex = function(_, key)
      error("attempt to modify a read-only table (field '" .. tostring(key) .. "')", 2)
    end,
    __pairs = function() return next, content, nil end,
    __len = function() return #content end,
    __call = call,
    __metatable = false,
  })
end

-- Module tables are frozen by the same function, some of them before this chunk has returned.
host.keep_freeze(freeze)

-- ---- base functions ----

local base = {
  assert = assert, error = error, pcall = pcall, select = select, type = type, tonumber = tonumber,
  rawequal = rawequal, rawget = rawget, unpack = unpack, print = host.print,
}

function base.next(t, key)
  return next(frozen[t] or t, key)
end

function base.pairs(t)
  local content = frozen[t]
  if content then return next, content, nil end
  return pairs(t)
end

base.ipairs = ipairs

-- The handler runs after unwinding: inside the failing call hooks are off, and a handler that loops could never be stopped.
local function handle(handler, ok, ...)
  if ok then return true, ... end
  return false, select(2, pcall(handler, ...))
end
function base.xpcall(fn, handler, ...)
  if type(handler) ~= "function" then error("bad argument #2 to 'xpcall' (function expected, got " .. type(handler) .. ")", 2) end
  return handle(handler, pcall(fn, ...))
end

function base.rawset(t, key, value)
  if frozen[t] then error("attempt to modify a read-only table (field '" .. tostring(key) .. "')", 2) end
  return rawset(t, key, value)
end

-- Finalisers run outside every limit (design PROMISES, departures).
function base.setmetatable(t, metatable)
  if type(metatable) == "table" and rawget(metatable, "__gc") ~= nil then error("__gc is not allowed in a metatable", 2) end
  return setmetatable(t, metatable)
end

function base.getmetatable(value)
  if type(value) == "string" then return nil end
  return getmetatable(value)
end

-- In Lua rather than C, so that a `__tostring` that loops can be preempted.
function base.tostring(...)
  if select("#", ...) == 0 then error("bad argument #1 to 'tostring' (value expected)", 2) end
  local value = ...
  if type(value) == "table" then
    local metatable = getmetatable(value)
    if type(metatable) == "table" then
      local convert = rawget(metatable, "__tostring")
      if convert ~= nil then
        local text = convert(value)
        if type(text) ~= "string" then error("'__tostring' must return a string", 2) end
        return text
      end
    end
  end
  return tostring(value)
end

-- Numerals are read in C, at some length for long ones: those are none.
local MAX_NUMERAL = 4096
local function is_long(value) return type(value) == "string" and #value > MAX_NUMERAL end
function base.tonumber(...)
  if is_long((...)) then return nil end
  return tonumber(...)
end

-- Casts of typed Lua (spec typed-lua, runtime values).
local function cast(name, accepts)
  return function(value)
    if accepts(value) then return value end
    error("expected " .. name .. ", got " .. type(value), 2)
  end
end
local is_type = function(name) return function(value) return type(value) == name end end
base.number = cast("number", is_type("number"))
base.boolean = cast("boolean", is_type("boolean"))
base.integer = cast("integer", function(value)
  return math.type(value) == "integer" or (type(value) == "number" and value == floor(value))
end)

-- ---- string ----

local text = {}
for key, fn in next, string do text[key] = fn end
text.dump = nil

-- Error values may stand where these expect a string (spec lua-modules §5).
local function subject(value)
  if type(value) == "userdata" then return tostring(value) end
  return value
end

-- Each by its own name, which is in what it says of a wrong argument.
local len, lower, upper, reverse = string.len, string.lower, string.upper, string.reverse
function text.len(s) return len(subject(s)) end
function text.lower(s) return lower(subject(s)) end
function text.upper(s) return upper(subject(s)) end
function text.reverse(s) return reverse(subject(s)) end

-- Patterns native Lua runs quickly on subjects up to a length, by text; the rest goes to a matcher with a step budget.
local bounded_find, cheap_pattern = host.bounded_find, host.cheap_pattern
local cheap, cheap_count = {}, 0
local MAX_PATTERN = 1 << 14
local function is_cheap(s, pattern)
  if type(pattern) ~= "string" or type(s) ~= "string" then return true end
  if #pattern > MAX_PATTERN then error("pattern of " .. #pattern .. " bytes is too long", 3) end
  local limit = cheap[pattern]
  if limit == nil then
    limit = cheap_pattern(pattern)
    if cheap_count < 512 then cheap[pattern], cheap_count = limit, cheap_count + 1 end
  end
  return #s <= limit
end

-- A plain search takes text times pattern at worst: from here on by an algorithm that does not.
local NATIVE_COMPARISONS = 1 << 24
function text.find(s, pattern, init, plain)
  s = subject(s)
  if type(s) == "string" and type(pattern) == "string" and #s * #pattern > NATIVE_COMPARISONS then
    if plain or not find(pattern, "[%^%$%*%+%?%.%(%[%%%-]") then return host.plain_find(s, pattern, init) end
  end
  if plain or is_cheap(s, pattern) then return find(s, pattern, init, plain) end
  return bounded_find(s, pattern, init)
end

local match, gsub, gmatch, pack = string.match, string.gsub, string.gmatch, table.pack
function text.match(s, pattern, init)
  s = subject(s)
  if is_cheap(s, pattern) then return match(s, pattern, init) end
  local found = pack(bounded_find(s, pattern, init))
  if found.n == 2 then return sub(s, found[1], found[2]) end
  return unpack(found, found.n > 2 and 3 or 1, found.n)
end

local function locate(s, pattern, init)
  if is_cheap(s, pattern) then return find(s, pattern, init) end
  return bounded_find(s, pattern, init)
end

-- The next match at or after `source` that is not the empty one where the last match ended, as Lua 5.4 defines it.
local function next_match(s, pattern, source, last)
  local found = pack(locate(s, pattern, source))
  if found[1] and found[2] + 1 == last then
    if source > #s then return nil end
    found = pack(locate(s, pattern, source + 1))
  end
  if not found[1] then return nil end
  if found.n == 2 then found[3], found.n = sub(s, found[1], found[2]), 3 end
  return found
end

function text.gmatch(s, pattern, init)
  s = subject(s)
  if is_cheap(s, pattern) then return gmatch(s, pattern, init) end
  local source, last = init or 1, 0
  return function()
    local found = next_match(s, pattern, source, last)
    if not found then
      source = #s + 2
      return nil
    end
    source, last = found[2] + 1, found[2] + 1
    return unpack(found, 3, found.n)
  end
end

-- With a function as replacement the loop is in Lua, so that it can be preempted.
local function gsub_with(s, pattern, replace, limit, with_range)
  local out, count, source, last = {}, 0, 1, 0
  local anchored = sub(pattern, 1, 1) == "^"
  while count < (limit or #s + 1) do
    local found = next_match(s, pattern, source, last)
    if not found then break end
    local first, stop = found[1], found[2]
    count = count + 1
    local value = replace(unpack(found, with_range and 1 or 3, found.n))
    if not value then
      value = sub(s, first, stop)
    elseif type(value) ~= "string" and type(value) ~= "number" then
      error("invalid replacement value (a " .. type(value) .. ")", 3)
    end
    out[#out + 1] = sub(s, source, first - 1)
    out[#out + 1] = value
    source, last = stop + 1, stop + 1
    if anchored then break end
  end
  out[#out + 1] = sub(s, source)
  return concat(out), count
end

-- `%1` and `%%` in a replacement text.
local function expand(template, whole, captures)
  return (gsub(template, "%%(.)", function(mark)
    if mark == "%" then return "%" end
    if mark == "0" then return whole end
    local capture = captures[tonumber(mark) or 0]
    if capture == nil then error("invalid use of '%' in replacement string", 4) end
    return capture
  end))
end

function text.gsub(s, pattern, replacement, limit)
  s = subject(s)
  if type(s) == "number" then s = tostring(s) end
  if type(replacement) == "function" then return gsub_with(s, pattern, replacement, limit) end
  if is_cheap(s, pattern) then return gsub(s, pattern, replacement, limit) end
  if type(replacement) == "table" then
    return gsub_with(s, pattern, function(key) return replacement[key] end, limit)
  end
  local template = tostring(replacement)
  return gsub_with(s, pattern, function(first, last, ...)
    return expand(template, sub(s, first, last), { ... })
  end, limit, true)
end

local MAX_REPEATED = 1 << 30
function text.rep(s, n, separator)
  if type(n) == "number" and n > 0 and (type(s) == "string" or type(s) == "number") then
    local size = #tostring(s) + (separator and #separator or 0)
    if size == 0 then return "" end
    if size * n > MAX_REPEATED then error("resulting string too large", 2) end
  end
  return rep(s, n, separator)
end

-- Go's %d accepts fractions and truncates; missing arguments do not raise (spec typed-lua, dialect).
local integer_verbs = { d = true, i = true, x = true, X = true, o = true, c = true }
local function adapt(template, arguments, count)
  local position = 0
  return (gsub(template, "%%([%-%+ #0]*%d*%.?%d*)(.)", function(_, verb)
    if verb == "%" then return nil end
    position = position + 1
    if position > count then return "%%!" .. verb .. "(MISSING)" end
    local value = arguments[position]
    if integer_verbs[verb] and math.type(value) == "float" and value ~= floor(value) and value - value == 0 then
      arguments[position] = value < 0 and -floor(-value) or floor(value)
    end
  end))
end
-- What the native function says of its arguments, said of the call that the program wrote.
local function blamed(message, what, name)
  return (gsub(message, "^bad argument #(%d+) to '%?'", function(position)
    local number = tonumber(position) - (what == "method" and 1 or 0)
    if number == 0 then return "calling '" .. name .. "' on bad self" end
    return "bad argument #" .. number .. " to '" .. (name == "" and "format" or name) .. "'"
  end))
end
function text.format(template, ...)
  local ok, result = pcall(format, template, ...)
  if ok then return result end
  if type(template) ~= "string" then error(blamed(result, host.called_as()), 2) end
  local count, arguments = select("#", ...), { ... }
  template = adapt(template, arguments, count)
  ok, result = pcall(format, template, unpack(arguments, 1, count))
  if ok then return result end
  error(blamed(result, host.called_as()), 2)
end

local string_metatable = getmetatable("")
string_metatable.__index = text
for _, event in ipairs { "__add", "__sub", "__mul", "__mod", "__pow", "__div", "__idiv", "__unm" } do
  local native = string_metatable[event]
  string_metatable[event] = function(left, right)
    if is_long(left) or is_long(right) then error("attempt to perform arithmetic on a long string", 2) end
    return native(left, right)
  end
end
string_metatable.__metatable = false
base.string = freeze(text, function(_, value)
  if type(value) == "string" then return value end
  error("expected string, got " .. type(value), 2)
end)

-- ---- table: no native loop is longer than the table, and none runs metamethods, which could not be preempted there ----

local MAX_LENGTH = 1 << 27
local function checked_length(t)
  local length = #t
  if type(length) ~= "number" or length > MAX_LENGTH then error("table length " .. tostring(length) .. " is out of range", 3) end
  return length
end
local function checked_range(first, last)
  if type(first) == "number" and type(last) == "number" and last - first > MAX_LENGTH then
    error("too many elements (" .. tostring(last - first + 1) .. ")", 3)
  end
end
-- What is no table at all is left to the native function, which knows the words for it.
local function is_plain(t) return type(t) ~= "table" or getmetatable(t) == nil end

local list = {}
for key, fn in next, table do list[key] = fn end
local insert, remove, move, sort = table.insert, table.remove, table.move, table.sort

function list.insert(t, ...)
  if is_plain(t) then return insert(t, ...) end
  local n, count = checked_length(t), select("#", ...)
  local position, value = ...
  if count == 1 then position, value = n + 1, position end
  if count ~= 1 and count ~= 2 then error("wrong number of arguments to 'insert'", 2) end
  if type(position) ~= "number" or position < 1 or position > n + 1 then
    error("bad argument #2 to 'insert' (position out of bounds)", 2)
  end
  for i = n, position, -1 do t[i + 1] = t[i] end
  t[position] = value
end
function list.remove(t, ...)
  if is_plain(t) then return remove(t, ...) end
  local n, position = checked_length(t), ...
  position = position or n
  if type(position) ~= "number" or (position ~= n and (position < 1 or position > n + 1)) then
    error("bad argument #2 to 'remove' (position out of bounds)", 2)
  end
  local value = t[position]
  while position < n do
    t[position] = t[position + 1]
    position = position + 1
  end
  t[position] = nil
  return value
end
function list.concat(t, separator, first, last)
  if is_plain(t) then
    checked_range(first or 1, last or 1)
    return concat(t, separator, first, last)
  end
  first, last = first or 1, last or checked_length(t)
  checked_range(first, last)
  local parts = {}
  for i = first, last do
    local part = t[i]
    if type(part) ~= "string" and type(part) ~= "number" then
      error("invalid value (at index " .. i .. ") in table for 'concat'", 2)
    end
    parts[#parts + 1] = part
  end
  return concat(parts, separator)
end

local MOVED_AT_ONCE = 1 << 16
function list.move(from, first, last, to, into)
  checked_range(first, last)
  local counts = type(first) == "number" and type(last) == "number" and type(to) == "number"
  local whole = is_plain(from) and is_plain(into)
  if not counts or (whole and last - first < MOVED_AT_ONCE) then
    if into == nil then return move(from, first, last, to) end
    return move(from, first, last, to, into)
  end
  local target, step = into or from, whole and MOVED_AT_ONCE or 1
  local function part(i)
    if not whole then target[to + (i - first)] = from[i] return end
    move(from, i, i + step - 1 < last and i + step - 1 or last, to + (i - first), target)
  end
  if to > last or to <= first or target ~= from then
    for i = first, last, step do part(i) end
  else
    for i = first + (last - first) // step * step, first, -step do part(i) end
  end
  return target
end

-- Few numbers and short strings are sorted natively. The rest by a merge sort in Lua: what compares can be preempted there,
-- and may wait.
local function sorts_natively(t)
  if not is_plain(t) then return false end
  if type(t) ~= "table" then return true end
  local n = #t
  if n > 20000 then return false end
  for i = 1, n do
    local kind = type(t[i])
    if kind ~= "number" and (kind ~= "string" or #t[i] > 1000) then return false end
  end
  return true
end
local function in_order(a, b) return a < b end
function list.sort(t, less)
  if less == nil then
    if sorts_natively(t) then return sort(t) end
    less = in_order
  end
  if type(t) ~= "table" then error("bad argument #1 to 'sort' (table expected, got " .. type(t) .. ")", 2) end
  if type(less) ~= "function" then error("bad argument #2 to 'sort' (function expected, got " .. type(less) .. ")", 2) end
  local n = checked_length(t)
  local source, target = {}, {}
  for i = 1, n do source[i] = t[i] end
  local width = 1
  while width < n do
    for left = 1, n, 2 * width do
      local middle, right = left + width, left + 2 * width
      if middle > n + 1 then middle = n + 1 end
      if right > n + 1 then right = n + 1 end
      local a, b = left, middle
      for k = left, right - 1 do
        if a < middle and (b >= right or not less(source[b], source[a])) then
          target[k], a = source[a], a + 1
        else
          target[k], b = source[b], b + 1
        end
      end
    end
    source, target, width = target, source, width * 2
  end
  for i = 1, n do t[i] = source[i] end
end

function list.create() return {} end
function list.maxn(t)
  local highest = 0
  for key in next, t do
    if type(key) == "number" and key > highest then highest = key end
  end
  return highest
end
function list.getn(t) return #t end
base.table = freeze(list)

-- ---- math ----

local numbers = {}
for key, fn in next, math do numbers[key] = fn end
function numbers.pow(x, y) return x ^ y end
function numbers.atan2(y, x) return math.atan(y, x) end
function numbers.log10(x) return math.log(x, 10) end
function numbers.ldexp(m, e) return m * 2.0 ^ e end
function numbers.frexp(x)
  if x == 0 or x ~= x or x == math.huge or x == -math.huge then return x, 0 end
  local exponent = floor(math.log(x < 0 and -x or x, 2)) + 1
  local mantissa = x / 2.0 ^ exponent
  if mantissa >= 1 or mantissa <= -1 then mantissa, exponent = mantissa / 2, exponent + 1 end
  return mantissa, exponent
end
function numbers.sinh(x) return (math.exp(x) - math.exp(-x)) / 2 end
function numbers.cosh(x) return (math.exp(x) + math.exp(-x)) / 2 end
function numbers.tanh(x)
  local up, down = math.exp(x), math.exp(-x)
  return (up - down) / (up + down)
end
function numbers.mod(x, y) return math.fmod(x, y) end
base.math = freeze(numbers)
base.utf8 = freeze(utf8)

-- ---- coroutines: what the host suspends inside a user's coroutine must reach the scheduler ----

local resume, yield, create = coroutine.resume, coroutine.yield, coroutine.create
local suspended_by_host = host.suspended_by_host
local finish
local function again(thread, ...) return finish(thread, resume(thread, ...)) end
function finish(thread, ...)
  if suspended_by_host(thread) then return again(thread, yield()) end
  return ...
end
local function raise_failure(ok, ...)
  if ok then return ... end
  error((...), 0)
end
local status, close, spawn = coroutine.status, coroutine.close, host.coroutine_spawn
local routines = {
  create = create, yield = yield, status = status, running = coroutine.running, isyieldable = coroutine.isyieldable,
}
-- Threads of coroutine.spawn: the scheduler resumes them, nobody else.
local scheduled = setmetatable({}, { __mode = "k" })
function routines.spawn(fn)
  local thread = spawn(fn)
  scheduled[thread] = true
  return thread
end
function routines.resume(thread, ...)
  if scheduled[thread] and status(thread) == "suspended" then return false, "cannot resume non-suspended coroutine" end
  return finish(thread, resume(thread, ...))
end
function routines.wrap(fn)
  local thread = create(fn)
  return function(...) return raise_failure(finish(thread, resume(thread, ...))) end
end
-- A coroutine of coroutine.spawn is ended with what it waits for (a function call, a request); others close as in Lua.
function routines.close(thread)
  if host.coroutine_end(thread) then return true end
  return close(thread)
end
base.coroutine = freeze(routines)

-- ---- channels, messages, errors ----

local channel_methods = freeze {
  send = host.channel_send, receive = host.channel_receive, close = host.channel_close,
  case_send = host.channel_case_send, case_receive = host.channel_case_receive,
}
local function show_channel() return "channel" end
local channel_metatable = { __index = channel_methods, __metatable = false, __name = "channel", __gc = host.release_channel, __tostring = show_channel }
-- A receive case is the channel itself in another coat; its finaliser must not free the channel.
local receive_case_metatable = { __index = channel_methods, __metatable = false, __name = "channel case", __tostring = show_channel }
local send_case_metatable = { __metatable = false, __name = "channel case", __gc = host.release_handle }

local raw_select = host.channel_select
base.channel = freeze {
  new = host.channel_new,
  select = function(cases, default)
    local ready, value, ok = raw_select(cases, default or (type(cases) == "table" and cases.default))
    if ready then return { channel = ready, value = value, ok = ok } end
    -- nil and an error: a channel that a waiting case would have sent on was closed
    if value ~= nil then error(value, 0) end
    return { default = true, ok = true }
  end,
}

local message_metatable = {
  __index = freeze { topic = host.message_topic, from = host.message_from, payload = host.message_payload },
  __metatable = false, __name = "process.Message",
  __tostring = function(message) return "process.Message{topic=" .. message:topic() .. "}" end,
}
local payload_metatable = {
  __index = freeze {
    data = host.payload_data, unmarshal = host.payload_unmarshal, transcode = host.payload_transcode,
    get_format = host.payload_format,
  },
  __metatable = false, __name = "payload",
  __tostring = function(payload) return "payload{format=" .. payload:get_format() .. "}" end,
}
local error_text = host.error_text
local error_metatable = {
  __index = freeze {
    message = host.error_message, kind = host.error_kind, retryable = host.error_retryable,
    details = host.error_details, stack = host.error_stack,
  },
  __metatable = false, __name = "error", __gc = host.release_handle, __tostring = error_text,
  __concat = function(left, right) return tostring(left) .. tostring(right) end,
  __eq = host.error_equal,
}

-- ---- globals and require ----

-- Libraries loaded so far, by process environment.
local loaded = setmetatable({}, { __mode = "k" })
local environment = host.environment

local modules = {}
local function open_module(name)
  local module = modules[name]
  if module == nil then
    module = host.open_module(name)
    modules[name] = module
  end
  return module
end

local make_require
local function load_library(env, index)
  local libraries = loaded[env]
  if not libraries then
    libraries = {}
    loaded[env] = libraries
  end
  local value = libraries[index]
  if value == nil then
    local code = codes[index]
    value = code.factory(env, code.require, code.granted())()
    if value == nil then value = true end
    libraries[index] = value
  end
  return value
end

function make_require(code)
  return function(name)
    local env = environment()
    local value = rawget(env, name)
    if value ~= nil then return value end
    local module = code.modules[name]
    if module then return open_module(module) end
    local library = code.imports[name]
    if library then return load_library(env, library) end
    value = base[name]
    if value == nil then error("module '" .. tostring(name) .. "' not found", 2) end
    return value
  end
end

for index = 1, #codes do
  local code = codes[index]
  code.require = make_require(code)
  -- Modules a library was granted are locals of its chunk, in this order.
  local names = code.locals
  code.granted = function()
    local values = {}
    for i = 1, #names do values[i] = open_module(code.modules[names[i]]) end
    return unpack(values, 1, #names)
  end
end

local entry = codes[1]
base.require = entry.require
-- Opened when first named: most programs name few, and a Lua state is made for every worker of a function.
local unopened = {}
for i = 1, #base_modules do unopened[base_modules[i]] = true end
base.subscribe, base.unsubscribe = host.process_subscribe, host.process_unsubscribe
if types_library then
  local types = types_library()
  types.match = host.match_regexp
  base.__types = freeze(types)
end
base._VERSION = "Lua 5.3 - Wippy Modification"
base.package = freeze { loaded = freeze {}, path = "", cpath = "" }
setmetatable(base, {
  -- Reached only by names that are neither globals of the process nor base: grants and imports of the entry, as plain globals.
  __index = function(_, name)
    if name == "_G" then return environment() end
    if unopened[name] then
      unopened[name] = nil
      rawset(base, name, open_module(name))
      return rawget(base, name)
    end
    local module = entry.modules[name]
    if module then return open_module(module) end
    local library = entry.imports[name]
    if library then return load_library(environment(), library) end
  end,
  __metatable = false,
})

local environment_metatable = { __index = base, __metatable = false }

-- Runs the chunk for a new process and answers its method, or nil when there is none.
local function open()
  local env = setmetatable({}, environment_metatable)
  if needs_environment then host.set_environment(env) end
  local result = entry.factory(env, entry.require)()
  if type(result) == "table" then result = result[method] end
  if type(result) == "function" then return result end
  return nil
end

return open, channel_metatable, receive_case_metatable, message_metatable, payload_metatable, error_metatable,
  send_case_metatable, collectgarbage
