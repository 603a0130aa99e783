-- What the trait "Time Aware" adds to a prompt: the current time, rounded down so that prompts stay cacheable for a while.

local time = require("time")

local DEFAULT_INTERVAL_MINUTES, DEFAULT_TIMEZONE = 15, "UTC"

--- Called at compile time with the trait's prompt and its context { timezone?, time_interval? (minutes) }.
local function execute(_, context)
  context = context or {}
  local interval = tonumber(context.time_interval) or DEFAULT_INTERVAL_MINUTES
  local zone = context.timezone or DEFAULT_TIMEZONE
  local location = time.load_location(zone)
  if not location then zone, location = DEFAULT_TIMEZONE, time.utc end

  local now = time.now():in_location(location)
  if interval >= 1 then
    -- Rounded on the clock of the place: half an hour's offset must not shift the quarters.
    local past = (now:hour() * 60 + now:minute()) % math.floor(interval)
    now = now:add(-((past * 60 + now:second()) * time.SECOND))
  end
  return {
    prompt = string.format("The current date and time is %s (%s).", now:format("Monday, January 2, 2006 15:04"), zone),
  }
end

return { execute = execute }
