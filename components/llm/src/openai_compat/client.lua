-- The environment variables of the openai_compat provider. Settings, transport and retries are the OpenAI client's.

local compat_client = {}

compat_client.NAMES = {
  api_key = "OPENAI_COMPAT_API_KEY",
  base_url = "OPENAI_COMPAT_BASE_URL",
  organization = "OPENAI_COMPAT_ORGANIZATION",
  timeout = "OPENAI_COMPAT_TIMEOUT",
}

return compat_client
