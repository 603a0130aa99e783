// `.wapp`: an application or a module in one file. Everything in it has a digest, and nothing in it can leave it.
//
//     8 bytes   "WAPP", 0, format version 1, CR, LF
//     4 bytes   length of the header, big-endian
//     32 bytes  SHA-256 of the header
//     header    JSON: { metadata, entries: Blob, files: [{ entry, path, mode, blob: Blob }] }
//     blobs     each at its offset from the end of the header; entries are deflated JSON, files are as they are
//
// A Blob is { offset, size, digest: "sha256:…" }: any file can be read without reading the others.

import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Entry } from '../core/entry.ts'
import { errorText, RuntimeError } from '../core/error.ts'
import { isMap, type Value, type ValueMap } from '../core/value.ts'
import { fromJson, toJson } from '../core/value-json.ts'

export interface PackContent {
  readonly metadata: ValueMap
  readonly entries: readonly Entry[]
  /** Files of `fs.embed` entries; paths with forward slashes, relative. */
  readonly files: readonly { readonly entry: string; readonly path: string; readonly content: Uint8Array }[]
}

interface Blob {
  readonly offset: number
  readonly size: number
  readonly digest: string
}

interface PackedFile {
  readonly entry: string
  readonly path: string
  readonly blob: Blob
}

const MAGIC = Buffer.from('WAPP\0\x01\r\n', 'latin1')
const LARGEST_HEADER = 64 * 2 ** 20
const LARGEST_ENTRIES = 256 * 2 ** 20

/** Writes an archive in one step: until it is whole, what was there stays. */
export function writePack(file: string, { metadata, entries, files }: PackContent): void {
  const blobs: Uint8Array[] = []
  let offset = 0
  const add = (content: Uint8Array): Blob => {
    const blob = { offset, size: content.byteLength, digest: digestOf(content) }
    blobs.push(content)
    offset += content.byteLength
    return blob
  }
  const written = entries.map(({ id, kind, meta, data }) => toJson({ id, kind, meta, data }))
  const packed = files.map(({ entry, path, content }) => {
    checkPath(path, file)
    return { entry, path, blob: add(content) }
  })
  const header = Buffer.from(
    JSON.stringify({
      metadata: toJson(metadata),
      entries: add(deflateRawSync(Buffer.from(JSON.stringify(written)))),
      files: packed,
    }),
  )
  const length = Buffer.alloc(4)
  length.writeUInt32BE(header.byteLength)
  replaceFile(file, [MAGIC, length, sha256(header), header, ...blobs])
}

