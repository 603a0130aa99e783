-- Text on the terminal. Colours only where the runtime says that somebody looks at them.

local io = require("io")

local terminal = {}

local CODES = { bold = "1", dim = "2", red = "31", green = "32", yellow = "33", cyan = "36" }

local colors

-- Asked when first needed: modules cannot be called while code loads. Runtimes without the question get plain text.
local function has_colors()
  if colors == nil then colors = io.is_terminal ~= nil and io.is_terminal() == true end
  return colors
end

--- The text in a colour or weight.
function terminal.paint(text, code)
  if not has_colors() then return text end
  return "\27[" .. CODES[code] .. "m" .. text .. "\27[0m"
end

function terminal.line(text)
  io.print(text or "")
end

return terminal
