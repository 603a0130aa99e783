-- A process that hears of events and keeps the sum.
local events = require("events")

-- Adds up what was paid, until the day is over.
local function main(shop)
  local subscription = assert(events.subscribe("shop", "*.(paid|over)"))
  process.send(shop, "open", true)
  local total = 0
  while true do
    local event = subscription:channel():receive()
    if event.kind == "day.over" then break end
    total = total + event.data.amount
  end
  subscription:close()
  return total
end

return { main = main }
