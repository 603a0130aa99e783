// threads/cells.ts: how full the mailboxes of other threads are, as their senders see it.

import { describe, expect, test } from 'vitest'
import { Cells, CellTable, NO_CELL, requireRoom } from '../../runtime/threads/cells.ts'

const limits = { mailboxMessages: 2, mailboxBytes: 100 }

describe('a cell', () => {
  test('counts what is on its way and not read, for all who look', () => {
    const table = new CellTable()
    const cell = table.of(1)
    const elsewhere = new Cells(table.cells.memory)
    elsewhere.add(cell.index, 40)
    elsewhere.add(cell.index, 2)
    expect([table.cells.count(cell.index), table.cells.bytes(cell.index)]).toEqual([2, 42])
    table.cells.remove(cell.index, 40)
    expect([elsewhere.count(cell.index), elsewhere.bytes(cell.index)]).toEqual([1, 2])
  })

  test('refuses what the mailbox has no room for', () => {
    const table = new CellTable()
    const cell = table.of(1)
    const send = (bytes: number) => {
      requireRoom(table.cells, cell, '{app:x|0x00001}', limits)
      table.cells.add(cell.index, bytes)
    }
    send(10)
    send(10)
    expect(() => send(10)).toThrow(
      expect.objectContaining({ kind: 'RateLimited', message: expect.stringContaining('2 messages') }),
    )
    table.cells.remove(cell.index, 10)
    send(200)
    table.cells.remove(cell.index, 10)
    expect(() => send(1)).toThrow(
      expect.objectContaining({ kind: 'RateLimited', message: expect.stringContaining('100 bytes') }),
    )
  })

  test('of a process that has ended is another when it is given again', () => {
    const table = new CellTable()
    const first = table.of(1)
    table.release(1)
    expect(table.cells.alive(first)).toBe(false)
    // It rests until a thousand more were given up.
    for (let serial = 1000; serial < 2023; serial++) {
      expect(table.of(serial).index).not.toBe(first.index)
      table.release(serial)
    }
    const second = table.of(2)
    expect(second.index).toBe(first.index)
    expect(table.cells.alive(second)).toBe(true)
    expect(() => requireRoom(table.cells, first, 'x', limits)).toThrow(expect.objectContaining({ kind: 'NotFound' }))
  })
})

test('without a free cell nothing is counted and nothing refused', () => {
  const table = new CellTable()
  for (let serial = 1; serial < 1 << 16; serial++) table.of(serial)
  const none = table.of(1 << 17)
  expect(none.index).toBe(NO_CELL)
  expect(table.cells.alive(none)).toBe(true)
  table.cells.add(none.index, 1 << 30)
  requireRoom(table.cells, none, 'x', limits)
})
