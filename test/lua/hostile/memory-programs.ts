// Programs that ask for more than their share: memory, coroutines, channels, timers, processes, messages.

import type { Hostile } from '../../support/hostile.ts'

const limit = /LimitExceeded/
const memory = /LimitExceeded: (memory limit of 16777216 bytes|cpu limit)/
const wide = { memory: 64 << 20, cpu: 1_000 }

export const bombs: readonly Hostile[] = [
  { name: 'a table that grows', lua: 'local t = {} while true do t[#t + 1] = {} end', error: memory },
  { name: 'a string that doubles', lua: 'local s = "x" while true do s = s .. s end', error: memory },
  { name: 'a string that grows', lua: 'local s = "" while true do s = s .. "0123456789" end', error: memory },
  {
    name: 'a string that doubles, caught for ever',
    lua: 'while true do pcall(function() local s = "x" while true do s = s .. s end end) end',
    error: limit,
  },
  { name: 'many keys', lua: 'local t = {} local i = 0 while true do i = i + 1 t["k" .. i] = i end', error: memory },
  {
    name: 'a sparse table',
    lua: 'local t = {} local i = 1 while true do t[i] = true i = i * 2 + 1 if i < 0 then i = 1 t = { t } end end',
    error: limit,
  },
  {
    name: 'closures in closures',
    lua: 'local f = function() end while true do local g = f f = function() return g end end',
    error: memory,
  },
  { name: 'a list linked for ever', lua: 'local t = {} while true do t = { t } end', error: memory },
  {
    name: 'arguments without end',
    lua: 'local function f(...) return f(1, ...) end f()',
    error: /LimitExceeded|overflow/,
  },
  {
    name: 'results without end',
    lua: 'local function f(n) if n == 0 then return end return n, f(n - 1) end f(1e7)',
    error: /LimitExceeded|overflow/,
  },
  {
    name: 'string.pack beyond memory',
    lua: 'return #string.pack(("s4"):rep(200), table.unpack(setmetatable({}, { __index = function() return ("x"):rep(1e5) end }), 1, 200))',
    error: /LimitExceeded|memory|too large/,
  },
  {
    name: 'a weak table with churn',
    lua: 'local t = setmetatable({}, { __mode = "k" }) while true do t[{}] = {} end',
    error: limit,
  },
  {
    name: 'ephemerons in a chain',
    lua: 'local t = setmetatable({}, { __mode = "k" }) local k = {} local first = k for i = 1, 4000 do local n = {} t[k] = n k = n end while true do t[{}] = first end',
    error: limit,
  },
  {
    name: 'a hundred thousand coroutines',
    lua: 'local t = {} for i = 1, 100000 do t[i] = coroutine.create(function() coroutine.yield() end) coroutine.resume(t[i]) end',
    error: limit,
  },
  {
    name: 'a hundred thousand managed coroutines',
    lua: 'for i = 1, 100000 do coroutine.spawn(function() channel.new():receive() end) end channel.new():receive()',
    error: limit,
  },
  {
    name: 'a hundred thousand managed coroutines of trusted code',
    trusted: true,
    lua: 'for i = 1, 100000 do coroutine.spawn(function() channel.new():receive() end) end return "done"',
    value: 'done',
  },
  {
    name: 'managed coroutines, caught for ever',
    lua: 'while true do pcall(coroutine.spawn, function() channel.new():receive() end) end',
    error: limit,
  },
  { name: 'wraps for ever', lua: 'while true do coroutine.wrap(function() coroutine.yield() end)() end', error: limit },
  { name: 'channels without end', lua: 'local t = {} while true do t[#t + 1] = channel.new(1) end', error: limit },
  { name: 'channels of no one, for ever', lua: 'while true do channel.new(1):send({}) end', error: limit },
  { name: 'a channel that fills', lua: 'local c = channel.new(1e9) while true do c:send({}) end', error: limit },
  {
    name: 'a channel of a boundless capacity',
    lua: 'local c = channel.new(math.huge) while true do c:send(("x"):rep(100)) end',
    error: limit,
  },
  {
    name: 'senders that wait',
    lua: 'local c = channel.new() while true do coroutine.spawn(function() c:send(1) end) coroutine.yield() end',
    error: limit,
  },
  {
    name: 'a select over many channels, for ever',
    lua: 'local t = {} for i = 1, 5000 do t[i] = channel.new():case_receive() end t.default = true while true do channel.select(t) end',
    error: limit,
  },
  { name: 'timers without end', lua: 'local t = {} while true do t[#t + 1] = time.after("1h") end', error: limit },
  {
    name: 'timers beyond the limit',
    limits: { cpu: 2_000, memory: 64 << 20 },
    lua: 'for i = 1, 10000 do assert(time.after("1h")) end return tostring(select(2, time.after("1h")))',
    error: /timers: 10001 exceeds the limit of 10000/,
  },
  { name: 'timers of no one, for ever', lua: 'while true do time.after("1h") end', error: limit },
  { name: 'tickers without end', lua: 'while true do time.ticker("1h") end', error: limit },
  {
    name: 'fast tickers',
    lua: 'for i = 1, 1000 do time.ticker("1ns") end while true do time.sleep("1ms") end',
    error: limit,
  },
  {
    name: 'sleepers without end',
    lua: 'while true do coroutine.spawn(function() time.sleep("1h") end) end',
    error: limit,
  },
  {
    name: 'messages to itself',
    lua: 'while true do process.send(process.pid(), "x", ("x"):rep(1000)) end',
    error: limit,
  },
  {
    name: 'messages to itself that hold much',
    lua: 'local t = {} for i = 1, 1000 do t[i] = { i } end while true do process.send(process.pid(), "x", t) end',
    error: limit,
  },
  {
    name: 'topics without end',
    lua: 'local i = 0 while true do i = i + 1 process.listen("topic" .. i) end',
    error: limit,
  },
  {
    name: 'listening and letting go, for ever',
    lua: 'while true do local c = process.listen("x") process.unlisten(c) end',
    error: limit,
  },
  {
    name: 'names without end',
    lua: 'local i = 0 while true do i = i + 1 process.registry.register("name" .. i) end',
    error: limit,
  },
  {
    name: 'errors without end',
    lua: 'local t = {} while true do t[#t + 1] = errors.new({ message = ("x"):rep(1000) }) end',
    error: limit,
  },
  { name: 'globals without end', lua: 'local i = 0 while true do i = i + 1 _G["g" .. i] = i end', error: memory },
  {
    name: 'a flood of sends to the ticker',
    lua: 'local pid = ... while true do process.send(pid, "x", 1) end',
    error: limit,
  },
  { name: 'print for ever', lua: 'while true do print("x") end', error: limit },
  { name: 'print of a long text, for ever', lua: 'local s = ("x"):rep(1e6) while true do print(s) end', error: limit },
  {
    name: 'a memory bomb in a wide VM',
    limits: wide,
    lua: 'local t = {} while true do t[#t + 1] = {} end',
    error: limit,
  },
  {
    name: 'a string that doubles in a wide VM',
    limits: wide,
    lua: 'local s = "x" while true do s = s .. s end',
    error: limit,
  },
  {
    name: 'a memory bomb in trusted code',
    trusted: true,
    limits: { memory: 64 << 20 },
    lua: 'local t = {} while true do t[#t + 1] = {} end',
    error: /LimitExceeded: memory/,
  },
  {
    name: 'garbage for ever in trusted code',
    trusted: true,
    lua: 'while true do local t = {} for i = 1, 100 do t[i] = { i } end end',
    stopAfterBeats: 30,
    error: /terminated/,
  },
  {
    name: 'a large live heap beside garbage in trusted code',
    trusted: true,
    lua: 'local live = {} for i = 1, 500000 do live[i] = { i } end while true do local t = { {} } end',
    stopAfterBeats: 60,
    error: /terminated/,
  },
]
