// A folder that entries are read from, and the fence around it: no path in an entry, and no symbolic link, leads out of it.

import { type Dirent, readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { join, posix, relative, sep } from 'node:path'
import { RuntimeError } from '../core/error.ts'

/** Names of folders that are never entered, at any depth. */
const SKIPPED = ['node_modules', '.git']

const DEFINITION = /\.(?:yaml|yml|json)$/

export interface WalkOptions {
  /** Folder names to pass over besides `node_modules`; `SKIP_TEST_DIRS` sets them. */
  readonly skipNames?: readonly string[]
  /** Absolute folders to pass over: those that are loaded by themselves. */
  readonly skipFolders?: ReadonlySet<string>
  /** Told of each folder that could not be read. */
  readonly unreadable?: (folder: string, reason: string) => void
}

export class SourceRoot {
  /** As it was given, absolute: what messages show. */
  readonly folder: string
  #real: string | undefined

  constructor(folder: string) {
    this.folder = folder
  }

  /** Definition files below the folder in lexical order, as slash-separated paths from it. */
  definitions(options: WalkOptions = {}): string[] {
    const skipNames = new Set([...SKIPPED, ...(options.skipNames ?? [])])
    const found: string[] = []
    const walk = (folder: string, inside: string): void => {
      for (const item of listing(folder, options.unreadable)) {
        const path = join(folder, item.name)
        const name = inside === '' ? item.name : `${inside}/${item.name}`
        if (item.isDirectory()) {
          if (!skipNames.has(item.name) && options.skipFolders?.has(path) !== true) walk(path, name)
        } else if (DEFINITION.test(item.name) && (item.isFile() || item.isSymbolicLink())) {
          found.push(name)
        }
      }
    }
    walk(this.folder, '')
    return found
  }

  /** The absolute path of a definition file or of one it names. Throws when it leads out of the folder, or is no file. */
  locate(inside: string): string {
    const path = join(this.folder, ...inside.split('/'))
    let real: string
    let stats: Stats
    try {
      real = realpathSync.native(path)
      stats = statSync(real)
    } catch (error) {
      throw new RuntimeError('NotFound', fileReason(error), { cause: error })
    }
    this.#real ??= realpathSync.native(this.folder)
    if (!isWithin(real, this.#real)) {
      throw new RuntimeError('Invalid', `the link leads out of ${this.folder}`)
    }
    // A pipe or device would block the whole runtime.
    if (!stats.isFile()) throw new RuntimeError('Invalid', 'not a regular file')
    return path
  }

  /**
   * What a `file://` reference in the definition file `from` means, as a path inside the folder:
   * `file://a.lua` is beside the definition, `file:///a.lua` is from the folder. Throws Invalid when it leads out of it.
   */
  resolve(reference: string, from: string): string {
    const path = reference.slice('file://'.length)
    const joined = path.startsWith('/') ? path.replace(/^\/+/, '') : posix.join(posix.dirname(from), path)
    const clean = posix.normalize(joined)
    const invalid = (reason: string): RuntimeError => new RuntimeError('Invalid', reason)
    if (path === '' || clean === '.' || clean === './' || clean === '') throw invalid('names no file')
    if (clean === '..' || clean.startsWith('../')) throw invalid(`leads out of ${this.folder}`)
    if (clean.includes('\0')) throw invalid('has a NUL character')
    // On Windows a backslash or a drive would be read as a step of the path.
    if (sep === '\\' && /[\\:]/.test(clean)) throw invalid('has a character that is not allowed in a path')
    return clean
  }
}

/** Whether a path is a folder or something below it. Both are real paths. */
export function isWithin(path: string, folder: string): boolean {
  const inside = relative(folder, path)
  return inside === '' || (inside !== '..' && !inside.startsWith(`..${sep}`) && inside !== path)
}

/** `no such file` and the like: what a failed file operation says, without its path and code. */
export function fileReason(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  if (code === 'EISDIR') return 'is a folder'
  if (code === 'ELOOP') return 'symbolic links lead in a circle'
  return error instanceof Error ? error.message : String(error)
}

function listing(folder: string, unreadable: WalkOptions['unreadable']): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    // Gone since its parent was listed is no fault: the root itself was looked for before.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') unreadable?.(folder, code === 'ENOTDIR' ? 'not a folder' : fileReason(error))
    return []
  }
}
