// Filesystems: what a volume does with files, that nothing leaves it, and the module over it.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { emptyFrame } from '../../../runtime/core/frame.ts'
import type { ValueMap } from '../../../runtime/core/value.ts'
import type { OpenFile } from '../../../runtime/features/fs/file.ts'
import { directoryKind, Volumes } from '../../../runtime/features/fs/fs-kinds.ts'
import { fsModule } from '../../../runtime/features/fs/fs-module.ts'
import { Volume } from '../../../runtime/features/fs/volume.ts'
import { type LuaObject, LuaType, type ModuleTable } from '../../../runtime/lua/module.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, callMethod, fakeCall, type Outcome } from '../../support/call-module.ts'

let outside: string
let root: string
beforeEach(() => {
  outside = mkdtempSync(join(tmpdir(), 'fs-'))
  root = join(outside, 'root')
  mkdirSync(root)
  writeFileSync(join(outside, 'secret.txt'), 'secret')
})
afterEach(() => rmSync(outside, { recursive: true }))

const scannerType = new LuaType<OpenFile>({ name: 'Scanner' })

function module(volumes = new Volumes()): ModuleTable {
  volumes.add('app:files', new Volume({ root, mode: 0o755 }))
  const guard = new Guard({ strict: false })
  return fsModule({ volumes, guard, scanner: (file) => scannerType.wrap(file) }).open() as ModuleTable
}
const files = (): unknown => (callFunction(module(), 'get', ['app:files']) as Outcome).value
const on = async (object: unknown, name: string, ...args: unknown[]): Promise<Outcome> => callMethod(object, name, args)
const textOf = (value: unknown): string => Buffer.from(value as Uint8Array).toString()

describe('files', () => {
  test('are written, appended to, read and described', async () => {
    const fs = files()
    expect((await on(fs, 'writefile', '/a.txt', 'one')).value).toBe(true)
    expect((await on(fs, 'write_file', 'a.txt', '+two', 'a')).value).toBe(true)
    expect(textOf((await on(fs, 'readfile', '/a.txt')).value)).toBe('one+two')
    expect((await on(fs, 'stat', 'a.txt')).value).toMatchObject({
      name: 'a.txt',
      size: 7,
      is_dir: false,
      type: 'file',
      mode: 0o644,
    })
    expect((await on(fs, 'exists', '/a.txt')).value).toBe(true)
    expect((await on(fs, 'exists', '/b.txt')).value).toBe(false)
    expect((await on(fs, 'remove', '/a.txt')).value).toBe(true)
    expect(existsSync(join(root, 'a.txt'))).toBe(false)
  })

  test('keep every byte', async () => {
    const fs = files()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (data) => {
        await on(fs, 'writefile', 'bin', data)
        expect([...((await on(fs, 'readfile', 'bin')).value as Uint8Array)]).toEqual([...data])
      }),
      { numRuns: 30 },
    )
  })

  test('are replaced in one step: a writer that fails leaves the old content and no rubbish', async () => {
    const volume = new Volume({ root, mode: 0o755 })
    writeFileSync(join(root, 'a'), 'old')
    const failing = volume.replaceFile('/a', async (file) => {
      await file.appendFile('half')
      throw new Error('disk on fire')
    })
    await expect(failing).rejects.toMatchObject({ kind: 'Internal' })
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('old')
    expect(readdirSync(root)).toEqual(['a'])
  })

  test('with wx are only made, never overwritten', async () => {
    const fs = files()
    expect((await on(fs, 'writefile', 'lock', '1', 'wx')).value).toBe(true)
    expect((await on(fs, 'writefile', 'lock', '2', 'wx')).error).toMatchObject({
      kind: 'AlreadyExists',
      message: 'path already exists: /lock',
    })
  })

  test('are copied from a reader', async () => {
    const fs = files()
    await on(fs, 'writefile', 'a', 'x'.repeat(200_000))
    const { value: file } = await on(fs, 'open', 'a', 'r')
    await on(fs, 'writefile', 'b', file)
    await on(file, 'close')
    expect(statSync(join(root, 'b')).size).toBe(200_000)
    expect((await on(fs, 'writefile', 'c', scannerType.wrap({} as OpenFile))).raised).toMatch(
      /string or reader expected/,
    )
  })
})

