-- Text made shorter by a model, to a wanted number of characters (bytes). Text that fits is returned as it is.
-- Short enough for the model's window: one request. Longer: in pieces, then one request over the summaries.

local text = require("text")
local llm = require("llm")
local models = require("models")

local compress = {}

-- Replaceable in tests.
compress._models = models
compress._llm = llm
compress._text = text

local config = {
  chars_per_token = 4,
  prompt_buffer_tokens = 500,
  output_buffer_tokens = 200,
  context_safety_margin = 0.1,
  chunk_context_ratio = 0.6,
  chunk_overlap_chars = 200,
  length_tolerance_ratio = 0.05,
  min_length_tolerance = 10,
  max_refinement_attempts = 2,
  min_target_chars = 50,
  max_expansion_ratio = 10,
  max_context_usage_ratio = 0.8,
  default_temperature = 0.2,
  synthesis_temperature = 0.1,
  refinement_temperature = 0.1,
}

--- Changes settings; names that do not exist are ignored.
function compress.configure(settings)
  for key, value in pairs(settings or {}) do
    if config[key] ~= nil then config[key] = value end
  end
  return compress
end

function compress.get_config()
  local copy = {}
  for key, value in pairs(config) do copy[key] = value end
  return copy
end

-- Limits ------------------------------------------------------------------------------------------------------------

local DEFAULT_CONTEXT, DEFAULT_OUTPUT = 8000, 1000

local function limits_of(model_name, mock)
  local card = mock
  if not card then
    local err
    card, err = compress._models.get_by_name(model_name)
    if not card then return nil, "Model not found: " .. tostring(err or model_name) end
  end
  local context = card.max_tokens or DEFAULT_CONTEXT
  local output = card.output_tokens or DEFAULT_OUTPUT
  local input = context - output - config.prompt_buffer_tokens
  return {
    max_context_tokens = context,
    max_output_tokens = output,
    usable_input_chars = math.floor(input * config.chars_per_token * (1 - config.context_safety_margin)),
    max_output_chars = output * config.chars_per_token,
  }
end

local function largest_target(limits)
  return math.floor(limits.max_output_chars * config.max_context_usage_ratio)
end

local function max_tokens_for(target, limits)
  local wanted = math.floor(target / config.chars_per_token) + config.output_buffer_tokens
  return math.min(wanted, limits.max_output_tokens)
end

-- Requests ----------------------------------------------------------------------------------------------------------

local DIRECT = [[
Summarise the text between the lines of dashes in about %d characters.
Keep every fact, name, number, decision and conclusion that a reader needs to go on working. Leave out repetition and
small talk. Write plain prose. Answer with the summary alone.
----------------------------------------
%s
----------------------------------------]]

local CHUNK = [[
The text between the lines of dashes is part %d of %d of a longer text. Summarise this part in about %d characters.
Keep facts, names, numbers, decisions and conclusions. Answer with the summary alone.
----------------------------------------
%s
----------------------------------------]]

local SYNTHESIS = [[
Between the lines of dashes stand summaries of the parts of one text, in order. Join them into one summary of about
%d characters, without repeating what several parts say. Answer with the summary alone.
----------------------------------------
%s
----------------------------------------]]

local SHORTEN = [[
The text between the lines of dashes has %d characters; it should have about %d. Shorten it by about %d characters and
keep its facts. Answer with the new text alone.
----------------------------------------
%s
----------------------------------------]]

local EXPAND = [[
The text between the lines of dashes has %d characters; it should have about %d. Lengthen it by about %d characters with
what the text itself supports; add no new facts. Answer with the new text alone.
----------------------------------------
%s
----------------------------------------]]

local function ask(request, target, temperature)
  local response, err = compress._llm.generate(request.prompt, {
    model = request.model,
    temperature = temperature,
    max_tokens = max_tokens_for(target, request.limits),
  })
  if err then return nil, tostring(err) end
  local answer = response and response.result
  return type(answer) == "string" and answer or ""
end

local function asking(job, prompt)
  return { model = job.model, limits = job.limits, prompt = prompt }
end

local function direct(job, content)
  local temperature = job.options.temperature or config.default_temperature
  local summary, err = ask(asking(job, string.format(DIRECT, job.target, content)), job.target, temperature)
  if not summary then return nil, "Direct compression failed: " .. err end
  if summary == "" then return nil, "Model returned empty response" end
  return summary
end

local function split(job, content)
  local splitter, err = compress._text.splitter.recursive({
    chunk_size = math.floor(job.limits.usable_input_chars * config.chunk_context_ratio),
    chunk_overlap = job.options.chunk_overlap or config.chunk_overlap_chars,
  })
  if not splitter then return nil, "Failed to create text splitter: " .. tostring(err) end
  local chunks, split_err = splitter:split_text(content)
  if not chunks then return nil, "Failed to split content: " .. tostring(split_err) end
  if #chunks == 0 then return nil, "No chunks created from content" end
  return chunks
