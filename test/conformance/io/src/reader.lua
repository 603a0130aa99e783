-- Does one thing with its terminal, if it has one, and tells who asked what came of it.
local io = require("io")

local actions = {
  lines = function()
    local lines, failure = {}, nil
    while true do
      local line, err = io.readline()
      if not line then
        failure = err
        break
      end
      lines[#lines + 1] = line
    end
    return { lines = lines, failure = tostring(failure), kind = failure:kind() }
  end,

  bytes = function()
    local first = io.read(3)
    local line = io.readline()
    return { first = first, line = line }
  end,

  output = function()
    return {
      write = io.write("a", 1, nil, true),
      print = io.print("b", 2.5),
      eprint = io.eprint("c"),
      flush = io.flush(),
    }
  end,

  args = function()
    return { args = io.args() }
  end,

  none = function()
    local found = {}
    for _, name in ipairs({ "write", "print", "eprint", "readline", "read", "raw", "flush" }) do
      local value, err = io[name]()
      found[name] = { value = value, text = tostring(err), kind = err and err:kind() }
    end
    return { found = found, args = #io.args() }
  end,

  raw = function()
    local value, err = io.raw(true)
    return { value = value, text = tostring(err) }
  end,
}

local function main(reply_to, action)
  process.send(reply_to, "done", actions[action]())
end

return { main = main }
