// An open file of a volume: reads and writes at its own position, one operation after the other.

import type { FileHandle } from 'node:fs/promises'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { asFailure } from './failure.ts'
import type { OpenMode } from './volume.ts'

const DEFAULT_READ = 4096
const MAX_READ = 8 * 1024 * 1024

export class OpenFile {
  readonly path: string
  readonly #handle: FileHandle
  readonly #mode: OpenMode
  readonly #closed: () => void
  #position = 0
  #open = true
  #last: Promise<unknown> = Promise.resolve()

  /** `closed` is told once. */
  constructor(path: string, handle: FileHandle, mode: OpenMode, closed: () => void) {
    this.path = path
    this.#handle = handle
    this.#mode = mode
    this.#closed = closed
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Up to `size` bytes from the position; undefined at the end. */
  read(size = DEFAULT_READ): Promise<Uint8Array | undefined> {
    return this.#do(async () => {
      if (this.#mode !== 'r') throw moduleError('Internal', `file is not open for reading: ${this.path}`)
      const buffer = Buffer.allocUnsafe(Math.min(Math.max(1, Math.floor(size)), MAX_READ))
      const { bytesRead } = await this.#handle.read(buffer, 0, buffer.length, this.#position)
      this.#position += bytesRead
      return bytesRead === 0 ? undefined : new Uint8Array(buffer.subarray(0, bytesRead))
    })
  }

  /** Writes all of it; the number of bytes. */
  write(bytes: Uint8Array): Promise<number> {
    return this.#do(async () => {
      if (this.#mode === 'r') throw moduleError('Internal', `file is not open for writing: ${this.path}`)
      let written = 0
      while (written < bytes.length) {
        const at = this.#mode === 'a' ? null : this.#position
        const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written, at)
        written += bytesWritten
        this.#position += bytesWritten
      }
      return written
    })
  }

  /** The new position. */
  seek(whence: 'set' | 'cur' | 'end', offset: number): Promise<number> {
    return this.#do(async () => {
      const from = whence === 'set' ? 0 : whence === 'cur' ? this.#position : (await this.#handle.stat()).size
      const position = from + Math.trunc(offset)
      if (position < 0) throw new RuntimeError('Invalid', `seek to negative position ${position}`)
      this.#position = position
      return position
    })
  }

  sync(): Promise<void> {
    return this.#do(() => this.#handle.sync())
  }

  size(): Promise<{ size: number; mode: number; modified: number }> {
    return this.#do(async () => {
      const { size, mode, mtimeMs } = await this.#handle.stat()
      return { size, mode: mode & 0o7777, modified: Math.floor(mtimeMs / 1000) }
    })
  }

  /** Idempotent; what was started before is finished first. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    this.#closed()
    await this.#last.catch(() => undefined)
    await this.#handle.close()
  }

  #do<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#open) return Promise.reject(moduleError('Internal', `file is closed: ${this.path}`))
    const done = this.#last
      .catch(() => undefined)
      .then(run)
      .catch((error: unknown) => {
        throw asFailure(error, this.path)
      })
    this.#last = done
    return done
  }
}
