-- What others call instead of sending messages themselves.
local client = {}

local calls = 0

local function ask(topic, request)
  calls = calls + 1
  request.reply = "kv.reply." .. calls -- a topic of its own: answers cannot be mixed up
  local replies = process.listen(request.reply)
  local sent, err = process.send("kv", topic, request)
  if not sent then return nil, err end
  local answer = replies:receive()
  process.unlisten(replies)
  return answer.value
end

function client.set(key, value) return ask("set", { key = key, value = value }) end
function client.get(key) return ask("get", { key = key }) end
function client.delete(key) return ask("delete", { key = key }) end
function client.keys() return ask("keys", {}) end

return client
