-- The Wippy documentation: one page by path, or a search. From the server WIPPY_DOCS_URL names (https://wippy.ai/llm is the
-- public one), else from the pages of the component wippy/docs.

local http_client = require("http_client")
local json = require("json")
local env = require("env")
local funcs = require("funcs")

local MAX_CHARS = 8000
local TRUNCATED = "\n... (truncated)"
local USER_AGENT = "wippy-agent/1.0"
local PAGE, SEARCH = "wippy.docs:page", "wippy.docs:search"

-- At most MAX_CHARS bytes of text, cut between characters.
local function clip(text)
  if #text <= MAX_CHARS then return text end
  local stop = MAX_CHARS
  while stop > 0 and text:byte(stop + 1) >= 0x80 and text:byte(stop + 1) < 0xC0 do stop = stop - 1 end
  return text:sub(1, stop) .. TRUNCATED
end

local function base_url()
  local url = env.get("app:docs_url")
  if not url or url == "" then return nil end
  return (url:gsub("/+$", ""))
end

local function fetch(url)
  local resp, err = http_client.get(url, { headers = { ["User-Agent"] = USER_AGENT } })
  if err then return nil, tostring(err) end
  if resp.status_code ~= 200 then return nil, "HTTP " .. resp.status_code end
  return clip(resp.body or "")
end

local function ask(id, input)
  local answer, err = funcs.call(id, input)
  if err then return nil, tostring(err) end
  if type(answer) ~= "table" then return nil, id .. " gave no answer" end
  if answer.error then return nil, tostring(answer.error) end
  return answer
end

local function page(path, base)
  if base then return fetch(base .. "/path/en/" .. path) end
  local answer, err = ask(PAGE, { path = path })
  if not answer then return nil, err end
  return clip(tostring(answer.content or ""))
end

local function search(query, base)
  if base then return fetch(base .. "/search?q=" .. http_client.encode_uri(query)) end
  local answer, err = ask(SEARCH, { query = query })
  if not answer then return nil, err end
  if type(answer.results) == "string" then return clip(answer.results) end
  local encoded = json.encode(answer.results or {})
  return #encoded > MAX_CHARS and clip(encoded) or answer.results or {}
end

local function given(text)
  return type(text) == "string" and text:find("%S") ~= nil
end

--- Input { path } or { query }; path wins. Output { path, content }, { results } or { error }.
local function handler(input)
  if given(input.path) then
    local path = input.path:gsub("^/+", ""):gsub("%.md$", "")
    local content, err = page(path, base_url())
    if err then return { error = err } end
    return { path = input.path, content = content }
  end
  if given(input.query) then
    local results, err = search(input.query, base_url())
    if err then return { error = err } end
    return { results = results }
  end
  return { error = "provide either 'path' or 'query'" }
end

return { handler = handler }
