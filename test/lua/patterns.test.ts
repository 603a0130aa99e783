// Our matcher against Lua's own: the same results, byte for byte, and the same errors.

import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LuaFactory } from 'wasmoon'
import { RuntimeError } from '../../runtime/core/error.ts'
import { cheapUpTo, isCheap, matchAt, matchPattern } from '../../runtime/lua/patterns.ts'

type Engine = Awaited<ReturnType<LuaFactory['createEngine']>>
let lua: Engine

// Bytes cross as lists of numbers: strings of the engine's own interface are UTF-8.
beforeAll(async () => {
  lua = await new LuaFactory().createEngine()
  lua.doStringSync(`
    local pack = table.pack
    local function bytes(list) return string.char(table.unpack(list)) end
    function native(subject, pattern, init)
      -- string.find takes a pattern without special characters as plain text; string.match does not.
      local plain = pack(pcall(string.match, bytes(subject), bytes(pattern), init))
      if not plain[1] then return "error: " .. plain[2] end
      local results = pack(pcall(string.find, bytes(subject), bytes(pattern), init))
      if not results[1] then return "error: " .. results[2] end
      if results[2] == nil then return "none" end
      local out = {results[2] - 1 .. "-" .. results[3]}
      for i = 4, results.n do
        local capture = results[i]
        if type(capture) == "number" then out[#out + 1] = "@" .. capture
        else out[#out + 1] = "(" .. table.concat({capture:byte(1, -1)}, " ") .. ")" end
      end
      return table.concat(out, ",")
    end
    function native_all(subject, pattern)
      local out = {}
      local ok, message = pcall(function()
        for capture in bytes(subject):gmatch(bytes(pattern)) do
          out[#out + 1] = type(capture) == "number" and "@" .. capture or table.concat({capture:byte(1, -1)}, " ")
        end
      end)
      return ok and table.concat(out, ",") or "error: " .. message:gsub("^%[.-%]:%d+: ", "")
    end`)
})
afterAll(() => lua.global.close())

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')
const native = (subject: string, pattern: string, init: number): string =>
  String(lua.global.call('native', [...bytes(subject)], [...bytes(pattern)], init)[0])

function messageOf(run: () => string): string {
  try {
    return run()
  } catch (error) {
    if (error instanceof RuntimeError && error.kind === 'Invalid') return `error: ${error.message}`
    throw error
  }
}

/** What the native side prints, from our match. */
function ours(subject: string, pattern: string, init: number): string {
  return messageOf(() => {
    const match = matchPattern(bytes(subject), bytes(pattern), init - 1)
    if (match === undefined) return 'none'
    const captures = match.captures.map((capture) =>
      typeof capture === 'number'
        ? `@${capture}`
        : `(${bytes(subject).subarray(capture.start, capture.end).join(' ')})`,
    )
    return [`${match.start}-${match.end}`, ...captures].join(',')
  })
}

describe('every item of a pattern means what it means in Lua', () => {
  const cases: readonly (readonly [subject: string, pattern: string])[] = [
    ['hello world', 'wor'],
    ['hello', ''],
    ['hello', '^hel'],
    ['hello', '^ello'],
    ['hello', 'lo$'],
    ['a$b', 'a$b'],
    ['a^b', 'a^b'],
    ['hello', 'l+'],
    ['hello', 'l*'],
    ['hello', 'x*l'],
    ['hello', 'e.-o'],
    ['colour', 'colou?r'],
    ['color', 'colou?r'],
    ['key = value', '(%w+)%s*=%s*(%w+)'],
    ['key = value', '()=()'],
    ['abc', '((a)(b))c'],
    ['f(a(b)c)d', '%b()'],
    ['((', '%b()'],
    ['"x"', '%b""'],
    ['THE (quick) fox', '%f[%a]%a+%f[%A]'],
    ['THE (quick) fox', '%f[a-z]%l+'],
    ['x', '%f[%z]'],
    ['abcabc', '(abc)%1'],
    ['"it\'s"', '(["\'])(.-)%1'],
    ['a]b', '[]]'],
    ['a]b', '[^]]+'],
    ['a-b', '[a%-]+'],
    ['a-b', '[a-]+'],
    ['a%b', '[%%]'],
    ['0x1F', '%x+$'],
    ['\x00\xff\x80', '[\x80-\xff]+'],
    ['tab\tnewline\n', '%c'],
    ['.,;!', '%p+'],
    ['a.b', '%.'],
    ['(x)', '%((.)%)'],
    ['aaa', 'a-$'],
    ['aXb', '%u'],
    ['aXb', '%U%u%U'],
    ['', '.-'],
    ['', '^$'],
    ['abc', '[a-'],
    ['abc', '[a'],
    ['abc', '[]'],
    ['abc', '[^]'],
    ['abc', '%'],
    ['abc', 'a%'],
    ['abc', '(a'],
    ['abc', 'a)'],
    ['abc', '%1'],
    ['abc', '%0'],
    ['abc', '(a%1)'],
    ['abc', '%b'],
    ['abc', '%bx'],
    ['abc', '%f'],
    ['abc', '%fa'],
    ['xyz', 'a['],
    ['abc', '()%1'],
    ['abc', '*a'],
    ['a*', 'a**'],
    ['abc', '()'.repeat(32)],
    ['abc', '()'.repeat(33)],
    ['a'.repeat(300), 'a?'.repeat(250)],
  ]
  for (const [subject, pattern] of cases) {
    test(JSON.stringify([subject, pattern]), () => expect(ours(subject, pattern, 1)).toBe(native(subject, pattern, 1)))
  }
})

