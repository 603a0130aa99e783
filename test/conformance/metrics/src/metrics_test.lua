-- metrics: what is accepted and what is not.
local test = require("test")
local metrics = require("metrics")

local function fails(kind, value, err)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
end

return { run_tests = test.run_cases(function()
  describe("a counter", function()
    it("grows only", function()
      test.is_true(metrics.counter_inc("orders_total"))
      test.is_true(metrics.counter_inc("orders_total", { shop = "eu" }))
      test.is_true(metrics.counter_add("orders_total", 2.5, { shop = "eu" }))
      fails("Invalid", metrics.counter_add("orders_total", -1))
    end)
  end)

  describe("a gauge", function()
    it("goes both ways", function()
      test.is_true(metrics.gauge_set("depth", 42))
      test.is_true(metrics.gauge_inc("depth"))
      test.is_true(metrics.gauge_dec("depth", { queue = "a" }))
      test.is_true(metrics.gauge_set("depth", -1))
    end)
  end)

  describe("a histogram", function()
    it("takes values", function()
      test.is_true(metrics.histogram("seconds", 0.123))
      test.is_true(metrics.histogram("seconds", 100, { route = "/" }))
    end)
  end)

  describe("names", function()
    it("are those of Prometheus", function()
      for _, name in ipairs({ "", "1st", "with space", "dash-ed", "ä" }) do
        fails("Invalid", metrics.counter_inc(name))
      end
      fails("Invalid", metrics.counter_inc("good", { ["bad-label"] = "x" }))
    end)

    it("have one type", function()
      metrics.counter_inc("one_type")
      fails("Invalid", metrics.gauge_set("one_type", 1))
    end)

    it("are limited in number", function()
      local value, err = true, nil
      for i = 1, 10100 do
        value, err = metrics.counter_inc("many", { n = tostring(i) })
        if err then break end
      end
      fails("LimitExceeded", value, err)
    end)
  end)
end) }
