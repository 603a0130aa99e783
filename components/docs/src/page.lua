-- One page of the documentation by its path. A folder gives the list of its pages, so that a reader can find the way.

local fs = require("fs")

local PAGES = "wippy.docs:pages"

-- "/en/lua/core/time.md", a link of the public site and "lua/core/time" are the same page.
local function normalize(path)
  path = path:gsub("^%s+", ""):gsub("%s+$", ""):gsub("[?#].*$", "")
  path = path:gsub("^https?://[^/]+", ""):gsub("^/+", ""):gsub("^llm/path/", ""):gsub("^docs/", "")
  path = path:gsub("^en/", ""):gsub("/+$", ""):gsub("%.md$", ""):gsub("%.html$", "")
  if path == "" then return "index" end
  return path
end

local function listing(pages, path)
  local next_entry, state = pages:readdir("/" .. path)
  if not next_entry then return nil, state end
  local lines = { "# " .. path, "", "Pages below this path:", "" }
  for entry in next_entry, state do
    local name = entry.name:gsub("%.md$", "")
    table.insert(lines, "- " .. path .. "/" .. name .. (entry.type == "directory" and "/" or ""))
  end
  return table.concat(lines, "\n") .. "\n"
end

--- Input { path }. Output { path, content } or { error }.
local function handler(input)
  if type(input) ~= "table" or type(input.path) ~= "string" or not input.path:find("%S") then
    return { error = "path is required, such as lua/core/time" }
  end
  local path = normalize(input.path)
  local pages, err = fs.get(PAGES)
  if err then return { error = tostring(err) } end
  local content, read_err = pages:readfile("/" .. path .. ".md")
  if content then return { path = path, content = content } end
  if read_err:kind() ~= errors.NOT_FOUND then return { error = tostring(read_err) } end
  if pages:isdir("/" .. path) then
    local list, list_err = listing(pages, path)
    if not list then return { error = tostring(list_err) } end
    return { path = path, content = list }
  end
  return { error = "page not found: " .. path .. " (search by query, or read the page index)" }
end

return { handler = handler }
