-- Typed Lua: the grammar runs, lines stay, types check values.
local test = require("test")

type User = {
  id: string,
  age: number? @min(0) @max(150),
  tags: {string},
  role: "admin" | "user",
  address: { city: string, zip?: string },
  check: ((string) -> boolean)?,
}
type Id = string @min_len(2) @max_len(5) @pattern("^[a-z]+$")
type Box<T> = { value: T }
type Scores = {[string]: number}
type Either = string | {number}

local function add(a: number, b: number?): number
  return a + (b or 1)
end

local function pair(): (number, string?)
  return 1, nil
end

local function generic<T>(list: {T}, fn: (T) -> T): {T}
  local out: {T} = {}
  for i, v in ipairs(list) do out[i] = fn(v) end
  return out
end

local anonymous = function(...: any): integer return select("#", ...) end

local good: User = { id = "u1", tags = { "a" }, role = "admin", address = { city = "Ulm" } }

local function problem(type_value, value)
  local result, message = type_value:is(value)
  test.is_nil(result)
  return message
end

return { run_tests = test.run_cases(function()
  describe("annotations", function()
    it("do not change what runs", function()
      test.eq(add(1), 2)
      test.eq(add(1, 2), 3)
      test.eq((pair()), 1)
      test.eq(generic({ 1, 2 }, function(n: number): number return n * 2 end)[2], 4)
      test.eq(anonymous(1, 2, 3), 3)
      local x: number, y: string = 1, "a"
      test.eq(x .. y, "1a")
    end)

    it("include casts", function()
      local any = 5 :: number
      test.eq(any + 1, 6)
      test.eq(("x" as string) .. "y", "xy")
      local maybe: string? = "there"
      test.eq(maybe!, "there")
      test.eq(#(maybe!), 5)
    end)

    it("leave words free that mean something in types", function()
      local type, interface, as, is, keyof, readonly = 1, 2, 3, 4, 5, 6
      local t = { type = type, as = as, is = is }
      test.eq(t.type + t.as + t.is + interface + keyof + readonly, 21)
    end)

    it("keep lines", function()
      local _, err = pcall(function()
        local n: number? = nil
        return n.x
      end)
      test.matches(tostring(err), "typed_test:71:")
    end)
  end)

  describe("a type as a value", function()
    it("accepts what fits, and more fields", function()
      test.is_true(User:is(good) == good)
      test.not_nil((User:is({ id = "u", tags = {}, role = "user", address = { city = "x", zip = "1" }, age = 3, more = 1 })))
    end)

    it("names the field and what was expected", function()
      test.contains(problem(User, { id = 5, tags = {}, role = "user", address = { city = "x" } }), "id: expected string, got number")
      test.contains(problem(User, { id = "u", tags = { 1 }, role = "user", address = { city = "x" } }), "tags[1]: expected string, got number")
      test.contains(problem(User, { id = "u", tags = {}, role = "user", address = {} }), "address.city: expected string, got nil")
      test.contains(problem(User, { id = "u", tags = {}, role = "guest", address = { city = "x" } }), "role")
      test.contains(problem(User, "text"), "expected")
      test.contains(problem(User, nil), "got nil")
    end)

    it("checks constraints", function()
      test.contains(problem(User, { id = "u", age = -1, tags = {}, role = "user", address = { city = "x" } }), "min")
      test.contains(problem(User, { id = "u", age = 200, tags = {}, role = "user", address = { city = "x" } }), "max")
      test.eq((Id:is("abc")), "abc")
      test.contains(problem(Id, "a"), "length")
      test.contains(problem(Id, "abcdef"), "length")
      test.contains(problem(Id, "ABC"), "pattern")
    end)

    it("knows maps, unions, generics", function()
      test.not_nil((Scores:is({ a = 1 })))
      test.contains(problem(Scores, { a = "x" }), "number")
      test.eq((Either:is("x")), "x")
      test.not_nil((Either:is({ 1, 2 })))
      test.not_nil(problem(Either, true))
      type StringBox = Box<string>
      test.not_nil((StringBox:is({ value = "x" })))
      test.contains(problem(StringBox, { value = 1 }), "value")
    end)
  end)

  describe("casts of base types", function()
    it("give the value or raise", function()
      test.eq(number(5), 5)
      test.eq(string("x"), "x")
      test.eq(integer(5), 5)
      test.is_true(boolean(true))
      test.contains(tostring(test.throws(function() number("x") end)), "expected number")
      test.contains(tostring(test.throws(function() integer(1.5) end)), "expected integer")
    end)
  end)
end) }
