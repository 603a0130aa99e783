-- A tool of the agent: looks for a book on the shelf.
local shelf = { "Emma", "Moby-Dick", "The Trial" }

local function handler(arguments)
  local wanted = tostring(arguments.title):lower()
  for place, title in ipairs(shelf) do
    if title:lower():find(wanted, 1, true) then return { found = true, title = title, place = place } end
  end
  return { found = false }
end

return { handler = handler }
