// Erased text is loaded by a real Lua 5.4, so that "plain Lua" is Lua's own judgement.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LuaFactory } from 'wasmoon'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { eraseTypes, mayBeMisread } from '../../../runtime/lua/typed/erase.ts'

type Engine = Awaited<ReturnType<LuaFactory['createEngine']>>
let lua: Engine

beforeAll(async () => {
  lua = await new LuaFactory().createEngine()
  lua.doStringSync(
    `__types = (function(...) ${readFileSync(new URL('../../../runtime/lua/typed/types.lua', import.meta.url), 'utf8')}\nend)()`,
  )
  lua.doStringSync('function loads(text) local f, message = load(text, "=chunk") return message or "" end')
})
afterAll(() => lua.global.close())

const loadError = (source: string): string => String(lua.global.call('loads', source)[0])

/** What the program returns after its types are gone. */
const run = (source: string): unknown => lua.doStringSync(eraseTypes(source).source)

const linesOf = (text: string): number => text.split(/\r\n|\n\r|\r|\n/).length

function expectLoads(source: string): string {
  const erased = eraseTypes(source).source
  expect(loadError(erased), `${source}\n---\n${erased}`).toBe('')
  expect(linesOf(erased)).toBe(linesOf(source))
  return erased
}

function failureOf(source: string, name = 'app:main'): RuntimeError {
  try {
    eraseTypes(source, name)
  } catch (error) {
    if (error instanceof RuntimeError) return error
    throw error
  }
  throw new Error(`accepted: ${source}`)
}

describe('every form of the grammar becomes Lua that loads, line for line', () => {
  const forms: readonly string[] = [
    'local x: number = 1',
    'local a: string, b: {number}, c: T? = 1, 2',
    'local x: T',
    'local x <const>: number = 1',
    'local f: (a: number, b: string?) -> (number, string) = g',
    'local f: (...any) -> () = g',
    'local f: (a: T, ...number) -> T? = g',
    'local f: ((a: T) -> U)? = g',
    'local f: () -> (A) -> B = g',
    'local f: fun(a: number, ...: any): (string, number) = g',
    'local f: fun() = g',
    'local f: fun(): A | B = g',
    'local m: {[string]: {number}} = {}',
    'local r: { name: string, age?: number, tags: {string}, } = {}',
    'local r: { [string]: any, name: string; end: number } = {}',
    'local r: {type: string, readonly: boolean, is: T, as: U, function: V} = {}',
    'local e: {} = {}',
    'local r: readonly {number} = {}',
    'local r: readonly {[string]: T} = {}',
    'local r: {readonly name: string} = {}',
    'local i: interface { a: string, b?: number } = {}',
    'local u: "a" | "b" | 1 | -2 | true | nil = "a"',
    'local u: A & B & {x: number} = a',
    'local g: Box<Pair<string, number>> = b',
    'local g: Box<Box<Box<T>>>= b',
    'local g: Map<string, {Box<T>}> = b',
    'local q: inner.Inner = b',
    'local q: a.b.C<T>? = b',
    'local s: T[] = {}',
    'local s: T[][]? = {}',
    'local s: T["field"] = x',
    'local t: typeof(require("registry")) = r',
    'local t: keyof(T) = "a"',
    'local t: A extends B ? C : D = x',
    'local t: T @min(1) @max(10) = x',
    'local t: {string @min_len(1)} @max_len(3) = x',
    'local t: string @pattern("^\\\\d+\\d$")? = x',
    'local n: number? = nil',
    'local function f(a: number, b: string?, ...: any): number return a end',
    'local function f(a?: number) end',
    'local function f<T, U: {name: string}>(x: T): U return x end',
    'function M.f<T>(x: T): (T?, string?) return x end',
    'function M:f(x: T): A?, B? return x end',
    'local f = function(a: number): string return a end',
    'local f = function(): (number) -> string return g end',
    'local f = function(): () end',
    'function f(x: any): asserts x is string end',
    'function f(x: any): x is string return true end',
    'function f(cb: fun(): A, other: B) end',
    'return x :: T',
    'return x :: T, y as {number}',
    'return (x :: any):method(a :: T).field',
    'f(a :: T, {} :: {T}, nil :: table?, function() end :: any)',
    'local x = y as T? or z',
    'local x = context as {}?',
    'local x = -a :: number ^ 2',
    'local x = arr[1]! + f(x)!',
    'local x = user!.name',
    'x!:call()',
    'type User = { name: string, age: number }',
    'type Id = string | number',
    'type Result<T, E> =\n  | {ok: true, value: T}\n  | {ok: false, error: E}',
    'type Node<T> = {\n  value: T, -- the value\n  next: Node<T>?,\n}',
    'type F = (string) -> number\nlocal x = 1',
    'interface Shape\n  function area(self: Shape): number\n  function name(): string\nend',
    'interface Square: Shape, Named\n function side(n: number)\nend',
    'interface Empty end',
    'local type = type(x)\ntype = 3\nlocal as, is, fun, interface, readonly, keyof, typeof = 1',
    'as = 1\nis = as\ninterface = as\nreadonly.x = as.y',
    'x:is(v)\nt.as = x.as\nt.type = type\nt:as(1)\ntype(x)',
    'for _, v: number in ipairs(t) do end',
    'for i: integer = 1, 10 do end',
    'local s = "\\d \\- \\/ \\x4 \\u12 \\x41 \\u{41} \\z  x"',
    '#!/usr/bin/env wippy\nreturn 1',
    '\uFEFFreturn 1',
    'local x = {\n  a = b :: T,\n  c as D,\n  [k :: string] = v!,\n}',
    'while x :: boolean do break end repeat until y as T',
    'if a :: any then elseif b! then else end',
  ]
  for (const form of forms) test(form, () => void expectLoads(form))
})

