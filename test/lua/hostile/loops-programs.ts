// Programs that never end, in every place Lua can be made to loop. Each comes to its limit; nobody else notices.

import type { Hostile } from '../../support/hostile.ts'

const cpu = /LimitExceeded: cpu limit of 150 ms exceeded/
/** Loops below C code cannot be preempted: they are cut off by an error, or the CPU limit comes first. */
const cut = /LimitExceeded: (cpu limit|code that cannot be interrupted)/

const meta = (event: string, use: string): Hostile => ({
  name: `a loop in ${event}`,
  lua: `local t = setmetatable({}, { ${event} = function() while true do end end }) ${use}`,
  error: cut,
})

export const loops: readonly Hostile[] = [
  { name: 'while true', lua: 'while true do end', error: cpu },
  { name: 'repeat until false', lua: 'repeat local x = {} until false', error: cpu },
  { name: 'goto', lua: '::again:: goto again', error: cpu },
  { name: 'a numeric loop without end', lua: 'for i = 1, math.huge do end', error: cpu },
  { name: 'a generic loop whose iterator never ends', lua: 'for x in function() return 1 end do end', error: cpu },
  { name: 'a loop while the chunk loads', chunk: 'while true do end', lua: '', error: cut },
  {
    name: 'a pcall loop while the chunk loads',
    chunk: 'while true do pcall(function() while true do end end) end',
    lua: '',
    error: cut,
  },
  {
    name: 'a loop that catches every error',
    lua: 'while true do pcall(function() while true do end end) end',
    error: cpu,
  },
  {
    name: 'a loop that catches with xpcall',
    lua: 'while true do xpcall(error, function() while true do end end) end',
    error: cpu,
  },
  {
    name: 'a handler that fails in a handler',
    lua: 'local function h() return xpcall(error, h) end while true do h() end',
    error: /LimitExceeded|stack overflow/,
  },
  { name: 'tail calls for ever', lua: 'local function f() return f() end f()', error: cpu },
  { name: 'a loop in a user coroutine', lua: 'coroutine.wrap(function() while true do end end)()', error: cpu },
  {
    name: 'a loop in a coroutine in a coroutine, caught at each level',
    lua: `local function nest(n) if n == 0 then while true do end end
      return coroutine.resume(coroutine.create(function() return nest(n - 1) end)) end
      while true do nest(20) end`,
    error: cpu,
  },
  {
    name: 'coroutines that yield to each other',
    lua: 'local f = coroutine.wrap(function() while true do coroutine.yield() end end) while true do f() end',
    error: cpu,
  },
  {
    name: 'managed coroutines that loop',
    lua: 'for i = 1, 50 do coroutine.spawn(function() while true do end end) end while true do end',
    error: cpu,
  },
  {
    name: 'managed coroutines that yield for ever',
    lua: 'for i = 1, 50 do coroutine.spawn(function() while true do coroutine.yield() end end) end channel.new():receive()',
    error: cpu,
  },
  {
    name: 'a long sum in coroutines three deep',
    trusted: true,
    lua: `local function nest(n) if n == 0 then local s = 0 for i = 1, 3e6 do s = s + 1 end return s end
      return coroutine.wrap(nest)(n - 1) end
      local sums = {}
      for i = 1, 10 do sums[i] = nest(3) end
      return sums`,
    value: Array.from({ length: 10 }, () => 3e6),
  },
  {
    name: 'waits in coroutines three deep',
    trusted: true,
    lua: `local function nest(n) if n == 0 then time.sleep("1ms") return "slept" end return coroutine.wrap(nest)(n - 1) end
      return nest(3)`,
    value: 'slept',
  },
  { name: 'a bare yield for ever', lua: 'while true do coroutine.yield() end', error: cpu },
  {
    name: 'managed coroutines that make each other',
    lua: 'local function f() coroutine.spawn(f) coroutine.spawn(f) end f() channel.new():receive()',
    error: /LimitExceeded/,
  },
  {
    name: 'a loop in __close',
    lua: 'do local t <close> = setmetatable({}, { __close = function() while true do end end }) end',
    error: cut,
  },
  {
    name: 'a loop in __close when an error passes',
    lua: 'pcall(function() local t <close> = setmetatable({}, { __close = function() while true do end end }) error("x") end)',
    error: cut,
  },
  {
    name: 'a loop in __close when its coroutine is closed',
    lua: `local c = coroutine.create(function() local t <close> = setmetatable({}, { __close = function() while true do end end }) coroutine.yield() end)
      coroutine.resume(c) coroutine.close(c)`,
    error: cut,
  },
  {
    name: 'a loop in __close when the process is ended',
    trusted: true,
    lua: `local t <close> = setmetatable({}, { __close = function() while true do end end }) channel.new():receive()`,
    stopAfterBeats: 5,
    error: /process terminated/,
  },
  meta('__index', 'return t.x'),
  meta('__newindex', 't.x = 1'),
  meta('__concat', 'return t .. "x"'),
  meta('__eq', 'return t == setmetatable({}, getmetatable(t))'),
  meta('__lt', 'return t < t'),
  meta('__le', 'return t <= t'),
  meta('__len', 'return #t'),
  meta('__call', 't()'),
  meta('__unm', 'return -t'),
  meta('__add', 'return t + 1'),
  meta('__idiv', 'return t // 1'),
  meta('__bor', 'return t | 1'),
  meta('__pairs', 'for k in pairs(t) do end'),
  meta('__tostring', 'return tostring(t)'),
  { ...meta('__tostring', 'print(t)'), name: 'a loop in __tostring below print' },
  { ...meta('__tostring', 'return string.format("%s", t)'), name: 'a loop in __tostring below string.format' },
  { ...meta('__tostring', 'while true do pcall(print, t) end'), name: 'a loop in __tostring below print, caught' },
  {
    ...meta('__tostring', 'error(t)'),
    name: 'an error object with a looping __tostring',
    error: /LimitExceeded|error object is a table value/,
  },
  { ...meta('__name', 'return #t'), name: 'a function for __name', error: /^0$/ },
  { ...meta('__index', 'return table.concat(t, "", 1, 3)'), name: 'a loop in __index below table.concat' },
  { ...meta('__index', 'return table.unpack(t, 1, 3)'), name: 'a loop in __index below table.unpack' },
  { ...meta('__index', 'return table.move(t, 1, 3, 2)'), name: 'a loop in __index below table.move' },
  { ...meta('__index', 'for _ in ipairs(t) do end'), name: 'a loop in __index below ipairs' },
  { ...meta('__newindex', 'table.insert(t, 1)'), name: 'a loop in __newindex below table.insert' },
  { ...meta('__len', 'table.insert(t, 1)'), name: 'a loop in __len below table.insert' },
  { ...meta('__len', 'table.remove(t)'), name: 'a loop in __len below table.remove' },
  { ...meta('__len', 'table.sort(t)'), name: 'a loop in __len below table.sort' },
  { ...meta('__lt', 'table.sort({ t, t, t })'), name: 'a loop in __lt below table.sort' },
  {
    ...meta('__lt', 'while true do pcall(table.sort, { t, t, t }) end'),
    name: 'a loop in __lt below table.sort, caught',
  },
  {
    ...meta('__lt', 'return math.max(t, t)'),
    name: 'a loop in __lt below math.max',
    error: /LimitExceeded|number expected/,
  },
  { ...meta('__index', 'return ("x"):gsub("x", t)'), name: 'a loop in __index below gsub' },
  { name: 'a loop in a sort comparator', lua: 'table.sort({ 3, 2, 1 }, function() while true do end end)', error: cut },
  {
    name: 'a comparator that lies',
    lua: 'local t = {} for i = 1, 1000 do t[i] = i end while true do pcall(table.sort, t, function() return true end) end',
    error: cpu,
  },
  { name: 'a loop in a gsub callback', lua: '("x"):gsub("x", function() while true do end end)', error: cut },
  {
    name: 'a gmatch that never ends',
    lua: 'for _ in ("x"):rep(100):gmatch("") do for _ in ("x"):rep(1e5):gmatch("x-") do end end while true do end',
    error: cpu,
  },
  {
    name: 'a chain of __index to itself',
    lua: 'local t = setmetatable({}, {}) getmetatable(t).__index = t return t.x',
    error: /chain too long/,
  },
  {
    name: 'a chain of __newindex to itself',
    lua: 'local t = setmetatable({}, {}) getmetatable(t).__newindex = t t.x = 1',
    error: /chain too long/,
  },
  {
    name: 'recursion through __index',
    lua: 'local t t = setmetatable({}, { __index = function(_, k) return t[k .. "x"] end }) return t.x',
    error: /overflow|LimitExceeded/,
  },
  {
    name: 'recursion through __tostring',
    lua: 'local t t = setmetatable({}, { __tostring = function() return tostring(t) end }) return tostring(t)',
    error: /overflow|LimitExceeded/,
  },
  {
    name: 'recursion through __call',
    lua: 'local t = setmetatable({}, {}) getmetatable(t).__call = t t()',
    error: /overflow|LimitExceeded|call/,
  },
  {
    name: 'recursion without end',
    lua: 'local function f() return 1 + f() end f()',
    error: /stack overflow|LimitExceeded/,
  },
  {
    name: 'recursion without end, caught for ever',
    lua: 'local function f() return 1 + f() end while true do pcall(f) end',
    error: cpu,
  },
  { name: 'recursion through pcall', lua: 'local function f() pcall(f) f() end f()', error: /LimitExceeded|overflow/ },
  {
    name: 'recursion through coroutines',
    lua: 'local function f() return coroutine.wrap(f)() end f()',
    error: /overflow|LimitExceeded/,
  },
  {
    name: 'recursion through sort',
    lua: 'local function f() table.sort({ 2, 1 }, f) end f()',
    error: /overflow|LimitExceeded/,
  },
  {
    name: 'recursion through require',
    lua: 'local function f() return require("x" .. tostring(f)) end while true do pcall(f) end',
    error: cpu,
  },
  { name: 'calls into the host for ever', lua: 'while true do json.encode({ 1, 2, 3 }) end', error: cpu },
  { name: 'sends to itself for ever', lua: 'while true do process.send(process.pid(), "x", 1) end', error: cpu },
  {
    name: 'a trusted loop that is terminated',
    trusted: true,
    lua: 'while true do end',
    stopAfterBeats: 10,
    error: /process terminated/,
  },
  {
    name: 'a trusted loop that catches everything and is terminated',
    trusted: true,
    lua: 'while true do pcall(function() while true do pcall(error) end end) end',
    stopAfterBeats: 10,
    error: /process terminated/,
  },
  {
    name: 'a trusted loop below print',
    trusted: true,
    lua: 'print(setmetatable({}, { __tostring = function() while true do end end }))',
    error: cut,
  },
  {
    name: 'sleeping no time for ever',
    trusted: true,
    lua: 'while true do time.sleep(0) end',
    stopAfterBeats: 10,
    error: /process terminated/,
  },
]
