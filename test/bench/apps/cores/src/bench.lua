-- The drivers: each runs in the main thread, its work on the host.
local kit = require("kit")

-- Two spawners, one a thread where there are two, each spawn half of the processes, message each and wait for their answers.
local function spawning(n)
    local done, started = process.listen("spawned"), kit.start()
    for _ = 1, 2 do
        assert(process.spawn("app:spawner", kit.HOST, process.pid(), n // 2))
    end
    local sum = done:receive() + done:receive()
    kit.check(sum, 2 * kit.tri(n // 2), "sum")
    process.unlisten(done)
    return kit.elapsed_ms(started)
end

local function spawn()
    local n = kit.int("N", 160000)
    spawning(2000)
    kit.report("spawn", n, spawning(n), "processes/s")
    return 0
end

-- What receivers tell when they have all they wait for, added up.
local function totals(total, receivers, senders, each)
    local sum, bytes = 0, 0
    for _ = 1, receivers do
        local t = total:receive()
        sum, bytes = sum + t.sum, bytes + t.bytes
    end
    kit.check(sum, senders * kit.tri(each), "sum")
    kit.check(bytes, senders * each * 100, "bytes")
end

-- W4 twice, one a thread where there are two: each group has a receiver and half of the senders.
local function fanning_in(senders, each)
    local total, started = process.listen("total"), kit.start()
    for _ = 1, 2 do assert(process.spawn("app:fan", kit.HOST, process.pid(), senders // 2, each)) end
    totals(total, 2, senders, each)
    process.unlisten(total)
    return kit.elapsed_ms(started)
end

-- W4 through all threads: the receiver in one of them, the senders in all.
local function fanning_across(senders, each)
    local total, started = process.listen("total"), kit.start()
    local receiver = assert(process.spawn("app:receiver", kit.HOST, process.pid(), senders * each))
    for _ = 1, senders do assert(process.spawn("app:sender", kit.HOST, receiver, each)) end
    totals(total, 1, senders, each)
    process.unlisten(total)
    return kit.elapsed_ms(started)
end

local function fan_in()
    local senders, each = kit.int("SENDERS", 100), kit.int("EACH", 20000)
    fanning_in(4, 1000)
    kit.report("fan_in", senders * each, fanning_in(senders, each), "msgs/s")
    return 0
end

local function fan_across()
    local senders, each = kit.int("SENDERS", 100), kit.int("EACH", 20000)
    fanning_across(4, 1000)
    kit.report("fan_across", senders * each, fanning_across(senders, each), "msgs/s")
    return 0
end

-- Processes that compute, and between their parts tell the driver how far they are.
local function computing(jobs)
    local done, started = process.listen("job"), kit.start()
    for i = 1, jobs do assert(process.spawn("app:job", kit.HOST, process.pid(), i)) end
    local sum = 0
    for _ = 1, jobs * 10 do sum = sum + done:receive() end
    kit.check(sum, jobs * 10 * 6765, "sum")
    process.unlisten(done)
    return kit.elapsed_ms(started)
end

local function compute()
    local jobs = kit.int("JOBS", 40)
    computing(4)
    kit.report("compute", jobs, computing(jobs), "jobs/s")
    return 0
end

return { spawn = spawn, fan_in = fan_in, fan_across = fan_across, compute = compute }