describe('plain Lua 5.4 is returned as it is', () => {
  const programs: readonly string[] = [
    '',
    'return',
    'return;',
    ';;; local x <const> = 0x1p4; local y <close> = nil',
    'goto done do local x end ::done:: ::again::',
    'for i = 1, 3 do if i == 2 then goto continue end f(i) ::continue:: end',
    'local a = 1 // 2 >> 3 << 1 & 0xff | ~5 ~ 2',
    'x = a < b, c > d; y = f{1}, g"s", h[[long]]',
    "local s = [==[ ]] ]=] \n]==] .. 'x' --[[ block\n comment ]] -- line",
    'local t = {f(), ["a b"] = 1; x = 2, ...}',
    'a.b.c:d(1)(2)[3].e = function(...) return ... end',
    'local n = 3 .. 4, .5, 5., 1e10, 0xA.8p1, 3e-2',
    'local r = not -#x ^ -2 .. "a"',
    'local y = x\nas(z)',
    'local y = x\nas"z"\nas{z}',
    'f(a)\n::label::\n:: other ::\ngoto label',
    "return '\\065\\10\\\\\\'\\\n'",
  ]
  for (const program of programs) {
    test(JSON.stringify(program), () => {
      expect(loadError(program)).toBe('')
      expect(eraseTypes(program)).toEqual({ source: program, needsTypes: false })
    })
  }
})

describe('typed text that plain Lua would load and misread is known beforehand', () => {
  for (const form of ['local x = y as {number}', 'local x = y as ("a" | "b")', 'local x = y as "a"', 'x = f() as{T}']) {
    test(form, () => {
      expect(mayBeMisread(form)).toBe(loadError(form) === '')
      expect(eraseTypes(form).source).not.toBe(form)
    })
  }
  test('every other typed form does not load', () => {
    for (const form of ['local x: T = 1', 'x = y :: T', 'x = y as T', 'x = y!', 'type X = {a: T}', 'f(x :: {T})']) {
      expect(loadError(form), form).not.toBe('')
    }
    expect(mayBeMisread('x.as(1) y:as(2) has(3) local t = {as = 1} class{}')).toBe(false)
  })
})

test('blanks keep every column', () => {
  const source = 'local function f(a: number, b: string): boolean return a == #b end'
  expect(eraseTypes(source).source).toBe('local function f(a        , b        )          return a == #b end')
})

test('a label after an expression is a label, not a cast', () => {
  const program = `
    local out = {}
    for i = 1, 3 do
      local v = i
      out[#out + 1] = v
      ::continue::
    end
    for i = 1, 3 do
      if i == 2 then goto continue end
      out[#out + 1] = i :: number
      ::continue::
    end
    return table.concat(out, ",")`
  expect(run(program)).toBe('1,2,3,1,3')
})

test('a statement that ends in a type does not swallow the parenthesis on the next line', () => {
  for (const type of ['b :: T', 'b as T', 'b!', 'b :: Box<Box<T>>', 'b\ntype X = {a: T}']) {
    const program = `local called = 0
      local b = function() called = called + 100 end
      local a = ${type}
      (function() called = called + 1 end)()
      return called`
    expect(run(program), type).toBe(1)
  }
})

test('a call goes on over a line break where no type stands between', () => {
  expect(run('local f = function(x) return x end\nreturn f\n(7)')).toBe(7)
})

test('a cast changes no value and binds tighter than any operator', () => {
  expect(run('local x = 2 return -x :: number ^ 2 + 1 as number')).toBe(-3)
})

