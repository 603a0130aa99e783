// The project's files as the architecture test reads them: what each imports, where it stands.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../..')

export interface Source {
  /** From the root: `runtime/lua/vm.ts`. */
  readonly path: string
  readonly text: string
}

/** Every file with one of these endings below a folder, without what other tools put there. */
export function sourcesIn(folder: string, endings: readonly string[]): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && endings.some((ending) => file.name.endsWith(ending)))
    .map((file) => relative(root, join(file.parentPath, file.name)))
    .filter((path) => !/(^|\/)(node_modules|\.wippy|dist|tmp)\//.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

// Static, dynamic and type-only imports and re-exports, and what createRequire loads or finds (called there, or kept as load or require).
const specifiers =
  /(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+|\b(?:require|load)(?:\.resolve)?\s*\(\s*|\bcreateRequire\([\w.]+\)\(\s*)'([^'\n]+)'/g

/** What a file names in its imports, as written. */
export function importsOf({ text }: Source): string[] {
  return [...text.matchAll(specifiers)].map(([, specifier]) => specifier ?? '')
}

/** The project's own files that a file imports, from the root. */
export function ownImports(source: Source): string[] {
  return importsOf(source)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => normalize(join(dirname(source.path), specifier)))
}
