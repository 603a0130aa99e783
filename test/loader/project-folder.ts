// A throw-away folder for loader tests: files in, absolute paths out, gone after the test.

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'

export interface Folder {
  readonly path: string
  write(files: Readonly<Record<string, string>>): void
  remove(file: string): void
  at(file: string): string
}

export function folder(files: Readonly<Record<string, string>> = {}): Folder {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'wippy-loader-')))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  const made: Folder = {
    path,
    at: (file) => join(path, file),
    remove: (file) => rmSync(join(path, file), { recursive: true }),
    write(more) {
      for (const [file, text] of Object.entries(more)) {
        mkdirSync(dirname(join(path, file)), { recursive: true })
        writeFileSync(join(path, file), text)
      }
    },
  }
  made.write(files)
  return made
}

export const LOCK = 'directories:\n    modules: .wippy\n    src: ./src\n'
