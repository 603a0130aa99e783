// wippy.lock, read and written.

import { readFileSync, statSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { errorText } from '../../runtime/core/error.ts'
import { formatLock, newLock, readLock, requireLock, writeLock } from '../../runtime/loader/lockfile.ts'
import { folder } from './project-folder.ts'

const text = (lock: string): string => {
  const { at } = folder({ 'wippy.lock': lock })
  try {
    readLock(at('wippy.lock'))
  } catch (error) {
    return errorText(error).replaceAll(at('wippy.lock'), 'wippy.lock')
  }
  return 'accepted'
}

test('a new lock is written as the original writes it, and comes back', () => {
  const { at } = folder()
  writeLock(at('wippy.lock'), newLock())
  expect(readFileSync(at('wippy.lock'), 'utf8')).toBe('directories:\n    modules: .wippy\n    src: ./src\n')
  expect(statSync(at('wippy.lock')).mode & 0o777).toBe(0o600)
  expect(readLock(at('wippy.lock'))).toEqual(newLock())
})

test('modules and replacements are sorted by name', () => {
  const { at } = folder({ here: '' })
  const lock = {
    ...newLock(),
    modules: [
      { name: 'b/b', version: 'v2.0.0', hash: 'sha256:x', localHash: 'y' },
      { name: 'a/a', version: 'v1.0.0' },
    ],
    replacements: [
      { from: 'z/z', to: 'here' },
      { from: 'c/c', to: '.' },
    ],
    options: { unpackModules: true },
  }
  writeLock(at('wippy.lock'), lock)
  const read = readLock(at('wippy.lock'))
  expect(read?.modules.map(({ name }) => name)).toEqual(['a/a', 'b/b'])
  expect(read?.replacements.map(({ from }) => from)).toEqual(['c/c', 'z/z'])
  expect(read?.modules[1]).toEqual({ name: 'b/b', version: 'v2.0.0', hash: 'sha256:x', localHash: 'y' })
  expect(read?.options).toEqual({ unpackModules: true })
  expect(read === undefined ? '' : formatLock(read)).toBe(readFileSync(at('wippy.lock'), 'utf8'))
})

describe('faults', () => {
  const directories = 'directories: {src: ./src}\n'

  test.each([
    [
      'a: [',
      /^failed to load lock file: lock file wippy\.lock: failed to read lock file: failed to unmarshal yaml: yaml: line 1: /,
    ],
    ['- 1', /failed to unmarshal yaml: the file must be a map/],
    ['modules: {}', /failed to unmarshal yaml: modules must be a list of maps/],
    ['modules: []', /^invalid lock file: lock file wippy\.lock: directories\.src cannot be empty$/],
    [
      `${directories}modules: [{name: a/b}]`,
      /^invalid lock file: lock file wippy\.lock: module "a\/b" has empty version$/,
    ],
    [
      `${directories}modules: [{name: x, version: v1}]`,
      /^invalid lock file: lock file wippy\.lock: invalid module "x": invalid format \(expected org\/module, got "x"\)$/,
    ],
    [
      `${directories}replacements: [{from: a/b, to: ../p}]`,
      /^invalid lock file: lock file wippy\.lock: invalid replacements: replacement path "\.\.\/p" does not exist$/,
    ],
  ])('%j', (lock, message) => {
    expect(text(lock)).toMatch(message)
  })

  test('a lock that must be there and is not names its absolute path', () => {
    const { at } = folder()
    expect(() => requireLock(at('wippy.lock'))).toThrow(
      `lock file not found: stat ${at('wippy.lock')}: no such file or directory`,
    )
    expect(readLock(at('wippy.lock'))).toBe(undefined)
  })
})