const byte = fc.constantFrom(...'aab ()[]"x1Z-\x00\xe9')
const subjects = fc.array(byte, { maxLength: 16 }).map((parts) => parts.join(''))
const item = fc.constantFrom(
  ...[
    'a',
    'b',
    ' ',
    '.',
    '%a',
    '%d',
    '%s',
    '%w',
    '%W',
    '%p',
    '%%',
    '%(',
    '[ab]',
    '[^a]',
    '[a-x%d]',
    '[]]',
    '[^]a]',
    'Z',
  ],
  ...[
    '\x00',
    '\xe9',
    '[\x80-\xff]',
    '%b()',
    '%bab',
    '%f[%w]',
    '%f[^a]',
    '%1',
    '%2',
    '(',
    ')',
    '()',
    '^',
    '$',
    '[',
    '%',
    ']',
  ],
)
const quantifier = fc.constantFrom('', '', '', '*', '+', '-', '?')
const patterns = fc
  .array(fc.tuple(item, quantifier), { maxLength: 7 })
  .map((parts) => parts.map(([one, repeat]) => one + repeat).join(''))

test('any pattern finds in any subject what Lua finds', () => {
  fc.assert(
    fc.property(subjects, patterns, fc.integer({ min: 1, max: 5 }), (subject, pattern, init) => {
      fc.pre(init <= subject.length + 1)
      expect(ours(subject, pattern, init)).toBe(native(subject, pattern, init))
    }),
    { numRuns: 8_000 },
  )
})

/** string.gmatch, from matchAt: the way the engine walks. */
function walk(subject: string, pattern: string): string {
  return messageOf(() => {
    const found: string[] = []
    const [text, form] = [bytes(subject), bytes(pattern)]
    let last = -1
    for (let at = 0; at <= text.length; ) {
      const match = matchAt(text, form, at)
      if (match === undefined || match.end === last) {
        at += 1
        continue
      }
      at = last = match.end
      const capture = match.captures[0] ?? match
      found.push(typeof capture === 'number' ? `@${capture}` : text.subarray(capture.start, capture.end).join(' '))
    }
    return found.join(',')
  })
}

test('walking over all matches gives what string.gmatch gives', () => {
  fc.assert(
    fc.property(subjects, patterns, (subject, pattern) => {
      const expected = lua.global.call('native_all', [...bytes(subject)], [...bytes(pattern)])[0]
      expect(walk(subject, pattern)).toBe(String(expected))
    }),
    { numRuns: 4_000 },
  )
})

describe('a search that explodes ends with LimitExceeded', () => {
  const bombs: readonly (readonly [string, string])[] = [
    ['a'.repeat(40), `${'a?'.repeat(40)}${'a'.repeat(40)}b`],
    ['a'.repeat(5_000), '.*.*.*b'],
    ['a'.repeat(100_000), 'a*b'],
    [' '.repeat(100_000), '%s+x'],
    ['('.repeat(100_000), '%b()'],
    ['ab'.repeat(2_000), '(.-)(.-)(.-)x%1'],
  ]
  for (const [subject, pattern] of bombs) {
    test(pattern.slice(0, 30), () => {
      const start = performance.now()
      expect(() => matchPattern(bytes(subject), bytes(pattern))).toThrow(
        expect.objectContaining({ kind: 'LimitExceeded' }),
      )
      expect(performance.now() - start).toBeLessThan(2_000)
      expect(subject.length).toBeGreaterThan(cheapUpTo(bytes(pattern)))
    })
  }
})

test('the budget is shared by the searches that share it', () => {
  const budget = { steps: 1_000 }
  for (let i = 0; i < 90; i++) matchPattern(bytes('aaaaaaaaa'), bytes('b'), 0, budget)
  expect(budget.steps).toBeLessThan(200)
  expect(() => matchPattern(bytes('a'.repeat(300)), bytes('b'), 0, budget)).toThrow('pattern takes too many steps')
})

test('patterns of everyday use are cheap or have long limits', () => {
  for (const pattern of [
    '%d+',
    '^%s+',
    '[^\n]+',
    '^(%w+)',
    '(.-)\n',
    '%S+',
    'abc',
    '^%s*$',
    '[%w_]+',
    '%.lua$',
    '.*',
  ]) {
    expect(isCheap(bytes(pattern)), pattern).toBe(true)
  }
  expect(cheapUpTo(bytes('%s+$'))).toBeGreaterThan(2_000)
  expect(cheapUpTo(bytes('^%s*(.-)%s*$'))).toBeGreaterThan(100)
  expect(cheapUpTo(bytes('(%w+)%s*=%s*(%w+)'))).toBeGreaterThan(40)
  expect(cheapUpTo(bytes('a?'.repeat(30)))).toBeLessThan(10)
})

test('a line at a time over a long text is linear', () => {
  const text = bytes(`${'word '.repeat(100_000)}\n`)
  expect(matchPattern(text, bytes('(.-)\n'))?.end).toBe(text.length)
  expect(matchPattern(text, bytes('(.-)\r'))).toBeUndefined()
  expect(matchPattern(text, bytes('^%s*(.-)%s*$'))?.captures).toEqual([{ start: 0, end: 499_999 }])
})
