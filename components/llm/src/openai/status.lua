-- Driver function `status` of wippy.llm.openai.

local openai_client = require("openai_client")
local openai_health = require("openai_health")

local function handler()
  local settings, failure = openai_client.settings(openai_client.OPENAI)
  return openai_health.check(settings, failure)
end

return { handler = handler }
