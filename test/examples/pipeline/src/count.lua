-- Words counted by stages that run beside each other, with channels between them.
local io = require("io")

-- Runs `work(send)` beside the others and gives the channel of what it sends; the channel closes when the work is done.
local function stage(work)
  local out = channel.new()
  coroutine.spawn(function()
    work(function(value) out:send(value) end)
    out:close()
  end)
  return out
end

local function values(source)
  return function()
    local value, ok = source:receive()
    if ok then return value end
  end
end

local function main()
  local lines = stage(function(send)
    while true do
      local line = io.readline()
      if not line then return end
      send(line)
    end
  end)

  local filled = stage(function(send)
    for line in values(lines) do
      if line ~= "" then send(line) end
    end
  end)

  local words, count = 0, 0
  for line in values(filled) do
    count = count + 1
    for _ in line:gmatch("%S+") do words = words + 1 end
  end
  io.print(words .. " words in " .. count .. " lines")
end

return { main = main }
