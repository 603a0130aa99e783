-- funcs.call: what goes in, what comes out, what goes wrong.
local test = require("test")
local funcs = require("funcs")

local function fails(value, err, kind, part)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  if part then test.contains(tostring(err), part) end
  return err
end

return { run_tests = test.run_cases(function()
  describe("arguments", function()
    it("arrive as copies of the same values", function()
      local sent = { a = { 1, 2, 3 }, [10] = "sparse", text = "\0\255", float = 1.0, integer = 1 }
      local seen = funcs.call("app:echo", sent).values[1]
      test.eq(seen.a[3], 3)
      test.eq(seen[10], "sparse")
      test.is_true(seen.text == "\0\255")
      test.eq(math.type(seen.float), "float")
      test.eq(math.type(seen.integer), "integer")
      seen.a[3] = 4
      test.eq(sent.a[3], 3)
    end)

    it("keep their number, nil too", function()
      test.eq(funcs.call("app:echo").n, 0)
      test.eq(funcs.call("app:echo", nil, nil).n, 2)
      local seen = funcs.call("app:echo", 1, nil, 3)
      test.eq(seen.n, 3)
      test.eq(seen.values[3], 3)
    end)

    it("keep shared and circular references", function()
      local shared = { 1 }
      local ring = { shared = shared, again = shared }
      ring.self = ring
      local seen = funcs.call("app:echo", ring).values[1]
      test.is_true(seen.self == seen)
      test.is_true(seen.shared == seen.again)
    end)

    it("that are errors stay errors", function()
      local seen = funcs.call("app:echo", errors.new({ message = "x", kind = errors.CONFLICT, details = { n = 1 } })).values[1]
      test.eq(seen:kind(), errors.CONFLICT)
      test.eq(seen:details().n, 1)
    end)

    it("that cannot travel become nil", function()
      local seen = funcs.call("app:echo", function() end, channel.new(), coroutine.create(function() end))
      test.eq(seen.n, 3)
      test.is_nil(seen.values[1])
      test.is_nil(seen.values[2])
      test.is_nil(seen.values[3])
    end)
  end)

  describe("results", function()
    it("are the first value", function()
      test.eq(funcs.call("app:several"), 1)
      test.eq(funcs.call("app:bare", 4), 5)
      local value, err = funcs.call("app:nothing")
      test.is_nil(value)
      test.is_nil(err)
    end)

    it("with a plain second value are fine", function()
      local value, err = funcs.call("app:second_is_plain")
      test.eq(value, "value")
      test.is_nil(err)
    end)
  end)

  describe("failures", function()
    it("of the callee keep what they are", function()
      local err = fails(nil, select(2, funcs.call("app:fails_with_error")), errors.NOT_FOUND, "no")
      test.is_true(err:retryable())
      test.eq(err:details().id, 7)
      test.eq(err:message(), "no")
    end)

    it("given as text are Internal", function()
      local err = fails(nil, select(2, funcs.call("app:fails_with_text")), errors.INTERNAL, "it is text")
      test.eq(err:message(), "it is text")
    end)

    it("raised name the place", function()
      local _, err = funcs.call("app:raises")
      test.matches(tostring(err), "app:raises:%d+: boom")
    end)

    it("of ids are Invalid or NotFound", function()
      fails(nil, select(2, funcs.call("")), errors.INVALID, "function ID required")
      fails(nil, select(2, funcs.call("bare")), errors.INVALID, "namespace required in function ID")
      fails(nil, select(2, funcs.call(":name")), errors.INVALID, "namespace required in function ID")
      fails(nil, select(2, funcs.call("app:")), errors.INVALID, "name required in function ID")
      fails(nil, select(2, funcs.call("app:nope")), errors.NOT_FOUND, "no handler registered for target")
    end)

    it("of the code are told", function()
      fails(nil, select(2, funcs.call("app:no_method")), errors.NOT_FOUND, "missing")
      local _, err = funcs.call("app:broken_chunk")
      test.contains(tostring(err), "while loading")
    end)
  end)

  describe("a call", function()
    it("has a pid and an id of its own", function()
      local one, two = funcs.call("app:identity"), funcs.call("app:identity")
      test.eq(one.id, "app:identity")
      test.neq(one.pid, two.pid)
      test.matches(one.pid, "^{.*|0x%x+}$")
    end)
  end)
end) }
