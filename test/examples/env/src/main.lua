-- Reads variables of the environment through storages.
local io = require("io")
local env = require("env")

local function main(name)
  if name then assert(env.set("NAME", name)) end
  io.print(env.get("GREETING") .. ", " .. env.get("NAME"))

  local home, err = env.get("HOME")
  io.print("HOME: " .. (home or tostring(err)))
end

return { main = main }
