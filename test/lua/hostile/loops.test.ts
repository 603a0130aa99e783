// Programs that never end (loops-programs.ts), beside a ticker in the same thread.

import { afterAll, beforeAll, describe, test } from 'vitest'
import { type HostileNode, hostileNode } from '../../support/hostile.ts'
import { loops } from './loops-programs.ts'

let hostile: HostileNode
beforeAll(async () => {
  hostile = await hostileNode()
})
afterAll(() => hostile.stop())

describe('a loop ends at its limit, and nobody else notices', () => {
  for (const program of loops) test(program.name, () => hostile.run(program))
})
