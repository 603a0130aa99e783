-- Mocks of global functions: `mock("process.send", fn)`. The global table is replaced by a copy with that one field changed,
-- because module tables cannot be written to. What was there comes back by itself after each case.

local mocks = {}

local originals = {} -- object name -> the table before its first mock
local replaced = {} -- object name -> field -> true
local framework_topics = { ["test:update"] = true }

local function deep_copy(value, seen)
  if type(value) ~= "table" then return value end
  seen = seen or {}
  if seen[value] then return seen[value] end
  local copy = {}
  seen[value] = copy
  for key, item in pairs(value) do copy[key] = deep_copy(item, seen) end
  return copy
end

local function split_path(path)
  local object, field
  if type(path) == "string" then object, field = path:match("^([%a_][%w_]*)%.([%a_][%w_]*)$") end
  if not object then error('mock path must be "object.field", got ' .. tostring(path), 3) end
  return object, field
end

--- Messages of the framework itself, on this topic too, pass by a mocked process.send.
function mocks.register_namespace(topic)
  framework_topics[topic] = true
end

-- A test that mocks process.send must not silence its own reports.
local function keeping_reports(original, replacement)
  return function(pid, topic, ...)
    local ours = framework_topics[topic] or (type(topic) == "string" and topic:find("^test:") ~= nil)
    if ours then return original(pid, topic, ...) end
    return replacement(pid, topic, ...)
  end
end

--- Replaces a field of a global table until it is restored.
function mocks.mock(path, replacement)
  local object, field = split_path(path)
  local current = _G[object]
  if type(current) ~= "table" then error('no global table "' .. object .. '" to mock', 2) end
  if not originals[object] then originals[object], replaced[object] = current, {} end
  local copy = deep_copy(current)
  if object == "process" and field == "send" and type(replacement) == "function" then
    replacement = keeping_reports(originals[object].send, replacement)
  end
  copy[field] = replacement
  replaced[object][field] = true
  _G[object] = copy
end

--- Gives one field back; the other mocks of its table stay.
function mocks.restore(path)
  local object, field = split_path(path)
  if not originals[object] or not replaced[object][field] then return end
  replaced[object][field] = nil
  if next(replaced[object]) == nil then
    _G[object] = originals[object]
    originals[object], replaced[object] = nil, nil
  else
    local copy = deep_copy(_G[object])
    copy[field] = originals[object][field]
    _G[object] = copy
  end
end

function mocks.restore_all()
  for object, original in pairs(originals) do _G[object] = original end
  originals, replaced = {}, {}
end

return mocks
