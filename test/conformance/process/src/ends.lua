-- Processes that end in every way.
local function returns(...)
  return ...
end

local function raises()
  error("boom")
end

local function fails(how)
  if how == "text" then return nil, "it is text" end
  return nil, errors.new({ message = "no", kind = errors.CONFLICT, retryable = false, details = { id = 7 } })
end

local function raises_later()
  coroutine.spawn(function()
    require("time").sleep("1ms")
    error("in a coroutine")
  end)
  channel.new():receive()
end

local function identity()
  local security, ctx = require("security"), require("ctx")
  local actor = security.actor()
  return {
    pid = process.pid(), id = process.id(), actor = actor and actor:id(), scoped = security.scope() ~= nil, context = ctx.all(),
  }
end

local function waits(parent)
  if parent then process.send(parent, "ready", process.pid()) end
  channel.new():receive()
end

local function cancellable(parent)
  local events = process.events()
  process.send(parent, "ready", process.pid())
  local event = events:receive()
  return { kind = event.kind, from = event.from, reason = event.reason, at = event.at }
end

local function links_to(parent, other, trap)
  if trap then process.set_options({ trap_links = true }) end
  local events = process.events()
  local ok, err = process.link(other)
  process.send(parent, "ready", { ok = ok, err = err and tostring(err) })
  local event = events:receive()
  return { kind = event.kind, from = event.from, error = event.result and event.result.error and tostring(event.result.error) }
end

return {
  returns = returns, raises = raises, fails = fails, raises_later = raises_later, identity = identity, waits = waits,
  cancellable = cancellable, links_to = links_to,
}
