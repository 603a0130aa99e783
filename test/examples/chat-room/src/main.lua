-- A chat room and its guests, who hear what the others say.
local io = require("io")

local HOST = "app:processes"

local function main()
  local heard = process.listen("heard")
  local room = process.spawn("app:room", HOST)
  process.send(room, "join", "you")

  process.spawn("app:robot", HOST, "Ann", { ["* Bo joined"] = "hello Bo", ["Bo: hello Ann"] = "bye" })
  -- Bo comes when Ann is there.
  repeat
    local text = heard:receive()
    io.print(text)
  until text == "* Ann joined"
  process.spawn("app:robot", HOST, "Bo", { ["Ann: hello Bo"] = "hello Ann", ["* Ann left"] = "bye" })

  repeat
    local text = heard:receive()
    io.print(text)
  until text == "* Bo left"
end

return { main = main }
