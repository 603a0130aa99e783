// What an update of an entry does, kind by kind (spec/hot-reload.md §2): what is new at once, what goes on as it was, and what
// survives. Every kind of the runtime has its case here; `test/architecture` sees to it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import {
  createHost,
  type Entry,
  emptyFrame,
  type Frame,
  type Host,
  type LuaModule,
  type Value,
} from '../../runtime/index.ts'

const entry = (name: string, kind: string, data: Value = {}, meta: Entry['meta'] = {}): Entry => ({
  id: `app:${name}`,
  kind,
  meta,
  data,
})
const fn = (name: string, body: string, modules: string[] = [], more: { [key: string]: Value } = {}): Entry =>
  entry(name, 'function.lua', {
    source: `return { handler = function(...) ${body} end }`,
    method: 'handler',
    modules,
    ...more,
  })
const main = (name: string, body: string, modules: string[] = [], kind = 'process.lua'): Entry =>
  entry(name, kind, { source: `return { main = function(...) ${body} end }`, modules })
const processHost = (data: { [key: string]: Value } = {}): Entry =>
  entry('processes', 'process.host', { lifecycle: { auto_start: true }, ...data })

let host: Host
let folder = ''

afterEach(async () => {
  await host.stop()
  if (folder !== '') rmSync(folder, { recursive: true, force: true })
  folder = ''
})

async function start(entries: Entry[], modules: LuaModule[] = []): Promise<void> {
  host = await createHost({ entries: [processHost(), ...entries], modules, env: { WORD: 'system' } })
  expect(host.problems).toEqual([])
  await host.start()
}

const update = (...entries: Entry[]) =>
  host.registry.apply(entries.map((changed) => ({ op: 'update', entry: changed })))
const create = (...entries: Entry[]) => host.registry.apply(entries.map((made) => ({ op: 'create', entry: made })))
const call = (name: string, ...args: Value[]) => host.call(`app:${name}`, args)
const temporary = (): string => {
  folder = mkdtempSync(join(tmpdir(), 'wippy-update-'))
  return folder
}

/** `require("gate").wait()` in Lua waits until the test opens it. */
function gate(): { module: LuaModule; entered: Promise<void>; open(): void } {
  let enter: () => void = () => undefined
  let open: () => void = () => undefined
  const entered = new Promise<void>((resolve) => {
    enter = resolve
  })
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const module: LuaModule = {
    name: 'gate',
    description: 'waits for the test',
    traits: [],
    open: () => ({
      async wait() {
        enter()
        await opened
        return true
      },
    }),
  }
  return { module, entered, open: () => open() }
}

/** Resolves with the next message of a process to the name `ear`. */
function ear(): { next(): Promise<Value> } {
  const waiting: ((value: Value) => void)[] = []
  const heard: Value[] = []
  host.listen(
    ({ values: [value = null] }) => {
      const take = waiting.shift()
      if (take === undefined) heard.push(value)
      else take(value)
    },
    { name: 'ear' },
  )
  return {
    next: () => {
      const value = heard.shift()
      return value === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(value)
    },
  }
}

test('function.lua: calls under way end on the old code, the next one runs the new; what does not compile is refused', async () => {
  const { module, entered, open } = gate()
  await start([fn('f', 'require("gate").wait() return "old"', ['gate'])], [module])
  const running = call('f')
  await entered
  await update(fn('f', 'return "new"'))
  expect(await call('f')).toBe('new')
  open()
  expect(await running).toBe('old')
  await expect(update(fn('f', 'return )'))).rejects.toMatchObject({ kind: 'Invalid' })
  await expect(update(fn('f', 'return 1', [], { imports: { x: 'app:none' } }))).rejects.toThrow(/app:none not found/)
  expect(await call('f')).toBe('new')
})

