-- eval_runner: results, grants, isolation, limits, refusals.
local test = require("test")
local runner = require("eval_runner")
local security = require("security")
local funcs = require("funcs")
local time = require("time")

local function fails(options, kind, part)
  local value, err = runner.run(options)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  test.contains(tostring(err), part)
end

return { run_tests = test.run_cases(function()
  describe("run", function()
    it("calls a method of the table that the source returns", function()
      local source = "local function double(x) return x * 2 end return { double = double }"
      test.eq(runner.run({ source = source, method = "double", args = { 21 } }), 42)
    end)

    it("without a method runs the source itself, with the arguments", function()
      test.eq(runner.run({ source = "local a, b = ... return a .. b", args = { "x", 1 } }), "x1")
      test.is_nil((runner.run({ source = "local x = 1" })))
    end)

    it("takes typed Lua", function()
      test.eq(runner.run({ source = "local n: integer = ... return n + 1 -- done", args = { 1 } }), 2)
    end)

    it("passes tables both ways as copies", function()
      local given = { list = { 1, 2 }, deep = { word = "x" } }
      local back = runner.run({ source = "local t = ... t.list[3] = 3 return t", args = { given } })
      test.eq(#given.list, 2)
      test.eq(#back.list, 3)
      test.eq(back.deep.word, "x")
    end)

    it("waits, and others run meanwhile", function()
      local source = 'local time = require("time") time.sleep("5ms") return "later"'
      test.eq(runner.run({ source = source, modules = { "time" } }), "later")
    end)

    it("gives the error of the code, with its line", function()
      fails({ source = "\nerror('boom')" }, errors.INTERNAL, "eval:2: boom")
      local value, err = runner.run({ source = 'error(errors.new({ kind = errors.CONFLICT, message = "taken" }))' })
      test.is_nil(value)
      test.eq(err:kind(), errors.CONFLICT)
    end)

    it("says where the source is wrong", function()
      fails({ source = "local x = \nend" }, errors.INVALID, "eval:2")
      fails({ source = "return { a = 1 }", method = "missing" }, errors.NOT_FOUND, 'method "missing" not found')
      fails({}, errors.INVALID, "source is required")
    end)

    it("cannot be left by unbalanced text", function()
      fails({ source = "end, other = function() return 1" }, errors.INVALID, "eval:1")
    end)

    it("takes data only", function()
      fails({ source = "return 1", args = { { f = print } } }, errors.INVALID, "args[1].f cannot be passed")
      fails({ source = "return 1", args = { time.now() } }, errors.INVALID, "args[1] cannot be passed")
    end)
  end)

  describe("a state of its own", function()
    it("is fresh at every run", function()
      local source = "counter = (counter or 0) + 1 return counter"
      test.eq(runner.run({ source = source }), 1)
      test.eq(runner.run({ source = source }), 1)
    end)

    it("shares nothing with the caller", function()
      secret_of_the_caller = "mine"
      test.is_nil((runner.run({ source = "return secret_of_the_caller" })))
      runner.run({ source = "left_behind = 1" })
      test.is_nil(left_behind)
    end)

    it("is stopped when it never ends", function()
      fails({ source = "while true do end" }, errors.LIMIT_EXCEEDED or "LimitExceeded", "cpu limit")
    end)

    it("is stopped when it takes too much", function()
      local value, err = runner.run({ source = 'local t = {} while true do t[#t + 1] = ("x"):rep(100000) .. #t end' })
      test.has_error(value, err)
      test.eq(runner.run({ source = "return 'alive'" }), "alive")
    end)
  end)

  describe("modules", function()
    it("are what was named, as globals and by require", function()
      test.eq(runner.run({ source = 'return require("json").encode({ 1 })', modules = { "json" } }), "[1]")
      test.eq(runner.run({ source = "return json.encode({ 2 })", modules = { "json" } }), "[2]")
      fails({ source = 'return require("json")' }, errors.INTERNAL, "module 'json' not found")
      test.is_nil((runner.run({ source = "return json" })))
    end)

    it("must exist", function()
      fails({ source = "return 1", modules = { "nothing" } }, errors.NOT_FOUND, "module not found: nothing")
      fails({ source = "return 1", modules = { "openai" } }, errors.NOT_FOUND, "module not found: openai")
    end)

    it("must be of an allowed class", function()
      fails(
        { source = "return 1", modules = { "store" } },
        errors.PERMISSION_DENIED,
        "module store is of class storage, which is not allowed"
      )
      local source = [[
        local kept = store.get("app:memory")
        kept:set("k", "v")
        return kept:get("k")
      ]]
      test.eq(runner.run({ source = source, modules = { "store" }, allow_classes = { "storage" } }), "v")
    end)

    it("of the network reach public addresses only", function()
      local source = 'local response, err = http_client.get("http://127.0.0.1:1/") return tostring(err)'
      local options = { source = source, modules = { "http_client" }, allow_classes = { "network", "io" } }
      test.contains(runner.run(options), "not allowed")
    end)
  end)

  describe("processes", function()
    local source = [[
      local pid, err = process.spawn("app:nothing", "app:processes")
      return tostring(err)
    ]]
    it("are out of reach", function()
      test.contains(runner.run({ source = source }), "not allowed")
    end)

    it("unless the class is allowed", function()
      local text = runner.run({ source = source, allow_classes = { "process" } })
      test.contains(text, "not found")
    end)
  end)

  describe("imports", function()
    it("are libraries of the registry, fresh too", function()
      local source = "return { words.shout('hi') }"
      for _ = 1, 2 do
        local result = runner.run({ source = source, imports = { words = "app:words" } })
        test.eq(result[1], "HI!")
        test.eq(result[2], 1)
      end
    end)

    it("must exist", function()
      fails({ source = "return 1", imports = { x = "app:run" } }, errors.NOT_FOUND, "app:run not found")
    end)
  end)

  describe("context and custom modules", function()
    it("context is what was given and nothing else", function()
      local options = { source = 'return "Hello, " .. ctx.get("user")', context = { user = "Alice" } }
      test.eq(runner.run(options), "Hello, Alice")
      local inner = funcs.new():with_context({ secret = 1 })
      test.eq(inner:call("app:run", { source = 'local v = ctx.get("secret") return v == nil', context = {} }).value, true)
    end)

    it("tables are modules", function()
      local sdk = { version = "1.0\n\0\"", list = { 1, -2.5, 1 / 0 }, flag = true, small = math.mininteger }
      local source = [[
        local again = require("sdk")
        return { sdk.version, again == sdk, sdk.list[2], sdk.list[3] == math.huge, sdk.flag, sdk.small }
      ]]
      local result = runner.run({ source = source, custom_modules = { sdk = sdk } })
      test.eq(result[1], sdk.version)
      test.is_true(result[2])
      test.eq(result[3], -2.5)
      test.is_true(result[4])
      test.is_true(result[5])
      test.eq(result[6], math.mininteger)
    end)

    it("functions are not", function()
      fails({ source = "return 1", custom_modules = { sdk = { f = print } } }, errors.INVALID, "custom_modules.sdk.f")
      fails({ source = "return 1", custom_modules = { sdk = 1 } }, errors.INVALID, "custom_modules.sdk is not a table")
    end)
  end)

  describe("compile", function()
    it("checks and tells", function()
      local program = runner.compile("return { go = function() end }", "go", { modules = { "json", "time" } })
      test.eq(program:method(), "go")
      test.eq(table.concat(program:modules(), " "), "json time")
      test.eq(runner.compile("return 1"):method(), "")
    end)

    it("refuses what run would refuse", function()
      local program, err = runner.compile("return return")
      test.has_error(program, err)
      test.eq(err:kind(), errors.INVALID)
      program, err = runner.compile("")
      test.has_error(program, err)
      test.eq(tostring(err), "source is required")
    end)
  end)

  describe("permissions", function()
    local function as(...)
      local policies = {}
      for i, name in ipairs { ... } do policies[i] = security.policy(name) end
      local caller = funcs.new():with_actor(security.new_actor("ann")):with_scope(security.new_scope(policies))
      return function(options) return caller:call("app:run", options) end
    end
    local function refused(answer, text)
      test.eq(answer.kind, errors.PERMISSION_DENIED)
      test.eq(answer.text, "permission denied: " .. text)
    end

    it("run and compile need theirs", function()
      refused(as()({ source = "return 1" }), "eval.run")
      refused(as("app:runner")({ source = "return 1", compile = true }), "eval.compile")
      test.eq(as("app:runner")({ source = "return 1" }).value, 1)
    end)

    it("so do modules, imports and classes", function()
      local run = as("app:runner", "app:json_only")
      test.eq(run({ source = "return json.encode(1)", modules = { "json" } }).value, "1")
      refused(run({ source = "return 1", modules = { "time" } }), "eval.module time")
      refused(run({ source = "return 1", imports = { words = "app:words" } }), "eval.import app:words")
      refused(run({ source = "return 1", allow_classes = { "storage" } }), "eval.class storage")
    end)
  end)
end) }
