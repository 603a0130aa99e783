// Limits as people write them: what is understood, what is refused and how it says so.

import { expect, test } from 'vitest'
import { checkCeiling, decodeLimits, lowest } from '../../runtime/lua/limit-options.ts'
import { generatedLimits, trustedLimits } from '../../runtime/lua/program.ts'

const read = (block: Parameters<typeof decodeLimits>[0]) => decodeLimits(block, 'entry app:x: options.limits')

test('every limit has a name and a unit', () => {
  expect(
    read({
      memory: '64MB',
      cpu: '2s',
      wall: '1m',
      slice: '2ms',
      message: 4096,
      mailbox: 10,
      mailbox_bytes: '1.5 MiB',
      timers: 5,
      channels: 6,
    }),
  ).toEqual({
    memory: 64 << 20,
    cpu: 2000,
    wall: 60_000,
    slice: 2,
    messageBytes: 4096,
    mailboxMessages: 10,
    mailboxBytes: 1.5 * 2 ** 20,
    timers: 5,
    channels: 6,
  })
  expect(read({})).toEqual({})
  expect(read({ timers: null })).toEqual({})
})

test.each([
  [{ memory: 'much' }, '.memory "much" is not a size such as 64MB'],
  [{ memory: -1 }, '.memory -1 is not a size such as 64MB'],
  [{ memory: '1KB' }, '.memory "1KB" is not between 512KB and 1GB'],
  [{ memory: '2GB' }, '.memory "2GB" is not between 512KB and 1GB'],
  [{ cpu: 5 }, '.cpu 5 is not a duration'],
  [{ cpu: '0s' }, '.cpu "0s" is not between 1ms and 24h0m0s'],
  [{ slice: '1s' }, '.slice "1s" is not between 1ms and 10ms'],
  [{ message: '1GB' }, '.message "1GB" is not between 1KB and 256MB'],
  [{ mailbox: 0 }, '.mailbox 0 is not between 1 and 10000000'],
  [{ mailbox: 1.5 }, '.mailbox 1.5 is not a non-negative integer'],
  [{ mailbox_bytes: true }, '.mailbox_bytes true is not a size such as 64MB'],
  [{ timers: 'many' }, '.timers "many" is not a non-negative integer'],
  [{ channels: [] }, '.channels [] is not a non-negative integer'],
  [
    { memroy: '1MB' },
    '.memroy is no limit (there are memory, cpu, wall, slice, message, mailbox, mailbox_bytes, timers, channels)',
  ],
  [{ constructor: 1 }, '.constructor is no limit (there are memory'],
])('%j is refused with field and value', (block, message) => {
  expect(() => read(block)).toThrow(`entry app:x: options.limits${message}`)
})

test('code made at run time may go below its limits and never above', () => {
  expect(() => checkCeiling('app:x', { memory: 16 << 20, cpu: 2000, timers: 1 }, generatedLimits)).not.toThrow()
  expect(() => checkCeiling('app:x', { memory: 17 << 20 }, generatedLimits)).toThrow(
    'entry app:x: options.limits.memory 17MB is more than code made at run time may have (16MB)',
  )
  expect(() => checkCeiling('app:x', { cpu: 2001 }, generatedLimits)).toThrow(
    'entry app:x: options.limits.cpu 2.001s is more than code made at run time may have (2s)',
  )
})

test('of two sets the lower of each limit holds', () => {
  const limits = lowest(lowest(trustedLimits, { memory: 5, timers: 3 }), { memory: 7, timers: 2 })
  expect([limits.memory, limits.timers, limits.cpu]).toEqual([5, 2, Number.POSITIVE_INFINITY])
})
