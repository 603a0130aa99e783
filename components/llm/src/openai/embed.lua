-- Driver function `embed` of wippy.llm.openai.

local output = require("output")
local openai_client = require("openai_client")
local openai_mapper = require("openai_mapper")
local openai_embeddings = require("openai_embeddings")

local function handler(args)
  local settings, failure = openai_client.settings(openai_client.OPENAI)
  if not settings then
    return nil, output.errors.embed(args):classifier(openai_mapper.classify):from(failure):build()
  end
  return openai_embeddings.create(args, settings)
end

return { handler = handler }