end

local function map_reduce(job, content)
  local chunks, err = split(job, content)
  if not chunks then return nil, err end

  local each = math.max(config.min_target_chars, math.floor(job.target / #chunks))
  local temperature = job.options.temperature or config.default_temperature
  local summaries = {}
  for i, chunk in ipairs(chunks) do
    local prompt = string.format(CHUNK, i, #chunks, each, chunk)
    local summary, chunk_err = ask(asking(job, prompt), each, temperature)
    if not summary then return nil, string.format("Failed to compress chunk %d: %s", i, chunk_err) end
    if summary == "" then return nil, string.format("Empty response for chunk %d", i) end
    summaries[i] = summary
  end

  local joined = table.concat(summaries, "\n\n")
  local prompt = string.format(SYNTHESIS, job.target, joined)
  local final, final_err = ask(asking(job, prompt), job.target, config.synthesis_temperature)
  if not final then return nil, "Failed to synthesize final summary: " .. final_err end
  if final == "" then return nil, "Empty response from synthesis step" end
  return final
end

-- Asks for a better length a few times. A failure here costs nothing: the last text is good.
local function refine(job, summary)
  local tolerance = math.max(config.min_length_tolerance, math.floor(job.target * config.length_tolerance_ratio))
  for _ = 1, job.options.max_attempts or config.max_refinement_attempts do
    local difference = #summary - job.target
    if math.abs(difference) <= tolerance then return summary end
    local form = difference > 0 and SHORTEN or EXPAND
    local prompt = string.format(form, #summary, job.target, math.abs(difference), summary)
    local better, err = ask(asking(job, prompt), job.target, config.refinement_temperature)
    if err or better == "" then return summary end
    summary = better
  end
  return summary
end

-- Public ------------------------------------------------------------------------------------------------------------

--- The content in about `target_chars` bytes. Options: temperature, chunk_overlap, max_attempts, skip_refinement.
function compress.to_size(model_name, content, target_chars, options, mock_model_info)
  if not model_name or model_name == "" then return nil, "Model name is required" end
  if not content or content == "" then return nil, "Content is required" end
  if type(target_chars) ~= "number" or target_chars <= 0 then
    return nil, "Target size must be a positive number"
  end
  local limits, err = limits_of(model_name, mock_model_info)
  if not limits then return nil, err end
  local target = math.floor(target_chars)
  if target < config.min_target_chars then
    return nil,
      string.format("Target size %d is too small (minimum: %d characters)", target, config.min_target_chars)
  end
  if target > largest_target(limits) then
    return nil,
      string.format(
        "Target size %d is too large for model (max reasonable: %d characters)",
        target,
        largest_target(limits)
      )
  end
  if #content <= target then return content end

  local job = { model = model_name, target = target, limits = limits, options = options or {} }
  local run = #content <= limits.usable_input_chars and direct or map_reduce
  local summary, run_err = run(job, content)
  if not summary then return nil, run_err end
  if job.options.skip_refinement then return summary end
  return refine(job, summary)
end

--- Figures on what `to_size` would do.
function compress.get_stats(model_name, content, target_chars, mock_model_info)
  local limits, err = limits_of(model_name, mock_model_info)
  if not limits then return nil, err end
  local size = #(content or "")
  local fits = size <= limits.usable_input_chars
  return {
    content_chars = size,
    target_chars = target_chars,
    compression_ratio = size > 0 and target_chars / size or 0,
    strategy = fits and "direct" or "map_reduce",
    model_max_context_tokens = limits.max_context_tokens,
    model_max_output_tokens = limits.max_output_tokens,
    model_usable_input_chars = limits.usable_input_chars,
    model_max_output_chars = limits.max_output_chars,
    fits_in_context = fits,
    needs_compression = size > target_chars,
    safe_max_tokens_for_target = max_tokens_for(target_chars, limits),
  }
end

--- Whether `to_size` can work on this content; when not, why.
function compress.can_compress(model_name, content, target_chars, mock_model_info)
  local limits, err = limits_of(model_name, mock_model_info)
  if not limits then return false, err end
  if #(content or "") <= target_chars then return true end
  if target_chars < config.min_target_chars then
    return false,
      string.format("Target size %d is too small (minimum: %d)", target_chars, config.min_target_chars)
  end
  if target_chars > limits.max_output_chars then
    return false,
      string.format("Target size %d exceeds model output limit (%d)", target_chars, limits.max_output_chars)
  end
  return true
end

return compress
