-- The table of permissions: with everything allowed it works, with the one thing denied it is refused in these words.
local test = require("test")
local funcs = require("funcs")
local security = require("security")

local DENIED = errors.PERMISSION_DENIED
-- action, resource (nil is the worker's pid), kind of the error (false: it raises), text
local cases = {
  { "process.spawn", "app:worker", DENIED, "not allowed to spawn process: app:worker" },
  { "process.host", "app:processes", DENIED, "not allowed to spawn on host: app:processes" },
  { "process.spawn.monitored", "app:worker", DENIED, "not allowed to spawn monitored process: app:worker" },
  { "process.spawn.linked", "app:worker", DENIED, "not allowed to spawn linked process: app:worker" },
  { "process.send", nil, DENIED, "not allowed to send: " },
  { "process.cancel", nil, DENIED, "" },
  { "process.terminate", nil, DENIED, "" },
  { "process.monitor", nil, DENIED, "" },
  { "process.link", nil, DENIED, "" },
  { "process.context", "context", false, "not allowed to spawn processes with custom context" },
  { "process.registry.register", "a name", DENIED, "" },
  { "funcs.call", "app:quick", DENIED, "not allowed: app:quick" },
  { "funcs.context", "context", DENIED, "not allowed" },
  { "funcs.security", "security", DENIED, "not allowed" },
  { "registry.get", "app:entry", DENIED, "not allowed to access entry: app:entry" },
  { "registry.apply", "", DENIED, "not allowed to apply registry changes" },
  { "registry.create", "app:made", DENIED, "app:made" },
  { "registry.update", "app:entry", DENIED, "app:entry" },
  { "registry.delete", "app:entry", DENIED, "app:entry" },
  { "registry.apply_version", "", DENIED, "registry version change is not allowed" },
  { "env.get", "WORD", DENIED, "not allowed to access environment variable: WORD" },
  { "env.set", "WORD", DENIED, "not allowed to set" },
  { "fs.get", "app:files", DENIED, "not allowed to access filesystem: app:files" },
  { "store.get", "app:cache", false, "not allowed to access store: app:cache" },
  { "store.key.get", "app:cache", false, "not allowed" },
  { "store.key.set", "app:cache", false, "not allowed" },
  { "store.key.delete", "app:cache", false, "not allowed" },
  { "store.key.list", "app:cache", false, "not allowed" },
  { "events.subscribe", "shop", errors.INVALID, "not allowed to subscribe to events from system: shop" },
  { "events.send", "shop", errors.INVALID, "not allowed to send events to system: shop" },
  { "contract.get", "app:greeter", DENIED, "not allowed" },
  { "contract.open", "app:polite", DENIED, "not allowed to open binding: app:polite" },
  { "contract.call", "greet", DENIED, "not allowed to call method: greet" },
  { "contract.implementations", "app:greeter", DENIED, "not allowed" },
  { "security.actor.create", "bo", false, "not allowed to create actor with ID: bo" },
  { "security.scope.create", "custom", false, "not allowed to create custom scopes" },
  { "security.policy.get", "app:everything", errors.INVALID, "permission denied: access policy" },
  { "security.policy_group.get", "app:base", errors.INVALID, "permission denied: access policy group" },
}

local function try(action, denied, resource, pid)
  local actor = security.new_actor("ann", { action = denied and action or "nothing", resource = resource })
  local result, err = funcs.new():with_actor(actor):with_scope(security.named_scope("app:base")):call("app:attempt", action, pid)
  test.is_nil(err and tostring(err))
  return result
end

return { run_tests = test.run_cases(function()
  local pid

  describe("denied", function()
    for _, case in ipairs(cases) do
      local action, resource, kind, text = case[1], case[2], case[3], case[4]
      it(action, function()
        pid = process.spawn("app:worker", "app:processes")
        local seen = try(action, true, resource or pid, pid)
        test.is_nil(seen.done)
        if kind == false then
          test.is_true(seen.raised, seen.text)
        else
          test.eq(seen.kind, kind, seen.text)
          test.is_false(seen.retryable)
        end
        test.contains(seen.text, text)
        if resource == nil and text ~= "" then test.contains(seen.text, pid) end
        process.terminate(pid)
      end)
    end
  end)

  describe("allowed", function()
    for _, case in ipairs(cases) do
      local action = case[1]
      if action ~= "registry.delete" and action ~= "store.key.get" then
        it(action, function()
          pid = process.spawn("app:worker", "app:processes")
          local seen = try(action, false, "nothing", pid)
          test.is_true(seen.done, seen.text)
          if action ~= "process.terminate" then process.terminate(pid) end
        end)
      end
    end

    it("registry.delete", function()
      test.is_true(try("registry.delete", false, "nothing").done)
    end)
  end)
end) }
