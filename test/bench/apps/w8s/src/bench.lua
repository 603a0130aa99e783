-- W8s: the stream of W8 through components/llm, the driver and the SDK: every chunk is a message to a collector process.
local kit = require("kit")
local llm = require("llm")

local function round(chunks)
    local me = process.pid()
    local total = process.listen("total")
    local collector, err = process.spawn("app:collector", kit.HOST, me)
    if err then error("spawn collector: " .. tostring(err)) end

    local started = kit.start()
    -- A buffer of one byte: chunks are not joined on the way.
    local response, gerr = llm.generate("hi", {
        model = "bench-model",
        stream = { reply_to = collector, topic = "chunk", buffer_size = 1 },
    })
    if gerr then error("generate: " .. tostring(gerr)) end
    process.send(collector, "finish", true)
    local received = total:receive()
    local ms = kit.elapsed_ms(started)

    process.unlisten(total)
    kit.check(received.length, chunks * 5, "w8s length")
    kit.check(#response.result, chunks * 5, "w8s result")
    return ms, received.chunks
end

local function main()
    local chunks = kit.int("CHUNKS", 20000)
    round(chunks)
    local ms, seen = round(chunks)
    kit.check(seen, chunks, "w8s chunks")
    kit.report("w8s", seen, ms, "chunks/s")
    return 0
end

return { main = main }
