-- archive: writing, reading, unpacking, and archives that mean harm.
local test = require("test")
local archive = require("archive")
local fs = require("fs")

local files

local function clear(path)
  local entries = {}
  for entry in files:readdir(path) do entries[#entries + 1] = entry end
  for _, entry in ipairs(entries) do
    local full = (path == "/" and "" or path) .. "/" .. entry.name
    if entry.type == fs.type.DIR then clear(full) end
    files:remove(full)
  end
end

local function make(path)
  local out, err = archive.create(files, path)
  test.is_nil(err and tostring(err))
  test.not_nil((out:add("a.txt", "one")))
  test.not_nil((out:add("deep/b.bin", "\0\255two")))
  test.not_nil((out:add_dir("empty")))
  test.not_nil((out:close()))
end

local function fails(kind, value, err)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
end

return { run_tests = test.run_cases(function()
  describe("an archive", function()
    before_each(function()
      files = fs.get("app:files")
      clear("/")
    end)

    for _, name in ipairs({ "x.zip", "x.tar" }) do
      it("is written and read: " .. name, function()
        make(name)
        local reader, err = archive.open(files, name)
        test.is_nil(err and tostring(err))
        local names = {}
        for entry in reader:entries() do names[#names + 1] = entry.name end
        test.eq(table.concat(names, ","):gsub("empty/", "empty"), "a.txt,deep/b.bin,empty")
        test.eq(reader:read("a.txt"), "one")
        test.is_true(reader:read("deep/b.bin") == "\0\255two")
        test.eq(reader:stat("a.txt").size, 3)
        local stream = reader:stream("a.txt")
        test.eq(stream:stat().size, 3)
        test.eq(stream:read(2), "on")
        test.eq(stream:stat().position, 2)
        test.is_false(stream:stat().seekable)
        test.eq(stream:read(0), "e")
        fails("Internal", stream:write("x"))
        fails("Invalid", stream:scanner("toString"))
        stream:close()
        fails("NotFound", reader:read("nope"))
        test.is_true(reader:close())
      end)
    end

    for _, name in ipairs({ "x.zip", "x.tar", "x.tar.gz", "x.tar.zst" }) do
      it("is walked: " .. name, function()
        make(name)
        local source = files:open(name)
        local walker, err = archive.scan(source)
        test.is_nil(err and tostring(err))
        local found = {}
        for entry, stream in walker:walk() do
          if not entry.is_dir then found[entry.name] = stream:read() end
        end
        test.eq(found["a.txt"], "one")
        test.is_true(found["deep/b.bin"] == "\0\255two")
        walker:close()
        source:close()
      end)
    end

    it("is unpacked", function()
      make("x.zip")
      local reader = archive.open(files, "x.zip")
      test.is_true(reader:extract("a.txt", files, "/single.txt"))
      test.eq(files:readfile("/single.txt"), "one")
      test.eq(reader:extract_all(files, { prefix = "/out/" }), 2, "files that were written")
      test.is_true(files:readfile("/out/deep/b.bin") == "\0\255two")
      reader:close()
    end)

    it("is there only when it is closed", function()
      local out = archive.create(files, "unfinished.zip")
      out:add("a", "x")
      test.is_false(files:exists("unfinished.zip"))
      out:close()
      test.is_true(files:exists("unfinished.zip"))
    end)

    it("tells its formats", function()
      local formats = table.concat(archive.formats(), ",")
      test.contains(formats, "zip")
      test.contains(formats, "tar")
    end)
  end)

  describe("harm", function()
    before_each(function()
      files = fs.get("app:files")
      clear("/")
    end)

    it("by names that lead out is refused", function()
      for _, name in ipairs({ "../out", "/abs", "a/../../out" }) do
        local out = archive.create(files, "evil.zip")
        local ok, err = out:add(name, "x")
        if err == nil then
          out:close()
          local reader = archive.open(files, "evil.zip")
          ok, err = reader:extract_all(files, { prefix = "/in/" })
        end
        fails("Invalid", ok ~= true and ok or nil, err)
      end
    end)

    it("by size is refused", function()
      local out = archive.create(files, "bomb.zip")
      out:add("zeros", ("\0"):rep(1000000))
      out:close()
      local reader = archive.open(files, "bomb.zip", { max_file_bytes = 1000 })
      local value, err
      if reader then value, err = reader:read("zeros") end
      test.has_error(value, err)
    end)

    it("by nonsense is refused", function()
      fails("Invalid", archive.open("this is no archive"))
      make("cut.zip")
      local bytes = files:readfile("cut.zip")
      local reader, err = archive.open(bytes:sub(1, #bytes // 2))
      test.has_error(reader, err)
    end)
  end)
end) }
