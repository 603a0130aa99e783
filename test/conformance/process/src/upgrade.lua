-- Becomes another process, or the same again, under the same pid.
local function main(parent, generation)
  generation = generation or 1
  local inbox = process.inbox()
  process.send(parent, "up", { generation = generation, pid = process.pid(), id = process.id() })
  local message = inbox:receive()
  if message:topic() == "again" then process.upgrade(nil, parent, generation + 1) end
  if message:topic() == "other" then process.upgrade("app:upgraded", parent, "hello") end
  if message:topic() == "wrong" then process.upgrade("app:nope") end
  return "generation " .. generation
end

local function second(parent, word)
  process.send(parent, "up", { word = word, pid = process.pid(), id = process.id() })
  return process.inbox():receive():topic()
end

return { main = main, second = second }
