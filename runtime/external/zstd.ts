// The only importer of @bokuweb/zstd-wasm: Zstandard for versions of Node that have none. Loaded at first use; synchronous,
// so callers hand it pieces.

import type * as Zstd from '@bokuweb/zstd-wasm'

export interface ZstdCodec {
  compress(data: Uint8Array, level: number, dictionary: Uint8Array | undefined): Uint8Array
  /** One frame of known size. Throws when the data is not valid. */
  decompress(frame: Uint8Array, size: number, dictionary: Uint8Array | undefined): Uint8Array
}

// The package is one instance for the whole process. A second init answers at once and replaces its memory a moment later,
// under whatever runs then.
let ready: Promise<typeof Zstd> | undefined

async function load(): Promise<typeof Zstd> {
  const zstd: typeof Zstd = await import('@bokuweb/zstd-wasm')
  await zstd.init()
  return zstd
}

/** Loads the codec. */
export async function zstdCodec(): Promise<ZstdCodec> {
  ready ??= load()
  const zstd = await ready
  return {
    compress(data, level, dictionary) {
      if (dictionary === undefined) return zstd.compress(data, level)
      const context = zstd.createCCtx()
      try {
        return zstd.compressUsingDict(context, data, dictionary, level)
      } finally {
        zstd.freeCCtx(context)
      }
    },
    decompress(frame, size, dictionary) {
      const options = { defaultHeapSize: size }
      if (dictionary === undefined) return zstd.decompress(frame, options)
      const context = zstd.createDCtx()
      try {
        return zstd.decompressUsingDict(context, frame, dictionary, options)
      } finally {
        zstd.freeDCtx(context)
      }
    },
  }
}
