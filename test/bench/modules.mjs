// Throughput of json, text, expr, templates and http_client from Lua beside the same work done directly in Node: what our
// layer costs. Interleaved rounds, each side in a process of its own, the server of both in this one.
// usage: node test/bench/modules.mjs [--rounds 5] [--ms 300]   (dist/ must be built)

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { cpus } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'

const here = import.meta.dirname
const dist = path.resolve(here, '../../dist')
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    ms: { type: 'string', default: '300' },
    direct: { type: 'string' },
  },
})

const what = {
  json_encode: 'json.encode, 10 KB | JSON.stringify',
  json_decode: 'json.decode, 10 KB | JSON.parse',
  json_decode_small: 'json.decode, 60 B | JSON.parse',
  regexp_match: 'regexp:match_string, 60 B | re2js test',
  regexp_find_all: 'regexp:find_all_string, 6 KB | re2js matcher.find',
  splitter: 'splitter:split_text, 20 KB | our splitter',
  diff: 'differ:compare, 2 × 2 KB | diff-match-patch diff_main',
  expr_run: 'program:run | our evaluator',
  expr_eval: 'expr.eval | our evaluator, compiled once',
  template: 'set:render, 100 rows | our renderer',
  http_get: 'http_client.get, 1 KB, one after another | undici request',
}

function makeInputs() {
  const users = Array.from({ length: 100 }, (_, i) => ({
    id: i,
    name: `User <${i}>`,
    email: `user${i}@example.com`,
    admin: i % 7 === 0,
    scores: [i, i * 1.5, -i],
  }))
  const line = (i) => `2026-11-23T07:${String(i % 60).padStart(2, '0')}:00Z user${i}@example.com GET /items/${i * 31}`
  const sentence = (i) => `Paragraph ${i} of the text says that ${'water runs downhill and '.repeat(i % 5)}ends here.`
  const lines = Array.from({ length: 36 }, (_, i) => line(i))
  return {
    document: JSON.stringify({ title: 'People', users }),
    message: '{"id":7,"role":"user","content":"What is the weather?"}',
    pattern: String.raw`(\w+)@([a-z]+\.)+com`,
    line: line(7),
    log: Array.from({ length: 100 }, (_, i) => line(i)).join('\n'),
    prose: Array.from({ length: 220 }, (_, i) => sentence(i)).join('\n\n'),
    before: lines.join('\n'),
    after: lines.map((text, i) => (i % 6 === 0 ? text.replace('GET', 'POST') : text)).join('\n'),
    expression: 'sum(filter(prices, # > limit)) * (1 - rate)',
    variables: { prices: Array.from({ length: 20 }, (_, i) => i), limit: 9, rate: 0.5 },
  }
}

/** The same work without Lua and without our modules: the library where there is one, our own engine where it is ours. */
async function directCases(url, inputs) {
  const load = (file) => import(path.join(dist, file))
  const { RE2JS } = await import('re2js')
  const { diff_match_patch: DiffMatchPatch } = await import('@dmsnell/diff-match-patch')
  const { Agent, request } = await import('undici')
  const { splitRecursively } = await load('features/text/splitter.js')
  const { compileProgram } = await load('features/expr/expression.js')
  const { TemplateSet } = await load('features/template/template-set.js')
  const pattern = RE2JS.compile(inputs.pattern)
  const splitting = { chunkSize: 512, chunkOverlap: 64, keepSeparator: false, separators: ['\n\n', '\n', ' ', ''] }
  const differ = new DiffMatchPatch()
  const program = compileProgram(inputs.expression)
  const views = new TemplateSet()
  views.add('page', readFileSync(path.join(here, 'apps/modules/src/page.jet'), 'utf8'))
  const document = JSON.parse(inputs.document)
  const dispatcher = new Agent()
  function findAll() {
    const matcher = pattern.matcher(inputs.log)
    const found = []
    while (matcher.find()) found.push(matcher.group())
    return found.length
  }
  return {
    json_encode: () => JSON.stringify(document).length,
    json_decode: () => JSON.parse(inputs.document).users.length,
    json_decode_small: () => JSON.parse(inputs.message).id,
    regexp_match: () => (pattern.test(inputs.line) ? 1 : 0),
    regexp_find_all: findAll,
    splitter: () => splitRecursively(inputs.prose, splitting).length,
    diff: () => differ.diff_main(inputs.before, inputs.after).length,
    expr_run: () => program.run(inputs.variables),
    expr_eval: () => program.run(inputs.variables),
    template: () => views.render('page', document).length,
    http_get: async () => (await (await request(`${url}/body`, { dispatcher })).body.text()).length,
  }
}

