local funcs = require("funcs")
local io = require("io")

local function main()
  local greeting, err = funcs.call("app:greet", "build")
  io.print(greeting or err)
  return err == nil and 0 or 1
end

return { main = main }
