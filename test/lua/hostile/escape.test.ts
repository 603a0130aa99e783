// Programs that reach for what holds them (escape-programs.ts), beside a ticker in the same thread.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HostileNode, hostileNode } from '../../support/hostile.ts'
import { floods, reaching } from './escape-programs.ts'

let hostile: HostileNode
beforeAll(async () => {
  hostile = await hostileNode()
})
afterAll(() => hostile.stop())

describe('what holds a program cannot be reached', () => {
  for (const program of reaching) test(program.name, () => hostile.run(program))
})

describe('messages and results', () => {
  for (const program of floods) test(program.name, () => hostile.run(program))
})

test('nothing was left on the prototypes of the host', () => {
  expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
})
