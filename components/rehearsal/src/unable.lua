-- Structured output and embeddings: the rehearsal model has neither, and does not pretend.

local function handler()
  return nil, errors.new({
    message = "the rehearsal model cannot do this: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own",
    kind = errors.UNAVAILABLE,
    retryable = false,
  })
end

return { handler = handler }
