-- What the rehearsal model understands: for each kind of question how to recognise it, and either the Lua tool that answers
-- it or the tool of the agent to ask. Answers are made from what a tool returned, never from here.

local json = require("json")

local recipes = {}

-- Reading questions -------------------------------------------------------------------------------------------------

local function has_word(text, words)
  for _, word in ipairs(words) do
    -- Letters outside ASCII have no word borders here; there the plain text is enough.
    if word:find("^[%a ]+$") then
      if text:find("%f[%a]" .. word .. "%f[%A]") then return true end
    elseif text:find(word, 1, true) then
      return true
    end
  end
  return false
end

local function url_in(text)
  local url = text:match("https?://[^%s\"'<>]+")
  return url and (url:gsub("[%.,;:!%?%)]+$", ""))
end

local SPOKEN_OPERATORS = {
  { "multiplied by", "*" }, { "divided by", "/" }, { "to the power of", "^" }, { "plus", "+" }, { "minus", "-" },
  { "times", "*" }, { "\195\151", "*" }, { "\195\183", "/" }, { "\226\136\146", "-" },
}

local function is_balanced(text)
  local depth = 0
  for bracket in text:gmatch("[%(%)]") do
    depth = depth + (bracket == "(" and 1 or -1)
    if depth < 0 then return false end
  end
  return depth == 0
end

