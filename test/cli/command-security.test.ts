// The identity a command declares for itself.

import { expect, test } from 'vitest'
import { commandFrame } from '../../runtime/cli/command-security.ts'
import type { Entry } from '../../runtime/core/entry.ts'
import type { Value } from '../../runtime/core/value.ts'
import { createHost } from '../../runtime/create-host.ts'

const entry = (security?: Value): Entry => ({
  id: 'app:job',
  kind: 'process.lua',
  meta: { command: { name: 'job', ...(security === undefined ? {} : { security }) } },
  data: {},
})

async function host() {
  return createHost({
    entries: [
      {
        id: 'app:allow_read',
        kind: 'security.policy',
        meta: {},
        data: { policy: { actions: 'read', resources: '*', effect: 'allow' }, groups: ['app:readers'] },
      },
    ],
    env: {},
  })
}

test('without a block there is no frame', async () => {
  expect(commandFrame(entry(), await host())).toBeUndefined()
})

test('actor, policies and groups make the frame', async () => {
  const running = await host()
  const actor = { id: 'system.job', meta: { role: 'operator' } }
  const frame = commandFrame(entry({ actor, policies: ['app:allow_read'] }), running)
  expect(frame?.actor).toEqual(actor)
  expect(frame?.scope?.evaluate(actor, 'read', 'x')).toBe('allow')
  expect(frame?.scope?.evaluate(actor, 'write', 'x')).toBe('undefined')
  const byGroup = commandFrame(entry({ groups: ['app:readers'] }), running)
  expect(byGroup?.actor).toBeUndefined()
  expect(byGroup?.scope?.evaluate(actor, 'read', 'x')).toBe('allow')
})

test.each([
  [{}, 'meta.command.security is empty'],
  [{ actors: {} }, 'unknown field "actors"'],
  [{ actor: {} }, 'actor.id is required'],
  [{ policies: ['app:none'] }, 'policy app:none not found'],
  [{ policies: ['app:allow_read'], groups: ['app:none'] }, 'policy group app:none not found'],
  ['x', 'meta.command.security "x" is not a map'],
] as [Value, string][])('%j refuses the start', async (security, message) => {
  const running = await host()
  expect(() => commandFrame(entry(security), running)).toThrow(message)
})

test('a command without a name cannot be given an identity', async () => {
  const nameless: Entry = { ...entry(), meta: { command: { security: { actor: { id: 'a' } } } } }
  const running = await host()
  expect(() => commandFrame(nameless, running)).toThrow('entry app:job: meta.command.security needs meta.command.name')
})
