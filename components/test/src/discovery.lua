-- From test entries to an ordered list of suites.

local discovery = {}

local NO_SUITE = "other"

local function is_wanted(id, filters)
  if #filters == 0 then return true end
  for _, filter in ipairs(filters) do
    if id:find(filter, 1, true) then return true end
  end
  return false
end

--- The entries whose id has one of the filters in it; all of them without filters.
function discovery.filter(entries, filters)
  local wanted = {}
  for _, entry in ipairs(entries) do
    if is_wanted(entry.id, filters) then wanted[#wanted + 1] = entry end
  end
  return wanted
end

local function order_of(entry)
  return tonumber(entry.meta and entry.meta.order) or 0
end

--- { name, entries } by meta.suite: suites by name, entries by meta.order, then id.
function discovery.group(entries)
  local by_name, suites = {}, {}
  for _, entry in ipairs(entries) do
    local name = entry.meta and entry.meta.suite
    name = name ~= nil and tostring(name) or NO_SUITE
    if not by_name[name] then
      by_name[name] = { name = name, entries = {} }
      suites[#suites + 1] = by_name[name]
    end
    table.insert(by_name[name].entries, entry)
  end
  table.sort(suites, function(a, b) return a.name < b.name end)
  for _, suite in ipairs(suites) do
    table.sort(suite.entries, function(a, b)
      if order_of(a) ~= order_of(b) then return order_of(a) < order_of(b) end
      return a.id < b.id
    end)
  end
  return suites
end

return discovery
