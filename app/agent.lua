-- The development assistant in a terminal: reads a line, lets the agent take steps until it has answered, prints as the
-- answer arrives. Tools run between the steps; one that `load_tool` names belongs to the agent from the next step on, and
-- whatever changes in the registry meanwhile does too.

local io = require("io")
local json = require("json")
local funcs = require("funcs")
local prompt = require("prompt")
local agent_context = require("agent_context")
local registry = require("registry")
local compress = require("compress")
local output = require("output")
local rehearsal = require("rehearsal")

local AGENT_ID = "app:dev_assistant"
local STREAM_TOPIC = "stream"
local PROMPT_TOKEN_LIMIT = 96000 -- 75 % of the model's window
local COMPRESS_MODEL = "gpt-4.1-nano"
local COMPRESS_TARGET = 4000
local MAX_STEPS = 25
local MAX_RESULT_LEN = 32000

local INTERRUPT, CANCEL = "pid.interrupt", "pid.cancel"
local CANCELED_BY_USER = "canceled by the user"

local session = {
  ctx = nil,
  runner = nil,
  conversation = nil,
  events = nil,
  topic = STREAM_TOPIC,
  stream = nil,
  streams = 1, -- topics used so far
  loaded = {}, -- tools added by load_tool: id -> whether its entry is there
  version = nil, -- of the registry, when the runner was compiled
  stop = nil, -- INTERRUPT or CANCEL, once one has come in this turn
}

-- Output ------------------------------------------------------------------------------------------------------------

-- What a model or a tool wrote is text and nothing else: control characters show as ^X instead of steering the terminal.
local function inert(text)
  text = text:gsub("[%z\1-\8\11-\31\127]", function(char)
    if char == "\r" then return "" end
    return "^" .. string.char((char:byte() + 64) % 128)
  end)
  return (text:gsub("\194[\128-\159]", "?")) -- C1 controls in UTF-8
end

local function write(text)
  io.write(inert(text))
  io.flush()
end

local function first_line(text)
  return tostring(text):match("^[^\r\n]*")
end

local function print_status(name, result)
  local failure = type(result) == "table" and result.error
  if failure then
    io.print("  [" .. inert(name) .. "] error: " .. inert(first_line(failure)))
  else
    io.print("  [" .. inert(name) .. "] ok")
  end
end

-- Ends the line that `text` is on, if it is on one.
local function end_line(text)
  if text ~= "" and text:sub(-1) ~= "\n" then io.print("") end
end

-- Events ------------------------------------------------------------------------------------------------------------

-- Notes a wish to stop. The first one counts, except that leaving outranks interrupting.
local function note_event(event)
  if event.kind ~= INTERRUPT and event.kind ~= CANCEL then return false end
  if session.stop ~= CANCEL then session.stop = event.kind end
  return true
end

-- The first of `cases` that is ready; nil when the turn was stopped instead.
local function wait_for(cases)
  table.insert(cases, 1, session.events:case_receive())
  while true do
    local picked = channel.select(cases)
    if picked.channel ~= session.events then return picked end
    if not picked.ok or note_event(picked.value) then return nil end
  end
end

-- Ends a coroutine together with what it waits for: the request to the model, the tool.
local function abandon(thread)
  if coroutine.close then coroutine.close(thread) end
end

local function forget_old_interrupts()
  while true do
    local picked = channel.select({ session.events:case_receive(), default = true })
    if picked.default or not picked.ok then break end
    if picked.value.kind == CANCEL then session.stop = CANCEL end
  end
  if session.stop == INTERRUPT then session.stop = nil end
end

-- A step ------------------------------------------------------------------------------------------------------------

-- Late chunks of an abandoned step must not show up in the next one: it listens elsewhere.
local function change_topic()
  process.unlisten(session.stream)
  session.streams = session.streams + 1
  session.topic = STREAM_TOPIC .. "." .. session.streams
  session.stream = process.listen(session.topic)
end

