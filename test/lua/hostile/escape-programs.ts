// Programs that reach for the host, for other processes, or for what keeps them in; and messages made to break whoever reads
// them. Nothing is found, nothing is changed, and what goes wrong is an error of theirs.

import type { Hostile } from '../../support/hostile.ts'

export const reaching: readonly Hostile[] = [
  {
    name: 'require of odd names',
    lua: 'for _, name in ipairs { "constructor", "__proto__", "toString", "hasOwnProperty", "prototype", "../x", "", "sandbox", "host", "debug", "io", "ffi" } do assert(not pcall(require, name), name) end return "kept"',
    value: 'kept',
  },
  {
    name: 'require of what is no name',
    lua: 'for _, name in ipairs { {}, 1, true, print, 1.5 } do assert(not pcall(require, name)) end assert(not pcall(require)) return "kept"',
    value: 'kept',
  },
  {
    name: 'names of the prototype in module tables',
    lua: 'for _, t in ipairs { json, time, process, string, math, channel, coroutine } do for _, k in ipairs { "constructor", "__proto__", "toString", "valueOf", "prototype" } do assert(t[k] == nil, k) end end return "kept"',
    value: 'kept',
  },
  {
    name: 'keys of the prototype through json',
    lua: 'local t = json.decode([[{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}]]) return { t.__proto__.polluted, t.constructor.prototype.polluted, ({}).polluted or "clean" }',
    value: [1, 2, 'clean'],
  },
  {
    name: 'keys of the prototype through a result',
    lua: 'return { __proto__ = { polluted = 1 }, constructor = "x", toString = 1 }',
  },
  {
    name: 'fields of userdata',
    lua: 'local u = time.now() for _, k in ipairs { "constructor", "__proto__", "value", "type", "__index", "__gc", "__metatable" } do local ok, v = pcall(function() return u[k] end) assert(not ok or v == nil, k) end return "kept"',
    value: 'kept',
  },
  {
    name: 'writing to userdata',
    lua: 'return { (pcall(function() time.now().x = 1 end)), (pcall(function() channel.new().x = 1 end)), (pcall(rawset, time.now(), "x", 1)) }',
    value: [false, false, false],
  },
  {
    name: 'metatables of what is ours',
    lua: 'for _, v in ipairs { "", time.now(), channel.new(), json, string, _G, errors.new("x"), time.after("1h") } do local m = getmetatable(v) assert(not m, type(v)) assert(not pcall(setmetatable, v, {})) end return "kept"',
    value: 'kept',
  },
  {
    name: 'writing to libraries',
    lua: 'for _, t in ipairs { string, table, math, json, coroutine, process, channel, utf8, package, package.loaded } do assert(not pcall(function() t.find = 1 end)) assert(not pcall(rawset, t, "find", 1)) assert(not pcall(table.insert, t, 1)) end return "kept"',
    value: 'kept',
  },
  {
    name: 'rawget, next and pairs on frozen libraries',
    lua: 'local n = 0 for k, v in pairs(string) do n = n + 1 end for k in next, string do n = n + 1 end return n > 20 and rawget(string, "find") == nil',
    value: true,
  },
  {
    name: 'what is not there',
    lua: 'local found = {} for _, name in ipairs { "debug", "io", "load", "loadstring", "loadfile", "dofile", "collectgarbage", "setfenv", "getfenv", "newproxy", "module", "jit", "host", "codes", "rawequals" } do if _G[name] ~= nil then found[#found + 1] = name end end return #found',
    value: 0,
  },
  { name: 'bytecode', lua: 'return string.dump == nil and ("").dump == nil', value: true },
  {
    name: 'finalisers',
    lua: 'return { (pcall(setmetatable, {}, { __gc = function() while true do end end })), (pcall(setmetatable, {}, { __gc = false })) }',
    value: [false, false],
  },
  {
    name: 'finalisers put in later',
    lua: 'for i = 1, 1000 do local m = {} local t = setmetatable({}, m) m.__gc = function() while true do end end end local x = {} for i = 1, 1e5 do x = { x } end return "kept"',
    error: /kept|LimitExceeded/,
  },
  {
    name: 'calling finalisers by hand',
    lua: 'local c = channel.new(1) for _, k in ipairs { "__gc", "release", "__close" } do assert(not pcall(function() c[k](c) end)) end c:send(1) return (c:receive())',
    value: 1,
  },
  {
    name: 'a forged exit',
    lua: 'coroutine.yield({ op = "exit", value = 1 }) coroutine.yield("exit") return "still here"',
    value: 'still here',
  },
  {
    name: 'forged yields in coroutines',
    lua: 'local c = coroutine.wrap(function() return coroutine.yield(1, 2, 3) end) c() return c("back")',
    value: 'back',
  },
  {
    name: 'methods of the wrong object',
    lua: 'local c = channel.new() return { (pcall(c.send, time.now(), 1)), (pcall(c.receive, {})), (pcall(c.receive)), (pcall(time.now().unix, c)), (pcall(c.close, "x")) }',
    value: [false, false, false, false, false],
  },
  {
    name: 'cases that are none',
    lua: 'for _, bad in ipairs { {}, 1, "x", time.now(), channel.new(), print, { {} }, { 1, 2 }, { channel.new() } } do pcall(channel.select, { bad, default = true }) pcall(channel.select, bad, true) end return "kept"',
    value: 'kept',
  },
  {
    name: 'a select with metamethods',
    lua: 'return (pcall(channel.select, setmetatable({}, { __index = function(_, k) return channel.new():case_receive() end, __len = function() return 1e9 end }), true)) ~= nil',
    value: true,
  },
  { name: 'error with nothing', lua: 'error(nil)', error: /nil/ },
  {
    name: 'error with a table that lies',
    lua: 'error(setmetatable({}, { __tostring = function() return 1 end, __index = function() return error end }))',
    error: /error object is a table/,
  },
  {
    name: 'an error whose text is an error',
    lua: 'return (pcall(tostring, setmetatable({}, { __tostring = function() error("inner") end })))',
    value: false,
  },
  { name: 'an error in a handler', lua: 'return { xpcall(error, function() error("again") end, "x") }' },
  {
    name: 'a handler that is none',
    lua: 'return { (pcall(xpcall, print)), (pcall(xpcall, print, 1)), (pcall(pcall)) }',
    value: [false, false, false],
  },
  {
    name: 'closing what runs',
    lua: 'local c c = coroutine.create(function() return pcall(coroutine.close, c) end) local _, ok = coroutine.resume(c) return { ok, (pcall(coroutine.close, (coroutine.running()))) }',
    value: [false, false],
  },
  {
    name: 'closing and resuming managed coroutines',
    lua: 'local t = coroutine.spawn(function() channel.new():receive() end) coroutine.yield() local ok = coroutine.resume(t) pcall(coroutine.close, t) pcall(coroutine.close, t) pcall(coroutine.resume, t) return "kept"',
    value: 'kept',
  },
  {
    name: 'resuming the main coroutine',
    lua: 'local main = coroutine.running() return { (coroutine.resume(main)), coroutine.wrap(function() return (coroutine.resume(main)) end)() }',
    value: [false, false],
  },
  {
    name: 'resuming itself',
    lua: 'local c c = coroutine.create(function() return coroutine.resume(c) end) return { coroutine.resume(c) }',
    value: [true, false, 'cannot resume non-suspended coroutine'],
  },
  {
    name: 'wrap of what is no function',
    lua: 'return { (pcall(coroutine.wrap, 1)), (pcall(coroutine.create)), (pcall(coroutine.spawn, {})), (pcall(coroutine.resume, 1)) }',
    value: [false, false, false, false],
  },
  {
    name: 'the environment of others',
    lua: 'leaked = 1 return getmetatable(_G) == false and rawget(_G, "leaked") == 1 and rawget(_G, "print") == nil',
    value: true,
  },
  {
    name: 'replacing globals',
    lua: 'print = nil string = nil _G.json = nil pcall = nil return type(string) .. type(json)',
  },
  {
    name: 'unknown processes',
    lua: 'return { (process.send("{app:processes|0xfffffff}", "x")) == true, (process.send("", "x")) == true, (process.send(("x"):rep(1e5), "x")) == true }',
    value: [false, false, false],
  },
  {
    name: 'pids that are none',
    lua: 'for _, pid in ipairs { "{", "}", "{|}", "{@|0x}", "{a|0xzz}", "{app:processes|0x" .. ("f"):rep(1000) .. "}", "\\0", "{\\0|0x01}" } do pcall(process.send, pid, "x", 1) pcall(process.monitor, pid) pcall(process.terminate, pid) end return "kept"',
    value: 'kept',
  },
  {
    name: 'topics of the system',
    lua: 'return { (process.send(process.pid(), "@events", {})) == true, (process.listen("@pid")) ~= nil }',
    value: [false, false],
  },
]

