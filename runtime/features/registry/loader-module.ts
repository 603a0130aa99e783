// The `loader` module: reads definition files of a file system into entries, by the rules the project itself is read by.
// Nothing is applied: what to do with the entries is up to the caller.

import { statSync } from 'node:fs'
import { join, posix } from 'node:path'
import { moduleError } from '../../core/error.ts'
import { type Diagnostic, formatDiagnostic } from '../../loader/diagnostic.ts'
import { readSource, type SourceReading } from '../../loader/read-source.ts'
import { SourceCache } from '../../loader/source-cache.ts'
import { SourceRoot } from '../../loader/source-root.ts'
import { type LuaModule, LuaType, text } from '../../lua/module.ts'
import type { Guard } from '../../security/guard.ts'
import { entryTable } from './entry-tables.ts'

export interface LoaderModuleDeps {
  readonly guard: Guard
  /** The folder of a file system. Throws NotFound. */
  readonly folderOf: (id: string) => string
  /** Hears of files that are skipped. */
  readonly warn: (message: string, where: string) => void
}

interface Loader {
  readonly id: string
  readonly folder: string
}

export const loaderModule = ({ guard, folderOf, warn }: LoaderModuleDeps): LuaModule => {
  const read = ({ folder }: Loader, files: readonly string[]): SourceReading =>
    // A cache of its own: a file that was good once must not stand in for what it is now.
    readSource({ folder, origin: 'runtime', only: files }, new SourceCache())
  const tables = ({ entries }: SourceReading) => entries.map(({ entry }) => entryTable(entry))

  const loaderType = new LuaType<Loader>({
    name: 'loader.Loader',
    methods: {
      /** Every definition file below the folder; one with a fault is skipped with a warning. */
      load_directory(call, self, path) {
        const inside = insidePath(text(path, 1, 'load_directory'))
        const reading = read(self, definitionsBelow(self.folder, inside))
        for (const diagnostic of reading.diagnostics) warn(shown(diagnostic, self.folder), call.where())
        return tables(reading)
      },
      /** One definition file; a fault in it is the error. */
      load_file(call, self, path) {
        const inside = insidePath(text(path, 1, 'load_file'))
        if (statSync(join(self.folder, inside), { throwIfNoEntry: false })?.isFile() !== true) {
          throw moduleError('NotFound', `file not found: /${inside}`)
        }
        const reading = read(self, [inside])
        for (const diagnostic of reading.diagnostics) {
          if (reading.broken.length > 0) throw moduleError('Invalid', shown(diagnostic, self.folder))
          warn(shown(diagnostic, self.folder), call.where())
        }
        return tables(reading)
      },
    },
    tostring: ({ id }) => `loader.Loader{${id}}`,
  })

  return {
    name: 'loader',
    description: 'Reads entry definitions from a file system',
    traits: ['registry', 'storage'],
    open: () => ({
      new({ frame }, idArgument) {
        const id = text(idArgument, 1, 'new')
        if (id === '') throw moduleError('Invalid', 'filesystem ID required')
        if (!guard.allows(frame, 'fs.get', id)) {
          throw moduleError('PermissionDenied', `not allowed to access filesystem: ${id}`)
        }
        return loaderType.wrap({ id, folder: folderOf(id) })
      },
    }),
  }
}

/** A path from the root of the file system, without a way out of it. */
function insidePath(path: string): string {
  if (path.includes('\0')) throw moduleError('Invalid', 'path contains a null byte')
  return posix.resolve('/', path).slice(1)
}

/** Links are followed here, but each file must lie inside the file system to be read. */
function definitionsBelow(folder: string, inside: string): string[] {
  const start = join(folder, inside)
  if (statSync(start, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw moduleError('NotFound', `directory not found: /${inside}`)
  }
  return new SourceRoot(start).definitions().map((file) => posix.join(inside, file))
}

function shown(diagnostic: Diagnostic, folder: string): string {
  return formatDiagnostic(diagnostic, folder)
}
