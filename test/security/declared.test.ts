// The `security` block of a function or process: what its code runs under, whoever runs it.

import { afterEach, expect, test } from 'vitest'
import type { Value } from '../../runtime/core/value.ts'
import { createHost, type Entry, type Host } from '../../runtime/index.ts'

const WHO = `
local security = require("security")
local function who()
  local actor = security.actor()
  return { actor = actor and actor:id(), read = security.can("read", "x"), write = security.can("write", "x") }
end
`

function lua(kind: string, source: string, more: Record<string, Value> = {}): Pick<Entry, 'kind' | 'data'> {
  return {
    kind,
    data: { source: `${WHO}${source}`, method: 'main', modules: ['security', 'funcs', 'process'], ...more },
  }
}

function policy(action: string, groups: Value = []): Pick<Entry, 'kind' | 'data'> {
  return { kind: 'security.policy', data: { policy: { actions: action, resources: '*', effect: 'allow' }, groups } }
}

const block = { actor: { id: 'worker', meta: { role: 'clerk' } }, policies: ['app:reads'], groups: ['app:writers'] }
const answers = 'return { main = who }'

let host: Host | undefined
afterEach(() => host?.stop())

async function started(entries: Record<string, Pick<Entry, 'kind' | 'data'>>): Promise<Host> {
  const all = {
    processes: { kind: 'process.host', data: { lifecycle: { auto_start: true } } },
    reads: policy('read'),
    writes: policy('write', ['writers']),
    calls: policy('*', ['callers']),
    ...entries,
  }
  host = await createHost({
    entries: Object.entries(all).map(([name, entry]) => ({ id: `app:${name}`, meta: {}, ...entry })),
    env: {},
  })
  await host.start()
  return host
}

test.each([1, 2])(
  'a process is the actor its entry names, and may what the entry adds: %i workers',
  async (workers) => {
    const running = await started({
      processes: { kind: 'process.host', data: { host: { workers }, lifecycle: { auto_start: true } } },
      worker: lua('process.lua', answers, { security: block }),
      parent: lua(
        'process.lua',
        `return { main = function()
         local events = process.events()
         local pid = assert(process.spawn_monitored("app:worker", "app:processes"))
         return { who(), events:receive().result.value }
       end }`,
      ),
    })
    expect(await running.run('app:parent', 'app:processes')).toEqual({
      value: [
        { read: false, write: false },
        { actor: 'worker', read: true, write: true },
      ],
    })
  },
)

test('a function too, called from code with another identity', async () => {
  const running = await started({
    worker: lua('function.lua', answers, { security: block }),
    caller: lua('function.lua', 'return { main = function() return { who(), (funcs.call("app:worker")) } end }', {
      security: { actor: { id: 'caller' }, groups: ['app:callers'] },
    }),
  })
  expect(await running.call('app:caller')).toEqual([
    { actor: 'caller', read: true, write: true },
    { actor: 'worker', read: true, write: true },
  ])
})

test('what is not named is inherited, and what is adds to the scope', async () => {
  const running = await started({
    reader: lua('function.lua', answers, { security: { policies: ['app:reads'] } }),
    named: lua('function.lua', answers, { security: { actor: { id: 'named' } } }),
    caller: lua(
      'function.lua',
      `local calls = require("security").named_scope("app:callers"):without("app:calls")
       local function as_caller(id)
         return (funcs.new():with_actor(security.new_actor("boss", {})):with_scope(calls):call(id))
       end
       return { main = function() return { as_caller("app:reader"), as_caller("app:named") } end }`,
    ),
  })
  expect(await running.call('app:caller')).toEqual([
    { actor: 'boss', read: true, write: false },
    { actor: 'named', read: false, write: false },
  ])
})

test.each([
  ['policies', ['app:gone'], 'policy app:gone not found'],
  ['groups', ['app:nobody'], 'policy group app:nobody not found'],
])('what is not there refuses the call and the spawn: %s', async (field, ids, message) => {
  const security = { actor: { id: 'worker' }, [field]: ids }
  const running = await started({
    job: lua('process.lua', answers, { security }),
    ask: lua('function.lua', answers, { security }),
    caller: lua(
      'function.lua',
      `return { main = function()
         local _, call = funcs.call("app:ask")
         local _, spawn = process.spawn("app:job", "app:processes")
         return { tostring(call), call:kind(), tostring(spawn), spawn:kind() }
       end }`,
    ),
  })
  expect(await running.call('app:caller')).toEqual([
    expect.stringContaining(`entry app:ask: security: ${message}`),
    'NotFound',
    expect.stringContaining(`entry app:job: security: ${message}`),
    'NotFound',
  ])
})

test('a changed block counts from the next spawn on', async () => {
  const running = await started({ worker: lua('process.lua', answers, { security: block }) })
  const { registry } = running
  const change = lua('process.lua', answers, { security: { policies: ['app:reads'] } })
  await registry.apply([{ op: 'update', entry: { id: 'app:worker', meta: {}, ...change } }])
  expect(await running.run('app:worker', 'app:processes')).toEqual({
    value: { read: false, write: false },
  })
})

test.each([
  [{}, 'entry app:worker: security is empty'],
  [{ actors: {} }, 'entry app:worker: security: unknown field "actors"'],
  [{ actor: { meta: {} } }, 'entry app:worker: security: actor.id is required'],
  [5, 'entry app:worker: security'],
])('%j is refused', async (security, message) => {
  const { problems } = await started({ worker: lua('process.lua', answers, { security }) })
  expect(problems).toEqual([expect.objectContaining({ message: expect.stringContaining(message) })])
})
