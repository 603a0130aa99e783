-- Changesets: building, applying, refusing, and code that runs meanwhile.
local test = require("test")
local registry = require("registry")
local funcs = require("funcs")

local function changes()
  return registry.snapshot():changes()
end

local function data_entry(name, data)
  return { id = "made:" .. name, kind = "registry.entry", meta = { type = "made" }, data = data }
end

local function code_entry(name, source, more)
  local data = { source = source, method = "handler" }
  for key, value in pairs(more or {}) do data[key] = value end
  return { id = "made:" .. name, kind = "function.lua", meta = {}, data = data }
end

local function apply(set)
  local version, err = set:apply()
  test.is_nil(err and tostring(err))
  return version
end

local function refused(set, part)
  local version, err = set:apply()
  test.has_error(version, err)
  test.contains(tostring(err), part)
  return err
end

local function clear()
  local set, any = changes(), false
  for _, entry in ipairs(registry.find({ [".ns"] = "made" })) do
    set:delete(entry.id)
    any = true
  end
  if any then apply(set) end
end

return { run_tests = test.run_cases(function()
  describe("a changeset", function()
    after_each(clear)

    it("creates, updates and deletes", function()
      local version = apply(changes():create(data_entry("a", { n = 1, keep = true })))
      test.is_number(version:id())
      test.eq(registry.get("made:a").data.n, 1)
      apply(changes():update(data_entry("a", { n = 2 })))
      test.eq(registry.get("made:a").data.n, 2)
      test.is_nil(registry.get("made:a").data.keep)
      apply(changes():delete("made:a"))
      test.is_nil((registry.get("made:a")))
    end)

    it("shows its operations", function()
      local set = changes():create(data_entry("a", 1)):update(data_entry("b", 2)):delete("made:c"):delete({ ns = "made", name = "d" })
      local ops = set:ops()
      test.len(ops, 4)
      test.eq(ops[1].kind, "entry.create")
      test.eq(ops[2].kind, "entry.update")
      test.eq(ops[3].kind, "entry.delete")
      test.eq(ops[1].entry.id, "made:a")
      test.eq(tostring(set), "registry.Changes{ops=4}")
    end)

    it("is refused whole", function()
      apply(changes():create(data_entry("a", 1)))
      refused(changes():create(data_entry("b", 1)):create(data_entry("a", 2)), "entry already exists")
      test.is_nil((registry.get("made:b")))
      test.eq(registry.get("made:a").data, 1)
    end)

    it("is checked against what is there now", function()
      refused(changes():update(data_entry("nope", 1)), "entry does not exist")
      refused(changes():delete("made:nope"), "cannot delete non-existent entry")
      apply(changes():create(data_entry("a", 1)))
      local other_kind = data_entry("a", { source = "return function() end", method = "x" })
      other_kind.kind = "function.lua"
      refused(changes():update(other_kind), "cannot change entry kind from registry.entry to function.lua")
    end)

    it("wants entries with id and kind", function()
      local set, err = changes():create({ kind = "registry.entry" })
      test.has_error(set, err)
      test.contains(tostring(err), "entry must have valid id field")
      set, err = changes():create({ id = "made:x" })
      test.has_error(set, err)
      test.contains(tostring(err), "entry must have kind field")
      set, err = changes():delete({ ns = "made" })
      test.has_error(set, err)
      test.contains(tostring(err), "id requires ns and name fields")
    end)

    it("that is empty is Invalid", function()
      local err = refused(changes(), "no changes to apply")
      test.eq(err:kind(), errors.INVALID)
    end)

    it("of an unknown kind is refused", function()
      local entry = data_entry("a", {})
      entry.kind = "no.such.kind"
      refused(changes():create(entry), "no.such.kind")
    end)

    it("may be bound to the version it was made from", function()
      local before = registry.current_version()
      apply(changes():create(data_entry("a", 1)))
      local version, err = changes():create(data_entry("b", 1)):apply({ expected = before })
      test.has_error(version, err)
      test.eq(err:kind(), errors.CONFLICT)
      test.not_nil((changes():create(data_entry("b", 1)):apply({ expected = registry.current_version() })))
    end)
  end)

  describe("code", function()
    after_each(clear)

    it("runs as soon as it is there, and no longer", function()
      apply(changes():create(code_entry("triple", "return function(n) return n * 3 end")))
      test.eq(funcs.call("made:triple", 7), 21)
      apply(changes():update(code_entry("triple", "return function(n) return n * 30 end")))
      test.eq(funcs.call("made:triple", 7), 210)
      apply(changes():delete("made:triple"))
      local _, err = funcs.call("made:triple", 7)
      test.eq(err:kind(), errors.NOT_FOUND)
    end)

    it("that cannot be is refused", function()
      refused(changes():create(code_entry("a", "return function(")), "a")
      refused(changes():create(code_entry("a", "return 1", { source = false })), "source")
      refused(changes():create({ id = "made:a", kind = "function.lua", meta = {}, data = { method = "x" } }), "source is required")
      refused(changes():create({ id = "made:a", kind = "function.lua", meta = {}, data = { source = "return 1" } }), "method is required")
      refused(changes():create(code_entry("a", "return function() end", { modules = { "no_such_module" } })), "no_such_module")
      refused(changes():create(code_entry("a", "return function() end", { imports = { x = "made:nope" } })), "made:nope")
      refused(changes():create(code_entry("a", "return function() end", { pool = { type = "ocean" } })), "unknown pool type: ocean")
      refused(changes():create(code_entry("a", "return function() end", { modules = { "openai" } })), "openai")
    end)

    it("is opened in the order of its imports", function()
      local library = { id = "made:lib", kind = "library.lua", meta = {}, data = { source = "return { n = 5 }" } }
      apply(changes()
        :create(code_entry("user", "local lib = require('lib') return function() return lib.n end", { imports = { lib = "made:lib" } }))
        :create(library))
      test.eq(funcs.call("made:user"), 5)
      library.data.source = "return { n = 6 }"
      apply(changes():update(library))
      test.eq(funcs.call("made:user"), 6)
      refused(changes():delete("made:lib"), "made:lib")
    end)

    it("that imports itself is refused", function()
      refused(changes()
        :create({ id = "made:x", kind = "library.lua", meta = {}, data = { source = "return {}", imports = { y = "made:y" } } })
        :create({ id = "made:y", kind = "library.lua", meta = {}, data = { source = "return {}", imports = { x = "made:x" } } }),
        "made:")
    end)
  end)
end) }
