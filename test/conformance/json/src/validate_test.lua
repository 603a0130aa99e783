-- json.validate and json.validate_string: values against schemas.
local test = require("test")
local json = require("json")

local person = {
  type = "object",
  required = { "name" },
  properties = {
    name = { type = "string", minLength = 1 },
    age = { type = "integer", minimum = 0 },
    tags = { type = "array", items = { type = "string" } },
  },
  additionalProperties = false,
}

local function refused(ok, err, part)
  test.is_false(ok)
  test.eq(err:kind(), "Invalid")
  test.contains(tostring(err), part)
end

local function invalid(schema, value)
  local ok, err = json.validate(schema, value)
  refused(ok, err, "validation failed")
end

return { run_tests = test.run_cases(function()
  describe("validate", function()
    it("accepts what fits", function()
      local ok, err = json.validate(person, { name = "Ann", age = 3, tags = { "a" } })
      test.is_true(ok)
      test.is_nil(err)
    end)

    it("refuses what does not", function()
      invalid(person, { age = 3 })
      invalid(person, { name = "" })
      invalid(person, { name = "Ann", age = 1.5 })
      invalid(person, { name = "Ann", age = -1 })
      invalid(person, { name = "Ann", tags = { 1 } })
      invalid(person, { name = "Ann", other = 1 })
      invalid({ type = "string" }, 5)
      invalid({ enum = { "a", "b" } }, "c")
      invalid({ type = "string", pattern = "^a+$" }, "b")
    end)

    it("names the place that is wrong", function()
      local _, err = json.validate(person, { name = "Ann", age = "old" })
      test.contains(tostring(err), "age")
    end)

    it("takes the schema as text too", function()
      test.is_true(json.validate('{"type":"number"}', 5))
      invalid('{"type":"number"}', "5")
    end)

    it("needs a schema and a value", function()
      local ok, err = json.validate(nil, 1)
      refused(ok, err, "schema is required")
      ok, err = json.validate(person, nil)
      refused(ok, err, "data is required")
    end)
  end)

  describe("validate_string", function()
    it("reads the text first", function()
      test.is_true(json.validate_string(person, '{"name":"Ann"}'))
      local ok, err = json.validate_string(person, '{"name":5}')
      refused(ok, err, "validation failed")
    end)

    it("wants text", function()
      local ok, err = json.validate_string(person, { name = "Ann" })
      refused(ok, err, "data must be a JSON string")
    end)

    it("refuses broken text", function()
      local ok, err = json.validate_string(person, "{")
      test.is_false(ok)
      test.not_nil(err)
    end)
  end)
end) }
