// Zstandard: Node's own where it has it (off the thread), else the WASM codec in pieces, so that no call holds the thread long.

import { promisify } from 'node:util'
import { moduleError } from '../../core/error.ts'
import { type ZstdCodec, zstdCodec } from '../../external/zstd.ts'
import { invalidData, tooLarge } from './failure.ts'
import { zstdFrames } from './zstd-frame.ts'

export interface ZstdEncodeOptions {
  readonly level: number
  readonly dictionary: Uint8Array | undefined
}

export interface ZstdDecodeOptions {
  readonly maxSize: number
  readonly dictionary: Uint8Array | undefined
}

/** Bytes the WASM codec is given at once: a few milliseconds, at the highest levels tens. */
const PIECE = 128 * 1024
/** Largest frame the WASM codec decodes in one go. */
const LARGEST_FRAME = 32 * 1024 * 1024

interface NativeZstd {
  zstdCompress(data: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void): void
  zstdDecompress(data: Uint8Array, options: object, done: (error: Error | null, result: Buffer) => void): void
  readonly constants: Readonly<Record<string, number>>
}

/** Node 22.15 and later have it; the types of Node 20 do not know. */
function nativeZstd(): NativeZstd | undefined {
  const zlib = process.getBuiltinModule('node:zlib')
  return 'zstdCompress' in zlib ? (zlib as unknown as NativeZstd) : undefined
}

export class Zstd {
  #codec: Promise<ZstdCodec> | undefined

  async encode(data: Uint8Array, { level, dictionary }: ZstdEncodeOptions): Promise<Uint8Array> {
    const native = nativeZstd()
    if (native !== undefined && dictionary === undefined) {
      const params = { [native.constants['ZSTD_c_compressionLevel'] ?? 100]: level }
      return promisify(native.zstdCompress)(data, { params }) as Promise<Uint8Array>
    }
    const codec = await this.#load()
    const frames: Uint8Array[] = []
    for (let at = 0; at < data.length; at += PIECE) {
      frames.push(codec.compress(data.subarray(at, at + PIECE), level, dictionary))
      await nextTurn()
    }
    return frames.length === 1 ? (frames[0] as Uint8Array) : Buffer.concat(frames)
  }

  async decode(data: Uint8Array, { maxSize, dictionary }: ZstdDecodeOptions): Promise<Uint8Array> {
    const frames = zstdFrames(data)
    if (frames === undefined) throw invalidData('zstd')
    const declared = frames.reduce((total, { contentSize }) => total + (contentSize ?? 0n), 0n)
    if (declared > BigInt(maxSize)) throw tooLarge(maxSize)
    const native = nativeZstd()
    if (native !== undefined && dictionary === undefined) return decodeNative(native, data, maxSize)
    const codec = await this.#load()
    const pieces: Uint8Array[] = []
    let total = 0
    for (const { start, end, contentSize } of frames) {
      if (contentSize === 0n) continue
      const piece = decodeFrame(codec, data.subarray(start, end), contentSize, maxSize - total, dictionary)
      total += piece.length
      if (total > maxSize) throw tooLarge(maxSize)
      pieces.push(piece)
      await nextTurn()
    }
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces)
  }

  #load(): Promise<ZstdCodec> {
    this.#codec ??= zstdCodec()
    return this.#codec
  }
}

async function decodeNative(native: NativeZstd, data: Uint8Array, maxSize: number): Promise<Uint8Array> {
  try {
    const decompress = promisify(native.zstdDecompress)
    return (await decompress(data, { maxOutputLength: maxSize })) as Uint8Array
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxSize)
    throw invalidData('zstd')
  }
}

/** A frame that does not say its size is tried with growing room. */
function decodeFrame(
  codec: ZstdCodec,
  frame: Uint8Array,
  contentSize: bigint | undefined,
  maxSize: number,
  dictionary: Uint8Array | undefined,
): Uint8Array {
  const limit = Math.min(maxSize, LARGEST_FRAME)
  if (contentSize !== undefined && contentSize > BigInt(limit)) {
    throw moduleError(
      'LimitExceeded',
      `a zstd frame of ${contentSize} bytes exceeds ${limit}; larger ones need Node 22.15`,
    )
  }
  let room = contentSize === undefined ? Math.min(limit, Math.max(64 * 1024, frame.length * 8)) : Number(contentSize)
  for (;;) {
    try {
      return codec.decompress(frame, room, dictionary)
    } catch {
      // The codec does not tell "too small" from "not valid": more room settles it.
      if (contentSize !== undefined || room >= limit)
        throw contentSize === undefined && room >= limit ? tooLarge(limit) : invalidData('zstd')
      room = Math.min(limit, room * 4)
    }
  }
}

/**
 * A dictionary is text that data begins to resemble: the samples themselves, the last ones last, where references are
 * cheapest. Smaller than what the zstd tool trains, and any decoder can use it as raw content.
 */
export function rawDictionary(samples: readonly Uint8Array[], size: number): Uint8Array {
  const seen = new Set<string>()
  const kept: Uint8Array[] = []
  let room = size
  for (const sample of [...samples].reverse()) {
    const text = Buffer.from(sample).toString('latin1')
    if (seen.has(text) || room <= 0) continue
    seen.add(text)
    kept.unshift(sample.subarray(Math.max(0, sample.length - room)))
    room -= sample.length
  }
  return Buffer.concat(kept)
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
