-- Driver function `status` of wippy.llm.openai_compat.

local openai_client = require("openai_client")
local openai_health = require("openai_health")
local compat_client = require("compat_client")

local function handler()
  local settings, failure = openai_client.settings(compat_client.NAMES)
  return openai_health.check(settings, failure)
end

return { handler = handler }