test.each(['process.lua', 'workflow.lua'])(
  '%s: a process that runs stays as it is, the next one has the new code',
  async (kind) => {
    const body = (word: string) => `process.inbox():receive() process.send("ear", "t", "${word}")`
    await start([main('p', body('old'), [], kind)])
    const { next } = ear()
    const old = host.spawn('app:p', 'app:processes')
    await update(main('p', body('new'), [], kind))
    const fresh = host.spawn('app:p', 'app:processes')
    host.send(old, 'go')
    expect(await next()).toBe('old')
    host.send(fresh, 'go')
    expect(await next()).toBe('new')
    await expect(update(main('p', 'return )', [], kind))).rejects.toMatchObject({ kind: 'Invalid' })
    await host.registry.apply([{ op: 'delete', id: 'app:p' }])
    expect(() => host.spawn('app:p', 'app:processes')).toThrow(/not found/)
  },
)

const library = (name: string, source: string, imports: { [alias: string]: string } = {}): Entry =>
  entry(name, 'library.lua', { source, imports })

test('library.lua: all that reaches it gets the new code, through other libraries too, functions and processes alike', async () => {
  await start([
    library('base', 'return { word = "old" }'),
    library('middle', 'local base = require("base") return { word = function() return base.word end }', {
      base: 'app:base',
    }),
    fn('f', 'return require("middle").word()', [], { imports: { middle: 'app:middle' } }),
    entry('p', 'process.lua', {
      source: 'return { main = function() return require("middle").word() end }',
      imports: { middle: 'app:middle' },
    }),
  ])
  expect(await call('f')).toBe('old')
  const renewed: unknown[] = []
  const leave = host.subscribe({ system: 'lua', kind: 'lua.reset_code' }, ({ path, data }) =>
    renewed.push([path, data]),
  )
  await update(library('base', 'return { word = "new" }'))
  await expect.poll(() => renewed.length).toBe(4)
  expect(renewed.sort()).toEqual(
    ['app:base', 'app:f', 'app:middle', 'app:p'].map((path) => [path, { sources: ['app:base'] }]),
  )
  leave()
  expect(await call('f')).toBe('new')
  expect(await host.run('app:p', 'app:processes')).toEqual({ value: 'new' })
  await expect(update(library('base', 'return {'))).rejects.toMatchObject({ kind: 'Invalid' })
  await expect(update(library('base', 'return {}', { middle: 'app:middle' }))).rejects.toThrow(/would create a cycle/)
  expect(await call('f')).toBe('new')
})

test('library.lua: new ones that import each other in a circle are told so', async () => {
  const circle = [
    library('one', 'return {}', { next: 'app:two' }),
    library('two', 'return {}', { next: 'app:three' }),
    library('three', 'return {}', { next: 'app:one' }),
  ]
  await start([])
  await expect(create(...circle)).rejects.toThrow(/adding dependency would create a cycle: app:\w+ imports app:\w+/)
  await host.stop()
  host = await createHost({ entries: circle, env: {} })
  expect(host.problems.map(({ message }) => message).join('\n')).toContain('adding dependency would create a cycle')
  await create(library('two', 'return {}'), library('one', 'return {}', { next: 'app:two' }))
})

test('library.lua: one that others import is not removed, unless they go with it', async () => {
  await start([
    library('base', 'return { word = "here" }'),
    fn('f', 'return require("base").word', [], { imports: { base: 'app:base' } }),
  ])
  await expect(host.registry.apply([{ op: 'delete', id: 'app:base' }])).rejects.toThrow(
    'cannot remove node app:base: it has incoming dependencies from node app:f',
  )
  expect(await call('f')).toBe('here')
  await host.registry.apply([
    { op: 'delete', id: 'app:base' },
    { op: 'delete', id: 'app:f' },
  ])
  await expect(call('f')).rejects.toMatchObject({ kind: 'NotFound' })
})

const service = (input: string, data: { [key: string]: Value } = {}): Entry =>
  entry('service', 'process.service', {
    process: 'app:worker',
    host: 'app:processes',
    input: [input],
    lifecycle: { auto_start: true },
    ...data,
  })
/** Says its input when it starts and "ended" when it is asked to end. */
const worker = main(
  'worker',
  'local word = ... local events = process.events() process.send("ear", "t", word) events:receive() process.send("ear", "t", "ended")',
)

