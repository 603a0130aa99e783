// The event bus and its module: who gets what, in which order, and what is refused.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emptyFrame, type Scope } from '../../../runtime/core/frame.ts'
import { type BusEvent, EventBus } from '../../../runtime/features/events/bus.ts'
import { eventsModule } from '../../../runtime/features/events/events-module.ts'
import { compilePattern } from '../../../runtime/features/events/pattern.ts'
import type { LuaObject, ModuleTable } from '../../../runtime/lua/module.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, callMethod, type FakeChannel, fakeCall, type Outcome } from '../../support/call-module.ts'

const settled = (): Promise<void> => new Promise((resolve) => queueMicrotask(resolve))

describe('patterns', () => {
  test.each([
    ['*', 'anything.at.all', true],
    ['registry', 'registry', true],
    ['registry', 'registry.x', false],
    ['orders.*', 'orders.new', true],
    ['orders.*', 'orders', false],
    ['orders.*', 'orders.new.x', false],
    ['orders.**', 'orders.new.x', true],
    ['orders.**', 'orders', true],
    ['**.end', 'a.b.end', true],
    ['a.**.z', 'a.z', true],
    ['a.**.z', 'a.b.c.y', false],
    ['entry.(create|update)', 'entry.update', true],
    ['entry.(create|update)', 'entry.delete', false],
    ['user_*.x', 'user_1.x', true],
    ['(a|b)(c|d)', 'bd', true],
    ['a.b', 'axb', false],
  ])('%s on %s is %s', (pattern, name, expected) => {
    expect(compilePattern(pattern)(name)).toBe(expected)
  })

  test('no pattern takes long', () => {
    const started = performance.now()
    compilePattern(`${'**.a.'.repeat(200)}b`)(Array(2000).fill('a').join('.'))
    compilePattern(`${'*a'.repeat(200)}b`)('a'.repeat(5000))
    expect(performance.now() - started).toBeLessThan(500)
  })
})

test('a subscriber gets what fits its filter, in the order of publication, after the publisher is done', async () => {
  const bus = new EventBus()
  const got: string[] = []
  const leave = bus.subscribe({ system: 'reg*', kind: 'entry.*' }, ({ kind, path }) => got.push(`${kind} ${path}`))
  bus.publish({ system: 'registry', kind: 'entry.create', path: 'a' })
  bus.publish({ system: 'registry', kind: 'tx', path: 'b' })
  bus.publish({ system: 'other', kind: 'entry.create', path: 'c' })
  bus.publish({ system: 'registry', kind: 'entry.delete', path: 'd' })
  expect(got).toEqual([])
  await settled()
  expect(got).toEqual(['entry.create a', 'entry.delete d'])
  leave()
  bus.publish({ system: 'registry', kind: 'entry.create', path: 'e' })
  await settled()
  expect(got).toHaveLength(2)
})

test('a subscriber that throws keeps nobody else from the event', async () => {
  const failures: unknown[] = []
  const bus = new EventBus({ failed: (error) => failures.push(error) })
  const got: BusEvent[] = []
  bus.subscribe({ system: '*' }, () => {
    throw new Error('boom')
  })
  bus.subscribe({ system: '*' }, (event) => got.push(event))
  bus.publish({ system: 's', kind: 'k', path: 'p', data: 1 })
  await settled()
  expect(got).toEqual([{ system: 's', kind: 'k', path: 'p', data: 1 }])
  expect(failures).toHaveLength(1)
})

test('every event reaches every fitting subscriber exactly once', async () => {
  const name = fc.constantFrom('a', 'b', 'a.b', 'a.b.c')
  await fc.assert(
    fc.asyncProperty(fc.array(name), fc.array(name), async (systems, patterns) => {
      const bus = new EventBus()
      const counts = patterns.map(() => 0)
      patterns.forEach((system, at) => {
        bus.subscribe({ system }, () => {
          counts[at] = (counts[at] ?? 0) + 1
        })
      })
      for (const system of systems) bus.publish({ system, kind: 'k', path: 'p' })
      await settled()
      expect(counts).toEqual(patterns.map((pattern) => systems.filter((system) => system === pattern).length))
    }),
  )
})

describe('the module', () => {
  const open = (bus = new EventBus()): ModuleTable =>
    eventsModule({ bus, guard: new Guard({ strict: false }) }).open() as ModuleTable

  test('delivers to a channel until the subscription is closed', async () => {
    const events = open()
    const call = fakeCall()
    const { value: subscription } = (await callFunction(events, 'subscribe', ['orders.*'], call)) as Outcome
    const channel = ((await callMethod(subscription, 'channel')) as Outcome).value as FakeChannel
    await callFunction(events, 'send', ['orders.eu', 'created', '/orders/1', { total: 2 }])
    await callFunction(events, 'send', ['orders.eu', 'paid', '/orders/1'])
    await settled()
    expect(channel.queue).toEqual([
      { system: 'orders.eu', kind: 'created', path: '/orders/1', data: { total: 2 } },
      { system: 'orders.eu', kind: 'paid', path: '/orders/1' },
    ])
    expect(((await callMethod(subscription, 'close')) as Outcome).value).toBe(true)
    expect(((await callMethod(subscription, 'close')) as Outcome).value).toBe(true)
    expect(channel.closed).toBe(true)
    expect(call.owned.size).toBe(0)
  })

  test('a process that ends leaves the bus', async () => {
    const bus = new EventBus()
    const call = fakeCall()
    await callFunction(open(bus), 'subscribe', ['s'], call)
    expect(bus.wanted('s', 'k')).toBe(true)
    call.end()
    expect(bus.wanted('s', 'k')).toBe(false)
  })

  test.each([
    ['subscribe', [], 'system pattern is required'],
    ['send', ['', 'k', 'p'], 'system is required'],
    ['send', ['s', null, 'p'], 'kind is required'],
    ['send', ['s', 'k'], 'path is required'],
  ])('%s%j is refused: %s', async (name, args, message) => {
    const { error } = (await callFunction(open(), name, args)) as Outcome
    expect(error).toMatchObject({ kind: 'Invalid', message, retryable: false })
  })

  test('a denied system is Invalid, as the original has it', async () => {
    const scope: Scope = { evaluate: () => 'deny' }
    const call = { ...fakeCall(), frame: { ...emptyFrame, actor: { id: 'a', meta: {} }, scope } }
    const denied = (await callFunction(open(), 'send', ['registry', 'k', 'p'], call)) as Outcome
    expect(denied.error).toMatchObject({ kind: 'Invalid', message: 'not allowed to send events to system: registry' })
    const subscribed = (await callFunction(open(), 'subscribe', ['registry'], call)) as Outcome
    expect(subscribed.error?.message).toBe('not allowed to subscribe to events from system: registry')
  })

  test('functions and objects in an event become text', async () => {
    const bus = new EventBus()
    const got: BusEvent[] = []
    bus.subscribe({ system: '*' }, (event) => got.push(event))
    const { value } = (await callFunction(open(bus), 'subscribe', ['zzz'])) as Outcome
    await callFunction(open(bus), 'send', ['s', 'k', 'p', { list: [1, value as LuaObject<unknown>] }])
    await settled()
    expect(got[0]?.data).toEqual({ list: [1, 'events.Subscription'] })
  })
})
