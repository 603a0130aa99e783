-- What code made at run time may do when nobody gave it a scope: what granted modules do on public resources.
local test = require("test")
local registry = require("registry")
local funcs = require("funcs")
local env = require("env")

local function make(modules, body)
  local entry = {
    id = "made:probe", kind = "function.lua", meta = {},
    data = { source = "return function(...) " .. body .. " end", method = "handler", modules = modules },
  }
  local changes = registry.snapshot():changes()
  if registry.get(entry.id) then changes:update(entry) else changes:create(entry) end
  local version, err = changes:apply()
  return version ~= nil, err
end

local function run(modules, body, ...)
  local ok, err = make(modules, body)
  test.is_true(ok, err and tostring(err))
  return funcs.call("made:probe", ...)
end

-- Runs an expression that gives value and error, or raises; gives the text of what went wrong.
local function refused(module, expression, ...)
  local modules = module and { module } or {}
  local prelude = module and ("local m = require('" .. module .. "') ") or ""
  local result, err = run(modules, prelude .. [[
    local arg = ...
    local ok, value, err = pcall(function() return ]] .. expression .. [[ end)
    if not ok then return "raised " .. tostring(value) end
    if err == nil then return "done" end
    return err:kind() .. " " .. tostring(err)
  ]], ...)
  test.is_nil(err and tostring(err))
  test.neq(result, "done", expression)
  return result
end

return { run_tests = test.run_cases(function()
  describe("it may", function()
    it("compute with granted modules", function()
      test.eq(run({ "json" }, "return require('json').encode({ ... })", 1, 2), "[1,2]")
      test.eq(run({ "time" }, "return require('time').parse_duration('1m'):seconds()"), 60)
      test.eq(run({}, "return (...) * 2", 21), 42)
    end)
  end)

  describe("it may not", function()
    it("have modules that were not granted, or are not for it", function()
      local _, err = run({}, "return require('json')")
      test.contains(tostring(err), "module 'json' not found")
      local ok, failure = make({ "openai" }, "return 1")
      test.is_false(ok)
      test.contains(tostring(failure), "openai")
    end)

    it("call, spawn or signal", function()
      test.contains(refused("funcs", "m.call('app:trusted')"), "PermissionDenied not allowed: app:trusted")
      test.contains(refused(nil, "process.spawn('app:worker', 'app:processes')"), "PermissionDenied not allowed to spawn")
      test.contains(refused(nil, "process.send(arg, 't')", process.pid()), "PermissionDenied not allowed to send")
      test.contains(refused(nil, "process.terminate(arg)", process.pid()), "PermissionDenied")
      test.contains(refused(nil, "process.registry.register('x')"), "PermissionDenied")
    end)

    it("read or change what is not its own", function()
      test.contains(refused("env", "m.get('WORD')"), "PermissionDenied not allowed to access environment variable: WORD")
      test.contains(refused("registry", "m.get('app:trusted')"), "PermissionDenied")
      test.contains(refused("registry",
        "m.snapshot():changes():create({ id = 'made:x', kind = 'registry.entry', data = {} }):apply()"), "PermissionDenied")
      test.contains(refused("fs", "m.get('app:files')"), "PermissionDenied")
      test.contains(refused("store", "m.get('app:cache')"), "not allowed to access store: app:cache")
      test.contains(refused("events", "m.send('s', 'k', 'p')"), "not allowed")
    end)

    it("give itself more", function()
      test.contains(refused("security", "m.new_actor('admin')"), "not allowed to create actor")
      test.contains(refused("security", "m.new_scope()"), "not allowed to create custom scopes")
      test.contains(refused("funcs", "m.new():with_context({ a = 1 })"), "PermissionDenied")
    end)

    it("reach private addresses", function()
      local text = refused("http_client", "m.get(arg)", env.get("CONFORMANCE_URL") .. "/echo")
      test.contains(text, "PermissionDenied")
      test.contains(text, "127.0.0.1")
    end)

    it("more because of who calls", function()
      -- The caller of this test has no actor and may do everything; the code still may not.
      test.contains(refused("funcs", "m.call('app:trusted')"), "PermissionDenied")
    end)
  end)
end) }