test('process.service: a new setting waits for the next start, a deleted one stops, a created one starts', async () => {
  await start([worker])
  const { next } = ear()
  await create(service('one'))
  expect(await next()).toBe('one')
  const [before] = host.processes('app:processes')
  await update(service('two'))
  expect(host.processes('app:processes')).toEqual([before])
  await host.supervisor.stop('app:service')
  expect(await next()).toBe('ended')
  await host.supervisor.start('app:service')
  expect(await next()).toBe('two')
  await host.registry.apply([{ op: 'delete', id: 'app:service' }])
  expect(await next()).toBe('ended')
  expect(host.processes('app:processes')).toEqual([])
})

test('process.host: its processes are cancelled, another host takes its place, and its services run on that', async () => {
  await start([worker])
  const { next } = ear()
  await create(service('service'))
  expect(await next()).toBe('service')
  host.spawn('app:worker', 'app:processes', ['process'])
  expect(await next()).toBe('process')
  await update(processHost({ hide_logs: true }))
  expect([await next(), await next(), await next()].sort()).toEqual(['ended', 'ended', 'service'])
  expect(host.processes('app:processes')).toHaveLength(1)
  expect(host.supervisor.state('app:service').status).toBe('running')
})

test('terminal.host: its processes are cancelled, and another host takes its place', async () => {
  const terminal = (data: { [key: string]: Value }): Entry =>
    entry('terminal', 'terminal.host', { lifecycle: { auto_start: true }, ...data })
  await start([worker, terminal({})])
  const { next } = ear()
  host.spawn('app:worker', 'app:terminal', ['one'])
  expect(await next()).toBe('one')
  await update(terminal({ hide_logs: true }))
  expect(await next()).toBe('ended')
  host.spawn('app:worker', 'app:terminal', ['two'])
  expect(await next()).toBe('two')
})

const ann = { id: 'ann', meta: {} }

test.each([
  ['security.policy', (effect: string) => ({ policy: { actions: 'env.get', resources: '*', effect } })],
  [
    'security.policy.expr',
    (effect: string) => ({
      policy: { actions: 'env.get', resources: '*', effect: 'allow', expression: `"${effect}" == "allow"` },
    }),
  ],
] as const)('%s: the next decision follows the new rule, also for a scope that is held already', async (kind, rule) => {
  await start([
    entry('rule', kind, rule('allow')),
    entry('os', 'env.storage.os'),
    entry('word', 'env.variable', { variable: 'WORD', storage: 'app:os' }),
    fn('read', 'local value, err = require("env").get("WORD") return value or err:kind()', ['env']),
  ])
  const frame: Frame = { ...emptyFrame, actor: ann, scope: host.policies.scopeOf([host.policies.require('app:rule')]) }
  const read = () => host.call('app:read', [], { frame })
  expect(await read()).toBe('system')
  await update(entry('rule', kind, rule('deny')))
  expect(await read()).toBe('PermissionDenied')
  await update(entry('rule', kind, rule('allow')))
  expect(await read()).toBe('system')
  await host.registry.apply([{ op: 'delete', id: 'app:rule' }])
  expect(await read()).toBe('PermissionDenied')
})

test('security.token_store: tokens it made go on, unless they are signed with another key now', async () => {
  const tokens = (data: { [key: string]: Value }): Entry =>
    entry('tokens', 'security.token_store', { store: 'app:cache', ...data })
  await start([
    entry('cache', 'store.memory'),
    tokens({}),
    fn(
      'make',
      'local s = require("security") return s.token_store("app:tokens"):create(s.new_actor("ann"), s.new_scope())',
      ['security'],
    ),
    fn(
      'check',
      'local a, _, err = require("security").token_store("app:tokens"):validate(...) return a and a:id() or tostring(err)',
      ['security'],
    ),
  ])
  const first = (await call('make')) as string
  await update(tokens({ token_length: 64 }))
  expect(await call('check', first)).toBe('ann')
  expect(((await call('make')) as string).length).toBeGreaterThan(first.length)
  await update(tokens({ token_key: 'a key to sign with' }))
  expect(await call('check', first)).toMatch(/invalid token format/)
})

