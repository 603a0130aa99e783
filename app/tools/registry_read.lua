-- One registry entry, small enough for a conversation. Placeholders stay as they are written: no value of a variable shows.

local registry = require("registry")
local json = require("json")

local MAX_CHARS = 8000
local TRUNCATED = "\n... (truncated)"

-- At most `limit` bytes of text, cut between characters.
local function clip(text, limit)
  if #text <= limit then return text end
  local stop = math.max(0, limit)
  while stop > 0 and text:byte(stop + 1) >= 0x80 and text:byte(stop + 1) < 0xC0 do stop = stop - 1 end
  return text:sub(1, stop) .. TRUNCATED
end

local function size_of(value)
  local encoded = json.encode(value)
  return encoded and #encoded or 0
end

-- The source gives way first; if that is not enough, the data becomes clipped JSON text. A byte less of text is at least a
-- byte less of JSON, so taking away the excess always suffices.
local function fitted(result)
  local excess = size_of(result) - MAX_CHARS
  if excess <= 0 then return result end
  local body = result.data
  if type(body) == "table" and type(body.source) == "string" and #body.source > excess + 2 * #TRUNCATED then
    body.source = clip(body.source, #body.source - excess - 2 * #TRUNCATED)
    return result
  end
  result.data = json.encode(body)
  excess = size_of(result) - MAX_CHARS
  result.data = clip(result.data, #result.data - excess - 2 * #TRUNCATED)
  return result
end

--- Input { id }. Output { id, kind, meta, data } or { error }.
local function handler(input)
  if type(input.id) ~= "string" or not input.id:find("^[^:]+:.+$") then
    return { error = "invalid id: " .. tostring(input.id) }
  end
  local entry = registry.get(input.id)
  if not entry then return { error = "not found: " .. input.id } end
  return fitted({ id = entry.id, kind = entry.kind, meta = entry.meta or {}, data = entry.data })
end

return { handler = handler }
