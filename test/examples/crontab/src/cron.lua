-- Schedules as crontab writes them: numbers, lists, ranges and steps in five fields.
local cron = {}

-- `part` is `*`, `5`, `1-5`, each with an optional `/step`.
local function part_fits(part, value)
  local range, step = part:match("^([^/]+)/(%d+)$")
  range, step = range or part, tonumber(step or 1)
  if range == "*" then return value % step == 0 end
  local first, last = range:match("^(%d+)%-(%d+)$")
  first = tonumber(first or range)
  last = tonumber(last or first)
  return value >= first and value <= last and (value - first) % step == 0
end

local function field_fits(field, value)
  for part in field:gmatch("[^,]+") do
    if part_fits(part, value) then return true end
  end
  return false
end

-- Whether the minute of `at`, a Time, is one of the schedule's.
function cron.due(schedule, at)
  local values = { at:minute(), at:hour(), at:day(), at:month(), at:weekday() }
  local index = 0
  for field in schedule:gmatch("%S+") do
    index = index + 1
    if not field_fits(field, values[index]) then return false end
  end
  return index == #values
end

return cron
