-- Vectors for texts: POST /embeddings, which both OpenAI drivers speak.

local output = require("output")
local openai_client = require("openai_client")
local openai_mapper = require("openai_mapper")

local embeddings = {}

-- Replaceable in tests.
embeddings._client = openai_client

local function fail(args, failure)
  if openai_client.describe(failure).canceled then return nil, failure end
  return nil, output.errors.embed(args):classifier(openai_mapper.classify):from(failure):build()
end

local function tokens_of(usage)
  if type(usage) ~= "table" then return nil end
  local prompt = usage.prompt_tokens or 0
  return { prompt_tokens = prompt, total_tokens = usage.total_tokens or prompt }
end

--- One vector per text of `args.input`, in order.
function embeddings.create(args, settings)
  if args.input == nil or args.input == "" then
    return fail(args, { status_code = 400, message = "Input is required" })
  end
  local options = args.options or {}
  local body = {
    model = args.model,
    input = args.input,
    encoding_format = "float",
    dimensions = options.dimensions,
    user = options.user,
  }
  if args.timeout then openai_client.with_timeout(settings, args.timeout) end
  local response, err = embeddings._client.request(settings, "embeddings", body, args.retry)
  if not response then return fail(args, err) end

  local vectors = {}
  for i, item in ipairs(response.data or {}) do vectors[i] = item.embedding end
  if #vectors == 0 then return fail(args, { status_code = 500, message = "No embeddings in response" }) end
  return {
    success = true,
    result = { embeddings = vectors },
    tokens = tokens_of(response.usage),
    metadata = { request_id = response._http and response._http.request_id },
  }
end

return embeddings
