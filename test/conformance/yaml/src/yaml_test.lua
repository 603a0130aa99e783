-- yaml: tables to text and back.
local test = require("test")
local yaml = require("yaml")

local function fails(value, err, kind, part)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  if part then test.contains(tostring(err), part) end
end

return { run_tests = test.run_cases(function()
  describe("encode", function()
    it("sorts keys and indents by four", function()
      test.eq(yaml.encode({ b = 1, a = { d = true, c = "x" } }), "a:\n    c: x\n    d: true\nb: 1\n")
    end)

    it("writes lists", function()
      test.eq(yaml.encode({ 1, "two", false }), "- 1\n- two\n- false\n")
      test.eq(yaml.encode({ list = { { a = 1 }, { a = 2 } } }), "list:\n    - a: 1\n    - a: 2\n")
    end)

    it("quotes what would be read as something else", function()
      for _, text in ipairs({ "true", "5", "null", "", "a: b", "- x", "# no", "2024-01-01", "line\nbreak" }) do
        local value = yaml.decode(yaml.encode({ v = text })).v
        test.eq(value, text)
      end
    end)

    it("indents by two with options", function()
      test.eq(yaml.encode({ a = { b = 1 } }, { sort_unordered = true }), "a:\n  b: 1\n")
    end)

    it("puts chosen fields first, at every level", function()
      test.eq(yaml.encode({ zeta = { kind = "k", name = "in", a = 1 }, name = "top", a = 2 }, {
        field_order = { "name", "kind" }, sort_unordered = true,
      }), "name: top\na: 2\nzeta:\n  name: in\n  kind: k\n  a: 1\n")
    end)

    it("wants a table", function()
      for _, value in ipairs({ "x", 5, true }) do
        local out, err = yaml.encode(value)
        fails(out, err, errors.INVALID, "table expected")
      end
      local out, err = yaml.encode(nil)
      fails(out, err, errors.INVALID, "table expected")
    end)
  end)

  describe("decode", function()
    it("reads maps, lists and scalars", function()
      local v = yaml.decode("name: demo\nports:\n  - 80\n  - 443\non: true\nratio: 0.5\nnothing: null\ntilde: ~\n")
      test.eq(v.name, "demo")
      test.eq(v.ports[2], 443)
      test.eq(math.type(v.ports[2]), "integer")
      test.eq(v.ratio, 0.5)
      test.is_nil(v.nothing)
      test.is_nil(v.tilde)
      test.eq(yaml.decode("5"), 5)
      test.eq(yaml.decode("text"), "text")
    end)

    it("reads flow style, blocks and folds", function()
      test.eq(yaml.decode("{a: [1, 2], b: {c: d}}").b.c, "d")
      test.eq(yaml.decode("t: |\n  one\n  two\n").t, "one\ntwo\n")
      test.eq(yaml.decode("t: >\n  one\n  two\n").t, "one two\n")
      test.eq(yaml.decode("t: |-\n  one\n").t, "one")
    end)

    it("turns keys into text", function()
      local v = yaml.decode("1: one\ntrue: yes it is\n")
      test.eq(v["1"], "one")
      test.eq(v["true"], "yes it is")
    end)

    it("turns timestamps into Unix time", function()
      test.eq(yaml.decode("t: 1970-01-02").t, 86400)
      test.eq(yaml.decode("t: 2001-12-14T21:59:43Z").t, 1008367183)
    end)

    it("resolves anchors and merges", function()
      local v = yaml.decode("base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\n")
      test.eq(v.other.x, 1)
      test.eq(v.other.y, 3)
    end)

    it("refuses arguments that are no text", function()
      local v, err = yaml.decode("")
      fails(v, err, errors.INVALID, "input cannot be empty")
      v, err = yaml.decode({})
      fails(v, err, errors.INVALID, "string expected")
      v, err = yaml.decode(nil)
      fails(v, err, errors.INVALID, "string expected")
    end)

    it("refuses text that is no YAML", function()
      for _, text in ipairs({ "a: [1", "a: b: c", "\ta: 1", "a: 'x", "a: 1\na: 2", "*nowhere", "{a" }) do
        local v, err = yaml.decode(text)
        fails(v, err, errors.INTERNAL, "decode failed")
      end
    end)

    it("survives a bomb", function()
      local bomb = { "a0: &a0 [x, x, x, x, x, x, x, x, x]" }
      for i = 1, 12 do
        local refs = {}
        for j = 1, 9 do refs[j] = "*a" .. (i - 1) end
        bomb[#bomb + 1] = "a" .. i .. ": &a" .. i .. " [" .. table.concat(refs, ", ") .. "]"
      end
      local v, err = yaml.decode(table.concat(bomb, "\n"))
      test.has_error(v, err)
    end)
  end)
end) }
