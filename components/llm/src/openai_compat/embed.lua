-- Driver function `embed` of wippy.llm.openai_compat.

local output = require("output")
local openai_client = require("openai_client")
local openai_mapper = require("openai_mapper")
local openai_embeddings = require("openai_embeddings")
local compat_client = require("compat_client")

local function handler(args)
  local settings, failure = openai_client.settings(compat_client.NAMES)
  if not settings then
    return nil, output.errors.embed(args):classifier(openai_mapper.classify):from(failure):build()
  end
  return openai_embeddings.create(args, settings)
end

return { handler = handler }
