-- Throughput of modules from Lua: the counterpart of test/bench/modules.mjs, which serves the inputs and does the same directly.
local env = require("env")
local expr = require("expr")
local http_client = require("http_client")
local io = require("io")
local json = require("json")
local templates = require("templates")
local text = require("text")
local time = require("time")

local function must(value, err)
    if err then error(tostring(err)) end
    return value
end

local function main()
    local url = must(env.get("BENCH_URL"))
    local budget = tonumber(env.get("BENCH_MS")) * time.MILLISECOND
    local inputs = must(json.decode(must(http_client.get(url .. "/inputs")).body))

    local pattern = must(text.regexp.compile(inputs.pattern))
    local splitter = must(text.splitter.recursive({ chunk_size = 512, chunk_overlap = 64 }))
    local differ = must(text.diff.new())
    local program = must(expr.compile(inputs.expression))
    local views = must(templates.get("app:views"))
    local document = must(json.decode(inputs.document))

    -- Each gives a number that the other side must give too: a fast wrong answer is no result.
    local cases = {
        json_encode = function() return #must(json.encode(document)) end,
        json_decode = function() return #must(json.decode(inputs.document)).users end,
        json_decode_small = function() return must(json.decode(inputs.message)).id end,
        regexp_match = function() return pattern:match_string(inputs.line) and 1 or 0 end,
        regexp_find_all = function() return #pattern:find_all_string(inputs.log) end,
        splitter = function() return #must(splitter:split_text(inputs.prose)) end,
        diff = function() return #must(differ:compare(inputs.before, inputs.after)) end,
        expr_run = function() return must(program:run(inputs.variables)) end,
        expr_eval = function() return must(expr.eval(inputs.expression, inputs.variables)) end,
        template = function() return #must(views:render("page", document)) end,
        http_get = function() return #must(http_client.get(url .. "/body")).body end,
    }
    local function run(case, limit)
        local started, calls, result = time.now(), 0, nil
        repeat
            result = case()
            calls = calls + 1
        until calls % 8 == 0 and time.now():sub(started):nanoseconds() >= limit
        return calls * time.SECOND / time.now():sub(started):nanoseconds(), result
    end
    local rates, results = {}, {}
    for name, case in pairs(cases) do
        run(case, budget // 2)
        rates[name], results[name] = run(case, budget)
    end
    io.print(must(json.encode({ rates = rates, results = results })))
    return 0
end

return { main = main }
