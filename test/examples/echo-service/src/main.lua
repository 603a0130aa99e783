-- Talks to the echo service by its name.
local io = require("io")
local time = require("time")

-- Sends until somebody of that name is there: the service may be starting again.
local function send(text)
  while true do
    local sent, err = process.send("echo", "say", text)
    if sent then return end
    if err:kind() ~= errors.NOT_FOUND then error(err) end
    time.sleep("5ms")
  end
end

local function main()
  local echoes = process.listen("echo")
  while true do
    local line = io.readline()
    if not line then return end
    send(line)
    if line == "crash" then
      local old = process.registry.lookup("echo")
      while process.registry.lookup("echo") == old do time.sleep("1ms") end
      send("here again")
    end
    local text = echoes:receive()
    io.print(text)
  end
end

return { main = main }
