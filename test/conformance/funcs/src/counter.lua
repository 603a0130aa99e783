-- Counts the calls of one state, and how many run in it at once.
local time = require("time")
local calls, inside, most = 0, 0, 0

local function next(wait)
  calls = calls + 1
  inside = inside + 1
  if inside > most then most = inside end
  if wait then time.sleep(wait) end
  inside = inside - 1
  return { calls = calls, most = most }
end

return { next = next }
