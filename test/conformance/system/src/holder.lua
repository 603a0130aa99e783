-- Holds a lock until it is told to end.
local system = require("system")

local function main(parent, name)
  process.send(parent, "held", system.lock.acquire(name))
  process.listen("end"):receive()
end

return { main = main }