-- The longest piece of text that is a calculation, or nil.
local function expression_in(text)
  if text:find("%d%d%d%d%-%d%d?%-%d%d?") then return nil end -- a date is not a subtraction
  local plain = text:gsub("(%d),(%d%d%d)", "%1%2"):gsub("(%d+%.?%d*)%s*%%%s*of%s+", "%1 / 100 * ")
  for _, pair in ipairs(SPOKEN_OPERATORS) do
    plain = plain:gsub("%s*" .. pair[1]:gsub("%W", "%%%0") .. "%s*", " " .. pair[2]:gsub("%%", "%%%%") .. " ")
  end
  local longest
  for piece in plain:gmatch("[%d%s%+%-%*/%%%^%(%)%.]+") do
    local candidate = piece:match("^%s*(.-)[%s%.]*$")
    local calculates = candidate:find("[%d%)]%s*[%+%-%*/%%%^]+%s*[%d%(%-]")
    if calculates and is_balanced(candidate) and (not longest or #candidate > #longest) then longest = candidate end
  end
  return longest
end

-- Tools it writes ---------------------------------------------------------------------------------------------------

local function one_string(name, description)
  return {
    type = "object",
    properties = { [name] = { type = "string", description = description } },
    required = { name },
    additionalProperties = false,
  }
end

local function clip(text, length)
  text = tostring(text):gsub("%s+", " ")
  if #text <= length then return text end
  return (text:sub(1, length):gsub("[\192-\255][\128-\191]*$", "")) .. "..."
end

local CALCULATE = {
  tool = "calculate",
  doc = "lua/dynamic/expression",
  description = "Evaluates an arithmetic expression",
  modules = { "expr" },
  input_schema = one_string("expression", "Such as 2 * (3 + 4)"),
  source = [[
local expr = require("expr")

local function handler(input)
  local value, err = expr.eval(input.expression)
  if err then
    return { error = tostring(err) }
  end
  return { expression = input.expression, value = value }
end

return { handler = handler }
]],
  arguments = function(text)
    local expression = expression_in(text)
    return expression and { expression = expression }
  end,
  answer = function(result)
    return string.format("%s = %s.", result.expression, tostring(result.value))
  end,
}

local TIME_WORDS = {
  "time", "date", "clock", "today", "what day", "uhr", "uhrzeit", "datum", "heure", "hora", "fecha",
  "\236\139\156\234\176\132", "\235\170\135 \236\139\156", "\235\130\160\236\167\156", -- Korean: time, what hour, date
  "\228\187\138\228\189\149\230\153\130", "\230\153\130\233\150\147", "\231\142\176\229\156\168\229\135\160\231\130\185",
}

local CURRENT_TIME = {
  tool = "current_time_utc",
  doc = "lua/core/time",
  description = "Returns the current date and time in UTC",
  modules = { "time" },
  source = [[
local time = require("time")

local function handler()
  local now = time.now():utc()
  return { utc = now:format("2006-01-02T15:04:05Z"), date = now:format("Monday, 2 January 2006") }
end

return { handler = handler }
]],
  arguments = function(text)
    return has_word(text:lower(), TIME_WORDS) and {} or nil
  end,
  answer = function(result, _, text)
    if has_word(text:lower(), { "date", "today", "what day" }) then
      return string.format("Today is %s (UTC).", result.date)
    end
    return string.format("The current UTC time is %s.", result.utc)
  end,
}

local function ip_in(body)
  local decoded = json.decode(body)
  if type(decoded) ~= "table" then return body:match("^%s*(%d+%.%d+%.%d+%.%d+)%s*$") end
  return decoded.origin or decoded.ip
end

local HTTP_GET = {
  tool = "http_get",
  doc = "lua/http/client",
  description = "Fetches a URL with GET and returns status and body",
  modules = { "http_client" },
  input_schema = one_string("url", "Absolute http or https URL"),
  source = [[
local http_client = require("http_client")

local function handler(input)
  local resp, err = http_client.get(input.url, { timeout = 20 })
  if err then
    return { error = tostring(err) }
  end
  return { status = resp.status_code, body = (resp.body or ""):sub(1, 8000) }
end

return { handler = handler }
]],
  arguments = function(text)
    local url = url_in(text)
    return url and { url = url }
  end,
  answer = function(result, arguments, text)
    local body = tostring(result.body or "")
    local ip = has_word(text:lower(), { "ip", "my ip" }) and ip_in(body)
    if ip then return string.format("Your IP is %s.", tostring(ip)) end
    if body == "" then return string.format("%s answered HTTP %s without a body.", arguments.url, tostring(result.status)) end
    return string.format("%s answered HTTP %s: %s", arguments.url, tostring(result.status), clip(body, 400))
  end,
}

local SHA256 = {
  tool = "sha256_hex",
  doc = "lua/security/hash",
  description = "Returns the SHA-256 hash of a text",
  modules = { "hash" },
  input_schema = one_string("text", "What to hash"),
  source = [[
local hash = require("hash")

local function handler(input)
  local digest, err = hash.sha256(input.text)
  if err then
    return { error = tostring(err) }
  end
  return { text = input.text, sha256 = digest }
end

return { handler = handler }
]],
  arguments = function(text)
    local hashed = text:match("[Ss][Hh][Aa]%-?256%s+hash%s+of%s+(.+)") or text:match("[Ss][Hh][Aa]%-?256%s+of%s+(.+)")
    if not hashed then return nil end
    return { text = hashed:match('^"(.-)"') or hashed:match("^'(.-)'") or hashed:match("^(.-)[%?%.!]*$") }
  end,
  answer = function(result)
    return string.format('The SHA-256 hash of "%s" is %s.', tostring(result.text), tostring(result.sha256))
  end,
}

local UUID = {
  tool = "new_uuid",
  doc = "lua/security/uuid",
  description = "Returns a new random UUID",
  modules = { "uuid" },
  source = [[
local uuid = require("uuid")

local function handler()
  local id, err = uuid.v4()
  if err then
    return { error = tostring(err) }
  end
  return { uuid = id }
end

return { handler = handler }
]],
  arguments = function(text)
    return has_word(text:lower(), { "uuid", "guid" }) and {} or nil
  end,
  answer = function(result)
    return string.format("A new UUID is %s.", tostring(result.uuid))
  end,
}

-- Tools it asks -----------------------------------------------------------------------------------------------------

local ENTRY_TYPES = {
  { words = { "tool", "tools" }, type = "tool", called = "tools" },
  { words = { "model", "models" }, type = "llm.model", called = "models" },
  { words = { "agent", "agents" }, type = "agent.gen1", called = "agents" },
}

local function listed_type(text)
  for _, kind in ipairs(ENTRY_TYPES) do
    if has_word(text, kind.words) then return kind end
  end
  return nil
end

local READ_ENTRY = {
  tool = "registry_read",
  arguments = function(text)
    if text:find("://", 1, true) then return nil end
    local id = text:match("%f[%w_][%a_][%w_%.%-]*:[%a_][%w_%.%-]*")
    return id and { id = (id:gsub("%.$", "")) }
  end,
  answer = function(result)
    local comment = result.meta and (result.meta.comment or result.meta.title)
    return string.format("%s is an entry of kind %s%s.", result.id, result.kind, comment and ": " .. clip(comment, 200) or "")
  end,
}

local LIST_ENTRIES = {
  tool = "registry_list",
  arguments = function(text)
    local lower = text:lower()
    local kind = listed_type(lower)
    if not kind or not has_word(lower, { "list", "which", "what", "show", "have" }) then return nil end
    return { type = kind.type }
  end,
  answer = function(result, arguments)
    local ids = {}
    for _, entry in ipairs(result.entries or {}) do ids[#ids + 1] = entry.id end
    return string.format("%d entries of type %s: %s.", result.count or #ids, arguments.type, table.concat(ids, ", "))
  end,
}

local function results_text(results)
  if type(results) ~= "table" then return clip(results or "", 400) end
  local lines = {}
  for i = 1, math.min(3, #results) do
    local hit = results[i]
    lines[i] = type(hit) == "table" and tostring(hit.path or hit.title or json.encode(hit)) or tostring(hit)
  end
  return #lines > 0 and table.concat(lines, ", ") or "nothing"
end

local READ_DOCS = {
  tool = "doc_search",
  arguments = function(text)
    local path = text:match("%f[%w](lua/[%w_/%-]+)") or text:match("%f[%w](guides/[%w_/%-]+)")
    if path then return { path = path } end
    local lower = text:lower()
    if not has_word(lower, { "docs", "documentation", "how do i", "how to", "manual" }) then return nil end
    local about = lower:match("docs?%s+for%s+(.+)") or lower:match("docs?%s+about%s+(.+)")
      or lower:match("documentation%s+%a+%s+(.+)") or lower
    return { query = (about:gsub("[%?%.!]+$", "")) }
  end,
  answer = function(result, arguments)
    if result.content then
      return string.format("The page %s says: %s", arguments.path, clip(result.content, 400))
    end
    return string.format("The documentation has this on \"%s\": %s.", arguments.query, results_text(result.results))
  end,
}

local WRITTEN = { HTTP_GET, SHA256, UUID, CALCULATE, CURRENT_TIME }
local ASKED = { READ_ENTRY, READ_DOCS, LIST_ENTRIES }

--- The recipe for a question and the arguments for its tool; nil for what it does not understand. A recipe with `source` is
--- a tool to write, one without is a tool the agent has.
function recipes.find(text)
  local sure = HTTP_GET.arguments(text)
  if sure then return HTTP_GET, sure end
  for _, list in ipairs({ ASKED, WRITTEN }) do
    for _, recipe in ipairs(list) do
      local arguments = recipe.arguments(text)
      if arguments then return recipe, arguments end
    end
  end
  return nil
end

--- What it says of itself.
recipes.ABOUT = "I am the rehearsal model: a few offline rules, not an AI. I can tell the time, calculate, fetch a URL, make a "
  .. "UUID or a SHA-256 hash, and look into the documentation and the registry. "

recipes.CONFIGURE = "For anything else set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own."

return recipes
