-- Ten times fib(20), each told to the driver.
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end

return { main = function(driver)
    for _ = 1, 10 do process.send(driver, "job", fib(20)) end
end }
