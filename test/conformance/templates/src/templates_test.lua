-- templates: rendering, escaping, inheritance, failures.
local test = require("test")
local templates = require("templates")

local views

local function renders(name, data, expected)
  local text, err = views:render(name, data)
  test.is_nil(err and tostring(err), name)
  test.eq(text, expected, name)
end

return { run_tests = test.run_cases(function()
  describe("a template", function()
    before_each(function() views = templates.get("app:views") end)

    it("fills its layout, escaping what comes in", function()
      renders("page", { user = "<Ann> & co" }, "<title>Home</title><p>&lt;Ann&gt; &amp; co</p>")
      renders("raw", { text = "<b>" }, "&lt;b&gt;|<b>")
    end)

    it("loops and chooses", function()
      renders("list", { items = { "a", "b" } }, "0=a;1=b;")
      renders("list", { items = {} }, "none")
      renders("choice", { n = 9 }, "big")
      renders("choice", { n = 5 }, "five")
      renders("choice", { n = 1 }, "small")
    end)

    it("computes", function()
      renders("values", { user = { name = "ann" }, items = { "x", "y" }, n = 4 }, "ANN x 2 9 a 4")
    end)

    it("includes others", function()
      renders("with_part", { user = { name = "Bo" } }, "(Bo)")
    end)

    it("trims and comments", function()
      renders("comment", {}, "ab1c")
    end)

    it("may have a name of its own", function()
      renders("mails/welcome", {}, "welcome")
      renders("page.jet", { user = "x" }, "<title>Home</title><p>x</p>")
    end)

    it("of another set has other marks", function()
      local set = templates.get("app:other_marks")
      test.eq(set:render("marks", { a = 1 }), "1 {{ a }}")
    end)
  end)

  describe("failures", function()
    before_each(function() views = templates.get("app:views") end)

    it("of rendering name template and line", function()
      local text, err = views:render("fails", {})
      test.has_error(text, err)
      test.eq(err:kind(), errors.INTERNAL)
      test.contains(tostring(err), "fails:2")
    end)

    it("of names are NotFound or Invalid", function()
      local value, err = templates.get("app:nope")
      test.has_error(value, err)
      test.eq(err:kind(), errors.NOT_FOUND)
      value, err = views:render("nope", {})
      test.has_error(value, err)
      test.eq(err:kind(), errors.NOT_FOUND)
      value, err = views:render("", {})
      test.has_error(value, err)
      test.eq(err:kind(), errors.INVALID)
    end)

    it("of a released set are Invalid", function()
      test.is_true(views:release())
      local value, err = views:render("page", {})
      test.has_error(value, err)
    end)
  end)
end) }
