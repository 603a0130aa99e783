-- One step of the rehearsal model. It reads the question and what happened since, and makes the next move of an agent:
-- look into the documentation, write a tool, load it, call it, answer from its result.

local json = require("json")
local output = require("output")
local recipes = require("recipes")

-- Reading the conversation ------------------------------------------------------------------------------------------

local function text_of(message)
  if type(message.content) == "string" then return message.content end
  local texts = {}
  for _, part in ipairs(message.content or {}) do
    if type(part.text) == "string" then texts[#texts + 1] = part.text end
  end
  return table.concat(texts, "\n")
end

local function decode(text)
  local decoded = json.decode(text)
  return type(decoded) == "table" and decoded or { value = text }
end

-- The last question, with the calls and results that followed it. Questions nobody answered stand before it, in paragraphs.
local function read_turn(messages)
  local turn = { question = "", calls = {}, results = {}, calls_ever = 0, bytes = 0 }
  for _, message in ipairs(messages or {}) do
    if message.role == "user" then
      turn.question = text_of(message):match("([^\n]*)%s*$")
      turn.calls, turn.results = {}, {}
    elseif message.role == "function_call" and message.function_call then
      turn.calls_ever = turn.calls_ever + 1
      turn.calls[message.function_call.name] = message.function_call
    elseif message.role == "function_result" then
      turn.results[message.name or ""] = decode(text_of(message))
    end
    turn.bytes = turn.bytes + #text_of(message)
  end
  return turn
end

local function names_of(tools)
  local offered = {}
  for _, tool in ipairs(tools or {}) do offered[tool.name] = true end
  return offered
end

-- The next move: { say } or { call, arguments } ---------------------------------------------------------------------

local function say(text)
  return { say = text }
end

local function call(name, arguments)
  return { call = name, arguments = arguments }
end

local function answer_from(recipe, arguments, turn)
  local result = turn.results[recipe.tool]
  if result.error then return say(string.format("The tool %s failed: %s.", recipe.tool, tostring(result.error))) end
  return say(recipe.answer(result, arguments, turn.question))
end

local function lacking(name)
  return say("I would need the tool " .. name .. ", which this agent does not offer. " .. recipes.CONFIGURE)
end

local function ask_tool(recipe, arguments, turn, offered)
  if turn.results[recipe.tool] then return answer_from(recipe, arguments, turn) end
  if not offered[recipe.tool] then return lacking(recipe.tool) end
  return call(recipe.tool, arguments)
end

local function create(recipe)
  return call("create_tool", {
    name = recipe.tool,
    description = recipe.description,
    source = recipe.source,
    modules = recipe.modules,
    input_schema = recipe.input_schema and json.encode(recipe.input_schema),
  })
end

local function build_tool(recipe, arguments, turn, offered)
  if turn.results[recipe.tool] then return answer_from(recipe, arguments, turn) end
  if offered[recipe.tool] then return call(recipe.tool, arguments) end
  if offered.doc_search and not turn.calls.doc_search then return call("doc_search", { path = recipe.doc }) end

  local created, loaded = turn.results.create_tool, turn.results.load_tool
  if not created then
    if not offered.create_tool then return lacking("create_tool") end
    return create(recipe)
  end
  if created.error then return say(string.format("I could not create the tool: %s.", tostring(created.error))) end
  if not loaded then
    if not offered.load_tool then return lacking("load_tool") end
    return call("load_tool", { id = created.id })
  end
  if loaded.error then return say(string.format("I could not load the tool: %s.", tostring(loaded.error))) end
  return say("I loaded " .. tostring(created.id) .. ", but this agent does not offer it to me.")
end

local function next_move(turn, offered)
  local recipe, arguments = recipes.find(turn.question)
  if not recipe then return say(recipes.ABOUT .. recipes.CONFIGURE) end
  if recipe.source then return build_tool(recipe, arguments, turn, offered) end
  return ask_tool(recipe, arguments, turn, offered)
end

local function arguments_text(arguments)
  return next(arguments) == nil and "{}" or json.encode(arguments)
end

-- Sending it --------------------------------------------------------------------------------------------------------

-- Nobody counts tokens here: four bytes make one, as a rule of thumb.
local function tokens(prompt_bytes, completion_bytes)
  return output.usage(math.ceil(prompt_bytes / 4), math.ceil(completion_bytes / 4))
end

local function stream(streamer, move, call_id, finish_reason)
  if not streamer then return end
  for word in (move.say or ""):gmatch("%S+%s*") do streamer:buffer_content(word) end
  streamer:flush()
  if move.call then streamer:send_tool_call(move.call, arguments_text(move.arguments), call_id) end
  streamer:send_done({ finish_reason = finish_reason, model = "rehearsal" })
end

--- Contract wippy.llm:generator.
local function handler(args)
  local offered = names_of(args.tools)
  if next(offered) == nil then
    return nil, errors.new({
      message = "the rehearsal model only plays agents with tools: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of "
        .. "your own",
      kind = errors.UNAVAILABLE,
      retryable = false,
    })
  end
  local turn = read_turn(args.messages)
  local move = next_move(turn, offered)
  local call_id = "call_rehearsal_" .. (turn.calls_ever + 1)
  local finish_reason = move.call and output.FINISH_REASON.TOOL_CALL or output.FINISH_REASON.STOP
  stream(output.streamer_for(args.stream), move, call_id, finish_reason)
  return {
    success = true,
    result = {
      content = move.say or "",
      tool_calls = move.call and { { id = call_id, name = move.call, arguments = move.arguments } } or {},
    },
    tokens = tokens(turn.bytes, #(move.say or arguments_text(move.arguments))),
    finish_reason = finish_reason,
    metadata = { rehearsal = true },
  }
end

return { handler = handler }
