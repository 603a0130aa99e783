-- One request under the caller's authority.
local http_client = require("http_client")

local function fetch(url, options)
  local response, err = http_client.get(url, options)
  if err then return { kind = err:kind(), text = tostring(err) } end
  return { status = response.status_code, url = response.url }
end

return { fetch = fetch }