function replaceFile(file: string, parts: readonly Uint8Array[]): void {
  const temporary = `${file}.${process.pid}.tmp`
  const mode = existsSync(file) ? statSync(file).mode & 0o777 : 0o644
  const folder = dirname(file)
  if (!existsSync(folder)) throw new RuntimeError('NotFound', `pack ${file}: there is no folder ${folder}`)
  const descriptor = openSync(temporary, 'wx', mode)
  try {
    for (const part of parts) writeSync(descriptor, part)
    fsyncSync(descriptor)
    closeSync(descriptor)
    Pack.open(temporary).verify()
    renameSync(temporary, file)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** An archive that has been opened: its header is verified, its content as it is read. */
export class Pack {
  readonly file: string
  readonly metadata: ValueMap
  /** Digest of the header, and so of everything: names this very archive. */
  readonly digest: string
  readonly #entries: Blob
  readonly #files: readonly PackedFile[]
  readonly #base: number

  private constructor(file: string, digest: string, base: number, header: ValueMap, size: number) {
    this.file = file
    this.digest = digest
    this.#base = base
    const { metadata, entries, files } = header
    this.metadata = isMap(metadata) ? metadata : {}
    this.#entries = blobOf(entries, file, size - base)
    if (!Array.isArray(files)) throw damaged(file, 'it has no list of files')
    this.#files = files.map((packed) => {
      const { entry, path, blob } = isMap(packed) ? packed : {}
      if (typeof entry !== 'string' || typeof path !== 'string') throw damaged(file, 'a file has no name')
      checkPath(path, file)
      return { entry, path, blob: blobOf(blob, file, size - base) }
    })
  }

  /** Throws Invalid for what is no archive, is cut off or was changed. */
  static open(file: string): Pack {
    return reading(file, (descriptor) => {
      const { size } = fstatSync(descriptor)
      const start = readAt(descriptor, 0, MAGIC.byteLength + 36, file)
      if (!start.subarray(0, MAGIC.byteLength).equals(MAGIC)) throw damaged(file, 'it is no .wapp of format 1')
      const length = start.readUInt32BE(MAGIC.byteLength)
      if (length > LARGEST_HEADER) throw damaged(file, `its header of ${length} bytes is too large`)
      const header = readAt(descriptor, start.byteLength, length, file)
      const digest = sha256(header)
      if (!digest.equals(start.subarray(MAGIC.byteLength + 4))) throw damaged(file, 'the digest of its header is wrong')
      const value = parse(header, file)
      if (!isMap(value)) throw damaged(file, 'its header is no map')
      return new Pack(file, digest.toString('hex'), start.byteLength + length, value, size)
    })
  }

  /** Throws Invalid when their digest is wrong. */
  entries(): Entry[] {
    let text: Buffer
    try {
      text = inflateRawSync(this.#read(this.#entries), { maxOutputLength: LARGEST_ENTRIES })
    } catch (error) {
      if (error instanceof RuntimeError) throw error
      throw damaged(this.file, `its entries cannot be read: ${errorText(error)}`)
    }
    const list = parse(text, this.file)
    if (!Array.isArray(list)) throw damaged(this.file, 'its entries are no list')
    return list.map((entry) => {
      const { id, kind, meta = null, data = null } = isMap(entry) ? entry : {}
      if (typeof id !== 'string' || typeof kind !== 'string') throw damaged(this.file, 'an entry has no id or kind')
      return { id, kind, meta: isMap(meta) ? meta : {}, data }
    })
  }

  /** Ids of the entries that have files here. */
  resources(): string[] {
    return [...new Set(this.#files.map(({ entry }) => entry))]
  }

  /** Writes the files of an entry below a folder. */
  extract(entry: string, folder: string): void {
    mkdirSync(folder, { recursive: true })
    for (const { entry: owner, path, blob } of this.#files) {
      if (owner !== entry) continue
      const target = join(folder, ...path.split('/'))
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, this.#read(blob), { flag: 'wx' })
    }
  }

  /** Reads everything. Throws Invalid for the first thing whose digest is wrong. */
  verify(): void {
    this.entries()
    for (const { blob } of this.#files) this.#read(blob)
  }

  #read({ offset, size, digest }: Blob): Buffer {
    const content = reading(this.file, (descriptor) => readAt(descriptor, this.#base + offset, size, this.file))
    if (digestOf(content) !== digest) throw damaged(this.file, 'a digest is wrong')
    return content
  }
}

/** Reads archives for the loader of a project: what they embed is put into the project's own folder for that. */
export const projectPacks = (root: string): ((file: string) => Promise<Entry[]>) =>
  packReader(join(root, '.wippy', 'packs'))

/**
 * Reads archives for the loader. Embedded folders are put below `cache`, once for each archive, and their entries become
 * `fs.directory` entries there.
 */
export function packReader(cache: string): (file: string) => Promise<Entry[]> {
  return async (file) => {
    const pack = Pack.open(file)
    const entries = pack.entries()
    const embedded = new Set(pack.resources())
    const base = join(cache, pack.digest.slice(0, 32))
    return entries.map((entry, index) => {
      if (entry.kind !== 'fs.embed') return entry
      const folder = join(base, String(index))
      if (embedded.has(entry.id)) extractOnce(pack, entry.id, folder)
      else mkdirSync(folder, { recursive: true })
      const data = isMap(entry.data) ? entry.data : {}
      return { ...entry, kind: 'fs.directory', data: { ...data, directory: folder } }
    })
  }
}

function extractOnce(pack: Pack, entry: string, folder: string): void {
  if (existsSync(folder)) return
  const fresh = `${folder}.${process.pid}.tmp`
  rmSync(fresh, { recursive: true, force: true })
  pack.extract(entry, fresh)
  try {
    renameSync(fresh, folder)
  } catch (error) {
    // Another run of the same archive was faster.
    if (!existsSync(folder)) throw error
    rmSync(fresh, { recursive: true, force: true })
  }
}

function reading<T>(file: string, read: (descriptor: number) => T): T {
  let descriptor: number
  try {
    descriptor = openSync(file, 'r')
  } catch (error) {
    throw new RuntimeError('NotFound', `pack ${file}: ${errorText(error)}`, { cause: error })
  }
  try {
    return read(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function readAt(descriptor: number, position: number, size: number, file: string): Buffer {
  // The size comes from the archive: compare it with the file before making room for it.
  if (position + size > fstatSync(descriptor).size) throw damaged(file, 'it is cut off')
  const buffer = Buffer.alloc(size)
  if (readSync(descriptor, buffer, 0, size, position) !== size) throw damaged(file, 'it is cut off')
  return buffer
}

function blobOf(value: Value | undefined, file: string, room: number): Blob {
  const { offset, size, digest } = isMap(value) ? value : {}
  const isCount = (number: unknown): number is number =>
    typeof number === 'number' && Number.isSafeInteger(number) && number >= 0
  if (!isCount(offset) || !isCount(size) || typeof digest !== 'string' || offset + size > room) {
    throw damaged(file, 'a part lies outside of it')
  }
  return { offset, size, digest }
}

/** Relative, downwards only, in the letters that mean the same everywhere. */
function checkPath(path: string, file: string): void {
  const parts = path.split('/')
  const bad = parts.some((part) => part === '' || part === '.' || part === '..' || /[\\\0:]/.test(part))
  if (bad) throw damaged(file, `the path ${JSON.stringify(path)} leaves it`)
}

function parse(text: Buffer, file: string): Value {
  try {
    return fromJson(JSON.parse(text.toString('utf8')))
  } catch (error) {
    throw damaged(file, `it holds no valid JSON: ${errorText(error)}`)
  }
}

function damaged(file: string, reason: string): RuntimeError {
  return new RuntimeError('Invalid', `pack ${file} cannot be read: ${reason}`, { retryable: false })
}

function sha256(content: Uint8Array): Buffer {
  return createHash('sha256').update(content).digest()
}

function digestOf(content: Uint8Array): string {
  return `sha256:${sha256(content).toString('hex')}`
}
