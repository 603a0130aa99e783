-- One attempt at something, and what came of it: as values, not as a failure of this function.
local security, funcs, env, fs, events = require("security"), require("funcs"), require("env"), require("fs"), require("events")
local contract, registry, store = require("contract"), require("registry"), require("store")

local HOST = "app:processes"

local attempts = {
  ["process.spawn"] = function() return process.spawn("app:worker", HOST) end,
  ["process.host"] = function() return process.spawn("app:worker", HOST) end,
  ["process.spawn.monitored"] = function() return process.spawn_monitored("app:worker", HOST) end,
  ["process.spawn.linked"] = function() return process.spawn_linked("app:worker", HOST) end,
  ["process.send"] = function(pid) return process.send(pid, "t") end,
  ["process.cancel"] = function(pid) return process.cancel(pid) end,
  ["process.terminate"] = function(pid) return process.terminate(pid) end,
  ["process.monitor"] = function(pid) return process.monitor(pid) end,
  ["process.link"] = function(pid) return process.link(pid) end,
  ["process.context"] = function() return process.with_context({ a = 1 }) end,
  ["process.registry.register"] = function() return process.registry.register("a name") end,
  ["funcs.call"] = function() return funcs.call("app:quick") end,
  ["funcs.context"] = function() return funcs.new():with_context({ a = 1 }) end,
  ["funcs.security"] = function() return funcs.new():with_actor(security.actor()) end,
  ["registry.get"] = function() return registry.get("app:entry") end,
  ["registry.apply"] = function()
    return registry.snapshot():changes():update({ id = "app:entry", kind = "registry.entry", data = { value = 2 } }):apply()
  end,
  ["registry.create"] = function()
    return registry.snapshot():changes():create({ id = "app:made", kind = "registry.entry", data = {} }):apply()
  end,
  ["registry.update"] = function()
    return registry.snapshot():changes():update({ id = "app:entry", kind = "registry.entry", data = { value = 3 } }):apply()
  end,
  ["registry.delete"] = function() return registry.snapshot():changes():delete("app:entry"):apply() end,
  ["registry.apply_version"] = function() return registry.apply_version(registry.current_version()) end,
  ["env.get"] = function() return env.get("WORD") end,
  ["env.set"] = function() return env.set("WORD", "x") end,
  ["fs.get"] = function() return fs.get("app:files") end,
  ["store.get"] = function() return store.get("app:cache") end,
  ["store.key.get"] = function() return store.get("app:cache"):get("k") end,
  ["store.key.set"] = function() return store.get("app:cache"):set("k", 1) end,
  ["store.key.delete"] = function() return store.get("app:cache"):delete("k") end,
  ["store.key.list"] = function() return store.get("app:cache"):list({}) end,
  ["events.subscribe"] = function() return events.subscribe("shop") end,
  ["events.send"] = function() return events.send("shop", "k", "p") end,
  ["contract.get"] = function() return contract.get("app:greeter") end,
  ["contract.open"] = function() return contract.open("app:polite") end,
  ["contract.call"] = function() return contract.open("app:polite"):greet() end,
  ["contract.implementations"] = function() return contract.find_implementations("app:greeter") end,
  ["security.actor.create"] = function() return security.new_actor("bo") end,
  ["security.scope.create"] = function() return security.new_scope() end,
  ["security.policy.get"] = function() return security.policy("app:everything") end,
  ["security.policy_group.get"] = function() return security.named_scope("app:base") end,
}

local function attempt(action, pid)
  local ok, value, err = pcall(attempts[action], pid)
  if not ok then return { raised = true, text = tostring(value) } end
  if err ~= nil then return { kind = err:kind(), text = tostring(err), retryable = err:retryable() } end
  return { done = value ~= nil }
end

return { attempt = attempt }
