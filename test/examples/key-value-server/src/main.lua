-- Uses the server through its client library.
local io = require("io")
local client = require("client")

local commands = {
  set = function(key, value) return client.set(key, value) end,
  get = function(key) return client.get(key) or "(nothing)" end,
  delete = function(key) return client.delete(key) and "deleted" or "(nothing)" end,
  keys = function() return table.concat(client.keys(), " ") end,
}

local function main()
  while true do
    local line = io.readline()
    if not line then return end
    local name, key, value = line:match("^(%S+)%s*(%S*)%s*(.*)$")
    local command = commands[name]
    io.print(command and command(key, value) or "? " .. line)
  end
end

return { main = main }
