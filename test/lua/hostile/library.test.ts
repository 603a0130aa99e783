// Library functions asked for too much (library-programs.ts), beside a ticker in the same thread.

import { afterAll, beforeAll, describe, test } from 'vitest'
import { type HostileNode, hostileNode } from '../../support/hostile.ts'
import { libraryCalls } from './library-programs.ts'

let hostile: HostileNode
beforeAll(async () => {
  hostile = await hostileNode()
})
afterAll(() => hostile.stop())

describe('a library function ends early, and nobody else notices', () => {
  for (const program of libraryCalls) test(program.name, () => hostile.run(program))
})
