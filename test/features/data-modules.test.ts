// The data modules as Lua sees them, on the real engine: what crosses the border keeps its shape.

import { beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../runtime/core/clock.ts'
import { base64Module } from '../../runtime/features/base64.ts'
import { cryptoModule } from '../../runtime/features/crypto/crypto-module.ts'
import { hashModule } from '../../runtime/features/hash.ts'
import { jsonModule } from '../../runtime/features/json/json-module.ts'
import { textModule } from '../../runtime/features/text/text-module.ts'
import { timeModule } from '../../runtime/features/time/time-module.ts'
import { urlModule } from '../../runtime/features/url.ts'
import { uuidModule } from '../../runtime/features/uuid.ts'
import { Offload } from '../../runtime/offload/offload.ts'
import { type LuaNode, luaNode } from '../support/lua-node.ts'

const clock = systemClock()
const modules = [
  jsonModule({ offload: new Offload() }),
  timeModule({ clock, localZone: () => 'Europe/Berlin' }),
  base64Module,
  hashModule,
  uuidModule,
  urlModule,
  cryptoModule({ clock }),
  textModule({ offload: new Offload() }),
]
let node: LuaNode
beforeAll(async () => {
  node = await luaNode(modules)
})
const lua = (body: string) => node.eval(body, { modules: modules.map((module) => module.name) })

test('json writes tables by their shape', async () => {
  expect(
    await lua(`
      local had = { x = 1 }; had.x = nil
      local shared = { 1 }
      local loop = {}; loop.self = loop
      local deep = 1; for i = 1, 129 do deep = { deep } end
      local function err(...) local text, e = json.encode(...); return text == nil and e:kind() .. " " .. tostring(e) end
      return { json.encode({}), json.encode(had), json.encode({ a = { 1, 2.5, "x", false } }), json.encode(nil), json.encode(10 / 2),
        json.encode(2^53), json.encode(9007199254740993), json.encode(0/0), json.encode(print), json.encode({ shared, shared }),
        json.encode("é\\0<\\255"), json.encode(errors.new("boom")), err(loop), err(deep), err({ 1, nil, 3, x = 1 }), err({ [1] = 1, [3] = 3 }) }`),
  ).toEqual([
    '[]',
    '{}',
    '{"a":[1,2.5,"x",false]}',
    'null',
    '5',
    '9007199254740992',
    '9007199254740993',
    'null',
    'null',
    '[[1],[1]]',
    '"é\\u0000\\u003c\\ufffd"',
    '"boom"',
    'Internal encode failed: cannot encode recursively nested tables to JSON',
    'Internal encode failed: exceeded maximum nesting depth for JSON encoding',
    'Internal encode failed: cannot encode mixed-key table: table has both numeric and non-numeric keys',
    'Internal encode failed: cannot encode sparse array: non-contiguous numeric keys found',
  ])
})

test('json reads back what it wrote, and {} stays {}', async () => {
  expect(
    await lua(`
      local value = json.decode('{"o":{},"a":[],"n":null,"i":9007199254740993,"f":1.5,"s":"\\\\u00e9","l":[1,null,3]}')
      local bad, err = json.decode('{"a":')
      return { json.encode(value.o), json.encode(value.a), value.n == nil, value.i, math.type(value.i), math.type(value.f), value.s,
        value.l[1], value.l[3], bad == nil, err:kind(), tostring(err), "joined: " .. err }`),
  ).toEqual([
    '{}',
    '[]',
    true,
    9007199254740993n,
    'integer',
    'float',
    'é',
    1,
    3,
    true,
    'Internal',
    'decode failed: unexpected end of JSON input at offset 5',
    'joined: decode failed: unexpected end of JSON input at offset 5',
  ])
})

test('json validates tables and text', async () => {
  expect(
    await lua(`
      local schema = { type = "object", properties = { name = { type = "string", minLength = 1 }, tags = { type = "array" } }, required = { "name" } }
      local ok, none = json.validate(schema, { name = "x", tags = {} })
      local bad, err = json.validate(schema, { name = "" })
      local text = json.validate_string(schema, '{"name":"x"}')
      return { ok, none == nil, bad, err:kind(), tostring(err), text, (json.validate({ type = "object" }, {})) }`),
  ).toEqual([
    true,
    true,
    false,
    'Invalid',
    "validation failed: at '/name': must NOT have fewer than 1 characters",
    true,
    true,
  ])
})

test('times and durations are objects with methods, comparison and text', async () => {
  expect(
    await lua(`
      local t = time.date(2024, time.DECEMBER, 25, 10, 30, 0, 0, time.utc)
      local later = t:add("1h30m")
      local y, m, d = t:date()
      local bad, err = time.parse(time.RFC3339, "x")
      return { t:format_rfc3339(), tostring(t), tostring(later:sub(t)), later:sub(t):minutes(), t < later, t == t:in_local(), t <= t,
        y, m, d, t:in_local():format("15:04 MST"), t:unix(), math.type(t:unix_nano()), t:unix_nano(), tostring(t:location()),
        time.now():sub(time.now()):nanoseconds() <= 0, bad == nil, err:kind(), pcall(function() return t:sub(1) end),
        tostring(t:location():string()), 5 * time.SECOND }`),
  ).toEqual([
    '2024-12-25T10:30:00Z',
    '2024-12-25 10:30:00 +0000 UTC',
    '1h30m0s',
    90,
    true,
    true,
    true,
    2024,
    12,
    25,
    '11:30 CET',
    1735122600,
    'integer',
    1735122600000000000n,
    'UTC',
    true,
    true,
    'Invalid',
    false,
    'UTC',
    5_000_000_000,
  ])
})

test('sleeping, timers and tickers wait on channels', async () => {
  expect(
    await lua(`
      local start = time.now()
      local returned = select("#", time.sleep("20ms"))
      local slept = time.now():sub(start):milliseconds()
      local after = time.after(5 * time.MILLISECOND)
      local at, open = after:receive()
      local _, still = after:receive()
      local timer = time.timer("1h")
      local same = timer:response() == timer:channel()
      local reset = timer:reset("5ms")
      local fired = timer:response():receive()
      local ticker = time.ticker("2ms")
      local ticks = 0
      for _ = 1, 3 do ticker:response():receive(); ticks = ticks + 1 end
      local winner = channel.select({ time.after("1h"):case_receive(), ticker:channel():case_receive() })
      return { returned, slept >= 20, open, type(at:unix()), still, same, reset, fired:year() > 2000, ticks, ticker:stop(),
        winner.channel == ticker:channel(), timer:stop(), (select(2, time.after(0))):kind(), (select(2, time.sleep("x"))):kind() }`),
  ).toEqual([0, true, true, 'number', false, true, true, true, 3, true, true, false, 'Invalid', 'Invalid'])
})

test('base64, hash and crypto keep bytes', async () => {
  expect(
    await lua(`
      local bytes = "\\0\\255\\128abc"
      local raw = hash.sha256("data", true)
      local sealed = crypto.encrypt.aes(bytes, string.rep("k", 32), "aad")
      local bad, err = base64.decode("a!")
      local token = crypto.jwt.encode({ sub = "ann", exp = os.time() + 60, list = { 1, 2 } }, "secret")
      local claims = crypto.jwt.verify(token, "secret")
      return { base64.decode(base64.encode(bytes)) == bytes, #raw, hash.sha256("data"), #sealed, crypto.decrypt.aes(sealed, string.rep("k", 32), "aad") == bytes,
        bad == nil, err:kind(), claims.sub, claims.list[2], #crypto.random.bytes(16), #crypto.pbkdf2("p", "s", 1000, 32),
        crypto.constant_time_compare(bytes, bytes), math.type(hash.fnv64("a")), hash.fnv32("a") }`),
  ).toEqual([
    true,
    32,
    '3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7',
    34,
    true,
    true,
    'Invalid',
    'ann',
    2,
    16,
    32,
    true,
    'integer',
    84696446,
  ])
})

test('uuid, url and text work on plain values', async () => {
  expect(
    await lua(`
      local parsed = url.parse("https://a.example:8443/p?q=1#f")
      local re = text.regexp.compile("(\\\\w+)@(\\\\w+)")
      local index = re:find_string_index("to ann@home")
      local differ = text.diff.new()
      local diffs = differ:compare("hello world", "hello there")
      local patched, all = differ:patch_apply(differ:patch_make("abc", "abd"), "abc")
      local chunks = text.splitter.recursive({ chunk_size = 5, chunk_overlap = 0 }):split_text("aa bb cc")
      local none, err = text.regexp.compile("(")
      return { uuid.validate(uuid.v4()), uuid.version(uuid.v7()), parsed.host, parsed.port, url.build(parsed), url.query({ a = "x y" }),
        re:find_string_submatch("to ann@home")[3], index[1], index[2], re:find_string("none") == nil, re:replace_all_string("a@b", "$2"),
        #diffs, diffs[2].operation, differ:summarize(diffs).equals, patched, all, chunks[1], chunks[2],
        #text.splitter.markdown():split_text("# A\\n\\nb"), err:kind() }`),
  ).toEqual([
    true,
    7,
    'a.example',
    8443,
    'https://a.example:8443/p?q=1#f',
    'a=x%20y',
    'home',
    4,
    11,
    true,
    'b',
    3,
    'delete',
    6,
    'abd',
    true,
    'aa bb',
    'cc',
    1,
    'Invalid',
  ])
})