test('the mark ! raises on nil, where it stands', () => {
  expect(run('local t = {a = {b = 7}} return t!.a!.b! + (t.a.b!)')).toBe(14)
  expect(run('local function f() return 1, 2 end return select("#", f()!)')).toBe(1)
  expect(run('local x = false return x!')).toBe(false)
  expect(() => run('local t = {}\nlocal n = 1\nreturn t.a! + n')).toThrow(/:3: expected a value, got nil/)
})

test('an unknown escape is the character itself', () => {
  expect(run('return "\\d+\\-\\/ \\x4"')).toBe('d+-/ x4')
})

test('types inside strings and comments are text', () => {
  const source = 'local s = "x: T = y :: Z" -- local a: T\n--[[ type X = 1 ]] return s'
  expect(eraseTypes(source).source).toBe(source)
})

test('characters beyond ASCII pass in strings and comments, as text and as bytes', () => {
  for (const text of ['é日本', Buffer.from('é日本').toString('latin1')]) {
    const source = `local s: string = "${text}" -- ${text}\nreturn s`
    expect(eraseTypes(source).source).toBe(`local s         = "${text}" -- ${text}\nreturn s`)
  }
})

describe('what is not Lua is refused with line, column and the token', () => {
  const failures: readonly (readonly [source: string, message: string, line: number, column: number])[] = [
    ['x =', 'app:main:1: unexpected symbol near <eof>', 1, 4],
    ['local x = 1\nlocal = 2', "app:main:2: <name> expected near '='", 2, 7],
    ['if x then\n\ny()', "app:main:3: 'end' expected (to close 'if' at line 1) near <eof>", 3, 4],
    ['f(1, 2', "app:main:1: ')' expected near <eof>", 1, 7],
    ['x = "abc', 'app:main:1: unfinished string near <eof>', 1, 5],
    ['x = "abc\n"', "app:main:1: unfinished string near '\"abc'", 1, 5],
    ['x = [[abc', 'app:main:1: unfinished long string near <eof>', 1, 5],
    ['--[[ abc', 'app:main:1: unfinished long comment near <eof>', 1, 1],
    ['x = 3x', "app:main:1: malformed number near '3x'", 1, 5],
    ['x = "\\300"', "app:main:1: decimal escape too large near '\\300'", 1, 6],
    ['x = $', "app:main:1: unexpected symbol near '$'", 1, 5],
    ['end', "app:main:1: <eof> expected near 'end'", 1, 1],
    ['x', 'app:main:1: syntax error near <eof>', 1, 2],
    ['f() = 1', "app:main:1: syntax error near '='", 1, 5],
    ['break', "app:main:1: break outside a loop near 'break'", 1, 1],
    ['function f() return ... end', "app:main:1: cannot use '...' outside a vararg function near '...'", 1, 21],
    ['local x: = 1', "app:main:1: type expected near '='", 1, 10],
    ['type X = {a: }', "app:main:1: type expected near '}'", 1, 14],
    ['type X = (a: T)', "app:main:1: '->' expected near <eof>", 1, 16],
    ['local x <constant> = 1', "app:main:1: unknown attribute 'constant'", 1, 10],
    ['x = [=', "app:main:1: invalid long string delimiter near '[='", 1, 5],
  ]
  for (const [source, message, line, column] of failures) {
    test(JSON.stringify(source), () => {
      const failure = failureOf(source)
      expect(failure.kind).toBe('Invalid')
      expect(failure.message).toBe(message)
      expect(failure.details).toEqual({ line, column })
    })
  }
})

describe('nesting is limited, never by our own stack', () => {
  const deep: readonly (readonly [string, string])[] = [
    ['parentheses', `x = ${'('.repeat(100_000)}`],
    ['tables', `x = ${'{'.repeat(100_000)}`],
    ['unary operators', `x = ${'- '.repeat(100_000)}1`],
    ['concatenations', `x = ${'a .. '.repeat(100_000)}a`],
    ['blocks', 'do '.repeat(100_000)],
    ['functions', `x = ${'function() return '.repeat(10_000)}`],
    ['types', `local x: ${'{'.repeat(100_000)}`],
    ['function types', `local x: ${'('.repeat(100_000)}`],
    ['returned function types', `local x: ${'() -> '.repeat(100_000)}T`],
    ['generic types', `local x: ${'A<'.repeat(100_000)}`],
    ['fun types', `local x: ${'fun(): '.repeat(100_000)}T`],
    ['readonly types', `local x: ${'readonly '.repeat(100_000)}T`],
    ['predicates', `function f(x): ${'x is '.repeat(100_000)}T end`],
  ]
  for (const [what, source] of deep) {
    test(what, () => expect(failureOf(source).message).toMatch(/chunk has too many syntax levels/))
  }

  test('long chains are not deep', () => {
    expectLoads(`x = a${'.b'.repeat(20_000)}`)
    expectLoads(`x = 1${' + 1'.repeat(20_000)}`)
    expectLoads(`local x: ${'A | '.repeat(20_000)}B`)
    expectLoads(`local x: T${'?'.repeat(20_000)}`)
    expectLoads(`x = y${'!'.repeat(20_000)}`)
  })
})

