// The archive formats: how each is recognised, read and written.

import { createGunzip, createGzip } from 'node:zlib'
import { moduleError } from '../../core/error.ts'
import { type Allowance, type ArchiveEntry, type ByteReader, corrupt, overLimit, type RandomSource } from './entry.ts'
import { PieceReader, piecesOf, spooled } from './sources.ts'
import { StreamCursor, TarReader, tarEntries } from './tar-reader.ts'
import { type ArchiveWriter, type Sink, TarWriter, ZipWriter } from './writers.ts'
import { ZipReader } from './zip-reader.ts'

export const formatNames = ['zip', 'tar', 'tar.gz', 'tar.zst'] as const
export type Format = (typeof formatNames)[number]

/** Entries that can be read in any order. */
export interface RandomArchive {
  readonly entries: ReadonlyMap<string, ArchiveEntry>
  content(entry: ArchiveEntry): AsyncGenerator<Uint8Array>
}

/** Entries in archive order; a content may be read until the next entry is asked for. */
export type Walk = AsyncGenerator<{ readonly entry: ArchiveEntry; readonly content: () => AsyncGenerator<Uint8Array> }>

/** Whole-buffer Zstandard, from the compress feature. */
export interface ZstdBuffers {
  encode(data: Uint8Array): Promise<Uint8Array>
  decode(data: Uint8Array, maxSize: number): Promise<Uint8Array>
}

/** zstd archives are decoded as a whole: more than this is refused. */
const MAX_ZSTD = 128 * 1024 * 1024
const ZSTD_PIECE = 128 * 1024

/** By its first bytes, else by the end of its name. Throws Invalid when neither tells. */
export function detectFormat(head: Uint8Array, name: string): Format {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, index) => head[index] === byte)
  if (starts(0x50, 0x4b, 3, 4) || starts(0x50, 0x4b, 5, 6)) return 'zip'
  if (starts(0x1f, 0x8b)) return 'tar.gz'
  if (starts(0x28, 0xb5, 0x2f, 0xfd)) return 'tar.zst'
  if (Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar') return 'tar'
  return formatOfName(name)
}

export function formatOfName(name: string): Format {
  const ending = [...formatNames, 'tgz']
    .filter((format) => name.toLowerCase().endsWith(`.${format}`))
    .sort((a, b) => b.length - a.length)[0]
  if (ending === undefined) throw moduleError('Invalid', `unknown archive format${name === '' ? '' : `: ${name}`}`)
  return ending === 'tgz' ? 'tar.gz' : (ending as Format) // the list holds formats and tgz
}

/** Throws Unavailable for formats that can only be read front to back. */
export async function openArchive(format: Format, source: RandomSource, allowance: Allowance): Promise<RandomArchive> {
  if (format === 'zip') return ZipReader.open(source, allowance)
  if (format === 'tar') return TarReader.open(source, allowance)
  throw moduleError('Unavailable', `format ${format} has no random access: use archive.scan`)
}

export async function* walkArchive(format: Format, reader: ByteReader, allowance: Allowance, zstd: ZstdBuffers): Walk {
  if (format === 'zip') {
    // ZIP keeps its directory at the end: a stream is put aside first.
    const source = await spooled(reader, allowance.limits.maxTotalBytes)
    try {
      const zip = await ZipReader.open(source, allowance)
      for (const entry of zip.entries.values()) yield { entry, content: () => zip.content(entry) }
    } finally {
      await source.close()
    }
    return
  }
  const plain =
    format === 'tar'
      ? reader
      : new PieceReader(format === 'tar.gz' ? gunzipped(reader) : unzstd(reader, allowance, zstd))
  const cursor = new StreamCursor(plain)
  for await (const entry of tarEntries(cursor, allowance))
    yield { entry, content: () => fromCursor(cursor, entry, allowance) }
}

/** A writer and what ends it: the compression around it is flushed. */
export function archiveWriter(
  format: Format,
  sink: Sink,
  zstd: ZstdBuffers,
): { writer: ArchiveWriter; finish: () => Promise<void> } {
  if (format === 'zip') {
    const writer = new ZipWriter(sink)
    return { writer, finish: () => writer.finish() }
  }
  const outer =
    format === 'tar'
      ? { sink, end: async () => undefined }
      : format === 'tar.gz'
        ? gzipSink(sink)
        : zstdSink(sink, zstd)
  const writer = new TarWriter(outer.sink)
  return {
    writer,
    async finish() {
      await writer.finish()
      await outer.end()
    },
  }
}

async function* fromCursor(
  cursor: StreamCursor,
  entry: ArchiveEntry,
  allowance: Allowance,
): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < entry.size; ) {
    const piece = await cursor.some(entry.size - done)
    if (piece === undefined) throw corrupt(`entry ${entry.name} ends early`)
    allowance.take(entry.name, done, piece.length)
    done += piece.length
    yield piece
  }
}

async function* gunzipped(reader: ByteReader): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  const fed = (async () => {
    for await (const piece of piecesOf(reader)) {
      if (gunzip.destroyed) return
      if (!gunzip.write(piece))
        await new Promise<void>((resolve) => gunzip.once('drain', resolve).once('close', resolve))
    }
    gunzip.end()
  })().catch((error: unknown) => gunzip.destroy(error instanceof Error ? error : new Error(String(error))))
  try {
    for await (const piece of gunzip) yield piece as Uint8Array
    await fed
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^Z_/.test(String(error.code)))
      throw corrupt('gzip data cannot be decompressed')
    throw error
  } finally {
    gunzip.destroy()
  }
}

async function* unzstd(reader: ByteReader, allowance: Allowance, zstd: ZstdBuffers): AsyncGenerator<Uint8Array> {
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of piecesOf(reader)) {
    size += piece.length
    if (size > MAX_ZSTD) throw overLimit('zstd archive', 'the size that can be read', MAX_ZSTD)
    pieces.push(piece)
  }
  yield await zstd.decode(
    Buffer.concat(pieces),
    Math.min(MAX_ZSTD, allowance.limits.maxTotalBytes + allowance.limits.maxEntries * 2048),
  )
}

function gzipSink(sink: Sink): { sink: Sink; end: () => Promise<void> } {
  const gzip = createGzip()
  const drained = (async () => {
    for await (const piece of gzip) await sink(piece as Uint8Array)
  })()
  // Somebody waits for it at the end only; until then a failure is no stray rejection.
  drained.catch((error: unknown) => gzip.destroy(error instanceof Error ? error : undefined))
  return {
    async sink(bytes) {
      if (!gzip.write(bytes)) await Promise.race([new Promise<void>((resolve) => gzip.once('drain', resolve)), drained])
    },
    async end() {
      gzip.end()
      await drained
    },
  }
}

/** Frames one after the other are one archive to every reader. */
function zstdSink(sink: Sink, zstd: ZstdBuffers): { sink: Sink; end: () => Promise<void> } {
  let pending: Uint8Array[] = []
  let size = 0
  const flush = async (): Promise<void> => {
    if (size > 0) await sink(await zstd.encode(Buffer.concat(pending)))
    pending = []
    size = 0
  }
  return {
    async sink(bytes) {
      pending.push(bytes)
      size += bytes.length
      if (size >= ZSTD_PIECE) await flush()
    },
    end: flush,
  }
}
