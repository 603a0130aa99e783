// References stay in their folder, whatever they say.

import { realpathSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve, sep } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { SourceRoot } from '../../runtime/loader/source-root.ts'
import { folder } from './project-folder.ts'

const root = new SourceRoot('/project/src')

describe('references', () => {
  test.each([
    ['file://a.lua', 'tools/_index.yaml', 'tools/a.lua'],
    ['file://./a.lua', '_index.yaml', 'a.lua'],
    ['file://../a.lua', 'tools/_index.yaml', 'a.lua'],
    ['file:///lib/a.lua', 'tools/_index.yaml', 'lib/a.lua'],
    ['file:////lib/a.lua', 'tools/_index.yaml', 'lib/a.lua'],
    ['file://a/../b.lua', 'x/y/_index.yaml', 'x/y/b.lua'],
    ['file://..a', '_index.yaml', '..a'],
  ])('%s in %s is %s', (reference, from, path) => {
    expect(root.resolve(reference, from)).toBe(path)
  })

  const segment = fc.constantFrom(
    '..',
    '.',
    '',
    'a',
    'b c',
    '...',
    '..a',
    'a..',
    '%2e%2e',
    '~',
    'é',
    '\\..',
    'c:',
    '\0',
  )
  const path = fc.array(segment, { maxLength: 8 }).map((segments) => segments.join('/'))

  test('whatever they say, they name something below the folder or nothing', () => {
    fc.assert(
      fc.property(path, fc.boolean(), path, (reference, absolute, from) => {
        let inside: string
        const below = from.split('/').filter((part) => part !== '' && part !== '.' && part !== '..')
        try {
          inside = root.resolve(`file://${absolute ? '/' : ''}${reference}`, [...below, '_index.yaml'].join('/'))
        } catch (error) {
          expect(error).toBeInstanceOf(RuntimeError)
          return
        }
        expect(resolve(root.folder, inside).startsWith(root.folder + sep)).toBe(true)
        expect(inside).not.toContain('\0')
      }),
      { numRuns: 2000 },
    )
  })
})

test('no path of links and steps reaches a file outside', () => {
  const disk = folder({ 'secret/s.txt': 's', 'src/a/in.txt': 'in', 'src/b/c/deep.txt': 'deep' })
  const links: [string, string][] = [
    ['secret', 'src/out'],
    ['secret/s.txt', 'src/a/s.txt'],
    ['.', 'src/b/up'],
    ['src/a', 'src/b/a'],
    ['src/b', 'src/a/b'],
    ['src', 'src/self'],
  ]
  for (const [to, at] of links) symlinkSync(disk.at(to), disk.at(at))
  const source = new SourceRoot(disk.at('src'))
  const step = fc.constantFrom('a', 'b', 'c', 'out', 'up', 'self', 'src', 'secret', 's.txt', 'in.txt', 'deep.txt', '..')
  let located = 0
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 6 }),
      fc.constantFrom('a/x.yaml', 'x.yaml'),
      (steps, from) => {
        let file: string
        try {
          file = source.locate(source.resolve(`file://${steps.join('/')}`, from))
        } catch (error) {
          expect(error).toBeInstanceOf(RuntimeError)
          return
        }
        located++
        expect(realpathSync(file).startsWith(realpathSync(disk.at('src')) + sep)).toBe(true)
      },
    ),
    { numRuns: 3000 },
  )
  expect(located).toBeGreaterThan(0)
})

test('a source folder that is itself a link may be read', () => {
  const disk = folder({ 'real/a.txt': 'a' })
  symlinkSync(disk.at('real'), disk.at('link'))
  const source = new SourceRoot(disk.at('link'))
  expect(source.locate('a.txt')).toBe(join(disk.at('link'), 'a.txt'))
  expect(dirname(source.locate('a.txt'))).toBe(disk.at('link'))
})

test('a pipe is no file, so that reading it does not wait forever', async () => {
  const { execFileSync } = await import('node:child_process')
  const disk = folder({ 'src/a.txt': '' })
  execFileSync('mkfifo', [disk.at('src/pipe.yaml')])
  const source = new SourceRoot(disk.at('src'))
  expect(source.definitions()).toEqual([])
  expect(() => source.locate('pipe.yaml')).toThrow('not a regular file')
})
