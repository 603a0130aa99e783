// Archives: round trips in every format, what other programs wrote and read, hostile archives.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { emptyFrame } from '../../../runtime/core/frame.ts'
import { archiveModule } from '../../../runtime/features/archive/archive-module.ts'
import type { ByteReader } from '../../../runtime/features/archive/entry.ts'
import { writeHeader } from '../../../runtime/features/archive/tar.ts'
import { Zstd } from '../../../runtime/features/compress/zstd.ts'
import { Volumes } from '../../../runtime/features/fs/fs-kinds.ts'
import { fsModule } from '../../../runtime/features/fs/fs-module.ts'
import { Volume } from '../../../runtime/features/fs/volume.ts'
import { readOnlyMethods } from '../../../runtime/features/http_client/stream-type.ts'
import { LuaType, type ModuleTable } from '../../../runtime/lua/module.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, callMethod, type FakeCall, fakeCall, type Outcome } from '../../support/call-module.ts'

let root: string
let fs: unknown
let call: FakeCall
const guard = new Guard({ strict: false })
const zstd = new Zstd()
const scannerType = new LuaType<ByteReader>({ name: 'Scanner' })
const module = archiveModule({
  guard,
  now: () => 1_767_225_600,
  zstd: {
    encode: (data) => zstd.encode(data, { level: 3, dictionary: undefined }),
    decode: (data, maxSize) => zstd.decode(data, { maxSize, dictionary: undefined }),
  },
  scanner: (source) => scannerType.wrap(source),
  readOnly: readOnlyMethods,
}).open() as ModuleTable

beforeEach(() => {
  call = fakeCall()
  root = mkdtempSync(join(tmpdir(), 'archive-'))
  const volumes = new Volumes()
  volumes.add('app:files', new Volume({ root, mode: 0o755 }))
  const table = fsModule({ volumes, guard, scanner: () => null }).open() as ModuleTable
  fs = (callFunction(table, 'get', ['app:files']) as Outcome).value
})
afterEach(() => {
  call.end()
  rmSync(root, { recursive: true })
})

const run = async (name: string, ...args: unknown[]): Promise<Outcome> => callFunction(module, name, args, call)
const on = async (object: unknown, name: string, ...args: unknown[]): Promise<Outcome> =>
  callMethod(object, name, args, call)
async function good(outcome: Promise<Outcome>): Promise<unknown> {
  const { value, error, raised } = await outcome
  if (error !== undefined || raised !== undefined) throw error ?? new Error(raised)
  return value
}
const textOf = (value: unknown): string => Buffer.from(value as Uint8Array).toString()

async function listed(reader: unknown): Promise<string[]> {
  const next = (await on(reader, 'entries')).values[0] as () => { name: string; size: number } | null
  const names: string[] = []
  for (let entry = next(); entry !== null; entry = next()) names.push(`${entry.name} ${entry.size}`)
  return names
}

/** Every entry with its content, by walking. */
async function walked(source: unknown, ...rest: unknown[]): Promise<Record<string, string>> {
  const walker = await good(run('scan', source, ...rest))
  const next = (await on(walker, 'walk')).values[0] as () => Promise<null | { values: readonly unknown[] }>
  const found: Record<string, string> = {}
  for (;;) {
    const step = await next()
    if (step === null) break
    const [entry, stream] = step.values as [{ name: string }, unknown]
    const pieces: Uint8Array[] = []
    for (;;) {
      const { value, error } = await on(stream, 'read', 1000)
      if (error !== undefined) throw error
      if (!(value instanceof Uint8Array)) break
      pieces.push(value)
    }
    found[entry.name] = Buffer.concat(pieces).toString()
  }
  await on(walker, 'close')
  return found
}

async function write(path: string, entries: Record<string, string>, options?: unknown): Promise<void> {
  const writer = await good(run('create', fs, path, options))
  for (const [name, content] of Object.entries(entries)) {
    if (name.endsWith('/')) await good(on(writer, 'add_dir', name))
    else await good(on(writer, 'add', name, content))
  }
  await good(on(writer, 'close'))
}

