-- Messages: topics, order, inbox, values, refusals.
local test = require("test")
local HOST = "app:processes"

local function fails(value, err, kind, part)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  if part then test.contains(tostring(err), part) end
end

return { run_tests = test.run_cases(function()
  local echo, back

  describe("a message", function()
    before_each(function()
      local ready = process.listen("ready")
      echo = process.spawn("app:echo", HOST, process.pid())
      ready:receive()
      back = process.listen("back")
    end)

    after_each(function()
      process.terminate(echo)
      process.unlisten(back)
    end)

    it("has a topic, a sender and its values", function()
      test.is_true(process.send(echo, "hello", 1, "two", { 3 }))
      local seen = back:receive()
      test.eq(seen.topic, "hello")
      test.eq(seen.from, process.pid())
      test.eq(seen.count, 3)
      test.eq(seen.values[2], "two")
      test.eq(seen.values[3][1], 3)
      process.send(echo, "nothing")
      test.eq(back:receive().count, 0)
      process.send(echo, "one", "x")
      test.eq(back:receive().count, 1)
    end)

    it("arrives in order", function()
      for i = 1, 200 do process.send(echo, "n", i) end
      for i = 1, 200 do test.eq(back:receive().values[1], i) end
    end)

    it("to a topic that is listened to does not go to the inbox", function()
      local typed = process.listen("typed back")
      process.send(echo, "typed", "x")
      test.eq(typed:receive(), "x")
      process.send(echo, "typed", 1, 2)
      local both = typed:receive()
      test.eq(both[2], 2)
      process.send(echo, "typed")
      local none, ok = typed:receive()
      test.is_nil(none)
      test.is_true(ok)
      process.unlisten(typed)
    end)

    it("keeps the kinds of values", function()
      local shared = { 1 }
      local ring = { shared = shared, again = shared, integer = 1, float = 1.0, bytes = "\0\255", [7] = "sparse" }
      ring.self = ring
      process.send(echo, "v", ring)
      local seen = back:receive().values[1]
      test.is_true(seen.self == seen)
      test.is_true(seen.shared == seen.again)
      test.eq(math.type(seen.integer), "integer")
      test.eq(math.type(seen.float), "float")
      test.is_true(seen.bytes == "\0\255")
      test.eq(seen[7], "sparse")
      process.send(echo, "v", errors.new({ message = "x", kind = errors.TIMEOUT }))
      test.eq(back:receive().values[1]:kind(), errors.TIMEOUT)
    end)

    it("is not changed afterwards", function()
      local sent = { n = 1 }
      process.send(echo, "v", sent)
      sent.n = 2
      test.eq(back:receive().values[1].n, 1)
    end)
  end)

  describe("what nobody listens to", function()
    it("waits", function()
      process.send(process.pid(), "later", "kept")
      test.eq(process.listen("later"):receive(), "kept")
    end)
  end)

  describe("listening", function()
    it("to the same topic gives the same channel", function()
      test.is_true(process.listen("same") == process.listen("same"))
    end)

    it("gives whole messages when asked", function()
      local messages = process.listen("whole", { message = true })
      process.send(process.pid(), "whole", "x")
      local message = messages:receive()
      test.eq(message:topic(), "whole")
      test.eq(message:payload():data(), "x")
      test.eq(tostring(message), "process.Message{topic=whole}")
    end)

    it("ends once", function()
      local ch = process.listen("ended")
      test.is_true(process.unlisten(ch))
      local _, ok = ch:receive()
      test.is_false(ok)
      local again, err = process.unlisten(ch)
      test.is_false(again)
      test.contains(tostring(err), "channel not found")
      process.send(process.pid(), "ended", 1)
      test.eq(process.listen("ended"):receive(), 1)
    end)

    it("needs a topic of its own", function()
      fails(nil, select(2, process.listen("")), errors.INVALID, "topic cannot be empty")
      fails(nil, select(2, process.listen("@system")), errors.INVALID, "cannot listen to @ topics")
    end)
  end)

  describe("sending", function()
    it("refuses what cannot be sent or found", function()
      fails(nil, select(2, process.send(process.pid())), errors.INVALID, "send requires at least destination and topic arguments")
      fails(nil, select(2, process.send(process.pid(), "@system", 1)), errors.INVALID, "cannot send to @ topics")
      fails(nil, select(2, process.send("nobody", "t")), errors.NOT_FOUND, "could not resolve 'nobody' as PID or registered name")
      fails(nil, select(2, process.send("{app:processes|0xfffff}", "t")), errors.NOT_FOUND)
    end)

    it("to one that has ended is NotFound", function()
      local pid = process.spawn_monitored("app:returns", HOST)
      local events = process.events()
      while events:receive().from ~= pid do end
      fails(nil, select(2, process.send(pid, "t")), errors.NOT_FOUND)
    end)
  end)

  describe("a full channel", function()
    it("does not hold up other topics", function()
      local slow, quick = process.listen("slow"), process.listen("quick")
      for i = 1, 5 do process.send(process.pid(), "slow", i) end
      process.send(process.pid(), "quick", "now")
      test.eq(quick:receive(), "now")
      for i = 1, 5 do test.eq(slow:receive(), i) end
    end)
  end)
end) }
