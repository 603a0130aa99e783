// Text made to hurt the parsers that Lua reaches: json, yaml, expr, text, templates. It fails in words or is read, and the other
// processes of the node go on meanwhile. Archives and workbooks are in test/features/archive and excel.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../runtime/core/clock.ts'
import { base64Module } from '../../../runtime/features/base64.ts'
import { cryptoModule } from '../../../runtime/features/crypto/crypto-module.ts'
import { exprModule } from '../../../runtime/features/expr/expr-module.ts'
import { hashModule } from '../../../runtime/features/hash.ts'
import { htmlModule } from '../../../runtime/features/html/html-module.ts'
import { TemplateSet, TemplateSets } from '../../../runtime/features/template/template-set.ts'
import { templatesModule } from '../../../runtime/features/template/templates-module.ts'
import { textModule } from '../../../runtime/features/text/text-module.ts'
import { urlModule } from '../../../runtime/features/url.ts'
import { yamlModule } from '../../../runtime/features/yaml.ts'
import { Offload } from '../../../runtime/offload/offload.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { fakeCall } from '../../support/call-module.ts'
import { type Hostile, type HostileNode, hostileNode } from '../../support/hostile.ts'

const share = /LimitExceeded/

const documents: Hostile[] = [
  {
    name: 'json nested a million deep',
    lua: 'return json.decode(("["):rep(1e6)) == nil',
    value: true,
  },
  {
    name: 'json objects nested a hundred thousand deep',
    lua: `local s = ('{"a":'):rep(1e5) return tostring(select(2, json.decode(s)))`,
    value: expect.stringContaining('exceeded maximum nesting depth'),
  },
  {
    name: 'json with a million values',
    lua: 'local s = "[" .. ("0,"):rep(1e6) .. "0]" local v = json.decode(s) return #v',
    limits: { cpu: 5_000, memory: 64 << 20 },
    value: 1_000_001,
  },
  {
    name: 'json with more values than there is time for',
    lua: 'local s = "[" .. ("0,"):rep(1e6) .. "0]" local v = json.decode(s) return #v',
    limits: { cpu: 60 },
    error: share,
  },
  {
    name: 'json of millions of small tables, again and again',
    lua: 'local s = "[" .. ("{},"):rep(1e5) .. "{}]" while true do json.decode(s) end',
    error: share,
  },
  {
    name: 'a json number of a million digits',
    lua: 'local v, err = json.decode(("9"):rep(1e6)) return v ~= nil or err ~= nil',
    value: true,
  },
  {
    name: 'a json text of escapes',
    lua: `local v, err = json.decode('"' .. ("\\\\u0041"):rep(3e5) .. '"') return #v`,
    value: 300_000,
  },
  {
    name: 'a schema whose pattern would backtrack for ever',
    lua: 'local ok = json.validate({ type = "string", pattern = "^(a+)+$" }, ("a"):rep(5000) .. "b") return ok',
    value: false,
  },
  {
    name: 'a schema that refers to itself',
    lua: `local deep = 1 for i = 1, 100 do deep = { a = deep } end
      return json.validate({ properties = { a = { ["$ref"] = "#" } } }, deep)`,
    value: true,
  },
  {
    name: 'a table deeper than json goes',
    lua: 'local t = {} for i = 1, 1e4 do t = { t } end return tostring(select(2, json.encode(t)))',
    limits: { cpu: 2_000 },
    value: expect.stringMatching(/nested/),
  },
  {
    name: 'yaml nested without end',
    lua: 'local v, err = yaml.decode(("["):rep(1e5)) return v == nil and err ~= nil',
    value: true,
  },
  {
    name: 'a yaml alias bomb',
    lua: `local s = "a0: &a0 [x,x,x,x,x,x,x,x,x]\\n"
      for i = 1, 9 do s = s .. ("a%d: &a%d [%s]\\n"):format(i, i, ("*a" .. i - 1 .. ","):rep(9)) end
      return tostring(select(2, yaml.decode(s)))`,
    value: expect.stringContaining('excessive aliasing'),
  },
  {
    // Short enough that the other thread's CPU, which the lateness cannot tell from ours, stays small.
    name: 'yaml of many lines, again and again',
    lua: 'while true do yaml.decode(("- a: b\\n"):rep(1e3)) end',
    stopAfterBeats: 30,
  },
]

