-- Joins the text of every chunk; answers with what it got when the stream ends.
local function main(driver)
    local inbox = process.inbox()
    local parts = {}
    while true do
        local msg = inbox:receive()
        if msg:topic() == "finish" then
            process.send(driver, "total", { length = #table.concat(parts), chunks = #parts })
            return 0
        end
        local chunk = msg:payload():data()
        if chunk.type == "chunk" then parts[#parts + 1] = chunk.content end
    end
end

return { main = main }
