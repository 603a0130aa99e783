-- The smallest program: greets whoever is named on the command line.
local io = require("io")

-- The words after the command's name are the arguments.
local function main(name)
  io.print("hello, " .. (name or "world"))
end

return { main = main }
