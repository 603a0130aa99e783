// The clocks: that of the machine, and the one tests turn by hand.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ManualClock, manualClock, systemClock } from '../../runtime/core/clock.ts'

test('the clock of the machine never runs anything early', async () => {
  const clock = systemClock()
  const waits = Array.from({ length: 40 }, (_, i) => i * 0.37)
  const early = await Promise.all(
    waits.map(
      (ms) =>
        new Promise<number>((resolve) => {
          const start = clock.now()
          clock.after(ms, () => resolve(clock.now() - start - ms))
        }),
    ),
  )
  expect(early.filter((late) => late < 0)).toEqual([])
})

test('a cancelled wait does not happen', async () => {
  const clock = systemClock()
  const ran: string[] = []
  clock.after(1, () => ran.push('cancelled')).cancel()
  await new Promise<void>((resolve) => void clock.after(3, resolve))
  expect(ran).toEqual([])
})

test('a manual clock runs what falls due in order, and what that arms in turn', () => {
  const clock = manualClock(0)
  const ran: [string, number][] = []
  const note = (name: string) => () => void ran.push([name, clock.now()])
  clock.after(20, note('late'))
  clock.after(10, () => {
    note('first')()
    clock.after(5, note('nested'))
  })
  clock.after(10, note('second'))
  clock.advance(30)
  expect(ran).toEqual([
    ['first', 10],
    ['second', 10],
    ['nested', 15],
    ['late', 20],
  ])
  expect(clock.wallNanos()).toBe(30_000_000n)
})

test('any order of arming and cancelling runs the rest by due time, then by age', () => {
  const moves = fc.array(
    fc.oneof(
      fc.record({ arm: fc.integer({ min: 0, max: 20 }) }),
      fc.record({ cancel: fc.nat() }),
      fc.record({ advance: fc.integer({ min: 0, max: 5 }) }),
    ),
    { maxLength: 80 },
  )
  fc.assert(
    fc.property(moves, (steps) => {
      const clock = manualClock(0)
      const timers: { due: number; id: number; timer: { cancel(): void } }[] = []
      let expected: { due: number; id: number }[] = []
      const ran: number[] = []
      const wanted: number[] = []
      for (const step of steps) {
        if ('arm' in step) {
          const id = timers.length
          const due = clock.now() + step.arm
          timers.push({ due, id, timer: clock.after(step.arm, () => void ran.push(id)) })
          expected.push({ due, id })
        } else if ('cancel' in step) {
          const victim = timers[step.cancel % Math.max(1, timers.length)]
          victim?.timer.cancel()
          expected = expected.filter(({ id }) => id !== victim?.id)
        } else {
          clock.advance(step.advance)
          expected.sort((a, b) => a.due - b.due || a.id - b.id)
          while (expected[0] !== undefined && expected[0].due <= clock.now())
            wanted.push(expected.shift()?.id as number)
        }
      }
      clock.advance(100)
      for (const { id } of expected.sort((a, b) => a.due - b.due || a.id - b.id)) wanted.push(id)
      expect(ran).toEqual(wanted)
    }),
    { numRuns: 300 },
  )
})

test.each([
  ['by hand', manualClock(0)],
  ['of the machine', systemClock()],
])('a hundred thousand pending timers are armed, cancelled and run on the clock %s', async (_name, clock) => {
  const COUNT = 100_000
  const cancelled = new Set<number>()
  let ran = 0
  let last = 0
  let disorder = 0
  const timers = Array.from({ length: COUNT }, (_, i) => {
    const ms = (i * 7919) % 50
    return clock.after(ms, () => {
      ran++
      if (clock.now() < last) disorder++
      last = clock.now()
      if (cancelled.has(i)) disorder++
    })
  })
  for (let i = 0; i < COUNT; i += 2) {
    timers[i]?.cancel()
    cancelled.add(i)
  }
  if ('advance' in clock) (clock as ManualClock).advance(50)
  else while (ran < COUNT / 2) await new Promise((resolve) => setImmediate(resolve))
  expect([ran, disorder]).toEqual([COUNT / 2, 0])
})

test('many timers that fall due together leave the event loop its turns', async () => {
  const clock = systemClock()
  const order: string[] = []
  const busy = (): void => {
    const until = performance.now() + 3
    while (performance.now() < until);
  }
  const all = new Promise<void>((resolve) => {
    for (let i = 0; i < 20; i++) {
      clock.after(1, () => {
        busy()
        order.push('timer')
        if (order.filter((name) => name === 'timer').length === 20) resolve()
      })
    }
  })
  let over = false
  const turn = (): void => {
    order.push('turn')
    if (!over) setImmediate(turn)
  }
  setImmediate(turn)
  await all
  over = true
  const first = order.indexOf('timer')
  expect(order.slice(first, order.lastIndexOf('timer')).filter((name) => name === 'turn').length).toBeGreaterThan(3)
})

test('one timer that throws does not keep the others from running', async () => {
  const clock = systemClock()
  const thrown: unknown[] = []
  const catcher = (error: unknown): void => void thrown.push(error)
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', catcher)
  try {
    clock.after(1, () => {
      throw new Error('oops')
    })
    await new Promise<void>((resolve) => void clock.after(2, resolve))
  } finally {
    process.removeListener('uncaughtException', catcher)
    for (const listener of before) process.on('uncaughtException', listener)
  }
  expect(thrown).toEqual([new Error('oops')])
})
