-- Fails as often as it is told, counting in a store: states do not count reliably.
local store = require("store")

local function handler(options)
  local attempts = store.get("app:attempts")
  local n = (attempts:get(options.key) or 0) + 1
  attempts:set(options.key, n)
  if n <= options.failures then
    return nil, errors.new({ message = "attempt " .. n, kind = options.kind or errors.UNAVAILABLE, retryable = options.retryable })
  end
  return n
end

return { handler = handler }
