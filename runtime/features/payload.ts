// The global `payload`: values in the wrapper that messages and futures deliver, and their text formats (spec/process.md §4).

import { moduleError, RuntimeError } from '../core/error.ts'
import { decodeMsgpack, encodeMsgpack } from '../external/msgpack.ts'
import { decodeYaml, encodeYaml } from '../external/yaml.ts'
import type { LuaEngine } from '../lua/engine.ts'
import { HANDLE_PAYLOAD, PAYLOAD_VALUES, type RawFunctions } from '../lua/instance.ts'
import { KEY } from '../lua/keys.ts'
import { type LuaModule, LuaRaise, RawFunction } from '../lua/module.ts'
import { Overdue } from '../lua/pace.ts'
import { plainValue } from '../lua/plain.ts'

const format = {
  JSON: 'json/plain',
  YAML: 'yaml/plain',
  STRING: 'text/plain',
  GOLANG: 'golang/any',
  LUA: 'lua/any',
  BYTES: 'application/octet-stream',
  MSGPACK: 'application/msgpack',
  ERROR: 'golang/error',
} as const

export const payloadModule: LuaModule = {
  name: 'payload',
  description: 'Wrapped values and their formats',
  traits: ['deterministic', 'encoding'],
  open: () => ({ new: new RawFunction('payload_new'), format }),
}

export interface PayloadDeps {
  readonly json: { readonly encode: (exact: unknown) => string; readonly decode: (text: string) => unknown }
}

/** How a format is written and read. Lua values are read exactly for formats that tell lists from maps by their keys. */
interface Codec {
  readonly encode: (read: (exact: boolean) => unknown) => string | Uint8Array
  readonly decode: (content: string | Uint8Array) => unknown
  /** Bytes that are decoded: this is done at once, for contents of messages. Modules read longer ones. */
  readonly longest: number
}

/** Parts of a value that is written. */
const MOST_PARTS = 16_000
const LONGEST = 128 * 1024
/** A parser of YAML needs microseconds per character. */
const LONGEST_YAML = 16 * 1024

const bytes: Codec = {
  encode(read) {
    const value = read(false)
    if (typeof value === 'string' || value instanceof Uint8Array) return value
    throw moduleError('Internal', 'only text has this format')
  },
  decode: (content) => content,
  longest: Number.POSITIVE_INFINITY,
}

const yaml: Codec = {
  encode: (read) => encodeYaml(plainValue(read(false))),
  decode: (content) => decodeYaml(textOf(content)),
  longest: LONGEST_YAML,
}

const messagePack: Codec = {
  encode: (read) => encodeMsgpack(plainValue(read(false))),
  decode: (content) => decodeMsgpack(typeof content === 'string' ? Buffer.from(content, 'utf8') : content),
  longest: LONGEST,
}

function textOf(content: string | Uint8Array): string {
  return typeof content === 'string' ? content : Buffer.from(content).toString('utf8')
}

/** The methods of payload values that deal with formats. */
export function payloadFunctions({ json }: PayloadDeps): (engine: LuaEngine) => RawFunctions {
  // undefined is a Lua value, which needs no conversion
  const codecs = new Map<string, Codec | undefined>([
    [format.LUA, undefined],
    [format.GOLANG, undefined],
    [format.STRING, bytes],
    [format.BYTES, bytes],
    [
      format.JSON,
      {
        encode: (read) => json.encode(read(true)),
        decode: (content) => json.decode(textOf(content)),
        longest: LONGEST,
      },
    ],
    [format.YAML, yaml],
    [format.MSGPACK, messagePack],
  ])

  return (engine) => {
    const { lua } = engine

    const formatAt = (thread: number, method: string): string => {
      if (lua.handleAt(thread, 1) !== HANDLE_PAYLOAD) {
        throw new LuaRaise(`bad argument #1 to '${method}' (payload expected)`)
      }
      lua.api.lua_getiuservalue(thread, 1, 2)
      const name = lua.readText(thread, -1)
      lua.api.lua_settop(thread, -2)
      if (name !== null) return name
      lua.api.lua_getiuservalue(thread, 1, 1)
      const isError = lua.objectAt(thread, -1) instanceof RuntimeError
      lua.api.lua_settop(thread, -2)
      return isError ? format.ERROR : format.LUA
    }

    const push = (thread: number, value: unknown): void => {
      const vm = engine.activeVm
      vm.lift()
      engine.marshal.push(vm, thread, value)
      vm.limit()
    }

    /** Pushes the content of the payload at 1 as a Lua value. */
    const pushValue = (thread: number, from: string): void => {
      lua.api.lua_getiuservalue(thread, 1, 1)
      const codec = codecs.get(from)
      if (codec === undefined || codec === bytes) return
      const content = lua.read(thread, -1) ?? ''
      lua.api.lua_settop(thread, -2)
      if (content.length > codec.longest) {
        throw moduleError(
          'LimitExceeded',
          `${from} of ${content.length} bytes exceeds ${codec.longest}: use its module`,
        )
      }
      push(thread, codec.decode(content))
    }

    /** The value at 2, unless it is too large to be written at once. */
    const readSome = (thread: number, exact: boolean): unknown => {
      try {
        return engine.marshal.readSome(thread, 2, exact, MOST_PARTS)
      } catch (error) {
        if (!(error instanceof Overdue)) throw error
        throw moduleError('LimitExceeded', `value of more than ${MOST_PARTS} parts: use a module to write it`)
      }
    }

    const answering = (thread: number, act: () => void): number => {
      try {
        act()
        return 1
      } catch (error) {
        if (error instanceof RuntimeError) return engine.fail(thread, error)
        throw error
      }
    }

    return {
      payload_format(thread) {
        push(thread, formatAt(thread, 'get_format'))
        return 1
      },

      payload_unmarshal: (thread) => answering(thread, () => pushValue(thread, formatAt(thread, 'unmarshal'))),

      payload_transcode: (thread) =>
        answering(thread, () => {
          const from = formatAt(thread, 'transcode')
          const to = lua.readText(thread, 2) ?? ''
          lua.api.lua_settop(thread, 1)
          if (from === to) return
          if (!codecs.has(to)) throw moduleError('Internal', `no way from ${from} to format "${to}"`)
          pushValue(thread, from)
          const codec = codecs.get(to)
          if (codec !== undefined) {
            const encoded = codec.encode((exact) => readSome(thread, exact))
            lua.api.lua_settop(thread, 1)
            push(thread, encoded)
          }
          lua.pushUserdata(thread, HANDLE_PAYLOAD, PAYLOAD_VALUES, KEY.payload)
          lua.api.lua_pushvalue(thread, 2)
          lua.api.lua_setiuservalue(thread, 3, 1)
          push(thread, to)
          lua.api.lua_setiuservalue(thread, 3, 2)
        }),
    }
  }
}
