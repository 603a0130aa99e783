-- A service that sends back what it is sent, under a name.
local function main()
  assert(process.registry.register("echo"))
  local inbox, events = process.inbox(), process.events()
  while true do
    local got = channel.select { inbox:case_receive(), events:case_receive() }
    if got.channel == events then return end -- asked to stop
    local message = got.value
    local text = message:payload():data()
    if text == "crash" then error("crashed as told") end
    process.send(message:from(), "echo", text)
  end
end

return { main = main }
