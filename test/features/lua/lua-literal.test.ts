// Values written as Lua source are the values again when Lua reads it.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalValues, type Value } from '../../../runtime/core/value.ts'
import { luaLiteral } from '../../../runtime/features/lua/lua-literal.ts'
import { luaNode } from '../../support/lua-node.ts'

const leaf = fc.oneof(
  fc.boolean(),
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.double({ noNaN: true }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('value'), { minLength: 1, maxLength: 4 }),
    fc.dictionary(
      fc.string({ minLength: 1 }).map((key) => `k${key}`),
      tie('value'),
      {
        minKeys: 1,
        maxKeys: 4,
        noNullPrototype: false,
      },
    ),
  ),
}))

test('any value survives', async () => {
  const node = await luaNode()
  await fc.assert(
    fc.asyncProperty(value, async (written) => {
      const read = await node.eval(`return ${luaLiteral(written)}`)
      expect(equalValues(read, written), luaLiteral(written)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('what no decimal text can say survives too', async () => {
  const node = await luaNode()
  const values: Value[] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Uint8Array.of(0xff, 0, 0x80), null, []]
  expect(await node.eval(`local t = ${luaLiteral(values)} return { t[1], t[2], t[3], #t[5] }`)).toEqual([
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Uint8Array.of(0xff, 0, 0x80),
    0,
  ])
  expect(await node.eval(`local n = ${luaLiteral(Number.NaN)} return n ~= n`)).toBe(true)
})
