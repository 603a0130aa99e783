// The `yaml` module: shapes, options, error kinds, and that hostile documents end soon.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { yamlModule } from '../../runtime/features/yaml.ts'
import { Offload } from '../../runtime/offload/offload.ts'
import { callFunction, type Outcome } from '../support/call-module.ts'

const module = yamlModule({ offload: new Offload() }).open()
const encode = (...args: unknown[]): Outcome => callFunction(module, 'encode', args) as Outcome
const decode = (...args: unknown[]): Outcome => callFunction(module, 'decode', args) as Outcome

describe('encode', () => {
  test('sorts keys and indents by four without options', () => {
    expect(encode({ b: { d: [1, 'x'] }, a: true }).value).toBe('a: true\nb:\n    d:\n        - 1\n        - x\n')
  })

  test('puts the named fields first, the rest sorted or as they came', () => {
    const entry = { zebra: 1, alpha: 2, name: 'test', kind: 'demo' }
    expect(encode(entry, { field_order: ['name', 'kind'], sort_unordered: true }).value).toBe(
      'name: test\nkind: demo\nalpha: 2\nzebra: 1\n',
    )
    expect(encode(entry, { field_order: ['kind'] }).value).toBe('kind: demo\nzebra: 1\nalpha: 2\nname: test\n')
  })

  test('takes tables only', () => {
    expect(encode('text').error).toMatchObject({ kind: 'Invalid', message: 'table expected', retryable: false })
    expect(encode().error?.message).toBe('table expected')
  })
})

describe('decode', () => {
  test('gives integers, floats, booleans, lists, and times as Unix seconds', () => {
    const source = 'n: 42\nf: 3.5\nb: true\nl: [a, ~]\nt: 2026-01-02T00:00:00Z\n1: one\nbig: 9223372036854775807\n'
    expect(decode(source).value).toEqual({
      n: 42,
      f: 3.5,
      b: true,
      l: ['a', null],
      t: 1767312000,
      '1': 'one',
      big: 9223372036854775807n,
    })
  })

  test('text that is not YAML is Internal, no text is Invalid', () => {
    expect(decode('a: [1').error).toMatchObject({
      kind: 'Internal',
      message: expect.stringMatching(/^decode failed: yaml: /),
    })
    expect(decode('').error).toMatchObject({ kind: 'Invalid', message: 'input cannot be empty' })
    expect(decode({}).error).toMatchObject({ kind: 'Invalid', message: 'string expected' })
  })

  test.each([
    ['deep nesting', '['.repeat(100_000)],
    ['deep maps', Array.from({ length: 3000 }, (_, depth) => `${' '.repeat(depth)}a:`).join('\n')],
    [
      'an alias bomb',
      `a: &a [x, x, x, x, x, x, x, x, x]\n${'bcdefgh'
        .split('')
        .map((key, at) => `${key}: &${key} [${Array(9).fill(`*${'abcdefg'[at]}`)}]`)
        .join('\n')}`,
    ],
    ['too much text', 'a: b\n'.repeat(300_000)],
  ])('%s is an error, soon', async (_name, source) => {
    const started = performance.now()
    expect(['Internal', 'LimitExceeded']).toContain((await decode(source)).error?.kind)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

test('long texts and large tables come out the same', async () => {
  const rows = Array.from({ length: 3000 }, (_, id) => ({ id, name: `row ${id}` }))
  const { value: text } = await encode({ rows })
  expect((await decode(text)).value).toEqual({ rows })
  expect((await decode(`${text}x: [`)).error).toMatchObject({
    kind: 'Internal',
    message: expect.stringMatching(/^decode failed: yaml: line/),
  })
})

test('what is encoded decodes to the same value', () => {
  const key = fc.string({ minLength: 1, maxLength: 8 })
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.array(tie('value'), { minLength: 1, maxLength: 4 }),
      fc.dictionary(key, tie('value'), { minKeys: 1, maxKeys: 4 }),
    ),
  }))
  fc.assert(
    fc.property(fc.dictionary(key, value, { minKeys: 1 }), fc.boolean(), (data, options) => {
      const written = encode(data, options ? { field_order: Object.keys(data).slice(0, 1) } : undefined).value
      expect(JSON.parse(JSON.stringify(decode(written).value))).toEqual(JSON.parse(JSON.stringify(data)))
    }),
  )
})
