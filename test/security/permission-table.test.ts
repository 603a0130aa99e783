// Rows of the permission table (spec/security.md §7) through a whole host: with everything allowed it works, with all but the
// one action on the one resource it is refused. The rows not here are in test/process/permissions.test.ts, the tests of their
// features and test/conformance/permissions. And: an id that looks like another opens nothing.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHost, type Entry, emptyFrame, type Frame, type Host, type Value } from '../../runtime/index.ts'
import { root, sourcesIn } from '../architecture/sources.ts'

const modules = [
  'store',
  'security',
  'http_client',
  'templates',
  'contract',
  'funcs',
  'registry',
  'env',
  'fs',
  'events',
  'system',
  'eval_runner',
  'pg',
  'exec',
]
const preamble = modules.map((name) => `local ${name} = require("${name}")`).join('\n')

/** A row: action, the resource it is asked about, and an expression that needs it. `works` is what it gives when allowed. */
interface Row {
  readonly action: string
  readonly resource: string
  readonly expression: string
  readonly works?: string
}

const rows: readonly Row[] = [
  { action: 'store.get', resource: 'app:cache', expression: 'store.get("app:cache")' },
  {
    action: 'store.key.get',
    resource: 'app:cache',
    expression: 'store.get("app:cache"):get("k")',
    works: 'key not found',
  },
  { action: 'store.key.set', resource: 'app:cache', expression: 'store.get("app:cache"):set("k", 1)' },
  { action: 'store.key.has', resource: 'app:cache', expression: 'store.get("app:cache"):has("k")' },
  { action: 'store.key.list', resource: 'app:cache', expression: 'store.get("app:cache"):list()' },
  { action: 'store.info', resource: 'app:cache', expression: 'store.get("app:cache"):info()' },
  { action: 'store.key.delete', resource: 'app:cache', expression: 'store.get("app:cache"):delete("k")' },
  { action: 'security.token_store.get', resource: 'app:tokens', expression: 'security.token_store("app:tokens")' },
  {
    action: 'security.token.create',
    resource: 'app:tokens',
    expression: 'security.token_store("app:tokens"):create(security.actor(), security.new_scope())',
  },
  {
    action: 'security.token.validate',
    resource: 'app:tokens',
    expression: 'select(3, security.token_store("app:tokens"):validate("none"))',
    works: 'token not found',
  },
  {
    action: 'security.token.revoke',
    resource: 'app:tokens',
    expression: 'security.token_store("app:tokens"):revoke("none")',
    works: 'token not found',
  },
  {
    action: 'security.scope.create',
    resource: 'with',
    expression: 'security.new_scope():with(security.policy("app:rule"))',
  },
  {
    action: 'security.scope.create',
    resource: 'without',
    expression: 'security.new_scope():without("app:rule")',
  },
  {
    action: 'network.select',
    resource: 'overlay',
    expression: 'http_client.get("http://127.0.0.1:9/", { overlay_network = "overlay" })',
    works: 'overlay network overlay not found',
  },
  { action: 'template.get', resource: 'app:pages', expression: 'templates.get("app:pages")' },
  {
    action: 'contract.context',
    resource: 'context',
    expression: 'contract.get("app:greeter"):with_context({})',
  },
  {
    action: 'contract.security',
    resource: 'security',
    expression: 'contract.get("app:greeter"):with_actor(security.actor())',
  },
  // Port 9 answers nobody: whoever may ask gets as far as being refused there.
  {
    action: 'http_client.request',
    resource: 'http://127.0.0.1:9/',
    expression: 'http_client.get("http://127.0.0.1:9/")',
    works: 'connection refused',
  },
  {
    action: 'http_client.private_ip',
    resource: '127.0.0.1',
    expression: 'http_client.get("http://127.0.0.1:9/")',
    works: 'connection refused',
  },
  {
    action: 'http_client.unix_socket',
    resource: '/nowhere/a.sock',
    expression: 'http_client.get("http://unix/", { unix_socket = "/nowhere/a.sock" })',
    works: 'ENOENT',
  },
  {
    action: 'http_client.insecure_tls',
    resource: 'https://127.0.0.1:9/',
    expression: 'http_client.get("https://127.0.0.1:9/", { tls = { insecure_skip_verify = true } })',
    works: 'connection refused',
  },
  ...Object.entries({
    modules: 'system.modules()',
    memory: 'system.memory.stats()',
    memory_limit: 'system.memory.get_limit()',
    gc_percent: 'system.gc.get_percent()',
    goroutines: 'system.runtime.goroutines()',
    gomaxprocs: 'system.runtime.max_procs()',
    cpu: 'system.runtime.cpu_count()',
    pid: 'system.process.pid()',
    cwd: 'system.process.cwd()',
    hostname: 'system.process.hostname()',
    node: 'system.node.id()',
    cluster: 'system.cluster.size()',
    hosts: 'system.hosts.list()',
    supervisor: 'system.supervisor.states()',
  }).map(([resource, expression]) => ({ action: 'system.read', resource, expression })),
  { action: 'system.read', resource: 'raft', expression: 'system.raft.role()', works: 'raft not available' },
  { action: 'system.control', resource: 'memory_limit', expression: 'system.memory.set_limit(1000000000)' },
  {
    action: 'system.control',
    resource: 'gomaxprocs',
    expression: 'system.runtime.max_procs(2)',
    works: 'max_procs is fixed',
  },
  { action: 'system.gc', resource: 'gc', expression: 'system.gc.collect()' },
  { action: 'system.gc', resource: 'gc_percent', expression: 'system.gc.set_percent(100)' },
  { action: 'system.exit', resource: '', expression: 'system.exit(3)' },
  { action: 'system.lock', resource: 'door', expression: 'system.lock.acquire("door")' },
  { action: 'eval.compile', resource: '', expression: 'eval_runner.compile("return 1")' },
  { action: 'eval.run', resource: '', expression: 'eval_runner.run({ source = "return 1" })' },
  {
    action: 'eval.module',
    resource: 'json',
    expression: 'eval_runner.run({ source = "return 1", modules = { "json" } })',
  },
  {
    action: 'eval.import',
    resource: 'app:words',
    expression: 'eval_runner.run({ source = "return 1", imports = { words = "app:words" } })',
  },
  {
    action: 'eval.class',
    resource: 'storage',
    expression: 'eval_runner.run({ source = "return 1", allow_classes = { "storage" } })',
  },
  { action: 'pg.open', resource: 'app:scope', expression: 'pg.open("app:scope")' },
  { action: 'pg.join', resource: 'g', expression: 'pg.join("g")' },
  { action: 'exec.get', resource: 'app:shell', expression: 'exec.get("app:shell")' },
  { action: 'exec.run', resource: 'true', expression: 'exec.get("app:shell"):exec("true")' },
]

