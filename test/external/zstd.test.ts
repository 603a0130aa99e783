// The Zstandard codec of versions of Node that have none.

import { expect, test } from 'vitest'
import { zstdCodec } from '../../runtime/external/zstd.ts'

test('loading the codec again leaves the first one as it is', async () => {
  const data = Buffer.from('some text '.repeat(1000))
  const first = await zstdCodec()
  const second = await zstdCodec()
  // The package would replace its memory now, in the middle of the work.
  for (let turn = 0; turn < 20; turn++) {
    for (const codec of [first, second]) {
      const frame = codec.compress(data, 3, undefined)
      await new Promise((resolve) => setImmediate(resolve))
      expect(Buffer.compare(codec.decompress(frame, data.length, undefined), data)).toBe(0)
    }
  }
})
