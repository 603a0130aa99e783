// The `yaml` module: YAML text to tables and back, as Go's yaml.v3 reads and writes it.

import { moduleError, RuntimeError } from '../core/error.ts'
import { isMap, type Value } from '../core/value.ts'
import { type DecodeOptions, decodeYaml, encodeYaml } from '../external/yaml.ts'
import type { EncodeOptions } from '../external/yaml-encode.ts'
import { type LuaModule, list, luaTypeName, optionalTable, text } from '../lua/module.ts'
import { plainValue } from '../lua/plain.ts'
import type { Offload } from '../offload/offload.ts'

export interface YamlDeps {
  readonly offload: Offload
}

/** Far above any configuration file; the work of a call is bounded by it. */
const MAX_INPUT = 1024 * 1024
/** A parser needs about a microsecond per character: longer texts go to another thread. */
const INLINE = 8 * 1024
/** Parts of a table that are written on this thread. */
const INLINE_PARTS = 2_000
/** What a document of the size above may have: the work of a call is bounded by it. */
const MAX_PARTS = 100_000

/** `encode(table, options?)` and `decode(text)`. */
export const yamlModule = ({ offload }: YamlDeps): LuaModule => ({
  name: 'yaml',
  description: 'Encodes tables as YAML and decodes YAML documents',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    encode(call, data, options) {
      if (luaTypeName(data) !== 'table') throw moduleError('Invalid', 'table expected')
      if (!hasRoom(data, MAX_PARTS)) {
        throw moduleError('LimitExceeded', `table exceeds the limit of ${MAX_PARTS} parts`)
      }
      const value = plainValue(data)
      const settings = encodeOptions(optionalTable(options, 2, 'encode'))
      return hasRoom(value, INLINE_PARTS)
        ? encodeYaml(value, settings)
        : offload.run(call, 'yaml.encode', value, settings)
    },
    decode(call, argument) {
      if (typeof argument !== 'string' && !(argument instanceof Uint8Array)) {
        throw moduleError('Invalid', 'string expected')
      }
      const source = text(argument, 1, 'decode')
      if (source === '') throw moduleError('Invalid', 'input cannot be empty')
      if (source.length > MAX_INPUT) {
        throw moduleError('LimitExceeded', `YAML of ${source.length} characters exceeds the limit of ${MAX_INPUT}`)
      }
      return source.length <= INLINE
        ? decoded(source)
        : offload.run(call, 'yaml.decode', source, seconds).catch(decodeFailure)
    },
  }),
})

const seconds: DecodeOptions = { timestamps: 'seconds' }

function decoded(source: string): Value {
  try {
    return decodeYaml(source, seconds)
  } catch (error) {
    return decodeFailure(error)
  }
}

function decodeFailure(error: unknown): never {
  if (!(error instanceof RuntimeError) || error.kind !== 'Invalid') throw error
  throw moduleError('Internal', `decode failed: ${error.message}`, { cause: error })
}

/** Whether a value has no more than so many parts; some text counts as one. */
function hasRoom(value: unknown, parts: number): boolean {
  let room = parts
  const visit = (part: unknown): boolean => {
    room -= 1 + (typeof part === 'string' ? part.length / 64 : 0)
    if (room < 0) return false
    if (Array.isArray(part)) return part.every(visit)
    return luaTypeName(part) !== 'table' || !isMap(part) || Object.keys(part).every((key) => visit(part[key]))
  }
  return visit(value)
}

/** Without options as Go does it: four spaces, sorted. With options two spaces, sorted only where asked. */
function encodeOptions(options: { [key: string]: unknown } | undefined): EncodeOptions {
  if (options === undefined) return {}
  const order = options['field_order']
  return {
    indent: 2,
    fieldOrder: order === undefined || order === null ? [] : list(order, 2, 'encode').map(String),
    sort: options['sort_unordered'] === true,
  }
}