const entry = (name: string, kind: string, data: { [key: string]: Value } = {}): Entry => ({
  id: `app:${name}`,
  kind,
  meta: {},
  data,
})
const attempt = (name: string, expression: string): Entry =>
  entry(name, 'function.lua', {
    source: `${preamble}
return { handler = function()
  local done, value, err = pcall(function() return ${expression} end)
  if not done then return "raised: " .. tostring(value) end
  if err ~= nil then return tostring(err) end
  -- What validate says comes third, and here first.
  if tostring(value):find("token") then return tostring(value) end
  return "ok"
end }`,
    method: 'handler',
    modules,
  })

const scope = (allows: (action: string, resource: string) => boolean): Frame => ({
  ...emptyFrame,
  actor: { id: 'ann', meta: {} },
  scope: { evaluate: (_actor, action, resource) => (allows(action, resource) ? 'allow' : 'undefined') },
})

let host: Host
/** Codes that `system.exit` was called with. */
const exits: number[] = []
beforeAll(async () => {
  host = await createHost({
    env: {},
    onExit: (code) => exits.push(code),
    entries: [
      entry('words', 'library.lua', { source: 'return {}' }),
      entry('shell', 'exec.native'),
      entry('processes', 'process.host', { lifecycle: { auto_start: true } }),
      entry('cache', 'store.memory'),
      entry('tokens', 'security.token_store', { store: 'app:cache' }),
      entry('rule', 'security.policy', { policy: { actions: '*', resources: '*', effect: 'allow' } }),
      entry('pages', 'template.set'),
      entry('scope', 'pg.scope'),
      entry('greeter', 'contract.definition', { methods: [{ name: 'greet' }] }),
      entry('quick', 'function.lua', { source: 'return { handler = function() return 1 end }', method: 'handler' }),
      ...rows.map(({ expression }, i) => attempt(`row_${i}`, expression)),
    ],
  })
  expect(host.problems).toEqual([])
  await host.start()
})
afterAll(() => host.stop())