const long = `${'deep/'.repeat(30)}file.txt`
const sample = {
  'notes.txt': 'hello',
  'dir/': '',
  'dir/größe.txt': 'x'.repeat(200_000),
  'empty.txt': '',
  [long]: 'far',
}
const expected = { ...sample }

describe.each(['zip', 'tar', 'tar.gz', 'tar.zst'])('%s', (format) => {
  test('gives back what was put in, walking', async () => {
    await write(`a.${format}`, sample)
    expect(await walked(fs, `a.${format}`)).toEqual(expected)
    const { value: file } = await on(fs, 'open', `a.${format}`)
    expect(await walked(file)).toEqual(expected)
    await on(file, 'close')
    expect(await walked(readFileSync(join(root, `a.${format}`)))).toEqual(expected)
    expect(readdirSync(root)).toEqual([`a.${format}`])
  })

  test('any contents', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ unit: 'binary' })),
        async (entries) => {
          await write(`p.${format}`, entries)
          expect(await walked(fs, `p.${format}`)).toEqual(
            Object.fromEntries(Object.entries(entries).map(([name, text]) => [name, Buffer.from(text).toString()])),
          )
        },
      ),
      { numRuns: 15 },
    )
  })

  test('is nothing until it is closed, and nothing at all when it is not', async () => {
    const call = fakeCall()
    const { value: writer } = (await callFunction(module, 'create', [fs, `b.${format}`], call)) as Outcome
    await on(writer, 'add', 'a', 'b')
    expect(existsSync(join(root, `b.${format}`))).toBe(false)
    call.end()
    await expect.poll(() => readdirSync(root)).toEqual([])
    expect((await on(writer, 'add', 'c', 'd')).error?.kind).toBe('Invalid')
  })

  test('a cut off archive is Invalid, not half a result', async () => {
    await write(`c.${format}`, sample)
    const whole = readFileSync(join(root, `c.${format}`))
    await expect(walked(whole.subarray(0, Math.floor(whole.length / 2)))).rejects.toMatchObject({ kind: 'Invalid' })
  })
})

describe('random access', () => {
  test.each(['zip', 'tar'])('%s: entries, stat, read, stream', async (format) => {
    await write(`a.${format}`, sample)
    const reader = await good(run('open', fs, `a.${format}`))
    expect(await listed(reader)).toEqual(['notes.txt 5', 'dir/ 0', 'dir/größe.txt 200000', 'empty.txt 0', `${long} 3`])
    expect(await good(on(reader, 'stat', 'notes.txt'))).toMatchObject({
      size: 5,
      is_dir: false,
      type: 'file',
      mode: 0o644,
      modified: 1_767_225_600,
    })
    expect(textOf(await good(on(reader, 'read', 'notes.txt')))).toBe('hello')
    const stream = await good(on(reader, 'stream', 'dir/größe.txt'))
    expect(textOf(await good(on(stream, 'read', 3)))).toBe('xxx')
    expect((await on(reader, 'read', 'none')).error).toMatchObject({
      kind: 'NotFound',
      message: 'entry not found: none',
    })
    await good(on(reader, 'close'))
    await good(on(reader, 'close'))
  })

  test.each(['tar.gz', 'tar.zst'])('%s has none', async (format) => {
    await write(`a.${format}`, { x: 'y' })
    expect((await run('open', fs, `a.${format}`)).error).toMatchObject({ kind: 'Unavailable' })
  })

  test('extracts one entry, or all of them, making folders', async () => {
    await write('a.zip', sample)
    const reader = await good(run('open', fs, 'a.zip'))
    await good(on(reader, 'extract', 'notes.txt', fs, '/one/two/n.txt'))
    expect(readFileSync(join(root, 'one/two/n.txt'), 'utf8')).toBe('hello')
    expect(await good(on(reader, 'extract_all', fs, { prefix: 'out/' }))).toBe(4)
    expect(readFileSync(join(root, 'out', long), 'utf8')).toBe('far')
    expect(readdirSync(join(root, 'out/dir'))).toEqual(['größe.txt'])
    expect(await good(on(reader, 'extract_all', fs, { strip: 1, prefix: 's/' }))).toBe(2)
    expect(existsSync(join(root, 's/größe.txt'))).toBe(true)
  })
})