const words = [
  ...'and break do else elseif end false for function goto if in local nil not or repeat return then true until while'.split(
    ' ',
  ),
  ...'type interface as is fun readonly typeof keyof asserts extends x y T User number string'.split(' '),
  ...'... .. == ~= <= >= << >> // :: -> + - * / % ^ # & ~ | < > = ( ) { } [ ] ; : , . ? ! @'.split(' '),
  '1',
  '"s"',
  '[[l]]',
  '\n',
  '-- c\n',
]

test('whatever the text, the answer is Lua that loads or an Invalid with a line', () => {
  const soup = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((some) => some.join(' ')),
    fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((some) => some.join('')),
  )
  fc.assert(
    fc.property(soup, (source) => {
      let erased: string
      try {
        erased = eraseTypes(source).source
      } catch (error) {
        expect(error).toBeInstanceOf(RuntimeError)
        expect((error as RuntimeError).kind).toBe('Invalid')
        expect((error as RuntimeError).details).toEqual({ line: expect.any(Number), column: expect.any(Number) })
        return
      }
      // What only a compiler sees: labels, and constants assigned to.
      expect(loadError(erased).replace(/.*(label|assign to const|multiple to-be-closed|jumps into).*/, '')).toBe('')
    }),
    { numRuns: 3_000 },
  )
})

/** Programs of the grammar, typed at random, with what they are without types. */
const typed = fc.letrec<{ type: string; expression: string; statement: string }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'type' },
    fc.constantFrom('number', 'string', 'User', 'nil', '"a"', '1', 'true', 'inner.Inner', '{}', 'fun()', '() -> ()'),
    tie('type').map((t) => `{${t}}`),
    tie('type').map((t) => `${t}[]`),
    tie('type').map((t) => `(${t})?`),
    tie('type').map((t) => `Box<${t}>`),
    fc.tuple(tie('type'), tie('type')).map(([a, b]) => `${a} | ${b}`),
    fc.tuple(tie('type'), tie('type')).map(([a, b]) => `{[${a}]: ${b}}`),
    fc.tuple(tie('type'), tie('type')).map(([a, b]) => `{ name: ${a}, is?: ${b} }`),
    fc.tuple(tie('type'), tie('type')).map(([a, b]) => `(x: ${a}, ...${b}) -> (${a}, ${b})`),
    fc.tuple(tie('type'), tie('type')).map(([a, b]) => `fun(x: ${a}): ${b}`),
  ),
  expression: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'expression' },
    fc.constantFrom('1', '"s"', 'x', 'nil', '{}', 'f(x)', 't.a'),
    fc.tuple(tie('expression'), tie('type')).map(([e, t]) => `(${e}) :: ${t}`),
    fc.tuple(tie('expression'), tie('type')).map(([e, t]) => `${e} as ${t}`),
    tie('expression').map((e) => `${e}!`),
    tie('expression').map((e) => `(${e})`),
    tie('expression').map((e) => `{ ${e}, a = ${e} }`),
    fc.tuple(tie('expression'), tie('type')).map(([e, t]) => `function(a: ${t}, ...: ${t}): ${t} return ${e} end`),
  ),
  statement: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'statement' },
    fc.tuple(tie('type'), tie('expression')).map(([t, e]) => `local a: ${t} = ${e}`),
    tie('expression').map((e) => `x = ${e}`),
    tie('expression').map((e) => `(f)(${e})`),
    tie('type').map((t) => `type Y<T> = ${t}`),
    fc
      .tuple(tie('type'), tie('type'), tie('statement'))
      .map(([a, b, s]) => `function m.f<T>(a: ${a}): (${a}, ${b})\n${s}\nend`),
    fc.tuple(tie('expression'), tie('statement')).map(([e, s]) => `if ${e} then ${s} else ${s} end`),
  ),
}))

test('every program of the grammar erases to Lua that loads, on the same lines', () => {
  fc.assert(
    fc.property(fc.array(typed.statement, { maxLength: 6 }), (statements) => {
      expectLoads(statements.join('\n'))
    }),
    { numRuns: 1_500 },
  )
})

test('a thousand lines take milliseconds', () => {
  const source =
    'local function f(a: number, b: {[string]: T}): (T?, string?)\n  return (a :: any).b[1], "x"\nend\n'.repeat(334)
  eraseTypes(source)
  const start = performance.now()
  for (let i = 0; i < 10; i++) eraseTypes(source)
  // Some five on an idle machine; the bound only catches what is not linear.
  expect((performance.now() - start) / 10).toBeLessThan(250)
})