test('store.memory: its content outlives a change of its settings, which count at once', async () => {
  await start([
    entry('cache', 'store.memory', { max_size: 10 }),
    fn('set', 'local key = ... local ok, err = require("store").get("app:cache"):set(key, 1) return ok or err:kind()', [
      'store',
    ]),
    fn('has', 'local key = ... return (require("store").get("app:cache"):has(key))', ['store']),
  ])
  for (const key of ['a', 'b', 'c']) expect(await call('set', key)).toBe(true)
  await update(entry('cache', 'store.memory', { max_size: 2 }))
  expect(await Promise.all(['a', 'b', 'c'].map((key) => call('has', key)))).toEqual([true, true, true])
  expect(await call('set', 'd')).not.toBe(true)
})

const readWord = fn('read', 'local value, err = require("env").get("WORD") return value or err:kind()', ['env'])
const setWord = fn('set', 'local word = ... return (require("env").set("WORD", word))', ['env'])
const word = (data: { [key: string]: Value }): Entry => entry('word', 'env.variable', { variable: 'WORD', ...data })

test('env.variable and env.storage.router: the next read sees the new settings', async () => {
  const values = (name: string, text: string): Entry => entry(name, 'env.storage.static', { values: { WORD: text } })
  const router = (...storages: string[]): Entry => entry('router', 'env.storage.router', { storages })
  await start([
    values('first', 'one'),
    values('second', 'two'),
    router('app:first', 'app:second'),
    word({ storage: 'app:router' }),
    readWord,
  ])
  expect(await call('read')).toBe('one')
  await update(router('app:second'))
  expect(await call('read')).toBe('two')
  await update(word({ storage: 'app:first' }))
  expect(await call('read')).toBe('one')
  await update(word({ variable: 'OTHER', storage: 'app:first', default: 'unset' }))
  expect(await call('read')).toBe('NotFound')
})

test('env.storage.os, .static, .memory and .file: the variables stay with them, and what was set is kept', async () => {
  const path = join(temporary(), '.env')
  writeFileSync(path, 'WORD=file\n')
  const file = (data: { [key: string]: Value } = {}): Entry =>
    entry('file', 'env.storage.file', { file_path: path, ...data })
  await start([
    entry('os', 'env.storage.os'),
    entry('static', 'env.storage.static', { values: { WORD: 'old' } }),
    entry('memory', 'env.storage.memory'),
    file(),
    word({ storage: 'app:os' }),
    readWord,
    setWord,
  ])
  await update(entry('os', 'env.storage.os', {}, { comment: 'the system' }))
  expect(await call('read')).toBe('system')
  await update(word({ storage: 'app:static' }))
  await update(entry('static', 'env.storage.static', { values: { WORD: 'new' } }))
  expect(await call('read')).toBe('new')
  await update(word({ storage: 'app:memory' }))
  await call('set', 'remembered')
  await update(entry('memory', 'env.storage.memory', {}, { comment: 'still the same' }))
  expect(await call('read')).toBe('remembered')
  await update(word({ storage: 'app:file' }))
  await call('set', 'written')
  await update(file({ file_mode: '0600' }))
  expect(await call('read')).toBe('written')
})

test('fs.directory: the next file is looked for in the new folder; one that is not there is refused', async () => {
  const base = temporary()
  for (const name of ['one', 'two']) {
    mkdirSync(join(base, name))
    writeFileSync(join(base, name, 'word.txt'), name)
  }
  const files = (name: string): Entry => entry('files', 'fs.directory', { directory: join(base, name) })
  await start([files('one'), fn('read', 'return require("fs").get("app:files"):readfile("/word.txt")', ['fs'])])
  expect(await call('read')).toBe('one')
  await update(files('two'))
  expect(await call('read')).toBe('two')
  await expect(update(files('three'))).rejects.toThrow(/"\S*three" does not exist/)
  expect(await call('read')).toBe('two')
})

