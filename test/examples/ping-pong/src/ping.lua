-- Two processes that send to each other: this one begins.
local io = require("io")

local ROUNDS = 3

local function main()
  local pongs = process.listen("pong")
  local player = process.spawn("app:pong", "app:processes")
  for round = 1, ROUNDS do
    io.print("ping " .. round)
    process.send(player, "ping", round)
    io.print("pong " .. pongs:receive())
  end
  process.terminate(player)
end

return { main = main }
