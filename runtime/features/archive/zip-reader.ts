// Reads ZIP archives at random: the central directory first, entries when they are asked for. ZIP64 included.

import { crc32, createInflateRaw } from 'node:zlib'
import { moduleError } from '../../core/error.ts'
import { type Allowance, type ArchiveEntry, corrupt, type RandomSource } from './entry.ts'

interface ZipEntry extends ArchiveEntry {
  readonly headerAt: number
  readonly encrypted: boolean
  readonly rawMethod: number
}

const PIECE = 64 * 1024
const END_SIZE = 22
const MAX_COMMENT = 65_535

export class ZipReader {
  readonly entries: ReadonlyMap<string, ZipEntry>
  readonly #source: RandomSource
  readonly #allowance: Allowance

  private constructor(source: RandomSource, entries: ReadonlyMap<string, ZipEntry>, allowance: Allowance) {
    this.#source = source
    this.entries = entries
    this.#allowance = allowance
  }

  /** Throws Invalid for what is no ZIP archive. */
  static async open(source: RandomSource, allowance: Allowance): Promise<ZipReader> {
    const { offset, size, count } = await findDirectory(source)
    allowance.count(count)
    if (size > source.size || offset + size > source.size) throw corrupt('the directory lies beyond the end')
    const directory = await source.read(offset, size)
    return new ZipReader(source, readDirectory(directory, allowance), allowance)
  }

  /** The content of an entry, piece by piece, checked against its checksum. */
  async *content(entry: ArchiveEntry): AsyncGenerator<Uint8Array> {
    const found = this.entries.get(entry.name)
    if (found === undefined) throw moduleError('NotFound', `entry not found: ${entry.name}`)
    if (found.encrypted) throw moduleError('Invalid', `entry ${entry.name} is encrypted`)
    if (found.rawMethod !== 0 && found.rawMethod !== 8)
      throw moduleError('Invalid', `entry ${entry.name}: compression method ${found.rawMethod} is not supported`)
    let taken = 0
    let sum = 0
    for await (const piece of found.rawMethod === 8 ? inflated(this.#raw(found), entry.name) : this.#raw(found)) {
      this.#allowance.take(entry.name, taken, piece.length)
      taken += piece.length
      sum = crc32(piece, sum)
      yield piece
    }
    if (taken !== found.size || sum !== found.crc32) throw corrupt(`entry ${entry.name} does not match its checksum`)
  }

  async *#raw(entry: ZipEntry): AsyncGenerator<Uint8Array> {
    const header = await this.#source.read(entry.headerAt, 30)
    if (header.length < 30 || view(header).getUint32(0, true) !== 0x04034b50)
      throw corrupt(`entry ${entry.name} has no header`)
    const start = entry.headerAt + 30 + view(header).getUint16(26, true) + view(header).getUint16(28, true)
    for (let done = 0; done < entry.compressedSize; ) {
      const piece = await this.#source.read(start + done, Math.min(PIECE, entry.compressedSize - done))
      if (piece.length === 0) throw corrupt(`entry ${entry.name} ends early`)
      done += piece.length
      yield piece
    }
  }
}

async function* inflated(raw: AsyncGenerator<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const inflate = createInflateRaw()
  const fed = feed(raw, inflate).catch((error: unknown) => inflate.destroy(error instanceof Error ? error : undefined))
  try {
    for await (const piece of inflate) yield piece as Uint8Array
    await fed
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_'))
      throw corrupt(`entry ${name} cannot be decompressed`)
    throw error
  } finally {
    inflate.destroy()
  }
}

async function feed(raw: AsyncGenerator<Uint8Array>, inflate: NodeJS.WritableStream): Promise<void> {
  for await (const piece of raw) {
    if (!inflate.write(piece)) {
      await new Promise<void>((resolve) => {
        inflate.once('drain', resolve)
        inflate.once('close', resolve)
      })
    }
  }
  inflate.end()
}

