-- What the registry holds: ids, kinds and titles, never data or source.

local registry = require("registry")

local DEFAULT_LIMIT, MAX_LIMIT = 50, 200

local function given(text)
  return type(text) == "string" and text ~= ""
end

local function find(input)
  local filter = {}
  if given(input.namespace) then filter[".ns"] = input.namespace end
  if given(input.kind) then filter[".kind"] = input.kind end
  if given(input.type) then filter["meta.type"] = input.type end
  if next(filter) ~= nil then return registry.find(filter) end
  local snapshot, err = registry.snapshot()
  if not snapshot then return nil, err end
  return snapshot:entries()
end

local function summary(entry)
  local meta = entry.meta or {}
  return { id = entry.id, kind = entry.kind, type = meta.type, title = meta.title, comment = meta.comment }
end

--- Input { namespace?, kind?, type?, limit? }. Output { count, entries, truncated? } sorted by id, or { error }.
local function handler(input)
  local entries, err = find(input)
  if not entries then return { error = tostring(err) } end
  table.sort(entries, function(a, b) return a.id < b.id end)

  local limit = math.floor(tonumber(input.limit) or DEFAULT_LIMIT)
  limit = math.max(1, math.min(limit, MAX_LIMIT))
  local listed = {}
  for i = 1, math.min(limit, #entries) do listed[i] = summary(entries[i]) end
  return { count = #entries, entries = listed, truncated = #entries > limit or nil }
end

return { handler = handler }
