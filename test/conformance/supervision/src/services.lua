-- Processes that run as services and count their starts.
local store = require("store")

local function started(name)
  local trace = store.get("app:trace")
  local n = (trace:get(name) or 0) + 1
  trace:set(name, n)
  return n
end

local function steady(one, two)
  started("steady")
  local security = require("security")
  local actor = security.actor()
  local events = process.events()
  process.registry.register("steady", process.pid())
  store.get("app:trace"):set("steady seen", {
    one = one, two = two.two, actor = actor and actor:id(), role = actor and actor:meta().role, scoped = security.scope() ~= nil,
  })
  events:receive()
end

local function failing()
  error("attempt " .. started("failing"))
end

local function returning(name)
  started(name)
end

local function final()
  started("final")
  return nil, errors.new({ message = "for good", retryable = false })
end

return { steady = steady, failing = failing, returning = returning, final = final }
