// How long the thread is held by modules that get large or hostile input (promise P6): the CPU that one turn of the event loop
// took at most. Linux only: CPU of the main thread comes from /proc.
// usage: node test/bench/stalls.mjs [pattern]   (dist/ must be built)

import { readFileSync } from 'node:fs'
import path from 'node:path'

const { createHost } = await import(path.resolve(import.meta.dirname, '../../dist/index.js'))

/** Lua that makes the input, and Lua that is measured. */
const cases = {
  'json.decode, 6 MB of small objects': [`local s = "[" .. ('{"a":1,"b":"x"},'):rep(4e5) .. "{}]"`, 'json.decode(s)'],
  'json.decode, 3 million numbers': ['local s = "[" .. ("0,"):rep(3e6) .. "0]"', 'json.decode(s)'],
  'json.encode, a million numbers': ['local t = {} for i = 1, 1e6 do t[i] = i end', 'json.encode(t)'],
  'json.encode, 200,000 objects': ['local t = {} for i = 1, 2e5 do t[i] = { a = i, b = "x" } end', 'json.encode(t)'],
  'json.encode, 12 MB of text with escapes': ['local s = ("ab<"):rep(4e6)', 'json.encode(s)'],
  'json.validate_string, a million items': [
    'local s = "[" .. ("0,"):rep(1e6) .. "0]"',
    'json.validate_string({ type = "array", items = { type = "number" } }, s)',
  ],
  'yaml.decode, 700 KB': ['local s = ("- a: b\\n"):rep(1e5)', 'yaml.decode(s)'],
  'base64.encode, 64 MB': ['local s = ("abcdefgh"):rep(8e6)', 'base64.encode(s)'],
  'hash.sha512, 64 MB': ['local s = ("abcdefgh"):rep(8e6)', 'hash.sha512(s)'],
  'crypto.encrypt.aes, 64 MB': ['local s = ("abcdefgh"):rep(8e6)', 'crypto.encrypt.aes(s, ("k"):rep(32))'],
  'url.encode, 15 MB': ['local s = ("é "):rep(5e6)', 'url.encode(s)'],
  'http_client.decode_uri, 12 MB': ['local s = ("%41"):rep(4e6)', 'http_client.decode_uri(s)'],
  'splitter.recursive, 2 MB': ['local s = ("word "):rep(4e5)', 'text.splitter.recursive():split_text(s)'],
  'splitter.markdown, 800 KB': [
    'local s = ("# a\\n\\nfoo *bar* baz\\n\\n- x\\n- y\\n"):rep(3e4)',
    'text.splitter.markdown():split_text(s)',
  ],
  'regexp:find_all_string, 4 MB, a million matches': [
    'local s, r = ("ab1 "):rep(1e6), text.regexp.compile("[a-z]+[0-9]")',
    'r:find_all_string(s)',
  ],
  'expr.eval, loops without end': ['', 'expr.eval("count(1..10000, {count(1..10000, {true}) > 0})")'],
  'html policy:sanitize, a million signs': ['local s = ("<"):rep(1e6)', 'html.sanitize.ugc_policy():sanitize(s)'],
  'compress.gzip.decode, a bomb of 100 MB': [
    'local s = compress.gzip.encode(("a"):rep(1e8))',
    'compress.gzip.decode(s)',
  ],
  'workbook:get_rows, 200,000 rows': [
    'local w = excel.new() for i = 1, 2e5 do w:set_cell_value("Sheet1", "A" .. i, i) end',
    'w:get_rows("Sheet1")',
  ],
}

const modules = [
  'json',
  'yaml',
  'base64',
  'hash',
  'crypto',
  'url',
  'http_client',
  'text',
  'expr',
  'html',
  'compress',
  'excel',
]
const cpu = () => Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6
const entry = (id, kind, data) => ({ id, kind, meta: {}, data })

let measuring = false
let last = cpu()
let worst = 0
const beat = () => {
  const now = cpu()
  if (measuring) worst = Math.max(worst, now - last)
  last = now
  setImmediate(beat)
}
const mark = () => {
  last = cpu()
  worst = 0
  measuring = true
}
const marks = { name: 'marks', description: 'where measuring begins', traits: [], open: () => ({ begin: mark }) }

const wanted = Object.entries(cases).filter(([name]) => new RegExp(process.argv[2] ?? '').test(name))
const requires = [...modules, 'marks'].map((name) => `local ${name} = require("${name}")`).join('\n')
const host = await createHost({
  modules: [marks],
  entries: [
    entry('app:processes', 'process.host', { lifecycle: { auto_start: true } }),
    ...wanted.map(([, [prepare, work]], i) =>
      entry(`app:f${i}`, 'function.lua', {
        method: 'handler',
        modules: [...modules, 'marks'],
        source: `${requires}\nreturn { handler = function() ${prepare} marks.begin() local v, err = ${work} return err and err:kind() or "ok" end }`,
      }),
    ),
  ],
})
await host.start()
beat()
console.log(`node ${process.version}\n\n| Input | longest turn, ms of CPU | whole call, ms | |\n|---|---|---|---|`)
for (const [i, [name]] of wanted.entries()) {
  const started = performance.now()
  const result = await host.call(`app:f${i}`, [])
  measuring = false
  console.log(`| ${name} | ${worst.toFixed(0)} | ${(performance.now() - started).toFixed(0)} | ${result} |`)
}
await host.stop()
// The beat would go on for ever.
process.exit(0)
