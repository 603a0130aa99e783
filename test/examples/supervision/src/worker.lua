-- The service: fails the first times it is started.
local store = require("store")

local function main()
  local attempts = store.get("app:attempts")
  local attempt = (attempts:get("count") or 0) + 1
  attempts:set("count", attempt)

  if attempt < 3 then error("attempt " .. attempt .. " went wrong") end

  -- Works until it is asked to stop.
  process.events():receive()
end

return { main = main }
