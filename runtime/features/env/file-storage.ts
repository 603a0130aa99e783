// Environment values in a file of `KEY=VALUE` lines. Comments and order survive writing; the file is replaced, never edited in place.

import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import type { EnvStorage } from './storage.ts'

export interface FileStorageOptions {
  readonly path: string
  readonly fileMode: number
  readonly dirMode: number
  readonly autoCreate: boolean
}

export class FileStorage implements EnvStorage {
  readonly #options: FileStorageOptions
  #values = new Map<string, string>()
  #stamp = ''

  /** Throws NotFound when the file is missing and may not be created. */
  constructor(options: FileStorageOptions) {
    this.#options = options
    if (this.#currentStamp() === undefined) {
      if (!options.autoCreate) {
        throw new RuntimeError('Invalid', `environment file not found: ${options.path} (auto_create makes it)`)
      }
      mkdirSync(dirname(options.path), { recursive: true, mode: options.dirMode })
      this.#replace('')
    }
    this.#refresh()
  }

  get(key: string): string | undefined {
    this.#refresh()
    return this.#values.get(key)
  }

  set(key: string, value: string): void {
    // The format has no quoting: what it cannot hold is refused rather than changed.
    if (/[\r\n#]/.test(value) || value !== value.trim()) {
      throw new RuntimeError(
        'Invalid',
        `environment file ${this.#options.path} cannot hold this value of ${key}: no line breaks, "#" or outer spaces`,
        { retryable: false },
      )
    }
    const lines = this.#read().split('\n')
    // The last one counts when a key stands twice.
    const at = lines.findLastIndex((line) => parseLine(line)?.[0] === key)
    const line = `${key}=${value}`
    if (at >= 0) lines[at] = line
    else lines.splice(lines.at(-1) === '' ? lines.length - 1 : lines.length, 0, line)
    const text = lines.join('\n')
    this.#replace(text.endsWith('\n') ? text : `${text}\n`)
    this.#refresh()
  }

  /** Reads the file again when somebody changed it. */
  #refresh(): void {
    const stamp = this.#currentStamp()
    if (stamp === this.#stamp) return
    this.#stamp = stamp ?? ''
    this.#values = new Map(
      this.#read()
        .split('\n')
        .map(parseLine)
        .filter((pair) => pair !== undefined),
    )
  }

  #currentStamp(): string | undefined {
    const stats = statSync(this.#options.path, { throwIfNoEntry: false, bigint: true })
    return stats === undefined ? undefined : `${stats.mtimeNs}:${stats.size}:${stats.ino}`
  }

  #read(): string {
    return this.#currentStamp() === undefined ? '' : readFileSync(this.#options.path, 'utf8')
  }

  #replace(text: string): void {
    const { path, fileMode } = this.#options
    const temporary = `${path}.${process.pid}.tmp`
    const file = openSync(temporary, 'w', fileMode)
    try {
      writeSync(file, text)
      fsyncSync(file)
      closeSync(file)
      chmodSync(temporary, fileMode)
      renameSync(temporary, path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
  }
}

/** Key and value of a line; text after `#` is a comment. Undefined for lines without a pair. */
export function parseLine(line: string): [string, string] | undefined {
  const [text = ''] = line.split('#', 1)
  const equals = text.indexOf('=')
  const key = text.slice(0, Math.max(equals, 0)).trim()
  return key === '' ? undefined : [key, text.slice(equals + 1).trim()]
}
