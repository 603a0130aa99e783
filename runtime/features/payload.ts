// The global `payload`: values in the wrapper that messages and futures deliver (spec/process.md §4).

import { type LuaModule, RawFunction } from '../lua/module.ts'

export const payloadModule: LuaModule = {
  name: 'payload',
  description: 'Wrapped values and their formats',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    new: new RawFunction('payload_new'),
    format: {
      JSON: 'json/plain',
      YAML: 'yaml/plain',
      STRING: 'text/plain',
      GOLANG: 'golang/any',
      LUA: 'lua/any',
      BYTES: 'application/octet-stream',
      MSGPACK: 'application/msgpack',
      ERROR: 'golang/error',
    },
  }),
}