const deep = 'local t = {} for i = 1, 1000 do t = { t } end'
const dag = 'local t = {} for i = 1, 64 do t = { t, t, t, t } end'
export const floods: readonly Hostile[] = [
  {
    name: 'a deep message',
    lua: `${deep} return tostring(select(2, process.send(process.pid(), "x", t)))`,
    error: /nested deeper/,
  },
  { name: 'a deep result', lua: `${deep} return t`, error: /nested deeper/ },
  {
    name: 'a deep message, for ever',
    lua: `${deep} while true do process.send(process.pid(), "x", t) end`,
    error: /LimitExceeded/,
  },
  { name: 'a graph that explodes', lua: `${dag} return process.send(process.pid(), "x", t)`, value: true },
  { name: 'a graph that explodes as a result', lua: `${dag} return t` },
  { name: 'a graph that explodes as json', lua: `${dag} return tostring(select(2, json.encode(t)))`, error: /./ },
  {
    name: 'a graph that explodes as a key',
    lua: 'local t = {} for i = 1, 30 do t = { [t] = t, t } end process.send(process.pid(), "x", t) return "kept"',
    value: 'kept',
  },
  {
    name: 'a cycle',
    lua: 'local t = {} t.t = t t[t] = t process.send(process.pid(), "x", t) local m = process.inbox():receive():payload():data() return m.t == m and m[m] == m',
    value: true,
  },
  { name: 'a cycle as a result', lua: 'local t = {} t.t = t return t' },
  {
    name: 'a cycle through metatables',
    lua: 'local t = setmetatable({}, {}) getmetatable(t).__index = getmetatable(t) getmetatable(t).t = t process.send(process.pid(), "x", t) return "kept"',
    value: 'kept',
  },
  {
    name: 'a message beyond its limit',
    limits: { memory: 64 << 20, cpu: 2_000 },
    lua: 'return tostring(select(2, process.send(process.pid(), "x", ("x"):rep(9 << 20))))',
    error: /limit of 8388608 bytes/,
  },
  {
    name: 'a message of many parts beyond its limit',
    limits: { memory: 128 << 20, cpu: 2_000 },
    lua: 'local t = {} for i = 1, 300000 do t[i] = { i } end return tostring(select(2, process.send(process.pid(), "x", t)))',
    error: /limit of 8388608 bytes/,
  },
  {
    name: 'messages beyond the mailbox',
    limits: { memory: 256 << 20, cpu: 2_000 },
    lua: 'local s = ("x"):rep(7 << 20) local err repeat local ok ok, err = process.send(process.pid(), "x", s) until not ok return tostring(err)',
    error: /mailbox of .* is full \(67108864 bytes\)/,
  },
  {
    name: 'more messages than the mailbox holds',
    limits: { memory: 256 << 20, cpu: 2_000 },
    lua: 'local err repeat local ok ok, err = process.send(process.pid(), "x", 1) until not ok return tostring(err)',
    error: /mailbox of .* is full \(10000 messages\)/,
  },
  {
    name: 'a message of functions, threads and channels',
    lua: 'process.send(process.pid(), "x", { print, coroutine.create(print), channel.new(), time.now(), n = 1, [print] = 1 }) return process.inbox():receive():payload():data()',
    value: { n: 1 },
  },
  {
    name: 'channels and their cases as data for the host',
    lua: `local ch = channel.new()
      local values = { ch, process.inbox(), time.after("1h"), ch:case_receive(), ch:case_send(1) }
      for i, v in ipairs(values) do values[i] = errors.new({ message = "m", details = { v = v } }):details().v end
      return values`,
    value: ['channel', 'channel', 'channel', 'channel', 'channel'],
  },
  {
    name: 'channels in place of tables for the host',
    lua: 'return { pcall(process.with_options, channel.new()) }',
    value: [false, "bad argument #1 to 'with_options' (table expected, got userdata)"],
  },
  {
    name: 'a message with hostile metamethods',
    lua: 'local m = {} for _, e in ipairs { "__index", "__newindex", "__len", "__pairs", "__eq", "__tostring" } do m[e] = function() while true do end end end return process.send(process.pid(), "x", setmetatable({ 1 }, m))',
    value: true,
  },
  {
    name: 'a result with hostile metamethods',
    lua: 'local m = {} for _, e in ipairs { "__index", "__len", "__pairs", "__tostring" } do m[e] = function() while true do end end end return setmetatable({ n = 1 }, m)',
    value: { n: 1 },
  },
  {
    name: 'a host call with hostile metamethods',
    lua: 'local m = {} for _, e in ipairs { "__index", "__len", "__pairs" } do m[e] = function() while true do end end end return json.encode(setmetatable({ n = 1 }, m))',
    error: /n|LimitExceeded/,
  },
  {
    name: 'numbers that are none',
    lua: 'process.send(process.pid(), "x", { 0/0, 1/0, -1/0, math.mininteger, -0.0 }) local d = process.inbox():receive():payload():data() return { d[1] ~= d[1], d[2] == 1/0, d[4] == math.mininteger }',
    value: [true, true, true],
  },
  {
    name: 'NaN and infinity as durations',
    lua: 'for _, d in ipairs { 0/0, 1/0, -1/0, math.mininteger, math.maxinteger, 1e300, "1e300h", "", "x", {}, ("9"):rep(1e5) .. "h" } do pcall(time.after, d) pcall(time.ticker, d) pcall(time.timer, d) end return "kept"',
    value: 'kept',
  },
  { name: 'a sparse table to the host', lua: 'return pcall(json.encode, { [1] = 1, [1e9] = 2 }) ~= nil', value: true },
  { name: 'a huge sparse result', lua: 'return { [1 << 40] = 1, [-5] = 2, [1.5] = 3 }' },
  {
    name: 'text that is not text',
    lua: 'process.send(process.pid(), "\\255\\254", "\\0\\255") return #process.inbox():receive():payload():data()',
    value: 2,
  },
]
