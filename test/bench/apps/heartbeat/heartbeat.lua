-- The heartbeat beside a workload: how late a ticker of the same runtime is.
local time = require("time")

-- Ticks every 5 ms and keeps how much longer than that each gap was; tells who asks, and starts anew when told to.
local INTERVAL_MS = 5

local function summary(late)
    table.sort(late)
    local n = #late
    if n == 0 then return { ticks = 0, max_ms = 0, p999_ms = 0 } end
    return { ticks = n, max_ms = late[n], p999_ms = late[math.max(1, math.ceil(n * 0.999))] }
end

local function main()
    process.registry.register("heartbeat")
    local asked, reset = process.listen("report"), process.listen("reset")
    local ticks = time.ticker(INTERVAL_MS .. "ms"):response()
    local late, last = {}, time.now()
    while true do
        local got = channel.select { ticks:case_receive(), asked:case_receive(), reset:case_receive() }
        if got.channel == asked then
            process.send(got.value, "heartbeat", summary(late))
        elseif got.channel == reset then
            late, last = {}, time.now()
        else
            local now = time.now()
            late[#late + 1] = math.max(0, now:sub(last):nanoseconds() / 1000000 - INTERVAL_MS)
            last = now
        end
    end
end

return { main = main }
