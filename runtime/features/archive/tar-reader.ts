// Reads TAR archives: at random from a file whose headers were read first, or one entry after the other from a stream.

import { moduleError } from '../../core/error.ts'
import { type Allowance, type ArchiveEntry, type ByteReader, corrupt, type RandomSource } from './entry.ts'
import { readHeader, readPax, TAR_BLOCK, type TarExtension } from './tar.ts'

const PIECE = 64 * 1024
const MAX_EXTENSION = 1024 * 1024

export class TarReader {
  readonly entries: ReadonlyMap<string, ArchiveEntry>
  readonly #places: ReadonlyMap<string, number>
  readonly #source: RandomSource
  readonly #allowance: Allowance

  private constructor(
    source: RandomSource,
    entries: ReadonlyMap<string, ArchiveEntry>,
    places: ReadonlyMap<string, number>,
    allowance: Allowance,
  ) {
    this.#source = source
    this.entries = entries
    this.#places = places
    this.#allowance = allowance
  }

  /** Reads all headers; contents are skipped. Throws Invalid for what is no TAR archive. */
  static async open(source: RandomSource, allowance: Allowance): Promise<TarReader> {
    const entries = new Map<string, ArchiveEntry>()
    const places = new Map<string, number>()
    const cursor = new SourceCursor(source)
    for await (const entry of tarEntries(cursor, allowance)) {
      if (cursor.position + entry.size > source.size) throw corrupt(`entry ${entry.name} ends early`)
      entries.set(entry.name, entry)
      places.set(entry.name, cursor.position)
    }
    return new TarReader(source, entries, places, allowance)
  }

  async *content(entry: ArchiveEntry): AsyncGenerator<Uint8Array> {
    const start = this.#places.get(entry.name)
    if (start === undefined) throw moduleError('NotFound', `entry not found: ${entry.name}`)
    for (let done = 0; done < entry.size; ) {
      const piece = await this.#source.read(start + done, Math.min(PIECE, entry.size - done))
      if (piece.length === 0) throw corrupt(`entry ${entry.name} ends early`)
      this.#allowance.take(entry.name, done, piece.length)
      done += piece.length
      yield piece
    }
  }
}

/** What headers are read from: exact amounts, and skipping. */
export interface TarCursor {
  /** Exactly `length` bytes, or none at the end. Throws Invalid in between. */
  exactly(length: number): Promise<Uint8Array | undefined>
  skip(length: number): Promise<void>
}

/** The entries in order. The consumer may read an entry's content from the cursor before it asks for the next. */
export async function* tarEntries(
  cursor: TarCursor & { readonly position: number },
  allowance: Allowance,
): AsyncGenerator<ArchiveEntry> {
  let extension: TarExtension = {}
  for (let count = 1; ; count++) {
    const block = await cursor.exactly(TAR_BLOCK)
    if (block === undefined) return
    const record = readHeader(block, extension)
    if (record.kind === 'end') return
    if (record.kind === 'name' || record.kind === 'pax') {
      if (record.size > MAX_EXTENSION) throw corrupt('a tar extension is too large')
      const content = ((await cursor.exactly(record.padded)) ?? new Uint8Array(0)).subarray(0, record.size)
      const found =
        record.kind === 'pax' ? readPax(content) : { name: Buffer.from(content).toString('utf8').replace(/\0+$/, '') }
      extension = { ...extension, ...found }
      continue
    }
    extension = {}
    if (record.kind === 'skip') {
      await cursor.skip(record.padded)
      continue
    }
    allowance.count(count)
    const next = cursor.position + record.padded
    yield record.entry
    await cursor.skip(next - cursor.position)
  }
}

class SourceCursor implements TarCursor {
  readonly #source: RandomSource
  position = 0

  constructor(source: RandomSource) {
    this.#source = source
  }

  async exactly(length: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#source.read(this.position, length)
    if (bytes.length === 0) return undefined
    if (bytes.length < length) throw corrupt('the archive is cut off')
    this.position += length
    return bytes
  }

  async skip(length: number): Promise<void> {
    this.position += length
  }
}

/** A cursor over a stream; contents not read are read and dropped. */
export class StreamCursor implements TarCursor {
  readonly #reader: ByteReader
  #rest: Uint8Array = new Uint8Array(0)
  position = 0

  constructor(reader: ByteReader) {
    this.#reader = reader
  }

  /** Up to `length` bytes; undefined at the end. */
  async some(length: number): Promise<Uint8Array | undefined> {
    if (this.#rest.length === 0) {
      const piece = await this.#reader.read(PIECE)
      if (piece === undefined) return undefined
      this.#rest = piece
    }
    const part = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(part.length)
    this.position += part.length
    return part
  }

  async exactly(length: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = []
    let have = 0
    while (have < length) {
      const part = await this.some(length - have)
      if (part === undefined) break
      parts.push(part)
      have += part.length
    }
    if (have === 0 && length > 0) return undefined
    if (have < length) throw corrupt('the archive is cut off')
    return Buffer.concat(parts)
  }

  async skip(length: number): Promise<void> {
    for (let left = length; left > 0; ) {
      const part = await this.some(left)
      if (part === undefined) throw corrupt('the archive is cut off')
      left -= part.length
    }
  }
}
