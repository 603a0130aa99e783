-- A process that keeps values under keys: one mailbox, one request after the other.
local requests = {}

function requests.set(data, request)
  data[request.key] = request.value
  return "ok"
end

function requests.get(data, request)
  return data[request.key]
end

function requests.delete(data, request)
  local existed = data[request.key] ~= nil
  data[request.key] = nil
  return existed
end

function requests.keys(data)
  local keys = {}
  for key in pairs(data) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function main()
  assert(process.registry.register("kv"))
  local data = {}
  local inbox, events = process.inbox(), process.events()
  while true do
    local got = channel.select { inbox:case_receive(), events:case_receive() }
    if got.channel == events then return end -- asked to stop
    local request = got.value:payload():data()
    local answer = requests[got.value:topic()](data, request)
    process.send(got.value:from(), request.reply, { value = answer })
  end
end

return { main = main }
