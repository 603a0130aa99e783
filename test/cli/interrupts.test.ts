// Ctrl-C: the program first, then the runtime, then at once.

import { expect, test } from 'vitest'
import { Interrupts } from '../../runtime/cli/interrupts.ts'

function bench(state: { reading?: boolean; line?: string; listened?: boolean }) {
  const happened: string[] = []
  let time = 0
  const interrupts = new Interrupts({
    now: () => time,
    reading: () => state.reading === true,
    clearLine: () => {
      if ((state.line ?? '') === '') return false
      state.line = ''
      happened.push('clear')
      return true
    },
    listened: () => state.listened === true,
    tell: () => {
      happened.push('tell')
      return true
    },
    shutDown: (signal) => happened.push(`shut down: ${signal}`),
    force: () => happened.push('force'),
  })
  return { interrupts, happened, state, wait: (ms: number) => (time += ms) }
}

test('a program that asked is told, each time when the times are far apart', () => {
  const { interrupts, happened, wait } = bench({ listened: true })
  interrupts.interrupt()
  wait(2_000)
  interrupts.interrupt()
  expect(happened).toEqual(['tell', 'tell'])
})

test('twice within two seconds shuts down, and a third time forces', () => {
  const { interrupts, happened, wait } = bench({ listened: true })
  interrupts.interrupt()
  wait(1_999)
  interrupts.interrupt()
  interrupts.interrupt()
  expect(happened).toEqual(['tell', 'shut down: interrupt', 'force'])
})

test('a program that did not ask is not told: the first time shuts down', () => {
  const { interrupts, happened } = bench({})
  interrupts.interrupt()
  expect(happened).toEqual(['shut down: interrupt'])
})

test('at an empty prompt it shuts down; a line that was begun is emptied first', () => {
  const { interrupts, happened } = bench({ listened: true, reading: true, line: 'half' })
  interrupts.interrupt()
  expect(happened).toEqual(['clear'])
  interrupts.interrupt()
  expect(happened).toEqual(['clear', 'shut down: interrupt'])
})

test('back at the prompt right after an interrupted turn, once more leaves', () => {
  const { interrupts, happened, state } = bench({ listened: true })
  interrupts.interrupt()
  state.reading = true
  interrupts.interrupt()
  expect(happened).toEqual(['tell', 'shut down: interrupt'])
})

test('other signals shut down at once, and by force the second time', () => {
  const { interrupts, happened } = bench({ listened: true })
  interrupts.end('terminated')
  interrupts.interrupt()
  expect(happened).toEqual(['shut down: terminated', 'force'])
})
