-- Driver function `structured_output` of wippy.llm.openai: the Responses API, or Chat Completions when OPENAI_API says so.

local output = require("output")
local openai_client = require("openai_client")
local openai_mapper = require("openai_mapper")
local openai_responses = require("openai_responses")
local openai_chat = require("openai_chat")

local API = { responses = openai_responses, chat = openai_chat }

local function handler(args)
  local settings, failure = openai_client.settings(openai_client.OPENAI)
  if not settings then
    return nil, output.errors.structured_output(args):classifier(openai_mapper.classify):from(failure):build()
  end
  return API[settings.api].structured_output(args, settings)
end

return { handler = handler }