describe.each(rows.map((row, i) => ({ ...row, id: `app:row_${i}` })))('$action on $resource', ({ id, ...row }) => {
  test('is done by whoever may', async () => {
    const result = await host.call(id, [], { frame: scope(() => true) })
    expect(result).toContain(row.works ?? 'ok')
    expect(result).not.toContain('permission denied')
  })

  test('is refused to whoever may do everything else', async () => {
    const asked: string[] = []
    const frame = scope((action, resource) => {
      if (action !== row.action || resource !== row.resource) return true
      asked.push(`${action} ${resource}`)
      return false
    })
    expect(await host.call(id, [], { frame })).toMatch(/not allowed|permission denied/)
    expect(asked).toEqual([`${row.action} ${row.resource}`])
  })
})

test('every action the runtime asks about stands in this table or in one of the others', () => {
  const tests = [
    'test/security/permission-table.test.ts',
    'test/process/permissions.test.ts',
    'test/features/archive/archive-module.test.ts',
    'test/conformance/permissions/src/permissions_test.lua',
  ]
  const shown = tests.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')
  const asked = new Set(
    sourcesIn('runtime', ['.ts']).flatMap(({ text }) =>
      [...text.matchAll(/(?:allows|allow|check|permitted|granted)\((?:[\w.]+, )*'([a-z_]+(?:\.[a-z_]+)+)'/g)].map(
        ([, action = '']) => action,
      ),
    ),
  )
  expect(asked.size).toBeGreaterThan(30)
  expect([...asked].filter((action) => !shown.includes(action))).toEqual([])
})

/** What looks like `app:quick` and is not it. */
const lookAlikes = [
  ':quick',
  'quick:',
  'quick',
  ':app:quick',
  'app::quick',
  'app:quick:',
  'app:quick:x',
  'App:quick',
  'app:Quick',
  'APP:QUICK',
  'аpp:quick', // Cyrillic a
  'app：quick', // fullwidth colon
  'app:quick\u200b',
  'app:quick\0',
  ' app:quick',
  'app:quick ',
  'app.:quick',
  'app/../app:quick',
  'app:../quick',
  'app:x/../quick',
  'app:./quick',
]

describe.each(lookAlikes.map((id) => ({ id, shown: JSON.stringify(id) })))('$shown', ({ id }) => {
  test('is no function, no entry and no store', async () => {
    await expect(host.call(id)).rejects.toMatchObject({ kind: expect.stringMatching(/^(NotFound|Invalid)$/) })
    expect(host.registry.get(id)).toBeUndefined()
    expect(() => host.spawn(id, 'app:processes')).toThrow(/not found/)
    expect(() => host.spawn('app:quick', id)).toThrow(/not found/)
  })

  test('may not be made by code', async () => {
    const made = { id, kind: 'registry.entry', meta: {}, data: {} }
    const apply = host.registry.apply([{ op: 'create', entry: made }], { origin: 'runtime' })
    if (/^[A-Za-z]+:[A-Za-z]+$/.test(id)) {
      // Other letters' case is another id, openly.
      await apply
      expect(await host.call('app:quick')).toBe(1)
    } else {
      await expect(apply).rejects.toMatchObject({ kind: 'Invalid' })
    }
  })

  test('is not what a policy for the real one speaks of', async () => {
    const policy = (effect: string): Entry =>
      entry('only', 'security.policy', { policy: { actions: 'funcs.call', resources: 'app:quick', effect } })
    await host.registry.apply([{ op: 'create', entry: policy('allow') }])
    const only = host.policies.require('app:only')
    const ask = (resource: string) =>
      only.judge({ actor: { id: 'ann', meta: {} }, action: 'funcs.call', resource, attributes: {} })
    expect(ask('app:quick')).toBe('allow')
    expect(ask(id)).toBe('undefined')
    await host.registry.apply([{ op: 'delete', id: 'app:only' }])
  })
})
