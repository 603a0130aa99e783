-- Sends back what it gets, with the topic and the number of values, until it is told to stop.
local function main(parent)
  local inbox = process.inbox()
  local typed = process.listen("typed")
  process.send(parent, "ready", process.pid())
  while true do
    local result = channel.select({ typed:case_receive(), inbox:case_receive() })
    if result.channel == typed then
      process.send(parent, "typed back", result.value)
    else
      local message = result.value
      if message:topic() == "stop" then return "stopped" end
      local payloads = message:payload()
      local values, count = {}, 0
      if type(payloads) == "table" then
        count = #payloads
        for i, one in ipairs(payloads) do values[i] = one:data() end
      elseif payloads ~= nil then
        count = 1
        values[1] = payloads:data()
      end
      process.send(parent, "back", { topic = message:topic(), from = message:from(), values = values, count = count })
    end
  end
end

return { main = main }
