// Puts modules into the vendor folder, where a run finds them, and knows them again by the hash of their files.

import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import type { ModuleFolder, Project } from '../../loader/project.ts'

/** What a published module leaves at home. */
const UNPUBLISHED = new Set(['test', 'node_modules', '.git', '.wippy'])

/** Files of a module as it is published, by path from its folder with forward slashes, sorted. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((item) => item.isFile())
    .map((item) => relative(folder, join(item.parentPath, item.name)).split(sep).join('/'))
    .filter((path) => !UNPUBLISHED.has(path.split('/')[0] ?? ''))
    .sort()
}

/** `sha256:…` over the names and contents of a module's published files. */
export function moduleHash(folder: string): string {
  const hash = createHash('sha256')
  for (const path of filesOf(folder)) {
    const content = createHash('sha256')
      .update(readFileSync(join(folder, path)))
      .digest('hex')
    hash.update(`${path}\0${content}\n`)
  }
  return `sha256:${hash.digest('hex')}`
}

/** Where a module lies once it is installed. */
export function vendorPath(project: Project, name: string): string {
  return join(project.vendorFolder, ...name.split('/'))
}

/** Copies a module into the vendor folder, replacing what was there only once the copy is whole. */
export function vendorModule(project: Project, module: ModuleFolder): void {
  const target = vendorPath(project, module.name)
  if (module.folder === target) return
  const fresh = `${target}.new-${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  for (const path of filesOf(module.folder)) {
    mkdirSync(dirname(join(fresh, path)), { recursive: true })
    cpSync(join(module.folder, path), join(fresh, path))
  }
  if (!existsSync(fresh)) throw new RuntimeError('Invalid', `module ${module.name}: ${module.folder} has no files`)
  rmSync(target, { recursive: true, force: true })
  renameSync(fresh, target)
}
