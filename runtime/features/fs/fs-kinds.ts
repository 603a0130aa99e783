// The kind `fs.directory`: a folder of the machine that Lua may use as a file system.

import { mkdir, stat } from 'node:fs/promises'
import { isAbsolute, resolve } from 'node:path'
import type { Entry } from '../../core/entry.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { asBoolean, asFileMode, asName, asText, field, requiredField } from '../../core/field.ts'
import type { Kind } from '../../registry/kind.ts'
import { Volume } from './volume.ts'

/** The open file systems of a runtime, by entry id. */
export class Volumes {
  readonly #volumes = new Map<string, Volume>()

  add(id: string, volume: Volume): () => void {
    this.#volumes.set(id, volume)
    return () => {
      if (this.#volumes.get(id) === volume) this.#volumes.delete(id)
    }
  }

  /** Throws NotFound. */
  require(id: string): Volume {
    const volume = this.#volumes.get(id)
    if (volume === undefined) throw moduleError('NotFound', `filesystem not found: ${id}`)
    return volume
  }
}

export interface DirectoryDeps {
  readonly volumes: Volumes
  /** Folder that relative paths of the app start from. */
  readonly root: string
  /** Load root of the module that owns an entry; undefined for entries of the app. */
  readonly moduleRoot: (entryId: string) => string | undefined
}

interface DirectoryConfig {
  readonly directory: string
  readonly autoInit: boolean
  readonly mode: number
}

export const directoryKind = ({ volumes, root, moduleRoot }: DirectoryDeps): Kind<DirectoryConfig> => ({
  kind: 'fs.directory',
  decode(entry) {
    const base = baseOf(entry)
    const directory = requiredField(entry, 'directory', asName)
    const from = (base === 'project' ? undefined : moduleRoot(entry.id)) ?? root
    return {
      directory: isAbsolute(directory) ? directory : resolve(from, directory),
      autoInit: field(entry, 'auto_init', asBoolean, false),
      mode: executable(field(entry, 'mode', asFileMode, 0o755)),
    }
  },
  async open(entry, { directory, autoInit, mode }) {
    if (autoInit) await mkdir(directory, { recursive: true, mode })
    await requireDirectory(entry.id, directory)
    return { close: volumes.add(entry.id, new Volume({ root: directory, mode })) }
  },
})

function baseOf(entry: Entry): 'project' | 'module' {
  const base = field(entry, 'base', asText, 'module')
  if (base === 'project' || base === 'module') return base
  throw new RuntimeError('Invalid', `entry ${entry.id}: invalid directory base "${base}" (project or module)`)
}

/** Folders nobody may enter are useless: what may be read by all may be entered by all. */
function executable(mode: number): number {
  return (mode & 0o444) === 0o444 && (mode & 0o111) === 0 ? mode | 0o111 : mode
}

async function requireDirectory(id: string, directory: string): Promise<void> {
  const found = await stat(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (found === undefined) {
    throw new RuntimeError('Invalid', `entry ${id}: directory "${directory}" does not exist (auto_init makes it)`)
  }
  if (!found.isDirectory()) throw new RuntimeError('Invalid', `entry ${id}: "${directory}" is not a directory`)
}
