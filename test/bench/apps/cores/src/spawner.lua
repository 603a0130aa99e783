-- W1 for one thread: its children stay with it.
local function main(driver, n)
    local done = process.listen("done")
    local pids = {}
    for i = 1, n do pids[i] = assert(process.spawn("app:one_shot", "app:processes", process.pid())) end
    for i = 1, n do process.send(pids[i], "go", i) end
    local sum = 0
    for _ = 1, n do sum = sum + done:receive() end
    process.send(driver, "spawned", sum)
end

return { main = main }
