-- exec: commands, streams, signals, limits.
local test = require("test")
local exec = require("exec")

local function run(id, command, options)
  local executor = exec.get(id)
  local p, err = executor:exec(command, options)
  if err then return nil, err end
  local out = p:stdout_stream()
  local ok, failure = p:start()
  if not ok then return nil, failure end
  p:close_stdin()
  local pieces = {}
  while true do
    local piece, read_err = out:read()
    if read_err or piece == nil then break end
    pieces[#pieces + 1] = piece
  end
  local code, wait_err = p:wait()
  executor:release()
  return table.concat(pieces), code, wait_err
end

local function fails(kind, value, err)
  test.has_error(value, err)
  test.eq(err:kind(), kind)
  return tostring(err)
end

return { run_tests = test.run_cases(function()
  describe("a command", function()
    it("runs with literal arguments", function()
      local out, code = run("app:shell", [[echo one "two  words" 'and $HOME; ls | cat > x' *]])
      test.eq(out, "one two  words and $HOME; ls | cat > x *\n")
      test.eq(code, 0)
    end)

    it("has output that is a stream like others", function()
      local executor = exec.get("app:shell")
      local p = executor:exec("echo one two")
      local out = p:stdout_stream()
      p:start()
      test.eq(out:read(4), "one ")
      local stat = out:stat()
      test.eq(stat.position, 4)
      test.eq(stat.size, -1)
      test.is_false(stat.writable)
      fails("Internal", out:write("x"))
      fails("Internal", out:seek("set", 0))
      fails("Invalid", out:seek("nowhere", 0))
      fails("Invalid", out:scanner("toString"))
      local words = out:scanner("words")
      test.is_true(words:scan())
      test.eq(words:text(), "two")
      test.is_false(words:scan())
      test.is_nil(words:err())
      p:wait()
      executor:release()
    end)

    it("gives all that has arrived when no size is asked for", function()
      local p = exec.get("app:shell"):exec("echo one")
      local out = p:stdout_stream()
      p:start()
      test.eq(out:read(0), "one\n")
      p:wait()
    end)

    it("answers nothing more once it is closed", function()
      local p = exec.get("app:shell"):exec("echo one")
      p:start()
      p:close()
      fails("Invalid", p:stdout_stream())
      fails("Invalid", p:stderr_stream())
      fails("Invalid", p:wait())
    end)

    it("tells its exit code", function()
      test.eq(select(2, run("app:shell", "false")), 1)
      test.eq(select(2, run("app:shell", "sh -c 'exit 7'")), 7)
    end)

    it("sees only the environment it was given", function()
      local out = run("app:shell", "env", { env = { FROM_CALL = "also" } })
      test.contains(out, "FROM_ENTRY=yes")
      test.contains(out, "FROM_CALL=also")
      test.is_nil(out:find("CONFORMANCE", 1, true))
      test.is_nil(out:find("HOME=", 1, true))
    end)

    it("runs where it is told", function()
      test.eq(run("app:shell", "pwd"), "/\n")
      test.eq(run("app:shell", "pwd", { work_dir = "/tmp" }), "/tmp\n")
    end)

    it("reads what is written to it", function()
      local p = exec.get("app:shell"):exec("sort")
      local out = p:stdout_stream()
      p:start()
      test.is_true(p:write_stdin("b\na\n"))
      test.is_true(p:close_stdin())
      local scanner, lines = out:scanner("lines"), {}
      while scanner:scan() do lines[#lines + 1] = scanner:text() end
      test.eq(table.concat(lines, ","), "a,b")
      test.eq(p:wait(), 0)
    end)

    it("has its errors apart", function()
      local p = exec.get("app:shell"):exec("sh -c 'echo wrong >&2'")
      local err_stream = p:stderr_stream()
      p:start()
      test.eq(err_stream:read(), "wrong\n")
      p:wait()
    end)

    it("ends by signals", function()
      local p = exec.get("app:shell"):exec("sleep 60")
      p:start()
      test.is_true(p:signal(15))
      test.eq(p:wait(), -15)
      local q = exec.get("app:shell"):exec("sleep 60")
      q:start()
      test.is_true(q:close(true))
    end)
  end)

  describe("limits", function()
    it("of commands are letter for letter", function()
      test.eq(run("app:listed", "echo allowed"), "allowed\n")
      fails("Invalid", run("app:listed", "echo other"))
      fails("Invalid", run("app:listed", "echo allowed; ls"))
    end)

    it("of time end it", function()
      local _, _, err = run("app:hurried", "sleep 60")
      test.eq(err:kind(), errors.TIMEOUT)
    end)

    it("of output end it", function()
      local p = exec.get("app:terse"):exec("yes")
      local out = p:stdout_stream()
      p:start()
      local size, failure = 0, nil
      for _ = 1, 1000 do
        local piece, err = out:read()
        if err then failure = err end
        if piece == nil then break end
        size = size + #piece
      end
      local _, err = p:wait()
      failure = failure or err
      test.eq(failure:kind(), "LimitExceeded")
      test.lte(size, 100)
    end)
  end)

  describe("failures", function()
    it("have a kind", function()
      fails("NotFound", exec.get("app:nope"))
      fails("NotFound", run("app:shell", "no-such-program-here"))
      fails("Invalid", run("app:shell", 'echo "open'))
    end)
  end)
end) }
