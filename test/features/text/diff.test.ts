// Differences and patches of texts, with what the documentation shows.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commonOverlap } from '../../../runtime/external/diff.ts'
import { textModule } from '../../../runtime/features/text/text-module.ts'
import { Offload } from '../../../runtime/offload/offload.ts'
import { callFunction, callMethod, type Outcome } from '../../support/call-module.ts'

interface Edit {
  operation: string
  text: string
}

const text = textModule({ offload: new Offload() }).open()
const make = (options?: unknown): Outcome => callFunction(text, 'diff.new', [options]) as Outcome
const differ = make().value
const call = async (name: string, ...args: unknown[]): Promise<Outcome> => callMethod(differ, name, args)
const compare = async (a: string, b: string): Promise<Edit[]> => (await call('compare', a, b)).value as Edit[]
const joined = (edits: Edit[], ...operations: string[]): string =>
  edits
    .filter((edit) => operations.includes(edit.operation))
    .map((edit) => edit.text)
    .join('')

test('compare gives the edits of the documentation', async () => {
  const edits = await compare('hello world', 'hello there')
  expect(edits).toEqual([
    { operation: 'equal', text: 'hello ' },
    { operation: 'delete', text: 'world' },
    { operation: 'insert', text: 'there' },
  ])
  expect((await call('summarize', edits)).value).toEqual({ equals: 6, deletions: 5, insertions: 5 })
  expect((await call('pretty_html', edits)).value).toBe('hello <del>world</del><ins>there</ins>')
  expect((await call('pretty_text', edits)).value).toBe('hello \u001b[31mworld\u001b[0m\u001b[32mthere\u001b[0m')
})

test('html shows markup as text', async () => {
  const edits = await compare('<a & "b">', '<a & "b">!')
  expect((await call('pretty_html', edits)).value).toBe('&lt;a &amp; &#34;b&#34;&gt;<ins>!</ins>')
})

test('summaries count characters, not units', async () => {
  expect((await call('summarize', await compare('😀', '😀😁é'))).value).toEqual({
    equals: 1,
    insertions: 2,
    deletions: 0,
  })
})

const letters = fc.string({
  unit: fc.constantFrom('a', 'b', ' ', '\n', 'é', '😀', '😁', '🏳️', '\ue000', '𝒳'),
  maxLength: 60,
})
const half = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/

test('edits carry one text to the other and never cut a character', async () => {
  await fc.assert(
    fc.asyncProperty(letters, letters, async (a, b) => {
      const edits = await compare(a, b)
      expect(joined(edits, 'equal', 'delete')).toBe(a)
      expect(joined(edits, 'equal', 'insert')).toBe(b)
      for (const edit of edits) expect(edit.text).not.toMatch(half)
    }),
    { numRuns: 500 },
  )
})

test('patches made from two texts turn one into the other', async () => {
  await fc.assert(
    fc.asyncProperty(letters, letters, async (a, b) => {
      const patches = (await call('patch_make', a, b)).value
      // Through JSON, as a program would store them.
      const stored = JSON.parse(JSON.stringify(patches))
      expect((await call('patch_apply', stored, a)).values).toEqual([b, true])
    }),
    { numRuns: 300 },
  )
})

test('patches find their place in a text that has changed elsewhere, and say so when they cannot', async () => {
  const patches = (
    await call('patch_make', 'The quick brown fox jumps over the lazy dog', 'The quick red fox jumps over the lazy cat')
  ).value
  expect((await call('patch_apply', patches, 'Look: The quick brown fox jumps high over the lazy dog')).values).toEqual(
    ['Look: The quick red fox jumps high over the lazy cat', true],
  )
  expect((await call('patch_apply', patches, 'nothing alike')).values).toEqual(['nothing alike', false])
})

test('a line with the name of a method is a line', async () => {
  const lines = (last: string): string => `${'some line\n'.repeat(20)}x\n${last}`
  const edits = await compare(lines('hasOwnProperty'), `y\n${lines('hasOwnProperty')}z`)
  expect(joined(edits, 'equal', 'delete')).toBe(lines('hasOwnProperty'))
})

test('a hopeless comparison ends in time, whatever the timeout', async () => {
  const noise = (seed: number): string =>
    Array.from({ length: 30_000 }, (_, i) => String.fromCharCode(97 + ((i * i * seed + i * 7919) % 26))).join('')
  const patient = make({ diff_timeout: 0 }).value
  const started = performance.now()
  const edits = ((await callMethod(patient, 'compare', [noise(31), noise(17)])) as Outcome).value as Edit[]
  expect(performance.now() - started).toBeLessThan(3000)
  expect(joined(edits, 'equal', 'insert')).toBe(noise(17))
})

test('texts that repeat themselves take linear time', async () => {
  const many = 'a'.repeat(300_000)
  const started = performance.now()
  const edits = await compare(`x${many}`, `${many}y`)
  expect(joined(edits, 'equal', 'insert')).toBe(`${many}y`)
  expect(performance.now() - started).toBeLessThan(3000)
})

test('the overlap of two texts is the longest end of one that starts the other', () => {
  const short = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 })
  fc.assert(
    fc.property(short, short, (ending, starting) => {
      let longest = 0
      for (let n = 1; n <= Math.min(ending.length, starting.length); n++)
        if (ending.endsWith(starting.slice(0, n))) longest = n
      expect(commonOverlap(ending, starting)).toBe(longest)
    }),
    { numRuns: 1000 },
  )
})

test('options and arguments are checked', async () => {
  expect(make({ diff_timeout: -1 }).error).toMatchObject({
    kind: 'Invalid',
    text: 'diff option diff_timeout must be a number from 0 to 3600',
  })
  expect(make({ patch_margin: 40 }).error?.kind).toBe('Invalid')
  expect(make('x').raised).toBe('bad argument #1 to new (table expected, got string)')
  expect((await call('pretty_text', [{ operation: 'move', text: '' }])).error?.kind).toBe('Invalid')
  expect((await call('patch_apply', [{ diffs: [] }], 'x')).error?.text).toBe(
    'a patch needs start1, a whole number from 0',
  )
  expect((await call('patch_apply', ['x'], 'x')).error?.kind).toBe('Invalid')
  expect((await call('patch_apply', {}, 'x')).values).toEqual(['x', true])
  expect((await call('compare', 'x')).raised).toBe('bad argument #2 to compare (string expected, got no value)')
})
