-- Joins, answers the one it knows an answer for, and leaves when it has said goodbye.
local function main(name, answers)
  local heard = process.listen("heard")
  process.send("room", "join", name)
  while true do
    local text = heard:receive()
    if text == name .. ": bye" then return end
    if answers[text] then process.send("room", "say", answers[text]) end
  end
end

return { main = main }
