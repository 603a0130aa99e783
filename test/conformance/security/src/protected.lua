-- Something that needs a permission, and reports who asked.
local store = require("store")
local security = require("security")

local function use()
  local ok, err = pcall(function() return store.get("app:cache") end)
  local actor, scope = security.actor(), security.scope()
  return {
    allowed = ok,
    why = not ok and tostring(err) or nil,
    actor = actor and actor:id(),
    has_scope = scope ~= nil,
    can_read = security.can("read", "doc"),
    can_secret = security.can("read", "secret"),
  }
end

return { use = use }