test('template.set and template.jet: the next page is made with the new ones, and a set keeps its templates', async () => {
  const set = (globals: { [key: string]: Value }): Entry => entry('pages', 'template.set', { engine: { globals } })
  const page = (source: string): Entry => entry('page', 'template.jet', { set: 'app:pages', source })
  await start([
    set({ site: 'A' }),
    page('{{ site }}1'),
    fn('render', 'return require("templates").get("app:pages"):render("page", {})', ['templates']),
  ])
  expect(await call('render')).toBe('A1')
  await update(page('{{ site }}2'))
  expect(await call('render')).toBe('A2')
  await update(set({ site: 'B' }))
  expect(await call('render')).toBe('B2')
  await expect(update(page('{{ if'))).rejects.toMatchObject({ kind: 'Invalid' })
  expect(await call('render')).toBe('B2')
})

test('pg.scope: the next join has the new limits, and who is there stays', async () => {
  const groups = (most: number): Entry => entry('groups', 'pg.scope', { max_members_per_group: most })
  await start([
    groups(1),
    entry('joins', 'process.lua', {
      source: `return { main = function(to)
        local scope = require("pg").open("app:groups")
        while true do
          local joined = scope:join("g")
          process.send(to, "n", joined and #scope:get_members("g") or "full")
          process.inbox():receive()
        end
      end }`,
      modules: ['pg'],
    }),
  ])
  const { next } = ear()
  const pid = host.spawn('app:joins', 'app:processes', ['ear'])
  expect(await next()).toBe(1)
  host.send(pid, 'again')
  expect(await next()).toBe('full')
  await update(groups(2))
  host.send(pid, 'again')
  expect(await next()).toBe(2)
})

test('exec.native: the next program has the new environment', async () => {
  const shell = (text: string): Entry => entry('shell', 'exec.native', { default_env: { WORD: text } })
  await start([
    shell('one'),
    fn(
      'run',
      'local p = require("exec").get("app:shell"):exec("printenv WORD") local out = p:stdout_stream() p:start() local text = out:read() p:wait() return text',
      ['exec'],
    ),
  ])
  expect(await call('run')).toBe('one\n')
  await update(shell('two'))
  expect(await call('run')).toBe('two\n')
})

test('contract.definition and contract.binding: the next open has the new methods and functions', async () => {
  const definition = (...methods: string[]): Entry =>
    entry('greeter', 'contract.definition', { methods: methods.map((name) => ({ name })) })
  const binding = (methods: { [name: string]: string }): Entry =>
    entry('binding', 'contract.binding', { contracts: [{ contract: 'app:greeter', default: true, methods }] })
  await start([
    definition('greet'),
    fn('one', 'return "one"'),
    fn('two', 'return "two"'),
    binding({ greet: 'app:one' }),
    fn('greet', 'local g = require("contract").get("app:greeter"):open() return (g:greet())', ['contract']),
    fn(
      'methods',
      'local names = {} for _, m in ipairs(require("contract").get("app:greeter"):methods()) do names[#names + 1] = m.name end return table.concat(names, ",")',
      ['contract'],
    ),
  ])
  expect(await call('greet')).toBe('one')
  await update(binding({ greet: 'app:two' }))
  expect(await call('greet')).toBe('two')
  await update(definition('greet', 'leave'), binding({ greet: 'app:one', leave: 'app:two' }))
  expect(await call('methods')).toBe('greet,leave')
  expect(await call('greet')).toBe('one')
})

test.each(['registry.entry', 'ns.definition', 'ns.dependency', 'ns.requirement'])(
  '%s: is state, and read anew each time',
  async (kind) => {
    await start([
      entry('state', kind, { n: 1 }),
      fn('read', 'return require("registry").get("app:state").data.n', ['registry']),
    ])
    expect(await call('read')).toBe(1)
    await update(entry('state', kind, { n: 2 }))
    expect(await call('read')).toBe(2)
    await host.registry.apply([{ op: 'delete', id: 'app:state' }])
    expect(host.registry.get('app:state')).toBeUndefined()
  },
)
