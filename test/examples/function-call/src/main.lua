-- Calls a function, at once and later, and meets its error.
local io = require("io")
local funcs = require("funcs")

local function main(a, b)
  a, b = tonumber(a or 10), tonumber(b or 4)
  local result, err = funcs.call("app:divide", a, b)
  if err then
    io.print("no result: " .. tostring(err) .. " (" .. err:kind() .. ")")
  else
    io.print(("%d / %d = %s"):format(a, b, result))
  end
end

return { main = main }
