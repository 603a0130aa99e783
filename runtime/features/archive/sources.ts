// What Lua hands to the archive module, as bytes to read: a path of a filesystem, an open file, a stream, or text.

import type { FileHandle } from 'node:fs/promises'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LuaObject, raise } from '../../lua/module.ts'
import { type ByteReader, overLimit, type RandomSource } from './entry.ts'

/** The part of a filesystem volume that archives need (features/fs/volume.ts). */
export interface ArchiveVolume {
  normalize(path: string, from?: string): string
  stat(path: string): Promise<{ size: number; is_dir: boolean; mode: number; modified: number }>
  open(path: string, mode: 'r'): Promise<FileHandle>
  mkdir(path: string): Promise<void>
  replaceFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<void>
}

/** A filesystem in the hands of a process. */
export interface VolumeHandle {
  readonly volume: ArchiveVolume
  readonly cwd: string
}

/** An open file of a filesystem. */
interface SeekableFile extends ByteReader {
  readonly path: string
  seek(whence: 'set' | 'end', offset: number): Promise<number>
}

/** The filesystem a userdata stands for, if it is one. */
export function volumeOf(argument: unknown): VolumeHandle | undefined {
  return argument instanceof LuaObject && argument.type.spec.name === 'fs.FS'
    ? (argument.value as VolumeHandle)
    : undefined
}

/** The reader a userdata stands for: a file, a stream. */
export function readerOf(argument: unknown): ByteReader | undefined {
  const value = argument instanceof LuaObject ? (argument.value as Partial<ByteReader> | null) : undefined
  return typeof value?.read === 'function' ? (value as ByteReader) : undefined
}

export async function fileSource({ volume }: VolumeHandle, path: string): Promise<RandomSource> {
  const file = await volume.open(path, 'r')
  return handleSource(file, (await file.stat()).size)
}

export function bytesSource(bytes: Uint8Array): RandomSource {
  return {
    size: bytes.length,
    read: async (position, length) => bytes.subarray(position, position + length),
    close: async () => undefined,
  }
}

/** Reads an open file at random; its own position moves, one read after the other. */
export async function openFileSource(argument: unknown): Promise<RandomSource> {
  const named = argument instanceof LuaObject && argument.type.spec.name === 'fs.File'
  if (!named) return raise('bad argument #1 to open (filesystem, file or string expected)')
  const file = argument.value as SeekableFile
  const size = await file.seek('end', 0)
  let last: Promise<unknown> = Promise.resolve()
  const read = async (position: number, length: number): Promise<Uint8Array> => {
    await file.seek('set', position)
    const pieces: Uint8Array[] = []
    for (let left = Math.min(length, Math.max(0, size - position)); left > 0; ) {
      const piece = await file.read(left)
      if (piece === undefined) break
      pieces.push(piece)
      left -= piece.length
    }
    return Buffer.concat(pieces)
  }
  return {
    size,
    read(position, length) {
      const next = last.catch(() => undefined).then(() => read(position, length))
      last = next
      return next
    },
    close: async () => undefined,
  }
}

/** A stream kept in a file without a name, for formats that must be read at random. */
export async function spooled(reader: ByteReader, limit: number): Promise<RandomSource> {
  const folder = await mkdtemp(join(tmpdir(), 'wippy-archive-'))
  const file = await open(join(folder, 'spool'), 'wx+', 0o600)
  await rm(folder, { recursive: true })
  try {
    let size = 0
    for await (const piece of piecesOf(reader)) {
      size += piece.length
      if (size > limit) throw overLimit('archive', 'max_total_bytes', limit)
      await file.appendFile(piece)
    }
    return handleSource(file, size)
  } catch (error) {
    await file.close()
    throw error
  }
}

const PIECE = 64 * 1024

export async function* piecesOf(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (;;) {
    const piece = await reader.read(PIECE)
    if (piece === undefined) return
    yield piece
  }
}

/** A reader over pieces; closing it ends the pieces. */
export class PieceReader implements ByteReader {
  readonly #pieces: AsyncGenerator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)
  #last: Promise<unknown> = Promise.resolve()

  constructor(pieces: AsyncGenerator<Uint8Array>) {
    this.#pieces = pieces
  }

  read(size = PIECE): Promise<Uint8Array | undefined> {
    const next = this.#last.catch(() => undefined).then(() => this.#take(size))
    this.#last = next
    return next
  }

  async close(): Promise<void> {
    await this.#pieces.return(undefined)
  }

  async #take(size: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#pieces.next()
      if (done === true) return undefined
      this.#rest = value
    }
    const part = this.#rest.subarray(0, Math.max(1, Math.floor(size)))
    this.#rest = this.#rest.subarray(part.length)
    return part
  }
}

function handleSource(file: FileHandle, size: number): RandomSource {
  return {
    size,
    async read(position, length) {
      const buffer = Buffer.allocUnsafe(Math.min(length, Math.max(0, size - position)))
      let have = 0
      while (have < buffer.length) {
        const { bytesRead } = await file.read(buffer, have, buffer.length - have, position + have)
        if (bytesRead === 0) break
        have += bytesRead
      }
      return buffer.subarray(0, have)
    },
    close: () => file.close(),
  }
}
