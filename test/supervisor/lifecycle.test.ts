// Reading the `lifecycle` block.

import { expect, test } from 'vitest'
import type { Value } from '../../runtime/core/value.ts'
import { decodeLifecycle, defaultLifecycle } from '../../runtime/supervisor/lifecycle.ts'

const decode = (lifecycle: Value) =>
  decodeLifecycle({ id: 'app.jobs:worker', kind: 'process.service', meta: {}, data: { lifecycle } })

test('without a block, and with an empty one, the documented defaults hold', () => {
  expect(decodeLifecycle({ id: 'app:x', kind: 'k', meta: {}, data: null })).toEqual(defaultLifecycle)
  expect(decode({})).toEqual(defaultLifecycle)
  expect(defaultLifecycle).toMatchObject({
    autoStart: false,
    optional: false,
    startTimeout: 10_000,
    stopTimeout: 10_000,
    stableThreshold: 5_000,
    backoff: { initialDelay: 1_000, maxDelay: 90_000, factor: 2, jitter: 0.1 },
    maxAttempts: 0,
  })
})

test('all fields are read, durations as Go writes them', () => {
  const lifecycle = decode({
    auto_start: true,
    startup: 'optional',
    start_timeout: '1m30s',
    stop_timeout: '500ms',
    stable_threshold: '2s',
    restart: { initial_delay: '10ms', max_delay: '1s', backoff_factor: 3, jitter: 0.5, max_attempts: 4 },
  })
  expect(lifecycle).toMatchObject({
    autoStart: true,
    optional: true,
    startTimeout: 90_000,
    stopTimeout: 500,
    stableThreshold: 2_000,
    backoff: { initialDelay: 10, maxDelay: 1_000, factor: 3, jitter: 0.5 },
    maxAttempts: 4,
  })
})

test('zero means the default, as it cannot be told from absent', () => {
  const restart = { initial_delay: '0s', jitter: 0, backoff_factor: 0 }
  expect(decode({ start_timeout: '0s', restart })).toMatchObject({
    startTimeout: 10_000,
    backoff: defaultLifecycle.backoff,
  })
})

test('any other word for startup is required', () => {
  expect(decode({ startup: 'maybe' }).optional).toBe(false)
})

test('requires and depends_on are united, bare names in the namespace of the entry', () => {
  expect(decode({ requires: ['db', 'app:cache'], depends_on: ['app:cache', 'queue'] }).requires).toEqual([
    'app.jobs:db',
    'app:cache',
    'app.jobs:queue',
  ])
})

test('security names an actor, groups and policies', () => {
  const security = { actor: { id: 'service:x', meta: { role: 'job' } }, groups: ['app:g'], policies: ['app:p'] }
  expect(decode({ security }).security).toEqual(security)
  expect(decode({ security: {} }).security).toEqual({ actor: undefined, groups: [], policies: [] })
})

test.each([
  [{ start_timeout: '5 parsecs' }, 'entry app.jobs:worker lifecycle: start_timeout "5 parsecs" is not a duration'],
  [{ stop_timeout: '-1s' }, 'entry app.jobs:worker lifecycle: stop_timeout "-1s" is not a positive duration'],
  [{ auto_start: 'yes' }, 'entry app.jobs:worker lifecycle: auto_start "yes" is not a boolean'],
  [{ restart: { max_attempts: -1 } }, 'max_attempts -1 is not a non-negative integer'],
  [{ restart: { backoff_factor: -2 } }, 'lifecycle.restart: backoff_factor -2 is not a positive number'],
  [{ restart: { jitter: -0.1 } }, 'lifecycle.restart: jitter -0.1 is not between 0 and 1'],
  [{ restart: { jitter: 5 } }, 'lifecycle.restart: jitter 5 is not between 0 and 1'],
  [{ requires: 'db' }, 'requires "db" is not a list'],
  ['x', 'entry app.jobs:worker: lifecycle "x" is not a map'],
] as [Value, string][])('%j is refused by name', (lifecycle, message) => {
  expect(() => decode(lifecycle)).toThrow(message)
})