describe('open files', () => {
  test('read at their own position to the end, which is NotFound', async () => {
    const fs = files()
    await on(fs, 'writefile', 'a', 'hello')
    const { value: file } = await on(fs, 'open', 'a')
    expect(textOf((await on(file, 'read', 2)).value)).toBe('he')
    expect(textOf((await on(file, 'read')).value)).toBe('llo')
    expect((await on(file, 'read')).error).toMatchObject({ kind: 'NotFound', message: 'EOF' })
    expect((await on(file, 'seek', 'end', -2)).value).toBe(3)
    expect(textOf((await on(file, 'read')).value)).toBe('lo')
    expect((await on(file, 'seek', 'set', -1)).error?.kind).toBe('Invalid')
    expect((await on(file, 'write', 'x')).error?.kind).toBe('Internal')
    expect((await on(file, 'close')).value).toBe(true)
    expect((await on(file, 'close')).value).toBe(true)
    expect((await on(file, 'read')).error).toMatchObject({ kind: 'Internal', retryable: false })
    expect((await on(file, 'scanner')).error?.kind).toBe('Invalid')
  })

  test('write in order without being waited for', async () => {
    const fs = files()
    const { value: file } = await on(fs, 'open', 'log', 'w')
    const pending = Array.from({ length: 50 }, (_, index) => on(file, 'write', `${index},`))
    await on(file, 'close')
    await Promise.all(pending)
    expect(readFileSync(join(root, 'log'), 'utf8')).toBe(`${[...Array(50).keys()].join(',')},`)
  })

  test('are closed when their process ends', async () => {
    const call = fakeCall()
    const fs = files()
    const { value: file } = await callMethod(fs, 'open', ['x', 'w'], call)
    expect(call.owned.size).toBe(1)
    call.end()
    expect((file as LuaObject<OpenFile>).value.isOpen).toBe(false)
  })
})

describe('folders', () => {
  test('are made, listed by a for loop, entered and removed when empty', async () => {
    const fs = files()
    await on(fs, 'mkdir', '/docs')
    await on(fs, 'writefile', '/docs/b.txt', '')
    await on(fs, 'mkdir', 'docs/a')
    const { values } = await on(fs, 'readdir', '/docs')
    const next = values[0] as () => unknown
    expect([next(), next(), next()]).toEqual([{ name: 'a', type: 'directory' }, { name: 'b.txt', type: 'file' }, null])
    expect((await on(fs, 'chdir', 'docs')).value).toBe(true)
    expect((await on(fs, 'pwd')).value).toBe('/docs')
    expect((await on(fs, 'isdir', 'a')).value).toBe(true)
    expect((await on(fs, 'isdir', 'nothing')).value).toBe(false)
    expect((await on(fs, 'remove', '/docs')).error).toMatchObject({
      kind: 'Invalid',
      message: 'directory not empty: /docs',
    })
    expect((await on(fs, 'chdir', 'b.txt')).error).toMatchObject({ message: 'not a directory: /docs/b.txt' })
    expect((await on(fs, 'mkdir', '/x/y')).error).toMatchObject({ kind: 'NotFound' })
    expect((await on(fs, 'remove', '/')).error?.kind).toBe('Invalid')
  })
})

describe('nothing leaves the root', () => {
  test('by dots', async () => {
    const fs = files()
    expect((await on(fs, 'readfile', '/../secret.txt')).error).toMatchObject({
      kind: 'NotFound',
      message: 'file does not exist: /secret.txt',
    })
    expect((await on(fs, 'chdir', '../../..')).value).toBe(true)
    expect((await on(fs, 'pwd')).value).toBe('/')
  })

  test('by links: neither reading, writing, listing nor making', async () => {
    symlinkSync(outside, join(root, 'up'))
    symlinkSync(join(outside, 'secret.txt'), join(root, 'leak'))
    symlinkSync(join(outside, 'new.txt'), join(root, 'dangling'))
    const fs = files()
    for (const [name, ...args] of [
      ['readfile', '/up/secret.txt'],
      ['readfile', '/leak'],
      ['writefile', '/leak', 'x'],
      ['writefile', '/leak', 'x', 'a'],
      ['writefile', '/up/new.txt', 'x'],
      ['open', '/leak', 'w'],
      ['mkdir', '/up/new'],
      ['remove', '/up/secret.txt'],
      ['stat', '/up'],
    ] as const) {
      expect((await on(fs, name, ...args)).error, `${name} ${args[0]}`).toMatchObject({ kind: 'PermissionDenied' })
    }
    expect((await on(fs, 'writefile', '/dangling', 'x')).error?.kind).toBe('NotFound')
    expect(existsSync(join(outside, 'new.txt'))).toBe(false)
    expect(readFileSync(join(outside, 'secret.txt'), 'utf8')).toBe('secret')
    const { values } = await on(fs, 'readdir', '/')
    expect((values[0] as () => unknown)()).toBeNull()
  })

  test('links inside the root work', async () => {
    writeFileSync(join(root, 'real'), 'data')
    symlinkSync('real', join(root, 'link'))
    const fs = files()
    expect(textOf((await on(fs, 'readfile', 'link')).value)).toBe('data')
    await on(fs, 'writefile', 'link', 'new')
    expect(readFileSync(join(root, 'real'), 'utf8')).toBe('new')
    await on(fs, 'remove', 'link')
    expect(existsSync(join(root, 'real'))).toBe(true)
  })

  test('errors name the path of the volume, not of the machine', async () => {
    const fs = files()
    for (const path of ['/no/such', 'a\0b', '', 'x'.repeat(300)]) {
      const { error } = await on(fs, 'readfile', path)
      expect(error?.text).not.toContain(root)
      expect(error).toBeDefined()
    }
    expect((await on(fs, 'readfile', '')).error).toMatchObject({ kind: 'Invalid', message: 'path required' })
    expect((await on(fs, 'open', 'x', 'rw')).error?.message).toBe("invalid mode: must be 'r', 'w', 'wx' or 'a'")
  })
})