async function findDirectory(source: RandomSource): Promise<{ offset: number; size: number; count: number }> {
  const tailSize = Math.min(source.size, END_SIZE + MAX_COMMENT + 20)
  const tail = await source.read(source.size - tailSize, tailSize)
  const bytes = view(tail)
  for (let at = tail.length - END_SIZE; at >= 0; at--) {
    if (bytes.getUint32(at, true) !== 0x06054b50 || at + END_SIZE + bytes.getUint16(at + 20, true) !== tail.length)
      continue
    const [count, size, offset] = [
      bytes.getUint16(at + 10, true),
      bytes.getUint32(at + 12, true),
      bytes.getUint32(at + 16, true),
    ]
    const large = count === 0xffff || size === 0xffffffff || offset === 0xffffffff
    if (!large || at < 20 || bytes.getUint32(at - 20, true) !== 0x07064b50) return { count, size, offset }
    return findDirectory64(source, toNumber(bytes.getBigUint64(at - 12, true)))
  }
  throw corrupt('no ZIP directory found')
}

async function findDirectory64(
  source: RandomSource,
  at: number,
): Promise<{ offset: number; size: number; count: number }> {
  const end = await source.read(at, 56)
  if (end.length < 56 || view(end).getUint32(0, true) !== 0x06064b50) throw corrupt('no ZIP64 directory found')
  const [count, size, offset] = [32, 40, 48].map((field) => toNumber(view(end).getBigUint64(field, true)))
  return { count: count ?? 0, size: size ?? 0, offset: offset ?? 0 }
}

function readDirectory(directory: Uint8Array, allowance: Allowance): Map<string, ZipEntry> {
  const entries = new Map<string, ZipEntry>()
  const bytes = view(directory)
  let at = 0
  while (at + 46 <= directory.length && bytes.getUint32(at, true) === 0x02014b50) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => bytes.getUint16(at + field, true)) as [
      number,
      number,
      number,
    ]
    const next = at + 46 + nameLength + extraLength + commentLength
    if (next > directory.length) throw corrupt('the directory is cut off')
    const entry = directoryEntry(bytes, directory, at, nameLength, extraLength)
    entries.set(entry.name, entry)
    allowance.count(entries.size)
    at = next
  }
  if (at !== directory.length) throw corrupt('the directory has a broken entry')
  return entries
}

function directoryEntry(
  bytes: DataView,
  directory: Uint8Array,
  at: number,
  nameLength: number,
  extraLength: number,
): ZipEntry {
  const flags = bytes.getUint16(at + 8, true)
  const rawName = Buffer.from(directory.subarray(at + 46, at + 46 + nameLength))
  const name = rawName.toString((flags & 0x800) !== 0 || isUtf8(rawName) ? 'utf8' : 'latin1')
  const rawMethod = bytes.getUint16(at + 10, true)
  const sizes = wideSizes(bytes, at, at + 46 + nameLength, extraLength)
  const unixMode = bytes.getUint16(at + 40, true)
  const isDir = name.endsWith('/')
  return {
    name,
    ...sizes,
    isDir,
    mode: unixMode & 0o7777 || (isDir ? 0o755 : 0o644),
    modified: dosTime(bytes.getUint16(at + 12, true), bytes.getUint16(at + 14, true)),
    method: rawMethod === 0 ? 'store' : 'deflate',
    rawMethod,
    crc32: bytes.getUint32(at + 16, true),
    encrypted: (flags & 1) !== 0,
  }
}

/** Sizes and offset, from the ZIP64 field where the plain one says so. */
function wideSizes(
  bytes: DataView,
  at: number,
  extraAt: number,
  extraLength: number,
): { size: number; compressedSize: number; headerAt: number } {
  const values = [bytes.getUint32(at + 24, true), bytes.getUint32(at + 20, true), bytes.getUint32(at + 42, true)]
  const end = extraAt + extraLength
  for (let field = extraAt; field + 4 <= end; field += 4 + bytes.getUint16(field + 2, true)) {
    if (bytes.getUint16(field, true) !== 1) continue
    let wide = field + 4
    for (const [index, value] of values.entries()) {
      if (value !== 0xffffffff || wide + 8 > end) continue
      values[index] = toNumber(bytes.getBigUint64(wide, true))
      wide += 8
    }
  }
  return { size: values[0] ?? 0, compressedSize: values[1] ?? 0, headerAt: values[2] ?? 0 }
}

function dosTime(time: number, date: number): number {
  return (
    Date.UTC(1980 + (date >> 9), ((date >> 5) & 15) - 1, date & 31, time >> 11, (time >> 5) & 63, (time & 31) * 2) /
    1000
  )
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes)
}

function toNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt('a size is beyond reason')
  return Number(value)
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
