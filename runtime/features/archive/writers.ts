// Writes ZIP and TAR archives front to back, so that any sink will do.

import { crc32, createDeflateRaw } from 'node:zlib'
import { padding, TAR_BLOCK, writeHeader } from './tar.ts'

/** Takes bytes in order; resolves when there is room for more. */
export type Sink = (bytes: Uint8Array) => Promise<void>

export interface NewEntry {
  readonly name: string
  readonly mode: number
  readonly modified: number
  readonly store: boolean
}

export interface ArchiveWriter {
  /** `size` is known for formats that must say it first. */
  addFile(entry: NewEntry, content: AsyncIterable<Uint8Array>, size: number): Promise<void>
  addDirectory(entry: NewEntry): Promise<void>
  finish(): Promise<void>
}

interface Written {
  readonly name: Buffer
  readonly entry: NewEntry
  readonly isDir: boolean
  readonly crc: number
  readonly size: number
  readonly compressed: number
  readonly at: number
}

const WIDE = 0xffffffff

export class ZipWriter implements ArchiveWriter {
  readonly #sink: Sink
  readonly #written: Written[] = []
  #position = 0

  constructor(sink: Sink) {
    this.#sink = sink
  }

  async addFile(entry: NewEntry, content: AsyncIterable<Uint8Array>): Promise<void> {
    const at = this.#position
    const name = Buffer.from(entry.name)
    await this.#put(localHeader(name, entry, true))
    const start = this.#position
    let size = 0
    let crc = 0
    const counted = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of content) {
        size += piece.length
        crc = crc32(piece, crc)
        yield piece
      }
    }
    for await (const piece of entry.store ? counted() : deflated(counted())) await this.#put(piece)
    const compressed = this.#position - start
    await this.#put(dataDescriptor(crc, compressed, size))
    this.#written.push({ name, entry, isDir: false, crc, size, compressed, at })
  }

  async addDirectory(entry: NewEntry): Promise<void> {
    const at = this.#position
    const name = Buffer.from(entry.name.endsWith('/') ? entry.name : `${entry.name}/`)
    await this.#put(localHeader(name, { ...entry, store: true }, false))
    this.#written.push({ name, entry: { ...entry, store: true }, isDir: true, crc: 0, size: 0, compressed: 0, at })
  }

  async finish(): Promise<void> {
    const start = this.#position
    for (const written of this.#written) await this.#put(directoryHeader(written))
    const size = this.#position - start
    if (this.#written.length >= 0xffff || size >= WIDE || start >= WIDE)
      await this.#put(wideEnd(this.#written.length, size, start, this.#position))
    const end = Buffer.alloc(22)
    end.writeUInt32LE(0x06054b50, 0)
    end.writeUInt16LE(Math.min(this.#written.length, 0xffff), 8)
    end.writeUInt16LE(Math.min(this.#written.length, 0xffff), 10)
    end.writeUInt32LE(Math.min(size, WIDE), 12)
    end.writeUInt32LE(Math.min(start, WIDE), 16)
    await this.#put(end)
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#position += bytes.length
    await this.#sink(bytes)
  }
}

export class TarWriter implements ArchiveWriter {
  readonly #sink: Sink

  constructor(sink: Sink) {
    this.#sink = sink
  }

  async addFile(entry: NewEntry, content: AsyncIterable<Uint8Array>, size: number): Promise<void> {
    await this.#sink(writeHeader({ ...entry, size, isDir: false }))
    let written = 0
    for await (const piece of content) {
      written += piece.length
      await this.#sink(piece)
    }
    if (written !== size) throw new Error(`entry ${entry.name}: ${written} bytes came instead of ${size}`)
    await this.#sink(padding(size))
  }

  async addDirectory(entry: NewEntry): Promise<void> {
    const name = entry.name.endsWith('/') ? entry.name : `${entry.name}/`
    await this.#sink(writeHeader({ ...entry, name, size: 0, isDir: true }))
  }

  async finish(): Promise<void> {
    await this.#sink(new Uint8Array(TAR_BLOCK * 2))
  }
}

async function* deflated(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const deflate = createDeflateRaw()
  const fed = (async () => {
    for await (const piece of content) {
      if (!deflate.write(piece)) await new Promise<void>((resolve) => deflate.once('drain', resolve))
    }
    deflate.end()
  })().catch((error: unknown) => deflate.destroy(error instanceof Error ? error : new Error(String(error))))
  for await (const piece of deflate) yield piece as Uint8Array
  await fed
}

/** Sizes follow the content (flag 8), names are UTF-8 (flag 0x800). */
function localHeader(name: Buffer, entry: NewEntry, streamed: boolean): Uint8Array {
  const header = Buffer.alloc(30)
  header.writeUInt32LE(0x04034b50, 0)
  header.writeUInt16LE(streamed ? 45 : 20, 4)
  header.writeUInt16LE(streamed ? 0x808 : 0x800, 6)
  header.writeUInt16LE(entry.store ? 0 : 8, 8)
  const { time, date } = dosTime(entry.modified)
  header.writeUInt16LE(time, 10)
  header.writeUInt16LE(date, 12)
  header.writeUInt16LE(name.length, 26)
  return Buffer.concat([header, name])
}

function dataDescriptor(crc: number, compressed: number, size: number): Uint8Array {
  const wide = compressed >= WIDE || size >= WIDE
  const block = Buffer.alloc(wide ? 24 : 16)
  block.writeUInt32LE(0x08074b50, 0)
  block.writeUInt32LE(crc, 4)
  if (wide) {
    block.writeBigUInt64LE(BigInt(compressed), 8)
    block.writeBigUInt64LE(BigInt(size), 16)
  } else {
    block.writeUInt32LE(compressed, 8)
    block.writeUInt32LE(size, 12)
  }
  return block
}

function directoryHeader({ name, entry, isDir, crc, size, compressed, at }: Written): Uint8Array {
  const header = Buffer.alloc(46)
  header.writeUInt32LE(0x02014b50, 0)
  // Made on Unix: the upper half of the attributes is the mode.
  header.writeUInt16LE((3 << 8) | 45, 4)
  header.writeUInt16LE(45, 6)
  header.writeUInt16LE(isDir ? 0x800 : 0x808, 8)
  header.writeUInt16LE(entry.store ? 0 : 8, 10)
  const { time, date } = dosTime(entry.modified)
  header.writeUInt16LE(time, 12)
  header.writeUInt16LE(date, 14)
  header.writeUInt32LE(crc, 16)
  const wide = [size, compressed, at].filter((value) => value >= WIDE)
  header.writeUInt32LE(Math.min(compressed, WIDE), 20)
  header.writeUInt32LE(Math.min(size, WIDE), 24)
  header.writeUInt16LE(name.length, 28)
  header.writeUInt16LE(wide.length === 0 ? 0 : 4 + wide.length * 8, 30)
  header.writeUInt16LE(isDir ? 0x10 : 0, 38)
  header.writeUInt16LE((isDir ? 0o040000 : 0o100000) | (entry.mode & 0o7777), 40)
  header.writeUInt32LE(Math.min(at, WIDE), 42)
  if (wide.length === 0) return Buffer.concat([header, name])
  const extra = Buffer.alloc(4 + wide.length * 8)
  extra.writeUInt16LE(1, 0)
  extra.writeUInt16LE(wide.length * 8, 2)
  for (const [index, value] of wide.entries()) extra.writeBigUInt64LE(BigInt(value), 4 + index * 8)
  return Buffer.concat([header, name, extra])
}

function wideEnd(count: number, size: number, start: number, at: number): Uint8Array {
  const end = Buffer.alloc(56 + 20)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(44n, 4)
  end.writeUInt16LE((3 << 8) | 45, 12)
  end.writeUInt16LE(45, 14)
  end.writeBigUInt64LE(BigInt(count), 24)
  end.writeBigUInt64LE(BigInt(count), 32)
  end.writeBigUInt64LE(BigInt(size), 40)
  end.writeBigUInt64LE(BigInt(start), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(at), 64)
  end.writeUInt32LE(1, 72)
  return end
}

function dosTime(modified: number): { time: number; date: number } {
  const when = new Date(Math.max(modified, 315_532_800) * 1000)
  return {
    time: (when.getUTCHours() << 11) | (when.getUTCMinutes() << 5) | (when.getUTCSeconds() >> 1),
    date: ((Math.min(when.getUTCFullYear(), 2107) - 1980) << 9) | ((when.getUTCMonth() + 1) << 5) | when.getUTCDate(),
  }
}
