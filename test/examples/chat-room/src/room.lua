-- Members by pid. What one says, all hear, the speaker included.
local members = {}

local function tell_all(text)
  for pid in pairs(members) do process.send(pid, "heard", text) end
end

local on = {}

function on.join(pid, name)
  members[pid] = name
  process.monitor(pid) -- tells us when it ends
  tell_all("* " .. name .. " joined")
end

function on.say(pid, text)
  if members[pid] then tell_all(members[pid] .. ": " .. text) end
end

local function main()
  assert(process.registry.register("room"))
  local inbox, events = process.inbox(), process.events()
  while true do
    local got = channel.select { inbox:case_receive(), events:case_receive() }
    if got.channel == inbox then
      local message = got.value
      on[message:topic()](message:from(), message:payload():data())
    elseif got.value.kind == process.event.EXIT then
      local name = members[got.value.from]
      members[got.value.from] = nil
      tell_all("* " .. name .. " left")
    else
      return -- asked to stop
    end
  end
end

return { main = main }
