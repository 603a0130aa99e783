// A folder of the machine as Lua sees it: paths start at its root and cannot leave it, neither by `..` nor by a symbolic link.

import { constants } from 'node:fs'
import {
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  unlink,
} from 'node:fs/promises'
import { basename, dirname, join, posix, sep } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { asFailure } from './failure.ts'

export interface VolumeOptions {
  /** Absolute path of the folder. */
  readonly root: string
  /** Permission bits of what is made here, execute bits for folders only; what the owner's bits lack is refused to everybody. */
  readonly mode: number
}

export interface FileStat {
  readonly name: string
  readonly size: number
  readonly mode: number
  /** Seconds since 1970. */
  readonly modified: number
  readonly is_dir: boolean
  readonly type: 'file' | 'directory'
}

export type OpenMode = 'r' | 'w' | 'wx' | 'a'

const FILE_BITS = 0o666

/** The bits of an owner that an operation needs. */
const READ = 0o400
const WRITE = 0o200
const ENTER = 0o100
const MAX_READ = 256 * 1024 * 1024

export class Volume {
  readonly #options: VolumeOptions
  #realRoot: string | undefined
  #temporaries = 0

  constructor(options: VolumeOptions) {
    this.#options = options
  }

  /** Absolute path of the folder on the machine. */
  get root(): string {
    return this.#options.root
  }

  /** The path from the root, `/` first, with `.` and `..` resolved against the root; `from` is where relative ones start. */
  normalize(path: string, from = '/'): string {
    if (path === '') throw new RuntimeError('Invalid', 'path required')
    if (path.includes('\0')) throw new RuntimeError('Invalid', 'path contains a null byte', { retryable: false })
    return posix.resolve('/', from, path)
  }

  async stat(path: string): Promise<FileStat> {
    this.#need(READ, path)
    return this.#attempt(path, async () => {
      const stats = await stat(await this.#existing(path))
      return {
        name: path === '/' ? '/' : posix.basename(path),
        size: stats.size,
        mode: stats.mode & 0o7777,
        modified: Math.floor(stats.mtimeMs / 1000),
        is_dir: stats.isDirectory(),
        type: stats.isDirectory() ? ('directory' as const) : ('file' as const),
      }
    })
  }

  /** False for what is not there; other failures are failures. */
  async exists(path: string): Promise<boolean> {
    try {
      await this.stat(path)
      return true
    } catch (error) {
      if (error instanceof RuntimeError && error.kind === 'NotFound') return false
      throw error
    }
  }

  /** Names and types, sorted by name. A link counts as what it leads to; one that leads out is left out. */
  async list(path: string): Promise<{ name: string; type: 'file' | 'directory' }[]> {
    this.#need(READ | ENTER, path)
    const names = await this.#attempt(path, async () => readdir(await this.#existing(path)))
    const entries = await Promise.all(
      names.sort().map(async (name) => {
        const found = await this.stat(posix.join(path, name)).catch((error: unknown) => {
          if (error instanceof RuntimeError) return undefined
          throw error
        })
        return found === undefined ? undefined : { name, type: found.type }
      }),
    )
    return entries.filter((entry) => entry !== undefined)
  }

  /** Makes one folder; its parent must be there. */
  async mkdir(path: string): Promise<void> {
    this.#need(WRITE | ENTER, path)
    await this.#attempt(path, async () => mkdir(await this.#place(path), { mode: this.#options.mode }))
  }

  /** Removes a file, a link or an empty folder. */
  async remove(path: string): Promise<void> {
    if (path === '/') throw new RuntimeError('Invalid', 'the root of a filesystem cannot be removed')
    this.#need(WRITE, path)
    await this.#attempt(path, async () => {
      const place = await this.#place(path)
      const found = await lstat(place)
      await (found.isDirectory() ? rmdir(place) : unlink(place))
    })
  }

  async readFile(path: string): Promise<Uint8Array> {
    const file = await this.open(path, 'r')
    try {
      const { size } = await file.stat()
      if (size > MAX_READ) {
        throw new RuntimeError(
          'LimitExceeded',
          `file ${path} of ${size} bytes exceeds the limit of ${MAX_READ}: use open`,
        )
      }
      return await this.#attempt(path, () => file.readFile())
    } finally {
      await file.close()
    }
  }

  /** Replaces the file in one step: readers see the old or the new content, never a part. */
  async replaceFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
    this.#need(WRITE, path)
    const target = await this.#attempt(path, () => this.#target(path))
    const temporary = join(dirname(target), `.${basename(target)}.${process.pid}.${++this.#temporaries}.tmp`)
    await this.#attempt(path, async () => {
      if ((await stat(target).catch(() => undefined))?.isDirectory()) throw isDirectory(path)
      const file = await open(temporary, 'wx', this.#options.mode & FILE_BITS)
      try {
        await write(file)
        await file.sync()
        await file.close()
        await rename(temporary, target)
      } catch (error) {
        await file.close().catch(() => undefined)
        await rm(temporary, { force: true })
        throw error
      }
    })
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    this.#need(mode === 'r' ? READ : WRITE, path)
    return this.#attempt(path, async () => {
      const place =
        mode === 'r' ? await this.#existing(path) : mode === 'wx' ? await this.#place(path) : await this.#target(path)
      // The place has no links in it any more: one that appears now is refused by the system.
      const file = await open(place, openFlags[mode] | constants.O_NOFOLLOW, this.#options.mode & FILE_BITS)
      if (!(await file.stat()).isDirectory()) return file
      await file.close()
      throw isDirectory(path)
    })
  }

  #need(bits: number, path: string): void {
    const { mode } = this.#options
    if ((mode & bits) === bits) return
    const shown = `0${mode.toString(8).padStart(3, '0')}`
    throw new RuntimeError('PermissionDenied', `permission denied: ${path} (the filesystem has mode ${shown})`, {
      retryable: false,
    })
  }

  /** The real path of what is there, links followed, inside the root. */
  async #existing(path: string): Promise<string> {
    return this.#inside(await realpath(this.#machinePath(path)), path)
  }

  /** Where a new thing would stand: its parent is there, real and inside; the last name is not followed. */
  async #place(path: string): Promise<string> {
    if (path === '/') return this.#existing(path)
    return join(await this.#existing(posix.dirname(path)), posix.basename(path))
  }

  /** Where a write goes: the file itself, or what a link that is there leads to. */
  async #target(path: string): Promise<string> {
    const place = await this.#place(path)
    const found = await lstat(place).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    return found?.isSymbolicLink() === true ? this.#existing(path) : place
  }

  async #inside(real: string, path: string): Promise<string> {
    this.#realRoot ??= await realpath(this.#options.root)
    if (
      real === this.#realRoot ||
      real.startsWith(this.#realRoot.endsWith(sep) ? this.#realRoot : this.#realRoot + sep)
    ) {
      return real
    }
    throw new RuntimeError('PermissionDenied', `path leaves the filesystem: ${path}`, { retryable: false })
  }

  #machinePath(path: string): string {
    return join(this.#options.root, ...path.split('/'))
  }

  async #attempt<T>(path: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (error) {
      throw asFailure(error, path)
    }
  }
}

const openFlags: Readonly<Record<OpenMode, number>> = {
  r: constants.O_RDONLY,
  w: constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC,
  wx: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
  a: constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND,
}

function isDirectory(path: string): RuntimeError {
  return new RuntimeError('Invalid', `is a directory: ${path}`)
}
