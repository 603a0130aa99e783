// What archives of all formats have in common: entries, sources to read from, limits, and the rule for names.

import { moduleError, type RuntimeError } from '../../core/error.ts'

export interface ArchiveEntry {
  readonly name: string
  readonly size: number
  readonly compressedSize: number
  readonly isDir: boolean
  readonly mode: number
  /** Seconds since 1970. */
  readonly modified: number
  readonly method: 'store' | 'deflate'
  readonly crc32: number
}

/** Bytes that can be read anywhere. */
export interface RandomSource {
  readonly size: number
  /** Up to `length` bytes; fewer only at the end. */
  read(position: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** Bytes that come one after the other; undefined at the end. */
export interface ByteReader {
  read(size?: number): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

export interface Limits {
  readonly maxEntries: number
  readonly maxTotalBytes: number
  readonly maxFileBytes: number
  readonly maxInlineBytes: number
}

export const defaultLimits: Limits = {
  maxEntries: 100_000,
  maxTotalBytes: 2 * 1024 ** 3,
  maxFileBytes: 1024 ** 3,
  maxInlineBytes: 16 * 1024 ** 2,
}

/** Counts what is taken out of an archive: sizes in headers are claims. */
export class Allowance {
  readonly limits: Limits
  #total = 0

  constructor(limits: Limits) {
    this.limits = limits
  }

  /** Bytes of one entry, `soFar` of it taken before. */
  take(name: string, soFar: number, bytes: number): void {
    this.#total += bytes
    if (soFar + bytes > this.limits.maxFileBytes)
      throw overLimit(`entry ${name}`, 'max_file_bytes', this.limits.maxFileBytes)
    if (this.#total > this.limits.maxTotalBytes)
      throw overLimit('archive', 'max_total_bytes', this.limits.maxTotalBytes)
  }

  count(entries: number): void {
    if (entries > this.limits.maxEntries) throw overLimit('archive', 'max_entries', this.limits.maxEntries)
  }
}

export function overLimit(what: string, limit: string, value: number): RuntimeError {
  return moduleError('Invalid', `${what} exceeds ${limit} (${value})`, { details: { limit } })
}

export function corrupt(reason: string): RuntimeError {
  return moduleError('Invalid', `corrupt archive: ${reason}`)
}

/** The path an entry may be written to: relative, without `..`, drives and control characters. Throws Invalid otherwise. */
export function safeName(name: string): string {
  const parts = name.replaceAll('\\', '/').split('/')
  const unsafe =
    name === '' ||
    name.startsWith('/') ||
    name.startsWith('\\') ||
    /^[a-zA-Z]:/.test(name) ||
    parts.includes('..') ||
    /[\x00-\x1f]/.test(name)
  if (unsafe) throw moduleError('Invalid', `unsafe entry name: ${JSON.stringify(name)}`)
  return parts.filter((part) => part !== '' && part !== '.').join('/')
}
