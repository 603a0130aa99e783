// When a burst of file events becomes one reload.

import { expect, test } from 'vitest'
import { type ManualClock, manualClock } from '../../runtime/core/clock.ts'
import { ChangeGate } from '../../runtime/loader/change-gate.ts'

function gate(): { clock: ManualClock; gate: ChangeGate; opened: (readonly string[])[] } {
  const clock = manualClock()
  const opened: (readonly string[])[] = []
  return { clock, opened, gate: new ChangeGate({ clock, open: (paths) => opened.push(paths) }) }
}

test('a burst of writes opens once, 50 ms after the last', () => {
  const { clock, gate: changes, opened } = gate()
  for (const path of ['b', 'a', 'b']) {
    changes.event('changed', path)
    clock.advance(40)
  }
  expect(opened).toEqual([])
  clock.advance(10)
  expect(opened).toEqual([['a', 'b']])
  clock.advance(10_000)
  expect(opened).toHaveLength(1)
})

test('a file that comes back within 500 ms was changed, not removed', () => {
  const { clock, gate: changes, opened } = gate()
  changes.event('removed', 'a')
  clock.advance(400)
  changes.event('changed', 'a')
  clock.advance(50)
  expect(opened).toEqual([['a']])
})

test('a removal counts after 500 ms, and what happened meanwhile waits for it', () => {
  const { clock, gate: changes, opened } = gate()
  changes.event('removed', 'a')
  clock.advance(100)
  changes.event('changed', 'b')
  clock.advance(399)
  expect(opened).toEqual([])
  clock.advance(1)
  expect(opened).toEqual([['a', 'b']])
})

test('events without end are let through after two seconds', () => {
  const { clock, gate: changes, opened } = gate()
  for (let ms = 0; ms < 4_100; ms += 20) {
    changes.event('changed', 'log')
    clock.advance(20)
  }
  expect(opened.length).toBe(2)
})

test('after closing nothing opens any more', () => {
  const { clock, gate: changes, opened } = gate()
  changes.event('changed', 'a')
  changes.close()
  clock.advance(10_000)
  expect(opened).toEqual([])
})
