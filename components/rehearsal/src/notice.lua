-- Whether the rehearsal model answers in this application, and how to say so.

local env = require("env")

local notice = {}

-- Replaceable in tests.
notice._env = env

local VARIABLES = { "wippy.llm.openai:api_key", "wippy.llm.openai:base_url" }

--- True when neither a key nor a base URL is configured.
function notice.active()
  for _, variable in ipairs(VARIABLES) do
    local value = notice._env.get(variable)
    if value ~= nil and value ~= "" then return false end
  end
  return true
end

--- One line for the user, or nil when a model is configured.
function notice.notice()
  if not notice.active() then return nil end
  return "rehearsal model: neither OPENAI_API_KEY nor OPENAI_BASE_URL is set, so a few offline rules answer, not an AI"
end

return notice
