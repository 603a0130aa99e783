-- Tells the world of payments, and asks the ledger what they came to.
local io = require("io")
local events = require("events")

local function main()
  local open = process.listen("open")
  process.spawn_monitored("app:ledger", "app:processes", process.pid())
  open:receive() -- events reach those who have subscribed already

  events.send("shop", "order.new", "/orders/1", { amount = 30 })
  events.send("shop", "order.paid", "/orders/1", { amount = 30 })
  events.send("shop", "order.paid", "/orders/2", { amount = 12 })
  events.send("shop", "day.over", "/")

  local exit = process.events():receive()
  io.print("paid: " .. exit.result.value)
end

return { main = main }
