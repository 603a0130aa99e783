// The table of living processes: found by serial, in order, and nothing left of those that are gone.

import { expect, test } from 'vitest'
import type { Process } from '../../runtime/process/process.ts'
import { ProcessTable } from '../../runtime/process/process-table.ts'

const processOf = (serial: number): Process => ({ serial }) as Process

test('finds what was put in, in the order of serials, far apart and close together', () => {
  const table = new ProcessTable()
  const serials = [1, 2, 255, 256, 257, 100_000, 2 ** 40]
  for (const serial of serials) table.set(processOf(serial))
  expect(table.size).toBe(serials.length)
  expect([...table].map(({ serial }) => serial)).toEqual(serials)
  expect(serials.every((serial) => table.get(serial)?.serial === serial)).toBe(true)
  for (const absent of [0, 3, 512, 2 ** 40 + 256, Number.NaN, -1]) expect(table.get(absent)).toBeUndefined()
})

test('a process that took the place of another is not removed in its name', () => {
  const table = new ProcessTable()
  const [old, next] = [processOf(7), processOf(7)]
  table.set(old)
  table.set(next)
  expect(table.size).toBe(1)
  expect(table.delete(old)).toBe(false)
  expect(table.get(7)).toBe(next)
  expect(table.delete(next)).toBe(true)
  expect([table.size, table.get(7), [...table]]).toEqual([0, undefined, []])
})

test('goes on after its last page was emptied', () => {
  const table = new ProcessTable()
  for (let serial = 1; serial < 2000; serial++) {
    const process = processOf(serial)
    table.set(process)
    expect(table.get(serial)).toBe(process)
    expect(table.delete(process)).toBe(true)
  }
  table.set(processOf(2000))
  expect([...table].map(({ serial }) => serial)).toEqual([2000])
})

test('processes may end while it is walked', () => {
  const table = new ProcessTable()
  for (let serial = 1; serial <= 600; serial++) table.set(processOf(serial))
  for (const process of table) table.delete(process)
  expect(table.size).toBe(0)
})
