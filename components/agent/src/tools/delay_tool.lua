-- A tool that answers after a while, for trying out how a host runs calls.

local time = require("time")
local ctx = require("ctx")

local MAX_DELAY_MS = 60000

--- Input { message, delay_ms }. Output { message, delay_ms, call_id? }.
local function execute(input)
  input = input or {}
  local delay = math.max(0, math.min(tonumber(input.delay_ms) or 0, MAX_DELAY_MS))
  if delay > 0 then time.sleep(delay * time.MILLISECOND) end
  local call_id = ctx.get("call_id")
  return { message = input.message or "", delay_ms = delay, call_id = call_id }
end

return { execute = execute }