local function take_chunk(chunk, printed)
  if type(chunk) ~= "table" or chunk.type ~= output.TYPE.CONTENT then return end
  local text = chunk.content or ""
  printed[#printed + 1] = text
  write(text)
end

local function drain_stream(printed)
  while true do
    local picked = channel.select({ session.stream:case_receive(), default = true })
    if picked.default or not picked.ok then return end
    take_chunk(picked.value, printed)
  end
end

local function print_missing_tail(result, printed)
  local text = table.concat(printed)
  if type(result) ~= "string" or #result <= #text or result:sub(1, #text) ~= text then return text end
  write(result:sub(#text + 1))
  return result
end

--- One step of the agent, printed as it arrives. Gives response, error, and the text that was printed.
local function step()
  local done_ch, printed = channel.new(1), {}
  local thread = coroutine.spawn(function()
    local response, err = session.runner:step(session.conversation, {
      stream_target = {
        reply_to = process.pid(),
        topic = session.topic,
      },
    })
    done_ch:send({ response = response, err = err })
  end)

  local done
  while not done do
    local picked = wait_for({ session.stream:case_receive(), done_ch:case_receive() })
    if not picked then
      abandon(thread)
      change_topic()
      return nil, CANCELED_BY_USER, table.concat(printed)
    end
    if picked.channel == done_ch then
      done = picked.value
    else
      take_chunk(picked.value, printed)
    end
  end
  drain_stream(printed)
  if done.err then return nil, tostring(done.err), table.concat(printed) end
  return done.response, nil, print_missing_tail(done.response.result, printed)
end

-- Tools -------------------------------------------------------------------------------------------------------------

local function decode_arguments(arguments)
  if type(arguments) == "table" then return arguments end
  if type(arguments) ~= "string" or arguments == "" then return {} end
  local decoded = json.decode(arguments)
  return type(decoded) == "table" and decoded or {}
end

local function encode_arguments(arguments)
  if type(arguments) == "string" then return arguments end
  if type(arguments) ~= "table" or next(arguments) == nil then return "{}" end
  return json.encode(arguments) or "{}"
end

local function encode_result(result)
  if type(result) == "table" and next(result) == nil then return "{}" end
  local encoded, err = json.encode(result)
  if not encoded then encoded = json.encode({ error = "result cannot be sent: " .. tostring(err) }) end
  if #encoded > MAX_RESULT_LEN then
    encoded = encoded:sub(1, MAX_RESULT_LEN):gsub("[\192-\255][\128-\191]*$", "") .. "... (truncated)"
  end
  return encoded
end

local function call_tool(id, args)
  local ok, result, err = pcall(funcs.call, id, args)
  if not ok then return { error = tostring(result) } end
  if err then return { error = tostring(err) } end
  if result == nil then return {} end
  return result
end

local function run_tool(call)
  if session.stop then return { error = CANCELED_BY_USER } end
  if not call.registry_id then return { error = "unknown tool: " .. tostring(call.name) } end
  local done_ch = channel.new(1)
  local thread = coroutine.spawn(function()
    done_ch:send({ result = call_tool(call.registry_id, decode_arguments(call.arguments)) })
  end)
  local picked = wait_for({ done_ch:case_receive() })
  if picked then return picked.value.result end
  abandon(thread)
  return { error = CANCELED_BY_USER }
end

local function execute_tools(calls)
  local results = {}
  for _, call in ipairs(calls) do
    local result = run_tool(call)
    results[call.id] = result
    print_status(call.name, result)
    session.conversation:add_function_call(call.name, encode_arguments(call.arguments), call.id, {
      provider_metadata = call.provider_metadata,
    })
    session.conversation:add_function_result(call.name, encode_result(result), call.id)
  end
  return results
end

-- Loading -----------------------------------------------------------------------------------------------------------

local function registry_version()
  local version = registry.current_version()
  return version and version:id()
end

local function reload_agent()
  session.version = registry_version()
  local runner, err = session.ctx:load_agent(AGENT_ID)
  if not runner then
    io.print("  Failed to reload agent: " .. inert(tostring(err)))
    return false
  end
  session.runner = runner
  return true
end

-- A tool that was changed and loaded again is already in the list; the agent still has to be compiled anew to see it.
local function handle_tool_loading(calls, results)
  local loaded = {}
  for _, call in ipairs(calls) do
    local result = results[call.id]
    if call.name == "load_tool" and type(result) == "table" and result.loaded then
      if session.loaded[result.id] == nil then session.ctx:add_tools(result.id) end
      session.loaded[result.id] = true
      loaded[#loaded + 1] = result.id
    end
  end
  if #loaded > 0 and reload_agent() then
    for _, id in ipairs(loaded) do io.print("  [+] " .. inert(id)) end
  end
end

-- Entries change and go by other hands too: an edited file, a rollback. The model is offered what there is.
local function follow_registry()
  if registry_version() == session.version or not reload_agent() then return end
  local lines = {}
  for id, was_there in pairs(session.loaded) do
    local is_there = registry.get(id) ~= nil
    session.loaded[id] = is_there
    if is_there ~= was_there then lines[#lines + 1] = "  [" .. (is_there and "+" or "-") .. "] " .. inert(id) end
  end
  table.sort(lines)
  for _, line in ipairs(lines) do io.print(line) end
end

-- Compression -------------------------------------------------------------------------------------------------------

local function message_line(message)
  local call = message.function_call
  if call then return "tool call: " .. tostring(call.name) .. " " .. encode_arguments(call.arguments) end
  local texts = {}
  for _, part in ipairs(message.content or {}) do
    if type(part.text) == "string" then texts[#texts + 1] = part.text end
  end
  local who = message.role == "function_result" and "tool result of " .. tostring(message.name) or message.role
  return who .. ": " .. table.concat(texts, "\n")
end

local function conversation_text()
  local lines = {}
  for _, message in ipairs(session.conversation:get_messages()) do
    if message.content then lines[#lines + 1] = message_line(message) end
  end
  return table.concat(lines, "\n\n")
end

-- Cached tokens fill the window like any others, but the driver counts them apart.
local function is_over_limit(tokens)
  local used = tokens and (tokens.prompt_tokens or 0) + (tokens.cache_read_tokens or 0) or 0
  return used > PROMPT_TOKEN_LIMIT
end

-- `question` is the one still to be answered: without it the next request would hold no user message.
local function try_compress(question)
  local full_text, done_ch = conversation_text(), channel.new(1)
  local thread = coroutine.spawn(function()
    local summary, err = compress.to_size(COMPRESS_MODEL, full_text, COMPRESS_TARGET)
    done_ch:send({ summary = summary, err = err })
  end)
  local picked = wait_for({ done_ch:case_receive() })
  if not picked then return abandon(thread) end
  if not picked.value.summary then
    io.eprint("The conversation could not be compressed: " .. inert(tostring(picked.value.err)))
    return
  end
  session.conversation = prompt.new()
  session.conversation:add_system("Conversation summary:\n\n" .. picked.value.summary)
  if question then session.conversation:add_user(question) end
end

-- A turn ------------------------------------------------------------------------------------------------------------

local function say(text)
  if text ~= "" then session.conversation:add_assistant(text) end
end

local function end_interrupted(text)
  end_line(text)
  say(text)
  if session.stop == INTERRUPT then io.print("(interrupted)\n") end
end

-- One step with all that follows from it; true when the turn is over.
local function advance(question, turn)
  follow_registry()
  local response, err, text = step()
  if session.stop then
    end_interrupted(text)
    return true
  end
  if err then
    end_line(text)
    io.print("Error: " .. inert(err) .. "\n")
    return true
  end

  say(text)
  local calls = response.tool_calls or {}
  if response.truncated and not turn.truncated then
    turn.truncated = true
    end_line(text)
    session.conversation:add_developer(output.TRUNCATION_MSG)
    return false
  end
  if #calls == 0 then
    end_line(text)
    io.print("")
    if is_over_limit(response.tokens) then try_compress() end
    return true
  end

  end_line(text)
  local results = execute_tools(calls)
  if session.stop then
    end_interrupted("")
    return true
  end
  handle_tool_loading(calls, results)
  if is_over_limit(response.tokens) then try_compress(question) end
  return false
end

local function run_turn(question)
  forget_old_interrupts()
  if session.stop then return end
  session.conversation:add_user(question)
  local turn = { truncated = false }
  for _ = 1, MAX_STEPS do
    if advance(question, turn) then return end
  end
  io.print("Stopped after " .. MAX_STEPS .. " steps.\n")
end

-- The terminal ------------------------------------------------------------------------------------------------------

-- The line the user typed, trimmed; nil at the end of input, or when the process is asked to leave meanwhile.
local function read_line()
  io.write("> ")
  io.flush()
  local lines = channel.new(1)
  coroutine.spawn(function()
    lines:send({ text = (io.readline()) })
  end)
  while true do
    local picked = wait_for({ lines:case_receive() })
    if picked then return picked.value.text and picked.value.text:match("^%s*(.-)%s*$") end
    -- An interrupt while typing concerns the line editor alone.
    if session.stop == CANCEL then return nil end
    session.stop = nil
  end
end

local function load()
  session.ctx = agent_context.new()
  session.version = registry_version()
  local runner, err = session.ctx:load_agent(AGENT_ID)
  if not runner then return nil, err end
  session.runner = runner
  session.conversation = prompt.new()
  session.stream = process.listen(session.topic)
  return true
end

local function main()
  process.set_options({ interrupts = true })
  session.events = process.events()
  local notice = rehearsal.notice()
  if notice then io.eprint(notice) end
  io.print("dev assistant (quit to exit)\n")

  local loaded, err = load()
  if not loaded then
    io.print("Failed to load agent: " .. inert(tostring(err)))
    return 1
  end
  while session.stop ~= CANCEL do
    local line = read_line()
    if not line or line == "quit" or line == "exit" then break end
    if line ~= "" then run_turn(line) end
  end
  process.unlisten(session.stream)
  return 0
end

return { main = main }
