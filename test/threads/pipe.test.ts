// threads/pipe.ts: operations arrive in the order they were said, whatever is waited for meanwhile.

import { expect, test } from 'vitest'
import type { WireReader } from '../../runtime/core/wire.ts'
import { LuaValues } from '../../runtime/threads/lua-values.ts'
import { Pipe } from '../../runtime/threads/pipe.ts'
import { DEFINE, LAST_DEFINITION } from '../../runtime/threads/protocol.ts'

const FIRST = LAST_DEFINITION + 1

function pair() {
  const log: string[] = []
  const consumed: number[] = []
  const values = () =>
    new LuaValues({ begin() {}, undo() {}, write: () => false, read: (reader: WireReader) => reader.count() })
  const inbound = new Pipe({
    extension: values(),
    post: () => undefined,
    handle: (code, fields) => {
      if (fields[0] === 'fails') throw new Error('handler failed')
      log.push(`${code}: ${fields.join(' ')}`)
    },
    broken: (error) => log.push(`broken: ${(error as Error).message}`),
    garbled: () => log.push('garbled'),
    consumed: (bytes) => consumed.push(bytes),
  })
  const outbound = new Pipe({
    extension: values(),
    post: (bytes) => inbound.receive(bytes),
    handle: () => undefined,
    broken: () => undefined,
    garbled: () => undefined,
  })
  return { log, consumed, inbound, outbound }
}

test('what is said is handled in order, batch by batch', async () => {
  const { log, consumed, inbound, outbound } = pair()
  outbound.say(FIRST, 'a', 1)
  outbound.say(FIRST + 1, 'b')
  await Promise.resolve()
  outbound.say(FIRST, 'c')
  outbound.flush()
  inbound.pump()
  expect(log).toEqual([`${FIRST}: a 1`, `${FIRST + 1}: b`, `${FIRST}: c`])
  expect(consumed).toHaveLength(2)
})

test('while one is looked for, the others are kept for later, but definitions are taken in', () => {
  const { log, inbound, outbound } = pair()
  outbound.say(FIRST, 'before')
  outbound.say(DEFINE.program, 'known')
  outbound.say(FIRST + 2, 'answer', 42)
  outbound.say(FIRST, 'after')
  outbound.flush()
  expect(inbound.find((code) => code === FIRST + 2)).toEqual(['answer', 42])
  expect(log).toEqual([`${DEFINE.program}: known`])
  inbound.pump()
  expect(log.slice(1)).toEqual([`${FIRST}: before`, `${FIRST}: after`])
})

test('what is too big is not said, and nothing before it is lost', () => {
  const { log, inbound, outbound } = pair()
  outbound.say(FIRST, 'small')
  expect(() => outbound.sayWithin(100, FIRST, 'x'.repeat(200))).toThrow(
    expect.objectContaining({ kind: 'LimitExceeded', message: 'value takes more than the limit of 100 bytes' }),
  )
  outbound.flush()
  inbound.pump()
  expect(log).toEqual([`${FIRST}: small`])
})

test('a handler that fails does not stop those after it', () => {
  const { log, inbound, outbound } = pair()
  outbound.say(FIRST, 'fails')
  outbound.say(FIRST, 'works')
  outbound.flush()
  inbound.pump()
  expect(log).toEqual(['broken: handler failed', `${FIRST}: works`])
})

test('the size said is the size handled', () => {
  const sizes: number[] = []
  const values = new LuaValues({ begin() {}, undo() {}, write: () => false, read: () => null })
  const inbound = new Pipe({
    extension: values,
    post: () => undefined,
    handle: (_code, _fields, size) => sizes.push(size),
    broken: (error) => {
      throw error
    },
    garbled: () => undefined,
  })
  const outbound = new Pipe({
    extension: values,
    post: (bytes) => inbound.receive(bytes),
    handle: () => undefined,
    broken: () => undefined,
    garbled: () => undefined,
  })
  const said = [outbound.say(FIRST), outbound.say(FIRST, 'text', [1, 2, { a: null }]), outbound.say(FIRST, 1.5)]
  outbound.flush()
  inbound.pump()
  expect(sizes).toEqual(said)
})

test('a closed pipe handles nothing more', () => {
  const { log, inbound, outbound } = pair()
  outbound.say(FIRST, 'late')
  outbound.flush()
  inbound.close()
  inbound.pump()
  expect(log).toEqual([])
})

test('bytes that cannot be read end the pipe, once and for all', () => {
  const { log, inbound, outbound } = pair()
  inbound.receive(new Uint8Array([FIRST, 1, 255]))
  outbound.say(FIRST, 'after')
  outbound.flush()
  inbound.pump()
  expect(log).toEqual(['garbled'])
})