async function measureDirectly(url, ms) {
  const inputs = await (await fetch(`${url}/inputs`)).json()
  const rates = {}
  const results = {}
  for (const [name, work] of Object.entries(await directCases(url, inputs))) {
    const run = async (limit) => {
      const started = performance.now()
      let calls = 0
      let result
      do {
        result = work()
        if (result instanceof Promise) result = await result
        calls++
      } while (calls % 8 !== 0 || performance.now() - started < limit)
      results[name] = result
      return (calls * 1000) / (performance.now() - started)
    }
    await run(ms / 2)
    rates[name] = await run(ms)
  }
  console.log(JSON.stringify({ rates, results }))
}

async function child(args, options) {
  const started = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] })
  const output = await text(started.stdout)
  const row = output.split('\n').findLast((line) => line.startsWith('{'))
  if (row === undefined) throw new Error(`node ${args.join(' ')} gave no figures:\n${output}`)
  return JSON.parse(row)
}

/** Both sides must have done the same work. Escapes of `<` and `>` make our JSON longer, hence no comparison there. */
function compareResults(lua, direct) {
  for (const name of Object.keys(what)) {
    if (name === 'json_encode') continue
    if (lua[name] !== direct[name]) throw new Error(`${name}: ${lua[name]} from Lua, ${direct[name]} directly`)
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]
const whole = (value) => Math.round(value).toLocaleString('en')

function report(rounds) {
  console.log(`node ${process.version}, ${cpus().length} cores (${cpus()[0].model.trim()}), ${rounds.length} rounds\n`)
  console.log(
    '| From Lua | Directly in Node | Lua calls/s | direct calls/s | direct/Lua (min–max) | µs added per call |',
  )
  console.log('|---|---|---|---|---|---|')
  for (const [name, title] of Object.entries(what)) {
    const lua = median(rounds.map((round) => round.lua.rates[name]))
    const direct = median(rounds.map((round) => round.direct.rates[name]))
    const ratios = rounds.map((round) => round.direct.rates[name] / round.lua.rates[name])
    const spread = `${Math.min(...ratios).toFixed(1)}–${Math.max(...ratios).toFixed(1)}`
    const added = (1e6 / lua - 1e6 / direct).toFixed(1)
    console.log(`| ${title} | ${whole(lua)} | ${whole(direct)} | ${median(ratios).toFixed(1)} (${spread}) | ${added} |`)
  }
}

async function main() {
  const answers = { '/inputs': JSON.stringify(makeInputs()), '/body': 'x'.repeat(1024) }
  const server = createServer((request, response) => response.end(answers[request.url]))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${server.address().port}`
  const rounds = []
  for (let i = 0; i < Number(values.rounds); i++) {
    const lua = await child([path.join(dist, 'cli/main.js'), 'run', '-x', 'app:bench'], {
      cwd: path.join(here, 'apps/modules'),
      env: { ...process.env, BENCH_URL: url, BENCH_MS: values.ms },
    })
    const direct = await child([import.meta.filename, '--direct', url, '--ms', values.ms], { cwd: here })
    compareResults(lua.results, direct.results)
    rounds.push({ lua, direct })
  }
  server.close()
  server.closeAllConnections()
  report(rounds)
}

if (values.direct === undefined) await main()
else {
  await measureDirectly(values.direct, Number(values.ms))
  process.exit(0)
}
