-- W4 for one thread: the receiver and its senders stay together.
local HOST = "app:processes"

return { main = function(driver, senders, each)
    local receiver = assert(process.spawn("app:receiver", HOST, driver, senders * each))
    for _ = 1, senders do assert(process.spawn("app:sender", HOST, receiver, each)) end
end }
