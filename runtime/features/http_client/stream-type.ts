// The `Stream` and `Scanner` userdata that Lua reads a response body with.

import { moduleError, RuntimeError } from '../../core/error.ts'
import { type Call, LuaType, pieceSize, results, text } from '../../lua/module.ts'
import type { ByteStream } from './byte-stream.ts'
import { Scanner, splitOf } from './scanner.ts'

export const scannerType = new LuaType<Scanner>({
  name: 'Scanner',
  methods: {
    scan(_call, self) {
      const failed = (error: unknown) => {
        if (!(error instanceof RuntimeError)) throw error
        self.error = error
        return results(false, error)
      }
      try {
        const found = self.scan()
        return found instanceof Promise ? found.catch(failed) : found
      } catch (error) {
        return failed(error)
      }
    },
    text: (_call, self) => self.token,
    err: (_call, self) => self.error ?? null,
  },
})

/** What streams answer that are only read, from the first byte to the last. */
export const readOnlyMethods = {
  write(): never {
    throw moduleError('Internal', 'stream is not writable')
  },
  flush(): never {
    throw moduleError('Internal', 'stream is not writable')
  },
  seek(_call: Call, _self: unknown, whence: unknown): never {
    const name = text(whence, 1, 'seek')
    if (!['set', 'cur', 'end'].includes(name)) throw moduleError('Invalid', `invalid whence: ${name}`)
    throw moduleError('Internal', 'stream is not seekable')
  },
}

export const streamType = new LuaType<ByteStream>({
  name: 'Stream',
  methods: {
    read(_call, self, size?: unknown) {
      return self.read(pieceSize(size, 1, 'read'))
    },
    close(_call, self) {
      self.close()
      return true
    },
    scanner(_call, self, split: unknown) {
      const name = split === undefined || split === null ? 'lines' : text(split, 1, 'scanner')
      return scannerType.wrap(new Scanner(self, splitOf(name)))
    },
    stat(_call, self) {
      const readable = !self.closed
      return { size: self.size, position: self.position, readable, writable: false, seekable: false }
    },
    ...readOnlyMethods,
  },
})
