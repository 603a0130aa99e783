-- The tool of the tutorial that searches the documentation, as it is shown there.
local http_client = require("http_client")
local json = require("json")
local BASE_URL = "https://wippy.ai/llm"
local MAX_CHARS = 8000
local function fetch_page(path)
  local url = BASE_URL .. "/path/en/" .. path
  local resp, err = http_client.get(url, {
    headers = { ["User-Agent"] = "wippy-agent/1.0" },
  })
  if err then
    return nil, tostring(err)
  end
  if resp.status_code ~= 200 then
    return nil, "HTTP " .. resp.status_code
  end
  local body = resp.body or ""
  if #body > MAX_CHARS then
    body = body:sub(1, MAX_CHARS) .. "\n... (truncated)"
  end
  return body, nil
end
local function search_docs(query)
  local url = BASE_URL .. "/search?q=" .. query
  local resp, err = http_client.get(url, {
    headers = { ["User-Agent"] = "wippy-agent/1.0" },
  })
  if err then
    return { error = tostring(err) }
  end
  if resp.status_code ~= 200 then
    return { error = "HTTP " .. resp.status_code }
  end
  local body = resp.body or ""
  if #body > MAX_CHARS then
    body = body:sub(1, MAX_CHARS) .. "\n... (truncated)"
  end
  return { results = body }
end
local function handler(input)
  if input.path then
    local content, err = fetch_page(input.path)
    if err then
      return { error = err }
    end
    return { path = input.path, content = content }
  end
  if input.query then
    return search_docs(input.query)
  end
  return { error = "provide either 'path' or 'query'" }
end
return { handler = handler }
