// A real watcher on real files.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { manualClock, systemClock } from '../../runtime/core/clock.ts'
import { Watcher, type WatcherOptions } from '../../runtime/loader/watcher.ts'
import { type Folder, folder } from './project-folder.ts'

interface Watching {
  readonly watcher: Watcher
  /** All paths that were named so far. */
  readonly paths: string[]
  /**
   * Writes a file and resolves when a reload is wanted while it is there as written: a reload looks at the disk, which
   * paths it is told of does not matter.
   */
  written(file: string, text: string, how?: 'in place' | 'by renaming'): Promise<void>
}

function watching(disk: Folder, options: Partial<WatcherOptions> = {}): Watching {
  const paths: string[] = []
  let check = (): void => {}
  const changed = (some: readonly string[]): void => {
    paths.push(...some)
    check()
  }
  return {
    paths,
    watcher: new Watcher({ clock: systemClock(), quietMs: 5, removalMs: 20, changed, ...options }),
    written(file, text, how = 'in place') {
      const path = disk.at(file)
      mkdirSync(dirname(path), { recursive: true })
      return new Promise((resolve) => {
        check = () => existsSync(path) && readFileSync(path, 'utf8') === text && resolve()
        writeFileSync(how === 'in place' ? path : `${path}.tmp`, text)
        if (how === 'by renaming') renameSync(`${path}.tmp`, path)
      })
    },
  }
}

test('a file that is replaced again and again is seen every time', async () => {
  const disk = folder({ 'src/a.lua': '0', 'src/deep/b.lua': '0' })
  const { watcher, written } = watching(disk)
  await watcher.watch([disk.at('src')])
  for (let round = 1; round <= 8; round++) {
    for (const file of ['src/a.lua', 'src/deep/b.lua']) {
      await written(file, String(round), round % 2 === 0 ? 'in place' : 'by renaming')
    }
  }
  await watcher.close()
})

test('files and folders that are not there yet are waited for', async () => {
  const disk = folder({ 'other.txt': '' })
  const { watcher, written } = watching(disk)
  await watcher.watch([disk.at('components'), disk.at('.wippy.yaml')])
  await written('.wippy.yaml', 'version: "1.0"')
  await written('components/new/src/_index.yaml', 'one')
  await written('components/new/src/_index.yaml', 'two')
  await written('.wippy.yaml', 'version: "1.0" # again')
  await watcher.close()
})

test('where the runtime writes is not looked into, but for what is watched there', async () => {
  const module = '.wippy/vendor/o/m/_index.yaml'
  const disk = folder({ '.wippy/cache/x': '', [module]: '', 'a.yaml': '', 'node_modules/p/b.yaml': '' })
  const { watcher, written, paths } = watching(disk, { ignored: [disk.at('.wippy')] })
  await watcher.watch([disk.path, disk.at('.wippy/vendor/o/m')])
  writeFileSync(disk.at('.wippy/cache/x'), '1')
  writeFileSync(disk.at('node_modules/p/b.yaml'), '1')
  for (const text of ['1', '2', '3']) {
    await written(module, text)
    await written('a.yaml', text)
  }
  expect(paths).toContain(disk.at('a.yaml'))
  expect(paths).toContain(disk.at(module))
  expect(paths.filter((path) => /cache|node_modules/.test(path))).toEqual([])
  await watcher.close()
})

test('closing does not wait for a start that is put off', async () => {
  const disk = folder({ 'a.yaml': '' })
  const { watcher } = watching(disk, { clock: manualClock(), startAfterMs: 60_000 })
  const started = watcher.watch([disk.path])
  await watcher.close()
  await started
})

test('after a start that was put off, it looks once', async () => {
  const disk = folder({ 'a.yaml': '' })
  const clock = manualClock()
  const { watcher, paths } = watching(disk, { clock, startAfterMs: 100 })
  const started = watcher.watch([disk.path])
  clock.advance(100)
  await started
  clock.advance(1_000)
  expect(paths).toEqual([disk.path])
  await watcher.close()
})
