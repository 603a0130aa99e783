// The `compress` module: gzip, deflate, zlib, brotli, zstd. Work is done off the thread; sizes are bounded.

import { promisify } from 'node:util'
import {
  brotliCompress,
  brotliDecompress,
  constants,
  deflate,
  deflateRaw,
  gunzip,
  gzip,
  inflate,
  inflateRaw,
} from 'node:zlib'
import { moduleError } from '../../core/error.ts'
import type { ValueMap } from '../../core/value.ts'
import { bytes, type Call, type LuaModule, list, type ModuleTable, number, optionalTable } from '../../lua/module.ts'
import { invalidData, tooLarge } from './failure.ts'
import { rawDictionary, Zstd } from './zstd.ts'

const DEFAULT_MAX_SIZE = 128 * 1024 * 1024
const LARGEST_MAX_SIZE = 1024 * 1024 * 1024
const MIN_DICTIONARY = 256
const MAX_DICTIONARY = 1024 * 1024
const DEFAULT_DICTIONARY = 112 * 1024

interface Format {
  readonly name: string
  readonly levels: readonly [number, number]
  readonly level: number
  encode(data: Uint8Array, level: number): Promise<Uint8Array>
  decode(data: Uint8Array, maxOutputLength: number): Promise<Uint8Array>
}

const formats: readonly Format[] = [
  {
    name: 'gzip',
    levels: [1, 9],
    level: 6,
    encode: (data, level) => promisify<Uint8Array, object, Buffer>(gzip)(data, { level }),
    decode: (data, maxOutputLength) => promisify<Uint8Array, object, Buffer>(gunzip)(data, { maxOutputLength }),
  },
  {
    name: 'deflate',
    levels: [1, 9],
    level: 6,
    encode: (data, level) => promisify<Uint8Array, object, Buffer>(deflateRaw)(data, { level }),
    decode: (data, maxOutputLength) => promisify<Uint8Array, object, Buffer>(inflateRaw)(data, { maxOutputLength }),
  },
  {
    name: 'zlib',
    levels: [1, 9],
    level: 6,
    encode: (data, level) => promisify<Uint8Array, object, Buffer>(deflate)(data, { level }),
    decode: (data, maxOutputLength) => promisify<Uint8Array, object, Buffer>(inflate)(data, { maxOutputLength }),
  },
  {
    name: 'brotli',
    levels: [0, 11],
    level: 6,
    encode: (data, level) =>
      promisify<Uint8Array, object, Buffer>(brotliCompress)(data, {
        params: { [constants.BROTLI_PARAM_QUALITY]: level, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
      }),
    decode: (data, maxOutputLength) =>
      promisify<Uint8Array, object, Buffer>(brotliDecompress)(data, { maxOutputLength }),
  },
]

/** A table of `encode(data, {level}?)` and `decode(data, {max_size}?)` per format; zstd also has dictionaries. */
export const compressModule: LuaModule = {
  name: 'compress',
  description: 'Compresses and decompresses data',
  traits: ['deterministic', 'encoding'],
  open: () => ({
    ...Object.fromEntries(formats.map((format) => [format.name, formatTable(format)])),
    zstd: zstdTable(new Zstd()),
  }),
}

function formatTable(format: Format): ModuleTable {
  return {
    async encode(_call: Call, data: unknown, optionsArgument: unknown) {
      const options = optionalTable(optionsArgument, 2, 'encode') ?? {}
      return format.encode(input(data, 'encode'), levelOf(options, format.levels, format.level))
    },
    async decode(_call: Call, data: unknown, optionsArgument: unknown) {
      const maxSize = maxSizeOf(optionalTable(optionsArgument, 2, 'decode') ?? {})
      try {
        return await format.decode(input(data, 'decode'), maxSize)
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error)) throw error
        throw error.code === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxSize) : invalidData(format.name)
      }
    },
  }
}

function zstdTable(zstd: Zstd): ModuleTable {
  return {
    async encode(_call: Call, data: unknown, optionsArgument: unknown) {
      const options = optionalTable(optionsArgument, 2, 'encode') ?? {}
      const level = levelOf(options, [1, 22], 3)
      return zstd.encode(input(data, 'encode'), { level, dictionary: dictionaryOf(options) })
    },
    async decode(_call: Call, data: unknown, optionsArgument: unknown) {
      const options = optionalTable(optionsArgument, 2, 'decode') ?? {}
      return zstd.decode(input(data, 'decode'), { maxSize: maxSizeOf(options), dictionary: dictionaryOf(options) })
    },
    train_dict(_call: Call, samplesArgument: unknown, optionsArgument: unknown) {
      const samples = list(samplesArgument, 1, 'train_dict').map((sample) => bytes(sample, 1, 'train_dict'))
      const options = optionalTable(optionsArgument, 2, 'train_dict') ?? {}
      const size = options['size'] ?? DEFAULT_DICTIONARY
      levelOf(options, [1, 22], 3)
      if ((options['id'] ?? 0) !== 0) throw moduleError('Invalid', 'dictionaries made here have no id but 0')
      if (!samples.some((sample) => sample.length >= 8))
        throw moduleError('Invalid', 'a sample of at least 8 bytes is required')
      const wanted = number(size, 2, 'train_dict')
      if (!Number.isInteger(wanted) || wanted < MIN_DICTIONARY || wanted > MAX_DICTIONARY) {
        throw moduleError('Invalid', `dictionary size ${wanted} is not between ${MIN_DICTIONARY} and ${MAX_DICTIONARY}`)
      }
      return rawDictionary(samples, wanted)
    },
    inspect_dict: (_call: Call, dictionary: unknown): ValueMap => inspected(input(dictionary, 'inspect_dict')),
  }
}

/** Trained dictionaries have a header with an id; raw ones are content alone. */
function inspected(dictionary: Uint8Array): ValueMap {
  const view = new DataView(dictionary.buffer, dictionary.byteOffset, dictionary.byteLength)
  const trained = dictionary.length >= 8 && view.getUint32(0, true) === 0xec30a437
  return { id: trained ? view.getUint32(4, true) : 0, content_size: dictionary.length }
}

function input(data: unknown, name: string): Uint8Array {
  const content = bytes(data, 1, name)
  if (content.length === 0) throw moduleError('Invalid', 'input is empty')
  return content
}

function levelOf(
  options: { [key: string]: unknown },
  [least, most]: readonly [number, number],
  fallback: number,
): number {
  const level = options['level'] ?? fallback
  const valid = typeof level === 'number' && Number.isInteger(level) && level >= least && level <= most
  if (!valid) throw moduleError('Invalid', `level ${String(level)} is not between ${least} and ${most}`)
  return level
}

function maxSizeOf(options: { [key: string]: unknown }): number {
  const size = options['max_size'] ?? DEFAULT_MAX_SIZE
  const valid = typeof size === 'number' && Number.isInteger(size) && size > 0 && size <= LARGEST_MAX_SIZE
  if (!valid) throw moduleError('Invalid', `max_size ${String(size)} is not between 1 and ${LARGEST_MAX_SIZE}`)
  return size
}

function dictionaryOf(options: { [key: string]: unknown }): Uint8Array | undefined {
  const dictionary = options['dict']
  return dictionary === undefined || dictionary === null ? undefined : bytes(dictionary, 2, 'dict')
}
