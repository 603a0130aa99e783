-- A conversation with a model, its answer shown as it comes.
local io = require("io")
local llm = require("llm")
local prompt = require("prompt")

-- Prints the pieces that arrive while the model writes, until `finished` says that it has.
local function print_stream(pieces, finished)
  while true do
    local got = channel.select { pieces:case_receive(), finished:case_receive() }
    if got.channel == finished then return got.value end
    if got.value.type == "chunk" then io.write(got.value.content) end
  end
end

local function main()
  local conversation = prompt.new():add_system("You answer in one short sentence.")
  local pieces = process.listen("piece")
  while true do
    io.write("> ")
    local question = io.readline()
    if not question or question == "quit" then return end
    conversation:add_user(question)

    local finished = channel.new(1)
    coroutine.spawn(function()
      local stream = { reply_to = process.pid(), topic = "piece" }
      local answer, err = llm.generate(conversation, { model = "class:fast", stream = stream })
      finished:send({ answer = answer, err = err })
    end)
    local outcome = print_stream(pieces, finished)

    if outcome.err then
      io.print("no answer: " .. tostring(outcome.err))
    else
      io.print("")
      conversation:add_assistant(outcome.answer.result)
    end
  end
end

return { main = main }