describe('other programs', () => {
  const python = (script: string): string => execFileSync('python3', ['-c', script], { cwd: root, encoding: 'utf8' })

  test('read what is written here', async () => {
    for (const format of ['zip', 'tar', 'tar.gz']) await write(`a.${format}`, sample)
    const script = `
import zipfile, tarfile, json
z = zipfile.ZipFile('a.zip'); assert z.testzip() is None
print(json.dumps({n: z.read(n).decode() for n in z.namelist()}))
for n in ('a.tar', 'a.tar.gz'):
    t = tarfile.open(n)
    print(json.dumps({m.name + ('/' if m.isdir() else ''): '' if m.isdir() else t.extractfile(m).read().decode() for m in t.getmembers()}))
`
    for (const line of python(script).trim().split('\n')) expect(JSON.parse(line)).toEqual(expected)
  })

  test('write what is read here', async () => {
    python(`
import zipfile, tarfile, io
z = zipfile.ZipFile('p.zip', 'w', zipfile.ZIP_DEFLATED); z.writestr('a/b.txt', 'one'); z.writestr('c', 'two', zipfile.ZIP_STORED); z.comment = b'hello'; z.close()
for n, f in (('gnu.tar', tarfile.GNU_FORMAT), ('pax.tar', tarfile.PAX_FORMAT)):
    t = tarfile.open(n, 'w', format=f)
    for name in ('short', '${long}', 'ümlaut'):
        i = tarfile.TarInfo(name); i.size = 3; i.mtime = 5; t.addfile(i, io.BytesIO(b'abc'))
    l = tarfile.TarInfo('link'); l.type = tarfile.SYMTYPE; l.linkname = '/etc/passwd'; t.addfile(l)
    t.close()
`)
    expect(await walked(fs, 'p.zip')).toEqual({ 'a/b.txt': 'one', c: 'two' })
    for (const name of ['gnu.tar', 'pax.tar'])
      expect(await walked(fs, name)).toEqual({ short: 'abc', [long]: 'abc', ümlaut: 'abc' })
  })
})

