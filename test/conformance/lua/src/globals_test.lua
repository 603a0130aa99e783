-- What a fresh state has, what it has not, and what cannot be changed.
local test = require("test")

return { run_tests = test.run_cases(function()
  describe("globals", function()
    it("are those of the original", function()
      for _, name in ipairs({
        "assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawset",
        "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "unpack", "require",
      }) do
        test.eq(type(_G[name]), "function", name)
      end
      for _, name in ipairs({ "table", "math", "string", "coroutine", "errors", "os", "payload", "channel", "process" }) do
        test.not_nil(_G[name], name)
      end
    end)

    it("do not reach the host", function()
      for _, name in ipairs({ "load", "loadstring", "loadfile", "dofile", "collectgarbage", "debug", "io", "rawlen" }) do
        test.is_nil(_G[name], name)
      end
      for _, name in ipairs({ "execute", "getenv", "exit", "remove", "rename", "tmpname", "setlocale" }) do
        test.is_nil(os[name], name)
      end
      test.is_nil(string.dump)
      test.is_nil(package.loadlib)
    end)

    it("of the program are its own", function()
      my_global = 1
      test.eq(_G.my_global, 1)
      _G.my_global = nil
      test.is_nil(my_global)
    end)
  end)

  describe("libraries", function()
    it("cannot be changed", function()
      for _, library in ipairs({ string, table, math, coroutine, errors, os, json, channel, process }) do
        test.is_false((pcall(function() library.mine = 1 end)))
        test.is_false((pcall(rawset, library, "mine", 1)))
      end
      test.is_false((pcall(function() string.upper = nil end)))
      test.eq(("x"):upper(), "X")
    end)

    it("can be looked through", function()
      local found = 0
      for name, fn in pairs(string) do
        if name == "upper" and type(fn) == "function" then found = found + 1 end
      end
      test.eq(found, 1)
    end)

    it("hide the metatable of strings", function()
      test.is_nil(getmetatable("x"))
      test.is_false((pcall(function() setmetatable("x", {}) end)))
    end)
  end)

  describe("metatables", function()
    it("may not have finalisers", function()
      test.contains(tostring(test.throws(function() setmetatable({}, { __gc = function() end }) end)), "__gc")
    end)

    it("work otherwise", function()
      local point = setmetatable({ x = 1 }, {
        __index = function(_, key) return key .. "?" end,
        __call = function(_, a) return a + 1 end,
        __add = function(a, b) return a.x + b end,
        __eq = function() return true end,
        __len = function() return 7 end,
        __tostring = function() return "a point" end,
        __concat = function(_, b) return "p" .. tostring(b) end,
        __lt = function() return true end,
      })
      test.eq(point.y, "y?")
      test.eq(point(1), 2)
      test.eq(point + 1, 2)
      test.eq(#point, 7)
      test.eq(tostring(point), "a point")
      test.eq(point .. "x", "px")
      test.is_true(point < point)
    end)
  end)
end) }
