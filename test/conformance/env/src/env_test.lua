-- env: public names, ids, storages in order, defaults, refusals.
local test = require("test")
local env = require("env")

local function fails(value, err, kind, part)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  if part then test.contains(tostring(err), part) end
end

return { run_tests = test.run_cases(function()
  describe("get", function()
    it("reads the operating system through a variable only", function()
      test.eq(env.get("CONFORMANCE_WORD"), "from the system")
      local value, err = env.get("CONFORMANCE_URL")
      fails(value, err, errors.NOT_FOUND, "environment variable not found")
    end)

    it("knows public name, id and bare name", function()
      test.eq(env.get("GREETING"), "hello")
      test.eq(env.get("app:greeting"), "hello")
      test.eq(env.get("greeting"), "hello")
    end)

    it("a variable without a public name has its id, and reads the key of its name", function()
      test.eq(env.get("app:LANGUAGE"), "lua")
      test.eq(env.get("LANGUAGE"), "lua")
    end)

    it("falls back to the default, then to NotFound", function()
      test.eq(env.get("WITH_DEFAULT"), "fallback")
      local value, err = env.get("UNSET")
      fails(value, err, errors.NOT_FOUND, "environment variable not found")
      value, err = env.get("NO_SUCH")
      fails(value, err, errors.NOT_FOUND, "environment variable not found")
    end)

    it("needs a key", function()
      local value, err = env.get("")
      fails(value, err, errors.INVALID, "empty key")
    end)
  end)

  describe("set", function()
    it("writes to the first storage of a router", function()
      test.is_true(env.set("GREETING", "hi"))
      test.eq(env.get("GREETING"), "hi")
    end)

    it("replaces a default", function()
      test.is_true(env.set("WITH_DEFAULT", "set"))
      test.eq(env.get("app:with_default"), "set")
    end)

    it("refuses what is read-only", function()
      local value, err = env.set("LOCKED", "x")
      fails(value, err, errors.PERMISSION_DENIED)
      test.eq(env.get("LOCKED"), "stays")
      value, err = env.set("app:LANGUAGE", "go")
      fails(value, err, errors.PERMISSION_DENIED)
      value, err = env.set("FROM_OS", "x")
      fails(value, err, errors.PERMISSION_DENIED)
    end)

    it("needs a key that exists", function()
      local value, err = env.set("", "x")
      fails(value, err, errors.INVALID, "empty key")
      value, err = env.set("NO_SUCH", "x")
      fails(value, err, errors.NOT_FOUND)
    end)
  end)

  describe("a file", function()
    it("keeps what is set", function()
      for _, value in ipairs({ "plain", "two words", "a=b", 'quote " and \\ and $x', "ä", "" }) do
        test.is_true(env.set("IN_FILE", value))
        test.eq(env.get("IN_FILE"), value)
      end
    end)

    it("refuses what a line cannot hold", function()
      env.set("IN_FILE", "before")
      for _, value in ipairs({ "line\nbreak", "with # comment", " outer " }) do
        local ok, err = env.set("IN_FILE", value)
        test.has_error(ok, err)
        test.eq(env.get("IN_FILE"), "before")
      end
    end)
  end)

  describe("placeholders in entries", function()
    it("are filled in when the entry opens, and shown as written", function()
      test.eq(require("registry").get("app:volume").data.directory, "${env:FOLDER|.wippy}/${NAME_OF_NOBODY|placeholders}")
      local files = require("fs").get("app:volume")
      test.is_true(files:writefile("here", "x"))
      test.is_true(files:exists("here"))
    end)
  end)

  describe("secrets", function()
    it("are read by those who may", function()
      test.eq(env.get("API_KEY"), "sk-0123456789")
    end)
  end)

  describe("get_all", function()
    it("has every variable that has a value", function()
      local all = env.get_all()
      test.eq(all.CONFORMANCE_WORD, "from the system")
      test.eq(all.LOCKED, "stays")
      test.is_nil(all.UNSET)
    end)
  end)
end) }
