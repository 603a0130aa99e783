// TAR: headers of ustar, GNU long names and pax records, read one after the other; ustar with pax for what does not fit, written.

import { type ArchiveEntry, corrupt } from './entry.ts'

export const TAR_BLOCK = 512

/** A header, or what extends the next one. */
export type TarRecord =
  | { readonly kind: 'entry'; readonly entry: ArchiveEntry; readonly padded: number }
  | { readonly kind: 'name'; readonly size: number; readonly padded: number }
  | { readonly kind: 'pax'; readonly size: number; readonly padded: number }
  | { readonly kind: 'skip'; readonly padded: number }
  | { readonly kind: 'end' }

export interface TarExtension {
  readonly name?: string
  readonly size?: number
  readonly modified?: number
}

/** Reads a header block. Throws Invalid when its checksum does not fit. */
export function readHeader(block: Uint8Array, extension: TarExtension): TarRecord {
  if (block.every((byte) => byte === 0)) return { kind: 'end' }
  const text = (at: number, length: number): string => {
    const field = Buffer.from(block.subarray(at, at + length))
    const end = field.indexOf(0)
    return field.subarray(0, end < 0 ? length : end).toString('utf8')
  }
  if (checksum(block) !== octal(block, 148, 8)) throw corrupt('a tar header does not match its checksum')
  const type = String.fromCharCode(block[156] ?? 0)
  const size = extension.size ?? octal(block, 124, 12)
  const padded = Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
  if (type === 'L') return { kind: 'name', size, padded }
  if (type === 'x') return { kind: 'pax', size, padded }
  const isDir = type === '5'
  if (!isDir && type !== '0' && type !== '\0' && type !== '7')
    return { kind: 'skip', padded: type === 'g' ? padded : 0 }
  const prefix = text(257, 5) === 'ustar' ? text(345, 155) : ''
  const name = extension.name ?? (prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`)
  const entry: ArchiveEntry = {
    name: isDir && !name.endsWith('/') ? `${name}/` : name,
    size: isDir ? 0 : size,
    compressedSize: isDir ? 0 : size,
    isDir,
    mode: octal(block, 100, 8) & 0o7777,
    modified: Math.floor(extension.modified ?? octal(block, 136, 12)),
    method: 'store',
    crc32: 0,
  }
  return { kind: 'entry', entry, padded: isDir ? 0 : padded }
}

/** The records of a pax block that matter here. */
export function readPax(content: Uint8Array): TarExtension {
  const text = Buffer.from(content)
  const found: Record<string, string> = {}
  let at = 0
  while (at < text.length) {
    const space = text.indexOf(0x20, at)
    const length = space < 0 ? Number.NaN : Number(text.subarray(at, space).toString('latin1'))
    if (!Number.isInteger(length) || length <= space - at + 1 || at + length > text.length)
      throw corrupt('a pax record is broken')
    const record = text.subarray(space + 1, at + length - 1).toString('utf8')
    const equals = record.indexOf('=')
    if (equals > 0) found[record.slice(0, equals)] = record.slice(equals + 1)
    at += length
  }
  return {
    ...(found['path'] === undefined ? {} : { name: found['path'] }),
    ...(found['size'] === undefined ? {} : { size: wholeNumber(found['size']) }),
    ...(found['mtime'] === undefined ? {} : { modified: Number.parseFloat(found['mtime']) || 0 }),
  }
}

export interface TarHeader {
  readonly name: string
  readonly size: number
  readonly mode: number
  readonly modified: number
  readonly isDir: boolean
}

/** The blocks that stand before an entry's content. */
export function writeHeader(header: TarHeader): Uint8Array {
  const plainName = Buffer.byteLength(header.name) <= 100 && /^[\x20-\x7e]*$/.test(header.name)
  const records = [
    ...(plainName ? [] : [paxRecord('path', header.name)]),
    ...(header.size < 8 ** 11 ? [] : [paxRecord('size', String(header.size))]),
  ]
  const main = headerBlock({ ...header, size: Math.min(header.size, 8 ** 11 - 1) }, header.isDir ? '5' : '0')
  if (records.length === 0) return main
  const content = Buffer.concat(records)
  const pax = headerBlock({ ...header, name: 'PaxHeader', size: content.length, mode: 0o644 }, 'x')
  return Buffer.concat([pax, padded(content), main])
}

/** Zeros up to the next block. */
export function padding(size: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK)
}

function padded(content: Uint8Array): Uint8Array {
  return Buffer.concat([content, padding(content.length)])
}

function paxRecord(key: string, value: string): Uint8Array {
  const body = ` ${key}=${value}\n`
  let length = Buffer.byteLength(body) + 1
  while (Buffer.byteLength(String(length) + body) !== length) length = Buffer.byteLength(String(length) + body)
  return Buffer.from(`${length}${body}`)
}

function headerBlock({ name, size, mode, modified }: TarHeader, type: string): Uint8Array {
  const block = Buffer.alloc(TAR_BLOCK)
  const field = (at: number, length: number, value: number): void => {
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1')
  }
  block.write(name.replace(/[^\x20-\x7e]/g, '_').slice(0, 100), 0, 'latin1')
  field(100, 8, mode & 0o7777)
  field(108, 8, 0)
  field(116, 8, 0)
  field(124, 12, size)
  field(136, 12, Math.min(Math.max(0, Math.floor(modified)), 8 ** 11 - 1))
  block.write(type, 156, 'latin1')
  block.write('ustar\x0000', 257, 'latin1')
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}

/** The sum of all bytes, the checksum's own place counted as spaces. */
function checksum(block: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < TAR_BLOCK; at++) sum += at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0)
  return sum
}

function octal(block: Uint8Array, at: number, length: number): number {
  // GNU writes large numbers in base 256, marked by the first bit.
  if (((block[at] ?? 0) & 0x80) !== 0) {
    let value = 0n
    for (let index = 1; index < length; index++) value = (value << 8n) | BigInt(block[at + index] ?? 0)
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw corrupt('a size is beyond reason')
    return Number(value)
  }
  const digits = Buffer.from(block.subarray(at, at + length))
    .toString('latin1')
    .replace(/[\0 ]+/g, ' ')
    .trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw corrupt('a tar header has a broken number')
  return Number.parseInt(digits, 8)
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw corrupt('a pax size is not a number')
  return value
}
