-- uuid: making, checking, taking apart.
local test = require("test")
local uuid = require("uuid")

local DNS = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
local FORM = "^%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%x%x%x%x%x%x%x%x$"

local function fails(value, err)
  test.has_error(value, err)
  test.eq(err:kind(), errors.INVALID)
end

return { run_tests = test.run_cases(function()
  describe("making", function()
    it("gives the version that was asked for, never twice the same", function()
      for name, version in pairs({ v1 = 1, v4 = 4, v7 = 7 }) do
        local a, b = uuid[name](), uuid[name]()
        test.matches(a, FORM, name)
        test.neq(a, b, name)
        test.eq(uuid.version(a), version, name)
      end
    end)

    it("from names gives the same each time", function()
      test.eq(uuid.v5(DNS, "example.com"), "cfbff0d1-9375-5685-968c-48ce8b15ae17")
      test.eq(uuid.v3(DNS, "example.com"), "9073926b-929f-31c2-abc9-fad77ae3e8eb")
    end)

    it("from names needs a namespace that is a UUID", function()
      fails(uuid.v5("nonsense", "example.com"))
      fails(uuid.v3("nonsense", "example.com"))
    end)

    it("version 7 sorts by time", function()
      local before = uuid.v7()
      for _ = 1, 50 do
        local after = uuid.v7()
        test.lt(before, after)
        before = after
      end
    end)
  end)

  describe("checking", function()
    it("knows a UUID", function()
      test.is_true(uuid.validate(DNS))
      test.is_true(uuid.validate(uuid.v4()))
    end)

    it("and what is none", function()
      test.is_false(uuid.validate("nonsense"))
      test.is_false(uuid.validate(""))
      test.is_false(uuid.validate("6ba7b810-9dad-11d1-80b4-00c04fd430c"))
      test.is_false(uuid.validate(5))
      test.is_false(uuid.validate(nil))
    end)
  end)

  describe("taking apart", function()
    it("tells version and variant", function()
      test.eq(uuid.version(DNS), 1)
      test.contains(uuid.variant(DNS), "RFC")
      test.eq(uuid.parse(DNS).version, 1)
      test.eq(uuid.parse(DNS).variant, uuid.variant(DNS))
    end)

    it("tells the time where there is one", function()
      local parsed = uuid.parse(uuid.v7())
      test.eq(parsed.version, 7)
      test.gt(parsed.timestamp, 1700000000)
      test.is_nil(uuid.parse(uuid.v4()).timestamp)
      test.not_nil(uuid.parse(DNS).timestamp)
      test.not_nil(uuid.parse(DNS).node)
    end)

    it("refuses what is none", function()
      fails(uuid.parse("nonsense"))
      fails(uuid.version("nonsense"))
      fails(uuid.variant("nonsense"))
    end)
  end)

  describe("format", function()
    it("has three forms", function()
      test.eq(uuid.format(DNS, "standard"), DNS)
      test.eq(uuid.format(DNS, "simple"), "6ba7b8109dad11d180b400c04fd430c8")
      test.eq(uuid.format(DNS, "urn"), "urn:uuid:" .. DNS)
      test.eq(uuid.format(DNS), DNS)
    end)

    it("and no other", function()
      fails(uuid.format(DNS, "fancy"))
      fails(uuid.format("nonsense", "simple"))
    end)
  end)
end) }
