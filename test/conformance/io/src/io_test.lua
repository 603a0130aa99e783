-- io: lines, bytes and output of a terminal process; errors without a terminal.
local test = require("test")
local time = require("time")
local io = require("io")

local function ask(action, host)
  local done = process.listen("done")
  local _, err = process.spawn("app:reader", host or "app:terminal", process.pid(), action)
  if err then error(err) end
  local picked = channel.select({ done:case_receive(), time.after("5s"):case_receive() })
  process.unlisten(done)
  if picked.channel ~= done then error(action .. " did not answer") end
  return picked.value
end

return { run_tests = test.run_cases(function()
  describe("a terminal process", function()
    it("reads bytes and lines from one buffer", function()
      local got = ask("bytes")
      test.eq(got.first, "fir")
      test.eq(got.line, "st")
    end)

    it("reads line by line, ends of both kinds removed, the last without an end, then readline: EOF", function()
      local got = ask("lines")
      test.eq(got.lines[1], "second")
      test.eq(got.lines[2], "")
      test.eq(got.lines[3], "last")
      test.eq(#got.lines, 3)
      test.eq(got.failure, "readline: EOF")
      test.eq(got.kind, errors.INTERNAL)
    end)

    it("writes, prints and flushes", function()
      local got = ask("output")
      for _, name in ipairs({ "write", "print", "eprint", "flush" }) do test.is_true(got[name]) end
    end)

    it("has the arguments of the command", function()
      local got = ask("args")
      test.eq(got.args[1], "one")
      test.eq(got.args[2], "two")
    end)

    it("cannot read keys from a pipe", function()
      local got = ask("raw")
      test.is_nil(got.value)
      test.contains(got.text, "not a terminal")
    end)
  end)

  describe("without a terminal", function()
    local function check(found)
      for _, name in ipairs({ "write", "print", "eprint", "readline", "read", "raw", "flush" }) do
        test.is_nil(found[name].value, name)
        test.eq(found[name].text, "no terminal context", name)
        test.eq(found[name].kind, errors.UNAVAILABLE, name)
      end
    end

    it("a process on another host gets errors, and no arguments", function()
      local got = ask("none", "app:processes")
      check(got.found)
      test.eq(got.args, 0)
    end)

    it("so does a function", function()
      local value, err = io.write("x")
      test.has_error(value, err)
      test.eq(err:kind(), errors.UNAVAILABLE)
      test.is_false(err:retryable())
      test.eq(#io.args(), 0)
    end)
  end)
end) }
