// YAML read and written as Go's yaml.v3 does it; goldens are made with it.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalValues, type Value } from '../../runtime/core/value.ts'
import { caret, decodeYaml, encodeYaml, readYaml, YamlError } from '../../runtime/external/yaml.ts'

interface Golden {
  read: { text: string; type: string; json: string }[]
  written: { json: string; four: string; two: string }[]
}

const golden: Golden = JSON.parse(readFileSync(new URL('golden/yaml.json', import.meta.url), 'utf8'))

function refusal(text: string): YamlError {
  try {
    decodeYaml(text)
  } catch (error) {
    if (error instanceof YamlError) return error
    throw error
  }
  throw new Error(`accepted: ${text}`)
}

describe('decode', () => {
  for (const { text, type, json } of golden.read) {
    test(`${text} is what Go makes of it: ${type} ${json}`, () => {
      const decode = (): Value => (decodeYaml(`v: ${text}`, { timestamps: 'seconds' }) as { v: Value }).v
      if (type === 'error') return expect(decode).toThrow(YamlError)
      const value = decode()
      if (type === 'int') return expect(BigInt(value as number | bigint)).toBe(BigInt(json))
      const special: Record<string, number> = { '"+Inf"': Infinity, '"-Inf"': -Infinity, '"NaN"': NaN }
      expect(value).toEqual(special[json] ?? JSON.parse(json))
    })
  }

  test('an integer beyond 2^53 keeps every digit', () => {
    expect(decodeYaml('9007199254740993')).toBe(9007199254740993n)
  })

  test('a date stays the text it was written as, unless seconds are wanted', () => {
    expect(decodeYaml('a: 2001-01-01')).toEqual({ a: '2001-01-01' })
    expect(decodeYaml('a: 2001-01-01', { timestamps: 'seconds' })).toEqual({ a: 978307200 })
  })

  test('merge keys fill in what the map does not say, earlier sources first', () => {
    const text = 'a: &x {q: 1}\nb: {<<: [*x, {q: 3, z: 4}], r: 2}\nc: {q: 9, <<: *x}\nd: {"<<": 1}'
    expect(decodeYaml(text)).toEqual({ a: { q: 1 }, b: { q: 1, z: 4, r: 2 }, c: { q: 9 }, d: { '<<': 1 } })
  })

  test('keys that are not text become text, and no key is special', () => {
    const value = decodeYaml('1: a\ntrue: b\nnull: c\n__proto__: {x: 1}\nconstructor: d') as Record<string, Value>
    expect(Object.keys(value)).toEqual(['1', 'true', 'null', '__proto__', 'constructor'])
    expect(Object.getPrototypeOf(value)).toBe(null)
  })

  test('explicit tags decide the type, unknown tags leave the text', () => {
    expect(decodeYaml('[!!str 1, !!int "3", !!float 3, !foo bar, !foo 3, !!binary aGk=, !!bool "true"]')).toEqual([
      '1',
      3,
      3,
      'bar',
      '3',
      'hi',
      true,
    ])
    expect(decodeYaml('!!binary /w==')).toEqual(new Uint8Array([255]))
    expect(refusal('a: !!int x').message).toBe('yaml: line 1: cannot decode "x" as a !!int')
  })

  test('only the first document is read, and the others are mentioned', () => {
    expect(readYaml('a: 1\n---\nb: 2')).toMatchObject({ value: { a: 1 }, more: true })
    expect(readYaml('---\na: 1\n').more).toBe(false)
    expect(decodeYaml('')).toBe(null)
    expect(decodeYaml('# only a comment')).toBe(null)
  })

  test('an error names its line and shows it with a caret', () => {
    const error = refusal('a: 1\nb: {x: 1, x: 2}\n')
    expect(error).toMatchObject({ kind: 'Invalid', mark: { line: 2, column: 11 } })
    expect(error.message).toBe('yaml: line 2: mapping key "x" already defined')
    expect(error.snippet).toBe('2 | b: {x: 1, x: 2}\n              ^')
  })

  test.each([
    ['a: b: c', 1],
    ['x: 1\n\ta: 1', 2],
    ['a: "x\ny', 2],
    ['a: [1, 2', 1],
    ['a: *nope', 1],
    ['a: &a [*a]', 1],
    ['a: @x', 1],
    ['- a\n b: 1', 1],
    ['? [1, 2]\n: 3', 1],
    ['<<: 3', 1],
    ['a: "\\q"', 1],
  ])('%j is refused at line %i', (text, line) => {
    expect(refusal(text).mark.line).toBe(line)
  })

  test.each([
    ['a:\n  - name: x\n   kind: k\n', 'the indentation fits none of the lines above'],
    ['a: b: c', 'unexpected second ": ": quote the value, or check the indentation of the next line'],
    ['key:value\nother: 1', 'expected "key: value", with a space after the colon'],
    ['a: [1\nb: 2', 'a bracket is not closed before this line: ] is missing'],
    ['a: "x', 'a quoted text is not closed: " is missing'],
    ['a: @x', 'a value that starts with @ must be quoted'],
    ['x: 1\n\ty: 2', 'tabs cannot indent, use spaces'],
    ['a: - b', 'a list starts on the line after its key'],
    ['? [a, b]\n: 1', 'a list or map cannot be a key'],
    ['a: {{ x }}', 'a list or map cannot be a key'],
    ['k: &k {a: 1}\n*k : 1', 'a list or map cannot be a key'],
  ])('%j is explained: %s', (text, reason) => {
    expect(refusal(text).reason).toBe(reason)
  })

  test('an alias bomb is refused', () => {
    const bomb = ['a0: &a0 [x, x]', ...Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`)]
    expect(refusal(bomb.join('\n')).reason).toBe('document contains excessive aliasing')
  })

  test('text nested without end is refused and not followed', () => {
    // 10,000 levels ended the whole process when the package was left to it.
    for (const levels of [600, 3_000, 10_000, 500_000]) {
      expect(refusal('['.repeat(levels)).reason).toBe('nested too deeply')
      expect(refusal('{a: '.repeat(levels)).reason).toBe('nested too deeply')
      expect(refusal('? '.repeat(levels)).reason).toBe('nested too deeply')
    }
    expect(refusal('- '.repeat(3_000))).toBeInstanceOf(YamlError)
    expect(refusal(`${'['.repeat(600)}${']'.repeat(600)}`).reason).toContain('nested')
  })

  test('every map, list and field knows where it stands', () => {
    const document = readYaml('namespace: app\nentries:\n  - name: a\n    kind: b\n  - name: c\n')
    const entries = (document.value as { entries: Value[] }).entries
    expect(document.markOf(entries[1] ?? null)).toEqual({ line: 5, column: 5 })
    expect(document.markOf(entries[0] ?? null, 'kind')).toEqual({ line: 4, column: 5 })
    expect(document.markOf(entries, 0)).toEqual({ line: 3, column: 5 })
  })

  test('a caret under a long line shows the part around it', () => {
    const shown = caret(`${'x'.repeat(300)}!${'y'.repeat(300)}`, { line: 1, column: 301 })
    const [line = '', mark = ''] = shown.split('\n')
    expect(line.charAt(mark.length - 1)).toBe('!')
    expect(line.length).toBeLessThan(140)
  })
})

describe('encode', () => {
  for (const { json, four, two } of golden.written) {
    test(`${json.slice(0, 60)} is written as Go writes it`, () => {
      const value = decodeYaml(json)
      expect(encodeYaml(value)).toBe(four)
      expect(encodeYaml(value, { indent: 2 })).toBe(two)
    })
  }

  test('named fields come first at every level, the rest sorted or as it stands', () => {
    const value = { z: 1, name: 'x', a: { q: 1, name: 2 } }
    expect(encodeYaml(value, { indent: 2, fieldOrder: ['name', 'z'] })).toBe('name: x\nz: 1\na:\n  name: 2\n  q: 1\n')
    expect(encodeYaml({ z: 1, b: 2, a: 3 }, { fieldOrder: ['b'], sort: false })).toBe('b: 2\nz: 1\na: 3\n')
  })

  test('bytes that are not text are written so that they come back', () => {
    const bytes = new Uint8Array([0, 255, 254])
    expect(decodeYaml(encodeYaml({ b: bytes }))).toEqual({ b: bytes })
  })

  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('a', ' ', '\n', '\t', ':', '#', '-', "'", '"', '\\', '1', '\r', '|') }),
  )
  const value = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.oneof(
        text,
        fc.boolean(),
        fc.constant(null),
        fc.integer(),
        fc.double({ noNaN: true }),
        fc.bigInt({ min: 2n ** 53n, max: 2n ** 62n }),
      ),
      fc.array(tie('value')),
      fc.dictionary(text, tie('value')),
    ),
  })).value

  test('what is encoded comes back the same', () => {
    fc.assert(
      fc.property(value, fc.constantFrom(2, 4), (original, indent) => {
        const written = encodeYaml(original, { indent })
        expect(equalValues(decodeYaml(written), original), written).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
