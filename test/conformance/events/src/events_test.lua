-- events: patterns, order, closing, refusals.
local test = require("test")
local events = require("events")
local time = require("time")

local function fails(value, err, part)
  test.has_error(value, err)
  test.eq(err:kind(), errors.INVALID)
  test.contains(tostring(err), part)
end

-- What arrives until `last`, as paths; the event `last` is sent here, so that nothing is waited for in vain.
local function paths_until_end(sub, system, kind)
  events.send(system, kind, "end")
  local paths = {}
  while true do
    local result = channel.select({ sub:channel():case_receive(), time.after("2s"):case_receive() })
    if result.channel ~= sub:channel() then return "timed out" end
    if result.value.path == "end" then return table.concat(paths, ",") end
    paths[#paths + 1] = result.value.path
  end
end

return { run_tests = test.run_cases(function()
  describe("an event", function()
    it("has system, kind, path and data", function()
      local sub = events.subscribe("shop")
      test.is_true(events.send("shop", "order.new", "/orders/1", { total = 12, items = { "tea" } }))
      local event = sub:channel():receive()
      test.eq(event.system, "shop")
      test.eq(event.kind, "order.new")
      test.eq(event.path, "/orders/1")
      test.eq(event.data.total, 12)
      test.eq(event.data.items[1], "tea")
      events.send("shop", "order.new", "/orders/2")
      test.is_nil(sub:channel():receive().data)
      sub:close()
    end)

    it("comes in order", function()
      local sub = events.subscribe("order")
      for i = 1, 30 do events.send("order", "k", tostring(i)) end
      local expected = {}
      for i = 1, 30 do expected[i] = tostring(i) end
      test.eq(paths_until_end(sub, "order", "k"), table.concat(expected, ","))
      sub:close()
    end)

    it("beyond the buffer is not lost", function()
      local sub = events.subscribe("flood")
      for i = 1, 500 do events.send("flood", "k", tostring(i)) end
      for i = 1, 500 do test.eq(sub:channel():receive().path, tostring(i)) end
      sub:close()
    end)
  end)

  describe("patterns", function()
    it("select by kind", function()
      local sub = events.subscribe("a", "order.(new|paid)")
      events.send("a", "order.new", "1")
      events.send("a", "order.lost", "2")
      events.send("a", "order.paid", "3")
      test.eq(paths_until_end(sub, "a", "order.new"), "1,3")
      sub:close()
    end)

    it("* is one segment, ** any number", function()
      local one, many = events.subscribe("s.*", "*"), events.subscribe("s.**")
      events.send("s.a", "k", "1")
      events.send("s.a.b", "k", "2")
      test.eq(paths_until_end(one, "s.x", "k"), "1")
      test.eq(many:channel():receive().path, "1")
      test.eq(many:channel():receive().path, "2")
      one:close()
      many:close()
    end)

    it("are exact otherwise", function()
      local sub = events.subscribe("exact")
      events.send("exact2", "k", "1")
      events.send("Exact", "k", "2")
      test.eq(paths_until_end(sub, "exact", "k"), "")
      sub:close()
    end)
  end)

  describe("closing", function()
    it("ends the channel and can be repeated", function()
      local sub = events.subscribe("closing")
      test.is_true(sub:close())
      test.is_true(sub:close())
      local value, ok = sub:channel():receive()
      test.is_nil(value)
      test.is_false(ok)
    end)
  end)

  describe("refusals", function()
    it("name the missing part", function()
      local value, err = events.subscribe("")
      fails(value, err, "system pattern is required")
      value, err = events.send("", "k", "p")
      fails(value, err, "system is required")
      value, err = events.send("s", "", "p")
      fails(value, err, "kind is required")
      value, err = events.send("s", "k", "")
      fails(value, err, "path is required")
    end)
  end)
end) }
