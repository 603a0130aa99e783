-- A library with state, a module of its own, and a library of its own.
local base64 = require("base64")
local inner = require("inner")

local words = { count = 0 }

function words.next()
  words.count = words.count + 1
  return words.count
end

function words.encode(text)
  return base64.encode(inner.greeting .. " " .. text)
end

return words
