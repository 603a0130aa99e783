-- Text on the terminal. Colours only where the runtime says that somebody looks at them.

local io = require("io")

local terminal = {}

local CODES = { bold = "1", dim = "2", red = "31", green = "32", yellow = "33", cyan = "36" }

terminal.colors = type(io.is_terminal) == "function" and io.is_terminal() == true

--- The text in a colour or weight.
function terminal.paint(text, code)
  if not terminal.colors then return text end
  return "\27[" .. CODES[code] .. "m" .. text .. "\27[0m"
end

function terminal.line(text)
  io.print(text or "")
end

return terminal