/** What a trusted program may hand over is larger: it takes longer, and nobody waits for it. */
const large: Hostile[] = [
  {
    name: 'json of more than two megabytes, read and written again',
    lua: `local s = "[" .. ('{"a":1,"b":"x"},'):rep(150000) .. "{}]" return #json.encode(json.decode(s)) > 0`,
    value: true,
  },
  {
    name: 'json text of many characters to escape',
    lua: 'return #json.encode(("ab<"):rep(4e6))',
    value: 32_000_002,
  },
  {
    name: 'an object of many names',
    lua: 'local t = {} for i = 1, 3e5 do t["k" .. i] = i end return #json.encode(t) > 0',
    value: true,
  },
  {
    name: 'a table that changes while it is written',
    lua: `local t = {} for i = 1, 2e5 do t["k" .. i] = i end
      local done = channel.new(1)
      coroutine.spawn(function() local _, err = json.encode(t) done:send(tostring(err)) end)
      for i = 1, 2e5 do t["k" .. i] = nil if i % 1e4 == 0 then time.sleep("1ms") end end
      for i = 1, 1e4 do t["n" .. i] = i end
      return (done:receive())`,
    value: expect.stringMatching(/^(nil|table changed while it was read)$/),
  },
  {
    name: 'two million characters that all need an escape in a URL',
    lua: 'return #url.decode((url.encode(("é"):rep(1e6))))',
    value: 2_000_000,
  },
  {
    name: 'a query of a hundred thousand fields',
    lua: `local pairs = {} for i = 1, 1e5 do pairs[i] = "k" .. i .. "=v" end
      local v, err = url.parse_query(table.concat(pairs, "&")) return err:kind()`,
    value: 'LimitExceeded',
  },
  {
    name: 'a million signs that are no tags',
    lua: 'return #html.sanitize.ugc_policy():sanitize(("<"):rep(1e6))',
    value: 4_000_000,
  },
  {
    name: 'megabytes to hash, encode and encrypt',
    lua: `local s = ("abcdefgh"):rep(2e6)
      return { #hash.sha512(s), hash.fnv64(s) ~= 0, #base64.decode(base64.encode(s)), #crypto.encrypt.aes(s, ("k"):rep(32)) }`,
    value: [128, true, 16_000_000, 16_000_028],
  },
  {
    name: 'a text of two megabytes to split',
    lua: 'return #text.splitter.recursive():split_text(("word "):rep(4e5)) > 1000',
    value: true,
  },
].map((program) => ({ ...program, trusted: true }))

