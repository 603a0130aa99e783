// Splitting texts and Markdown: sizes, overlaps, and time that grows with the text only.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { textModule } from '../../../runtime/features/text/text-module.ts'
import { Offload } from '../../../runtime/offload/offload.ts'
import { callFunction, callMethod, type Outcome } from '../../support/call-module.ts'

const text = textModule({ offload: new Offload() }).open()
const make = (kind: string, options?: unknown): Outcome => callFunction(text, `splitter.${kind}`, [options]) as Outcome
async function split(kind: string, options: unknown, document: string): Promise<string[]> {
  return (await callMethod(make(kind, options).value, 'split_text', [document])).value as string[]
}

describe('recursive', () => {
  test('paragraphs come first, then lines, then words, then characters', async () => {
    const document = 'One two.\nThree.\n\nFour five six seven\n\nabcdefghijklm'
    expect(await split('recursive', { chunk_size: 16, chunk_overlap: 0 }, document)).toEqual([
      'One two.\nThree.',
      'Four five six',
      'seven',
      'abcdefghijklm',
    ])
    expect(await split('recursive', { chunk_size: 5, chunk_overlap: 0 }, 'abcdefghijklm')).toEqual([
      'abcde',
      'fghij',
      'klm',
    ])
  })

  test('the overlap repeats whole pieces that fit into it', async () => {
    expect(await split('recursive', { chunk_size: 11, chunk_overlap: 5 }, 'aa bb cc dd ee ff')).toEqual([
      'aa bb cc dd',
      'cc dd ee ff',
    ])
  })

  test('separators can be kept and chosen', async () => {
    const options = { chunk_size: 8, chunk_overlap: 0, separators: [';', ''], keep_separator: true }
    expect(await split('recursive', options, 'abc;def;ghi')).toEqual(['abc;def', ';ghi'])
    expect(await split('recursive', { chunk_size: 4, chunk_overlap: 0, separators: [';'] }, 'abcdefgh;i')).toEqual([
      'abcdefgh',
      'i',
    ])
  })

  test('chunks are never too long, keep every character, and cut none', async () => {
    const document = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '😀', '界', ' ', '\n', '\n\n'), maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(document, fc.integer({ min: 1, max: 30 }), fc.nat(10), async (source, size, overlap) => {
        const chunks = await split('recursive', { chunk_size: size, chunk_overlap: overlap }, source)
        for (const chunk of chunks) {
          expect([...chunk].length).toBeLessThanOrEqual(size)
          expect(source).toContain(chunk)
          expect(chunk).not.toMatch(/^[\udc00-\udfff]|[\ud800-\udbff]$/)
        }
        // Without an overlap nothing is repeated, and only white space may be missing.
        const exact = await split('recursive', { chunk_size: size, chunk_overlap: 0 }, source)
        expect(exact.join('').replace(/\s/g, '')).toBe(source.replace(/\s/g, ''))
      }),
      { numRuns: 300 },
    )
  })

  test('the defaults are 512 and 100', async () => {
    const words = Array.from({ length: 400 }, (_, i) => `w${String(i).padStart(3, '0')}`)
    const chunks = await split('recursive', undefined, words.join(' '))
    expect(chunks[0]?.length).toBeLessThanOrEqual(512)
    expect(chunks[0]?.length).toBeGreaterThan(500)
    const [, second = ''] = chunks
    const repeated = chunks[0]?.slice(chunks[0].indexOf(second.slice(0, 4))) ?? ''
    expect(second.startsWith(repeated)).toBe(true)
    expect(repeated.length).toBeGreaterThan(90)
    expect(repeated.length).toBeLessThanOrEqual(100)
  })

  test('a megabyte splits in good time', async () => {
    const started = performance.now()
    const chunks = await split('recursive', { chunk_size: 1000 }, 'lorem ipsum dolor '.repeat(60_000))
    expect(chunks.length).toBeGreaterThan(1000)
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('batches', () => {
  test('every chunk knows its page', async () => {
    const splitter = make('recursive', { chunk_size: 6, chunk_overlap: 0 }).value
    const pages = [
      { content: 'aaa bbb ccc', metadata: { page: 1 } },
      { content: 'dd', metadata: { page: 2 } },
      { content: 'e' },
    ]
    const { value } = await callMethod(splitter, 'split_batch', [pages])
    expect(value).toEqual([
      { content: 'aaa', metadata: { page: 1 } },
      { content: 'bbb', metadata: { page: 1 } },
      { content: 'ccc', metadata: { page: 1 } },
      { content: 'dd', metadata: { page: 2 } },
      { content: 'e' },
    ])
    const refused = await callMethod(splitter, 'split_batch', [[{ metadata: {} }]])
    expect(refused.error).toMatchObject({ kind: 'Invalid', text: 'a page needs content, a string' })
  })
})

describe('markdown', () => {
  const document = `# Guide

Intro text.

## Setup

First step.

- one
- two

## Empty

## Use

Second step.
`

  test('chunks follow the sections and carry their heading', async () => {
    expect(await split('markdown', { chunk_size: 60 }, document)).toEqual([
      '# Guide\nIntro text.',
      '## Setup\nFirst step.\n- one\n- two',
      '## Empty',
      '## Use\nSecond step.',
    ])
  })

  test('with the hierarchy they carry all headings above them', async () => {
    expect(await split('markdown', { chunk_size: 60, heading_hierarchy: true }, document)).toEqual([
      '# Guide\nIntro text.',
      '# Guide\n## Setup\nFirst step.\n- one\n- two',
      '# Guide\n## Empty',
      '# Guide\n## Use\nSecond step.',
    ])
  })

  test('a code block stays one piece, and a large one stays code in every piece', async () => {
    const code = 'Before.\n\n```lua\nlocal a = 1\n\nlocal b = 2\n```\n\nAfter.\n'
    expect(await split('markdown', { chunk_size: 40, code_blocks: true }, code)).toEqual([
      'Before.',
      '```lua\nlocal a = 1\n\nlocal b = 2\n```',
      'After.',
    ])
    expect(await split('markdown', { chunk_size: 26, code_blocks: true }, code)).toEqual([
      'Before.',
      '```lua\nlocal a = 1\n\n```',
      '```lua\nlocal b = 2\n```',
      'After.',
    ])
    expect((await split('markdown', { chunk_size: 26, chunk_overlap: 0 }, code)).join('\n')).toContain('local b = 2')
  })

  test('table rows stand alone or together, always under their header', async () => {
    const table = '| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |\n'
    const head = '| a | b |\n|---|---|\n'
    expect(await split('markdown', {}, table)).toEqual([`${head}| 1 | 2 |`, `${head}| 3 | 4 |`, `${head}| 5 | 6 |`])
    expect(await split('markdown', { join_table_rows: true, chunk_size: 40 }, table)).toEqual([
      `${head}| 1 | 2 |\n| 3 | 4 |`,
      `${head}| 5 | 6 |`,
    ])
  })

  test('reference links get their addresses where asked', async () => {
    const links = 'See [the docs][Docs] and [docs][], not [x][y].\n\n[docs]: https://example.com "Title"\n'
    expect(await split('markdown', { reference_links: true }, links)).toEqual([
      'See [the docs](https://example.com "Title") and [docs](https://example.com "Title"), not [x][y].',
    ])
    expect((await split('markdown', {}, links)).join('\n')).toContain('[docs]: https://example.com "Title"')
  })

  test('hostile text takes no more time than other text', async () => {
    const n = 20_000
    const started = performance.now()
    for (const source of [
      'a.'.repeat(n),
      '_a'.repeat(n),
      '[a]('.repeat(n),
      '['.repeat(n),
      '> '.repeat(n),
      '> '.repeat(10 * n),
      '- > '.repeat(n),
      '`'.repeat(n),
    ]) {
      const chunks = await split('markdown', { code_blocks: true, reference_links: true }, `${source}\n\n[x]: y\n`)
      expect(chunks.length).toBeGreaterThan(0)
    }
    expect(performance.now() - started).toBeLessThan(3000)
  })

  test('a paragraph larger than a chunk is cut, each part under the heading', async () => {
    const chunks = await split(
      'markdown',
      { chunk_size: 20, chunk_overlap: 0 },
      '# T\n\none two three four five six seven\n',
    )
    expect(chunks).toEqual(['# T\none two three four', '# T\nfive six seven'])
  })
})

test('options are checked', () => {
  expect(make('recursive', { chunk_size: 0 }).error).toMatchObject({
    kind: 'Invalid',
    text: 'splitter option chunk_size must be a whole number of at least 1',
  })
  expect(make('markdown', { chunk_overlap: -1 }).error?.kind).toBe('Invalid')
  expect(make('recursive', { separators: [5] }).error?.kind).toBe('Invalid')
  expect(make('recursive', 5).raised).toBe('bad argument #1 to recursive (table expected, got number)')
})
