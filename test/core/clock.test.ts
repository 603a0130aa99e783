// The clocks: that of the machine, and the one tests turn by hand.

import { expect, test } from 'vitest'
import { manualClock, systemClock } from '../../runtime/core/clock.ts'

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