const languages: Hostile[] = [
  {
    name: 'an expression of nested loops',
    lua: 'return tostring(select(2, expr.eval("count(1..10000, {count(1..10000, {true}) > 0})")))',
    limits: { cpu: 2_000 },
    value: expect.stringMatching(/^expression (took|made) more than/),
  },
  {
    name: 'an expression that reads a large JSON text, or one nested without end',
    lua: `local big, deep = "[" .. ("0,"):rep(1e6) .. "0]", ("["):rep(2e5) .. ("]"):rep(2e5)
      local _, too_big = expr.eval("len(fromJSON(a))", { a = big })
      local _, too_deep = expr.eval("len(fromJSON(a))", { a = deep })
      return { too_big:kind(), tostring(too_deep):match("nested too deeply") }`,
    limits: { cpu: 2_000, memory: 64 << 20 },
    value: ['LimitExceeded', 'nested too deeply'],
  },
  {
    name: 'expressions of nested loops, again and again',
    lua: 'while true do expr.eval("count(1..10000, {count(1..10000, {true}) > 0})") end',
    error: share,
  },
  {
    name: 'an expression nested without end',
    lua: 'return expr.eval(("("):rep(1e5) .. "1") == nil',
    value: true,
  },
  {
    name: 'an expression that doubles its text',
    lua: `local v, err = expr.eval('reduce(1..100, #acc + #acc, "aaaaaaaaaaaaaaaa")') return err:kind()`,
    value: 'LimitExceeded',
  },
  {
    name: 'an expression whose pattern would backtrack for ever',
    lua: `local v, err = expr.eval('s matches "^(a+)+$"', { s = ("a"):rep(20000) .. "b" }) return v == false or err:kind()`,
    value: expect.toSatisfy((value) => value === true || value === 'LimitExceeded'),
  },
  {
    name: 'ten thousand different expressions',
    lua: 'for i = 1, 1e4 do expr.eval("1 + " .. i) end return true',
    limits: { cpu: 10_000 },
    value: true,
  },
  {
    name: 'a regular expression that would backtrack for ever',
    lua: 'return text.regexp.compile("^(a+)+$"):match_string(("a"):rep(1e5) .. "b")',
    value: false,
  },
  {
    name: 'a regular expression that would compile to a huge program',
    lua: 'return text.regexp.compile("((a{100}){100}){100}") == nil',
    value: true,
  },
  {
    name: 'a regular expression nested without end',
    lua: 'return text.regexp.compile(("("):rep(8000)) == nil',
    value: true,
  },
  {
    name: 'a difference of two long texts with nothing in common',
    lua: `local d = text.diff.new({ diff_timeout = 0 })
      local a, b = {}, {} for i = 1, 2e4 do a[i] = string.char(97 + i * i % 13) b[i] = string.char(110 + i * i % 13) end
      return #d:compare(table.concat(a), table.concat(b)) > 0`,
    limits: { cpu: 2_000 },
    value: true,
  },
  {
    name: 'a text without separators to split',
    lua: 'return #text.splitter.recursive({ chunk_size = 100, chunk_overlap = 0 }):split_text(("a"):rep(1e5))',
    limits: { cpu: 2_000 },
    value: 1000,
  },
  {
    name: 'a text that is all separators',
    lua: 'return type(text.splitter.recursive({ chunk_size = 10, chunk_overlap = 5 }):split_text((" \\n"):rep(1e5)))',
    limits: { cpu: 2_000 },
    value: 'table',
  },
  {
    name: 'markdown quotes nested without end',
    lua: 'return type(text.splitter.markdown():split_text((">"):rep(2e4)))',
    limits: { cpu: 2_000 },
    value: 'table',
  },
  {
    name: 'a template of nested loops',
    lua: 'local v, err = templates.get("hostile:views"):render("loops") return err:kind()',
    limits: { cpu: 2_000 },
    value: 'LimitExceeded',
  },
  {
    name: 'a template that includes itself',
    lua: 'local v, err = templates.get("hostile:views"):render("itself") return err ~= nil',
    value: true,
  },
  {
    name: 'templates that write a lot, again and again',
    lua: 'local set = templates.get("hostile:views") while true do set:render("long") end',
    error: share,
  },
]

let hostile: HostileNode
const offload = new Offload({ clock: systemClock() })

beforeAll(async () => {
  const sets = new TemplateSets()
  const views = new TemplateSet()
  views.add('loops', '{{ range ints(0, 10000) }}{{ range ints(0, 10000) }}x{{ end }}{{ end }}')
  views.add('itself', '{{ include "itself" }}')
  views.add('long', '{{ x := repeat("a", 100000) }}{{ range ints(0, 70) }}{{ x }}{{ end }}')
  sets.add('hostile:views', views)
  // The other thread starts here, not beside the first program that needs it.
  await offload.run(fakeCall(), 'yaml.decode', 'a: 1', {})
  hostile = await hostileNode([
    yamlModule({ offload }),
    exprModule(),
    textModule({ offload }),
    urlModule,
    htmlModule,
    hashModule,
    base64Module,
    cryptoModule({ clock: systemClock() }),
    templatesModule({ sets, guard: new Guard({ strict: false }) }),
  ])
})
afterAll(async () => {
  await hostile.stop()
  await offload.close()
})

describe('documents', () => {
  test.each(documents)('$name', (program) => hostile.run(program))
})

// These take long, which is the point: they leave the time to others.
describe('large values', { timeout: 60_000 }, () => {
  test.each(large)('$name', (program) => hostile.run(program))
})

describe('small languages', () => {
  test.each(languages)('$name', (program) => hostile.run(program))
})
