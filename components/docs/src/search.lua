-- Full-text search over the pages of the documentation.

local docs_index = require("docs_index")

local PAGES = "wippy.docs:pages"

--- Input { query, limit? }. Output { results = { { path, title, excerpt, score } } } or { error }.
local function handler(input)
  if type(input) ~= "table" or type(input.query) ~= "string" or not input.query:find("%S") then
    return { error = "query is required" }
  end
  local results, err = docs_index.search(PAGES, input.query, { limit = input.limit })
  if err then return { error = tostring(err) } end
  return { results = results }
end

return { handler = handler }
