// The `yaml` module: YAML text to tables and back, as Go's yaml.v3 reads and writes it.

import { moduleError } from '../core/error.ts'
import type { Value } from '../core/value.ts'
import { decodeYaml, encodeYaml, YamlError } from '../external/yaml.ts'
import type { EncodeOptions } from '../external/yaml-encode.ts'
import { type LuaModule, list, luaTypeName, optionalTable, text } from '../lua/module.ts'
import { plainValue } from '../lua/plain.ts'

/** Far above any configuration file; a parser's work is bounded by it. */
const MAX_INPUT = 8 * 1024 * 1024

/** `encode(table, options?)` and `decode(text)`. */
export const yamlModule: LuaModule = {
  name: 'yaml',
  description: 'Encodes tables as YAML and decodes YAML documents',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    encode(_call, data, options) {
      if (luaTypeName(data) !== 'table') throw moduleError('Invalid', 'table expected')
      return encodeYaml(plainValue(data), encodeOptions(optionalTable(options, 2, 'encode')))
    },
    decode(_call, argument) {
      if (typeof argument !== 'string' && !(argument instanceof Uint8Array)) {
        throw moduleError('Invalid', 'string expected')
      }
      const source = text(argument, 1, 'decode')
      if (source === '') throw moduleError('Invalid', 'input cannot be empty')
      if (source.length > MAX_INPUT) {
        throw moduleError('LimitExceeded', `YAML of ${source.length} characters exceeds the limit of ${MAX_INPUT}`)
      }
      return decoded(source)
    },
  }),
}

function decoded(source: string): Value {
  try {
    return decodeYaml(source, { timestamps: 'seconds' })
  } catch (error) {
    if (!(error instanceof YamlError)) throw error
    throw moduleError('Internal', `decode failed: ${error.message}`, { cause: error })
  }
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
