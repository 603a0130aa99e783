-- What a server says of itself: GET /models. Whatever happens is an answer, never an error.

local openai_client = require("openai_client")

local health = {}

-- Replaceable in tests.
health._client = openai_client

local function answer(status, message)
  return { success = status == "healthy", status = status, message = message }
end

local function read_failure(failure)
  local described = openai_client.describe(failure)
  local status = described.status_code or 0
  if status == 0 then return answer("unhealthy", "Connection failed") end
  if status == 429 then return answer("degraded", "Rate limited but service is available") end
  if status >= 500 then return answer("degraded", "Service experiencing issues") end
  return answer("unhealthy", described.message)
end

--- { success, status, message } for the server of `settings`; `failure` says why there are none.
function health.check(settings, failure)
  if not settings then return answer("unhealthy", failure and failure.message or "not configured") end
  local response, err = health._client.request(settings, "models")
  if not response then return read_failure(err) end
  return answer("healthy", "OpenAI API is responding normally")
end

return health