describe('hostile archives', () => {
  const tarOf = (name: string, size: number, content = Buffer.alloc(size)): Buffer =>
    Buffer.concat([
      writeHeader({ name, size, mode: 0o644, modified: 0, isDir: false }),
      content,
      Buffer.alloc((512 - (content.length % 512)) % 512),
      Buffer.alloc(1024),
    ])

  test.each(['../evil', '/etc/passwd', 'a/../../b', 'C:\\x', '..\\x', 'a\nb'])(
    'the name %j writes nowhere',
    async (name) => {
      const reader = await good(run('open', tarOf(name, 3)))
      const { error } = await on(reader, 'extract_all', fs)
      expect(error).toMatchObject({ kind: 'Invalid', message: expect.stringMatching(/^unsafe entry name/) })
      expect(readdirSync(root)).toEqual([])
      const writer = await good(run('create', fs, 'w.zip'))
      expect((await on(writer, 'add', name, 'x')).error?.kind).toBe('Invalid')
      await on(writer, 'close')
      rmSync(join(root, 'w.zip'))
    },
  )

  test('bombs stop at their limits', async () => {
    await write('bomb.zip', { big: '\0'.repeat(3_000_000) })
    const reader = await good(run('open', fs, 'bomb.zip', { max_file_bytes: 1_000_000 }))
    expect((await on(reader, 'read', 'big')).error).toMatchObject({
      kind: 'Invalid',
      message: 'entry big exceeds max_file_bytes (1000000)',
    })
    const small = await good(run('open', fs, 'bomb.zip', { max_inline_bytes: 100 }))
    expect((await on(small, 'read', 'big')).error?.message).toContain('max_inline_bytes')
    const gz = gzipSync(tarOf('big', 3_000_000))
    await expect(walked(gz, { max_total_bytes: 1_000_000 })).rejects.toMatchObject({ kind: 'Invalid' })
    await write('many.tar', { a: '', b: '', c: '' })
    expect((await run('open', fs, 'many.tar', { max_entries: 2 })).error?.message).toContain('max_entries')
  })

  test('a zip whose sizes or checksum lie is corrupt', async () => {
    await write('a.zip', { x: 'hello' })
    const bytes = readFileSync(join(root, 'a.zip'))
    const directory = bytes.indexOf(Buffer.from('504b0102', 'hex'))
    for (const field of [16, 24]) {
      const lie = Buffer.from(bytes)
      lie.writeUInt32LE(12345, directory + field)
      const reader = await good(run('open', lie))
      expect((await on(reader, 'read', 'x')).error).toMatchObject({ kind: 'Invalid' })
    }
  })

  test('any bytes are an archive or Invalid, soon', async () => {
    await write('seed.zip', { a: 'hello', b: 'world' })
    await write('seed.tar', { a: 'hello', b: 'world' })
    const seeds = ['seed.zip', 'seed.tar'].map((name) => readFileSync(join(root, name)))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 5 }),
        async (seed, changes) => {
          const bytes = Buffer.from(seed)
          for (const [at, value] of changes) bytes[at % bytes.length] = value
          const outcome = await run('open', bytes)
          if (outcome.error !== undefined) expect(['Invalid', 'Unavailable']).toContain(outcome.error.kind)
          else
            for (const name of ['a', 'b'])
              expect(['Invalid', 'NotFound', undefined]).toContain((await on(outcome.value, 'read', name)).error?.kind)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('an unknown format is refused', async () => {
    expect((await run('open', 'nonsense')).error).toMatchObject({ kind: 'Invalid', message: 'unknown archive format' })
    expect((await run('create', fs, 'x.rar')).error?.kind).toBe('Invalid')
    expect((await run('open', 'x', { format: 'rar' })).error?.kind).toBe('Invalid')
    expect((await run('formats')).value).toEqual(['zip', 'tar', 'tar.gz', 'tar.zst'])
  })
})

test('a stream that its walk has left is stale', async () => {
  await write('a.tar', { a: 'x', b: 'y' })
  const walker = await good(run('scan', fs, 'a.tar'))
  const next = (await on(walker, 'walk')).values[0] as () => Promise<{ values: readonly unknown[] }>
  const [, first] = (await next()).values
  await next()
  expect((await on(first, 'read')).error).toMatchObject({
    kind: 'Internal',
    message: expect.stringContaining('the walk has gone on'),
  })
})

test('files of a volume are added with their mode, readers with their content', async () => {
  mkdirSync(join(root, 'in'))
  writeFileSync(join(root, 'in/run.sh'), 'echo', { mode: 0o755 })
  const writer = await good(run('create', fs, 'a.zip'))
  await good(on(writer, 'add_file', 'bin/run.sh', fs, 'in/run.sh'))
  const { value: file } = await on(fs, 'open', 'in/run.sh')
  await good(on(writer, 'add', 'copy', file, { method: 'store', mode: 0o600, modified: 1_000_000_000 }))
  await good(on(writer, 'close'))
  await on(file, 'close')
  const reader = await good(run('open', fs, 'a.zip'))
  expect(await good(on(reader, 'stat', 'bin/run.sh'))).toMatchObject({ mode: 0o755, method: 'deflate' })
  expect(await good(on(reader, 'stat', 'copy'))).toMatchObject({
    mode: 0o600,
    method: 'store',
    modified: 1_000_000_000,
  })
  expect(textOf(await good(on(reader, 'read', 'copy')))).toBe('echo')
})

test('reading and writing are asked for with the path', async () => {
  await write('a.zip', { a: 'b' })
  const call = {
    ...fakeCall(),
    frame: {
      ...emptyFrame,
      actor: { id: 'x', meta: {} },
      scope: {
        evaluate: (_a: unknown, action: string) => (action === 'archive.read' ? ('allow' as const) : ('deny' as const)),
      },
    },
  }
  expect(((await callFunction(module, 'open', [fs, 'a.zip'], call)) as Outcome).error).toBeUndefined()
  expect(((await callFunction(module, 'create', [fs, 'b.zip'], call)) as Outcome).error).toMatchObject({
    kind: 'PermissionDenied',
    message: 'not allowed: archive.write on /b.zip',
  })
})
