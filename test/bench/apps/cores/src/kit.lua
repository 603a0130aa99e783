-- Shared benchmark kit: integer parameters from the environment, monotonic timing, one JSON result line.
local env = require("env")
local io = require("io")
local json = require("json")
local time = require("time")

local kit = { HOST = "app:processes" }

-- Integer parameter BENCH_<name>; its env.variable entry in _index.yaml supplies the default.
function kit.int(name, fallback)
    local raw = env.get("BENCH_" .. name)
    return math.floor(tonumber(raw) or fallback)
end

function kit.str(name, fallback)
    local raw = env.get("BENCH_" .. name)
    if raw == nil or raw == "" then return fallback end
    return raw
end

-- Sum 1..n, the checksum most workloads verify.
function kit.tri(n)
    return n * (n + 1) // 2
end

function kit.start()
    return time.now()
end

-- Elapsed milliseconds as a float with nanosecond resolution.
function kit.elapsed_ms(started)
    return time.now():sub(started):nanoseconds() / 1000000
end

-- A wrong checksum must fail the run: a fast wrong answer is not a result.
function kit.check(got, want, what)
    if got ~= want then
        error(string.format("checksum %s: got %s want %s", what, tostring(got), tostring(want)))
    end
end

-- What a heartbeat beside the workload saw, when the harness has put one there (apps/heartbeat).
local function heartbeat()
    local pid = process.registry.lookup("heartbeat")
    if not pid then return nil end
    local answers = process.listen("heartbeat")
    process.send(pid, "report", process.pid())
    return (answers:receive())
end

function kit.report(w, n, ms, unit, extra)
    local row = {
        w = w,
        sys = kit.str("SYS", "wippy"),
        n = n,
        total_ms = ms,
        value = n * 1000 / ms,
        unit = unit,
    }
    for k, v in pairs(extra or {}) do row[k] = v end
    row.heartbeat = heartbeat()
    local line, err = json.encode(row)
    if err then error("encode result: " .. tostring(err)) end
    io.print(line)
end

return kit
