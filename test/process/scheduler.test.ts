// In which order ready tasks run: as they came, but that what the outside wakes does not stand behind a crowd.

import { afterEach, expect, test, vi } from 'vitest'
import { Scheduler, SLICE_MS } from '../../runtime/process/scheduler.ts'

/** Runs what `begin` queues until nothing is ready, and gives the names in the order they ran. */
async function order(begin: (add: (name: string, then?: () => void) => void) => void): Promise<string[]> {
  const scheduler = new Scheduler()
  const ran: string[] = []
  const add = (name: string, then?: () => void): void => {
    scheduler.enqueue({
      run: () => {
        ran.push(name)
        then?.()
      },
    })
  }
  begin(add)
  while (scheduler.readyCount > 0) await new Promise(setImmediate)
  return ran
}

test('tasks that others make ready run in the order they became ready', async () => {
  const ran = await order((add) => {
    add('first', () => {
      add('a', () => add('d'))
      add('b')
      add('c')
    })
  })
  expect(ran).toEqual(['first', 'a', 'b', 'c', 'd'])
})

test('tasks that the outside wakes run in the order they were woken', async () => {
  const names = ['a', 'b', 'c']
  const ran = await order((add) => {
    for (const name of names) add(name)
  })
  expect(ran).toEqual(names)
})

test('one that the outside wakes does not wait for a crowd, and a crowd of those does not hold up the others', async () => {
  const crowd = Array.from({ length: 100 }, (_, i) => `inner ${i}`)
  const woken = Array.from({ length: 100 }, (_, i) => `outer ${i}`)
  const ran = await order((add) => {
    add('first', () => {
      for (const name of crowd) add(name)
    })
    for (const name of woken) add(name)
  })
  expect(ran.length).toBe(201)
  for (let i = 0; i < 100; i++) expect(ran.slice(1 + 2 * i, 3 + 2 * i).sort()).toEqual([`inner ${i}`, `outer ${i}`])
})

afterEach(() => {
  vi.restoreAllMocks()
})

test('a turn gives each kind of task its time, and no whole slice on top', async () => {
  // Time passes while tasks run, a millisecond at each look.
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now)
  const turns: number[] = []
  let began = 0
  const scheduler: Scheduler = new Scheduler({
    turn: (running) => {
      if (running) began = now
      else turns.push(now - began)
    },
  })
  const brief = (busy: boolean) => ({ busy, run: () => void (now += 4) })
  const endless = (busy: boolean) => ({
    busy,
    run: () => {
      scheduler.sliceStart = 0
      do now++
      while (!scheduler.sliceOver(SLICE_MS))
    },
  })
  for (const busy of [false, true]) for (const task of [brief(busy), endless(busy)]) scheduler.enqueue(task)
  while (scheduler.readyCount > 0) await new Promise(setImmediate)
  // 4 and 4 of the first two: the second began within its time and had the least. Then one that is busy, whose time 4 is.
  expect(turns[0]).toBe(12)
})
