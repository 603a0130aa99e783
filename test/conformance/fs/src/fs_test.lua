-- fs: reading, writing, folders, handles, and paths that try to lead out.
local test = require("test")
local fs = require("fs")

local function fails(value, err, kind, part)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  if part then test.contains(tostring(err), part) end
end

local function names(volume, path)
  local found = {}
  for entry in volume:readdir(path) do found[#found + 1] = entry.name .. ":" .. entry.type end
  table.sort(found)
  return table.concat(found, ",")
end

local function clear(volume, path)
  local entries = {}
  for entry in volume:readdir(path) do entries[#entries + 1] = entry end
  for _, entry in ipairs(entries) do
    local full = path .. "/" .. entry.name
    if entry.type == fs.type.DIR then clear(volume, full) end
    volume:remove(full)
  end
end

return { run_tests = test.run_cases(function()
  local v

  describe("a volume", function()
    before_each(function()
      v = fs.get("app:files")
      clear(v, "/")
    end)

    it("keeps files byte by byte", function()
      local bytes = "one\n\0\255\r\ntwo"
      test.is_true(v:writefile("/a.txt", bytes))
      test.is_true(v:readfile("/a.txt") == bytes)
      test.is_true(v:read_file("a.txt") == bytes)
      test.is_true(v:write_file("a.txt", "short"))
      test.eq(v:readfile("a.txt"), "short")
    end)

    it("appends and makes only", function()
      v:writefile("a", "one")
      v:writefile("a", "two", "a")
      test.eq(v:readfile("a"), "onetwo")
      local value, err = v:writefile("a", "x", "wx")
      fails(value, err, errors.ALREADY_EXISTS)
      test.is_true(v:writefile("b", "x", "wx"))
      value, err = v:writefile("a", "x", "rw")
      fails(value, err, errors.INVALID, "invalid mode: must be 'r', 'w', 'wx' or 'a'")
    end)

    it("has folders", function()
      test.is_true(v:mkdir("/d"))
      v:writefile("/d/f", "x")
      test.eq(names(v, "/"), "d:directory")
      test.eq(names(v, "/d"), "f:file")
      test.is_true(v:isdir("/d"))
      test.is_false(v:isdir("/d/f"))
      local value, err = v:mkdir("/d")
      fails(value, err, errors.ALREADY_EXISTS, "path already exists: /d")
      value, err = v:remove("/d")
      fails(value, err, errors.INVALID, "directory not empty: /d")
      test.is_true(v:remove("/d/f"))
      test.is_true(v:remove("/d"))
      test.is_false(v:exists("/d"))
    end)

    it("tells about files", function()
      v:writefile("a.txt", "12345")
      local info = v:stat("a.txt")
      test.eq(info.name, "a.txt")
      test.eq(info.size, 5)
      test.is_false(info.is_dir)
      test.eq(info.type, fs.type.FILE)
      test.not_nil(info.modified)
      v:mkdir("d")
      test.is_true(v:stat("d").is_dir)
    end)

    it("has a current folder", function()
      v:mkdir("/d")
      test.eq(v:pwd(), "/")
      test.is_true(v:chdir("/d"))
      test.eq(v:pwd(), "/d")
      v:writefile("inner", "x")
      test.is_true(v:exists("/d/inner"))
      local value, err = v:chdir("/nope")
      fails(value, err, errors.NOT_FOUND)
    end)

    it("does not let paths out", function()
      for _, path in ipairs({ "../../etc/passwd", "/../../../etc/passwd", "a/../../../etc/passwd" }) do
        local value, err = v:readfile(path)
        test.has_error(value, err, path)
      end
      local value, err = v:writefile("../out", "x")
      if err == nil then test.is_true(v:exists("/out")) end
    end)

    it("raises for what is no path", function()
      for _, method in ipairs({ "readfile", "stat", "mkdir", "remove", "open", "chdir" }) do
        test.contains(tostring(test.throws(function() v[method](v, {}) end)), "bad argument", method)
      end
    end)

    it("says what is missing", function()
      local value, err = v:readfile("nope")
      fails(value, err, errors.NOT_FOUND)
      value, err = v:stat("nope")
      fails(value, err, errors.NOT_FOUND)
      value, err = v:remove("nope")
      fails(value, err, errors.NOT_FOUND)
      value, err = v:readfile("")
      fails(value, err, errors.INVALID, "path required")
      test.is_false(v:exists("nope"))
    end)
  end)

  describe("a file", function()
    before_each(function()
      v = fs.get("app:files")
      clear(v, "/")
      v:writefile("lines", "one\ntwo\nthree")
    end)

    it("is read in pieces to its end", function()
      local f = v:open("lines")
      test.eq(f:read(3), "one")
      test.eq(f:read(100), "\ntwo\nthree")
      local value, err = f:read(1)
      fails(value, err, errors.NOT_FOUND, "EOF")
      f:close()
    end)

    it("seeks", function()
      local f = v:open("lines", "r")
      test.eq(f:seek(fs.seek.SET, 4), 4)
      test.eq(f:read(3), "two")
      test.eq(f:seek(fs.seek.CUR, 1), 8)
      test.eq(f:seek(fs.seek.END, -5), 8)
      test.eq(f:read(5), "three")
      f:close()
    end)

    it("is written through a handle", function()
      local f = v:open("out", "w")
      test.not_nil(f:write("abc"))
      test.not_nil(f:write("def"))
      test.is_true(f:sync())
      test.is_true(f:close())
      test.eq(v:readfile("out"), "abcdef")
    end)

    it("is scanned", function()
      local f = v:open("lines")
      local scanner, found = f:scanner("lines"), {}
      while scanner:scan() do found[#found + 1] = scanner:text() end
      test.eq(table.concat(found, ","), "one,two,three")
      test.is_nil(scanner:err())
      f:close()
    end)

    it("is not scanned in ways that do not exist", function()
      local f = v:open("lines")
      for _, split in ipairs({ "sentences", "", "toString", "__proto__" }) do
        local value, err = f:scanner(split)
        fails(value, err, errors.INVALID, "invalid split type: " .. split)
      end
      f:close()
    end)

    it("is read in pieces of its own size for want of another", function()
      local f = v:open("lines")
      test.eq(f:read(0), "one\ntwo\nthree")
      f:seek("set", 0)
      test.eq(f:read(-1), "one\ntwo\nthree")
      f:close()
    end)

    it("opens only when it can", function()
      local value, err = v:open("nope", "r")
      fails(value, err, errors.NOT_FOUND)
      value, err = v:open("lines", "x")
      fails(value, err, errors.INVALID, "invalid mode: must be 'r', 'w', 'wx' or 'a'")
      value, err = v:open("lines", "wx")
      fails(value, err, errors.ALREADY_EXISTS)
    end)

    it("can be the source of another", function()
      local f = v:open("lines")
      test.is_true(v:writefile("copy", f))
      f:close()
      test.eq(v:readfile("copy"), "one\ntwo\nthree")
    end)
  end)

  describe("a volume that is not there", function()
    it("is NotFound", function()
      local value, err = fs.get("app:nope")
      fails(value, err, errors.NOT_FOUND, "filesystem not found: app:nope")
    end)
  end)
end) }
