// Archives: what goes in comes out, what was changed is refused, and nothing leaves them.

import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RuntimeError } from '../../runtime/core/error.ts'
import { Pack, packReader, writePack } from '../../runtime/loader/pack.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'pack-'))
const content = {
  metadata: { description: 'A test', tags: ['a', 'b'] },
  entries: [
    { id: 'app:x', kind: 'function.lua', meta: { type: 'tool' }, data: { source: 'return 1 -- ü', big: 2n ** 60n } },
    { id: 'app:assets', kind: 'fs.embed', meta: {}, data: { mode: '0644' } },
  ],
  files: [
    { entry: 'app:assets', path: 'index.html', content: Buffer.from('<p>hi</p>') },
    { entry: 'app:assets', path: 'img/a b.bin', content: Uint8Array.from([0, 255, 10]) },
  ],
}

function packed(): string {
  const file = join(folder(), 'a.wapp')
  writePack(file, content)
  return file
}

test('entries, metadata and files come back as they were', () => {
  const pack = Pack.open(packed())
  expect(pack.metadata).toEqual(content.metadata)
  expect(pack.entries()).toEqual(content.entries)
  const target = join(folder(), 'out')
  pack.extract('app:assets', target)
  expect(readFileSync(join(target, 'index.html'), 'utf8')).toBe('<p>hi</p>')
  expect([...readFileSync(join(target, 'img', 'a b.bin'))]).toEqual([0, 255, 10])
})

test('the reader gives embedded folders as directories, made once for each archive', async () => {
  const cache = folder()
  const read = packReader(cache)
  const file = packed()
  const folderOf = async () => {
    const assets = (await read(file)).find(({ id }) => id === 'app:assets')
    expect(assets?.kind).toBe('fs.directory')
    return (assets?.data ?? {}) as { directory: string; mode: string } // what the reader makes of fs.embed
  }
  const { directory, mode } = await folderOf()
  expect(mode).toBe('0644')
  expect(directory.startsWith(cache)).toBe(true)
  const made = statSync(join(directory, 'index.html')).mtimeMs
  expect((await folderOf()).directory).toBe(directory)
  expect(statSync(join(directory, 'index.html')).mtimeMs).toBe(made)
})

test('a byte that changed anywhere is noticed', () => {
  const file = packed()
  const bytes = readFileSync(file)
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ flip
      const other = `${file}.changed`
      writeFileSync(other, changed)
      expect(() => Pack.open(other).verify()).toThrow(RuntimeError)
    }),
    { numRuns: 300 },
  )
})

test('an archive that is cut off is refused wherever it is cut', () => {
  const file = packed()
  const bytes = readFileSync(file)
  for (let size = 0; size < bytes.length; size += 7) {
    const short = `${file}.short`
    writeFileSync(short, bytes.subarray(0, size))
    expect(() => Pack.open(short).verify()).toThrow(RuntimeError)
  }
})

/** An archive with a header of our own making, its digest right. */
function forged(header: unknown, blobs = Buffer.alloc(0)): string {
  const file = join(folder(), 'forged.wapp')
  const text = Buffer.from(JSON.stringify(header))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  const magic = Buffer.from('WAPP\0\x01\r\n', 'latin1')
  writeFileSync(file, Buffer.concat([magic, length, createHash('sha256').update(text).digest(), text, blobs]))
  return file
}

const empty = { offset: 0, size: 0, digest: `sha256:${createHash('sha256').digest('hex')}` }

test.each(['../evil', '/etc/passwd', 'a/../../b', 'a//b', './a', 'C:\\x', 'a\\..\\b', 'a\0b', '', 'a/'])(
  'the path %j is refused when reading and when writing',
  (path) => {
    const file = forged({ metadata: {}, entries: empty, files: [{ entry: 'app:x', path, blob: empty }] })
    expect(() => Pack.open(file)).toThrow('leaves it')
    const target = join(folder(), 'a.wapp')
    expect(() =>
      writePack(target, { ...content, files: [{ entry: 'app:x', path, content: Buffer.from('') }] }),
    ).toThrow('leaves it')
    expect(existsSync(target)).toBe(false)
  },
)

test.each([
  ['a part beyond the end', { metadata: {}, entries: { ...empty, size: 5 }, files: [] }],
  ['a negative offset', { metadata: {}, entries: { ...empty, offset: -1 }, files: [] }],
  ['no entries', { metadata: {}, files: [] }],
  ['no files', { metadata: {}, entries: empty }],
  ['a file without a name', { metadata: {}, entries: empty, files: [{ blob: empty }] }],
  ['a list', []],
])('a header with %s is refused', (_what, header) => {
  expect(() => Pack.open(forged(header))).toThrow(/cannot be read/)
})

test('what is no archive is said to be none', () => {
  const file = join(folder(), 'x.wapp')
  writeFileSync(file, 'PK\x03\x04 some other format entirely, and long enough to have a header of its own')
  expect(() => Pack.open(file)).toThrow('it is no .wapp of format 1')
  expect(() => Pack.open(`${file}.none`)).toThrow(expect.objectContaining({ kind: 'NotFound' }))
})

test('a failed write leaves what was there, and no temporary file', () => {
  const file = packed()
  const before = readFileSync(file)
  expect(() =>
    writePack(file, { ...content, files: [{ entry: 'app:x', path: '..', content: Buffer.from('') }] }),
  ).toThrow()
  expect(readFileSync(file).equals(before)).toBe(true)
  expect(readdirSync(join(file, '..'))).toEqual(['a.wapp'])
})
