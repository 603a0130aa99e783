-- pg: joining, leaving, reaching all.
local test = require("test")
local pg = require("pg")

local function start(group, count)
  local joined, pids = process.listen("joined"), {}
  for i = 1, count do
    process.spawn_monitored("app:member", "app:processes", process.pid(), group)
    pids[i] = joined:receive()
  end
  return pids
end

local function stop(pids)
  for _, pid in ipairs(pids) do process.send(pid, "stop") end
  for _ = 1, #pids do process.events():receive() end
end

return { run_tests = test.run_cases(function()
  describe("a group", function()
    it("has members while they live", function()
      local pids = start("workers", 3)
      test.len(pg.get_members("workers"), 3)
      test.len(pg.get_local_members("workers"), 3)
      stop(pids)
      test.len(pg.get_members("workers"), 0)
      test.len(pg.get_members("nobody here"), 0)
    end)

    it("is reached together", function()
      local pids, heard = start("listeners", 3), process.listen("heard")
      pg.broadcast("listeners", "news", { n = 7 })
      local seen = {}
      for _ = 1, 3 do
        local one = heard:receive()
        test.eq(one.value.n, 7)
        seen[one.pid] = true
      end
      for _, pid in ipairs(pids) do test.is_true(seen[pid]) end
      stop(pids)
    end)

    it("may be joined and left by anybody, several at once", function()
      test.is_true(pg.join({ "a", "b" }))
      test.eq(pg.get_members("a")[1], process.pid())
      local groups = {}
      for _, name in ipairs(pg.which_groups()) do groups[name] = true end
      test.is_true(groups.a and groups.b)
      test.is_true(pg.leave("a"))
      test.len(pg.get_members("a"), 0)
      pg.leave({ "b" })
    end)

    it("tells of changes", function()
      local sub, members, err = pg.monitor("watched")
      test.is_nil(err)
      test.len(members, 0)
      pg.join("watched")
      local joined = sub:channel():receive()
      test.eq(joined.kind, "member.joined")
      test.eq(joined.path, "watched")
      test.eq(joined.data.PIDs[1], process.pid())
      local _, snapshot = pg.events()
      test.eq(snapshot.watched[1], process.pid())
      pg.leave("watched")
      test.eq(sub:channel():receive().kind, "member.left")
      test.is_true(sub:close())
    end)

    it("needs a name", function()
      local value, err = pg.join("")
      test.has_error(value, err)
      test.eq(err:kind(), errors.INVALID)
      value, err = pg.broadcast("", "t")
      test.has_error(value, err)
    end)
  end)

  describe("a scope of its own", function()
    it("has its own groups", function()
      local scope, err = pg.open("app:scope")
      test.is_nil(err and tostring(err))
      scope:join("shared name")
      test.len(scope:get_members("shared name"), 1)
      test.len(pg.get_members("shared name"), 0)
      scope:leave("shared name")
    end)

    it("has its limits, and an end", function()
      local scope = pg.open("app:scope")
      test.is_true(scope:join({ "narrow", "narrow" }))
      local value, err = scope:join("narrow")
      test.has_error(value, err)
      test.is_true(scope:release())
      value, err = scope:leave("narrow")
      test.has_error(value, err)
      test.eq(err:kind(), errors.INVALID)
      value, err = pg.open("app:nope")
      test.has_error(value, err)
      test.eq(err:kind(), errors.INTERNAL)
    end)
  end)
end) }