describe('the module', () => {
  test('asks for the right to a volume and says which is missing', () => {
    expect((callFunction(module(), 'get', ['app:no']) as Outcome).error).toMatchObject({
      kind: 'NotFound',
      message: 'filesystem not found: app:no',
    })
    const call = {
      ...fakeCall(),
      frame: { ...emptyFrame, actor: { id: 'a', meta: {} }, scope: { evaluate: () => 'deny' as const } },
    }
    expect((callFunction(module(), 'get', ['app:files'], call) as Outcome).error).toMatchObject({
      kind: 'PermissionDenied',
      message: 'not allowed to access filesystem: app:files',
    })
  })
})

describe('fs.directory', () => {
  const open = async (data: ValueMap, moduleRoot?: string) => {
    const volumes = new Volumes()
    const kind = directoryKind({ volumes, root, moduleRoot: () => moduleRoot })
    const entry = { id: 'app:d', kind: 'fs.directory', meta: {}, data }
    const opened = await kind.open(entry, kind.decode(entry), { origin: 'disk' })
    return { volumes, opened }
  }

  test('makes its folder when told to, and goes away with its entry', async () => {
    const { volumes, opened } = await open({ directory: './data/deep', auto_init: true, mode: '0750' })
    expect(statSync(join(root, 'data/deep')).isDirectory()).toBe(true)
    expect(volumes.require('app:d')).toBeInstanceOf(Volume)
    await opened.close()
    expect(() => volumes.require('app:d')).toThrow('filesystem not found')
  })

  test.each([
    ['0555', ['stat', 'readfile', 'open', 'readdir', 'exists', 'isdir', 'chdir']],
    ['0444', ['stat', 'readfile', 'open', 'readdir', 'exists', 'isdir', 'chdir']], // gets execute bits
    ['0400', ['stat', 'readfile', 'open', 'exists', 'isdir', 'chdir']],
    ['0300', ['writefile', 'append', 'make', 'mkdir', 'remove']],
    ['0200', ['writefile', 'append', 'make', 'remove']],
    [
      '0755',
      [
        'stat',
        'readfile',
        'open',
        'readdir',
        'exists',
        'isdir',
        'chdir',
        'writefile',
        'append',
        'make',
        'mkdir',
        'remove',
      ],
    ],
  ])('with mode %s allows what its owner may', async (mode, allowed) => {
    mkdirSync(join(root, 'd'))
    for (const name of ['a', 'b']) writeFileSync(join(root, name), 'x')
    const { volumes } = await open({ directory: '.', mode })
    const fs = (callFunction(module(volumes), 'get', ['app:d']) as Outcome).value
    const attempts: Record<string, Promise<Outcome>> = {
      stat: on(fs, 'stat', 'a'),
      readfile: on(fs, 'readfile', 'a'),
      open: on(fs, 'open', 'a'),
      readdir: on(fs, 'readdir', '/'),
      exists: on(fs, 'exists', 'a'),
      isdir: on(fs, 'isdir', 'd'),
      chdir: on(fs, 'chdir', 'd'),
      writefile: on(fs, 'writefile', '/w', 'x'),
      append: on(fs, 'writefile', '/a', 'x', 'a'),
      make: on(fs, 'open', '/m', 'wx'),
      mkdir: on(fs, 'mkdir', '/n'),
      remove: on(fs, 'remove', '/b'),
    }
    const done: string[] = []
    for (const [name, attempt] of Object.entries(attempts)) {
      const { error } = await attempt
      if (error === undefined) done.push(name)
      else expect(error, name).toMatchObject({ kind: 'PermissionDenied', retryable: false })
    }
    expect(done).toEqual(allowed)
  })

  test('is followed by those who hold it: to another folder, and away', async () => {
    const { volumes, opened } = await open({ directory: '.' })
    const fs = (callFunction(module(volumes), 'get', ['app:d']) as Outcome).value
    await on(fs, 'writefile', 'a', 'one')
    await opened.close()
    expect((await on(fs, 'readfile', 'a')).error).toMatchObject({
      kind: 'NotFound',
      message: 'filesystem not found: app:d',
    })
    mkdirSync(join(root, 'other'))
    volumes.add('app:d', new Volume({ root: join(root, 'other'), mode: 0o755 }))
    expect((await on(fs, 'readfile', 'a')).error).toMatchObject({ message: 'file does not exist: /a' })
  })

  test('of a module starts from the module, unless it says project', async () => {
    const moduleRoot = join(outside, 'module')
    mkdirSync(join(moduleRoot, 'pages'), { recursive: true })
    await open({ directory: 'pages' }, moduleRoot)
    await expect(open({ directory: 'pages', base: 'project' }, moduleRoot)).rejects.toThrow(
      'does not exist (auto_init makes it)',
    )
    await expect(open({ directory: '.', base: 'x' })).rejects.toThrow('invalid directory base "x"')
    await expect(open({})).rejects.toThrow('entry app:d: directory is required')
  })
})
