-- The tutorial's fragments with the least that makes a program of them.
local io = require("io")
local json = require("json")
local funcs = require("funcs")
local prompt = require("prompt")
local agent_context = require("agent_context")
local compress = require("compress")

local STREAM_TOPIC = "stream"
local AGENT_ID = "app:dev_assistant"
local PROMPT_TOKEN_LIMIT = 96000
local COMPRESS_MODEL = "gpt-4.1-nano"
local COMPRESS_TARGET = 4000
local session = {}

local function reload_agent()
  session.runner = assert(session.ctx:load_agent(AGENT_ID))
end

local function step()
  local done_ch = channel.new(1)
  coroutine.spawn(function()
    local response, err = session.runner:step(session.conversation, {
      stream_target = {
        reply_to = process.pid(),
        topic = STREAM_TOPIC,
      },
    })
    done_ch:send({ response = response, err = err })
  end)
  while true do
    local picked = channel.select({ session.stream:case_receive(), done_ch:case_receive() })
    if picked.channel == done_ch then return picked.value.response, picked.value.err end
    if picked.value.type == "chunk" then io.write(picked.value.content) io.flush() end
  end
end

local function execute_tools(tool_calls)
  local results = {}
  for _, tc in ipairs(tool_calls) do
    local args = tc.arguments
    local ok, result = pcall(funcs.call, tc.registry_id, args)
    if not ok then result = { error = tostring(result) } end
    results[tc.id] = result
    io.print("  [" .. tc.name .. "] " .. ((type(result) == "table" and result.error) and "error: " .. result.error or "ok"))
    session.conversation:add_function_call(tc.name, args, tc.id)
    session.conversation:add_function_result(tc.name, json.encode(result or {}), tc.id)
  end
  return results
end

local function handle_tool_loading(tool_calls, results)
  local reload_needed = false
  for _, tc in ipairs(tool_calls) do
    if tc.name == "load_tool" then
      local result = results[tc.id]
      if result and result.loaded then
        session.ctx:add_tools(result.id)
        io.print("  [+] " .. result.id)
        reload_needed = true
      end
    end
  end
  if reload_needed then
    reload_agent()
  end
end

local function try_compress()
  local parts = {}
  for _, message in ipairs(session.conversation:get_messages()) do
    for _, part in ipairs(message.content or {}) do parts[#parts + 1] = tostring(part.text) end
  end
  local full_text = table.concat(parts, "\n")
  local summary = compress.to_size(COMPRESS_MODEL, full_text, COMPRESS_TARGET)
  if not summary then return end
  session.conversation = prompt.new()
  session.conversation:add_system("Conversation summary:\n\n" .. summary)
end

local function turn()
  while true do
    local response, err = step()
    if err then
      io.print("Error: " .. tostring(err) .. "\n")
      return
    end
    local calls = response.tool_calls
    if not calls or #calls == 0 then
      io.print("\n")
      session.conversation:add_assistant(response.result)
      if response.tokens and response.tokens.prompt_tokens
        and response.tokens.prompt_tokens > PROMPT_TOKEN_LIMIT then
        try_compress()
      end
      return
    end
    handle_tool_loading(calls, execute_tools(calls))
  end
end

local function main()
  io.print("dev assistant (quit to exit)\n")
  session.ctx = agent_context.new()
  session.conversation = prompt.new()
  session.stream = process.listen(STREAM_TOPIC)
  reload_agent()
  while true do
    io.write("> ")
    io.flush()
    local line = io.readline()
    if not line or line == "quit" then return 0 end
    session.conversation:add_user(line)
    turn()
  end
end

return { main = main }
