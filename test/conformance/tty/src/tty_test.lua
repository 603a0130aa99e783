-- tty: bindings, styles, layout, and what needs a terminal.
local test = require("test")
local tty = require("tty")

local function key(name, modifier)
  local event = { type = "key", key = name }
  if modifier then event[modifier] = true end
  return event
end

return { run_tests = test.run_cases(function()
  describe("without a terminal", function()
    it("there is no input", function()
      for _, name in ipairs { "start", "stop", "events", "mouse" } do
        local value, err = tty[name]()
        test.has_error(value, err)
        test.eq(err:kind(), errors.UNAVAILABLE)
        test.eq(tostring(err), "no terminal context")
      end
    end)
  end)

  describe("bindings", function()
    it("match keys with their modifiers", function()
      local quit = tty.bind({ keys = { "q", "ctrl+c", "shift+tab", "space", "+", "ctrl++" } })
      test.is_true(quit:matches(key("q")))
      test.is_true(quit:matches(key("c", "ctrl")))
      test.is_true(quit:matches(key("tab", "shift")))
      test.is_true(quit:matches(key(" ")))
      test.is_true(quit:matches(key("+")))
      test.is_true(quit:matches(key("+", "ctrl")))
      test.is_false(quit:matches(key("c")))
      test.is_false(quit:matches(key("q", "alt")))
      test.is_false(quit:matches({ type = "mouse", key = "q" }))
    end)

    it("can be switched off", function()
      local quit = tty.bind({ keys = { "q" } })
      quit:set_enabled(false)
      test.is_false(quit:is_enabled())
      test.is_false(quit:matches(key("q")))
      test.is_true(quit:set_enabled(true):matches(key("q")))
    end)

    it("have help", function()
      local help = tty.bind({ keys = { "q" }, help = { key = "q", desc = "quit" } }):help()
      test.eq(help.key .. help.desc, "qquit")
      test.eq(tty.bind({ keys = {} }):help().desc, "")
    end)

    it("know what is no pattern", function()
      for _, keys in ipairs { "super+x", "ctrl+", "" } do
        local binding, err = tty.bind({ keys = { keys } })
        test.has_error(binding, err)
        test.contains(tostring(err), 'key pattern "' .. keys .. '"')
      end
    end)
  end)

  describe("styles", function()
    it("are never changed", function()
      local plain = tty.style()
      local wide = plain:width(4)
      test.eq(plain:render("a"), "a")
      test.eq(wide:render("a"), "a   ")
      test.eq(wide:copy():align(tty.align.RIGHT):render("a"), "   a")
      test.eq(wide:render("a"), "a   ")
    end)

    it("have no colours where output is no screen", function()
      test.eq(tty.style():bold():foreground("#ff0000"):background("9"):render("x", 1), "x 1")
    end)

    it("have sides as in CSS", function()
      test.eq(tty.style():padding(0, 1):render("x"), " x ")
      test.eq(tty.style():margin(0, 0, 1, 2):render("x"), "  x\n   ")
      test.eq(tty.style():border(tty.borders.DOUBLE):render("x"), "╔═╗\n║x║\n╚═╝")
      test.eq(tty.style():border(tty.borders.NORMAL, false, true):render("x"), "│x│")
    end)

    it("wrap and cut", function()
      test.eq(tty.style():width(5):render("one two"), "one  \ntwo  ")
      test.eq(tty.style():max_width(2):max_height(1):render("abc\nd"), "ab")
      test.eq(tty.style():inline():render("a\nb"), "ab")
      test.eq(tty.style():height(3):align_vertical(0.5):render("x"), " \nx\n ")
    end)

    it("refuse nonsense", function()
      local style, err = tty.style():foreground("nonsense")
      test.has_error(style, err)
      test.contains(tostring(err), "is not #RRGGBB")
      style, err = tty.style():border("wavy")
      test.contains(tostring(err), "is not one of normal")
      style, err = tty.style():width(-1)
      test.contains(tostring(err), "is not from 0 to")
      style, err = tty.style():padding(1, 2, 3, 4, 5)
      test.contains(tostring(err), "takes one to four values")
    end)
  end)

  describe("layout", function()
    it("measures what is seen", function()
      test.eq(tty.text.width("\27[31m世界\27[0m"), 4)
      test.eq(tty.text.height("a\nb\n"), 3)
      local width, height = tty.text.size("hello\nworld!")
      test.eq(width, 6)
      test.eq(height, 2)
      test.eq(tty.text.max_width({ "a", "abc" }), 3)
      test.eq(tty.text.max_height({ "a\nb", "c" }), 2)
      test.eq(tty.text.max_width({}), 0)
    end)

    it("joins and places", function()
      local at = tty.text.position
      test.eq(tty.text.join_horizontal(at.TOP, "a\nb", "X"), "aX\nb ")
      test.eq(tty.text.join_vertical(at.RIGHT, "abc", "x"), "abc\n  x")
      test.eq(tty.text.place(3, 3, at.CENTER, at.CENTER, "x"), "   \n x \n   ")
      test.eq(tty.text.place_horizontal(3, at.RIGHT, "x"), "  x")
      test.eq(tty.text.place_vertical(2, at.BOTTOM, "x"), " \nx")
    end)
  end)
end) }
