// Rejected programs are refused for the right reason at the right place; accepted ones get no word.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkTypes } from '../../../../runtime/lua/typed/check/checker.ts'

const found = (source: string): string[] =>
  checkTypes(source, { name: 'app:main' }).map(
    ({ line, column, code, message }) => `${line}:${column} ${code} ${message}`,
  )

const types = `type User = {name: string, age?: number, tags: {string}}
type State = {status: "loading"} | {status: "loaded", data: User} | {status: "error", message: string}
type Shape = {kind: "circle", r: number} | {kind: "box", w: number, h: number}
`

/** A rejected program and the one complaint about it; lines count from the program's own first line. */
const rejected: readonly (readonly [what: string, source: string, ...complaints: string[]])[] = [
  ['a constant of another type', 'local x: number = "hello"', '1:19 E0001 string not assignable to number'],
  ['nil where nil is not allowed', 'local x: number = nil', '1:19 E0001 nil not assignable to number'],
  ['an assignment later', 'local x: number = 1\nx = "a"', '2:5 E0001 string not assignable to number'],
  ['a list item', 'local x: {number} = {1, "2"}', '1:25 E0001 [2]: string not assignable to number'],
  ['a map value', 'local x: {[string]: number} = {a = "1"}', '1:36 E0001 field a: string not assignable to number'],
  [
    'a list for a record',
    'local a: {number} = {}\nlocal x: {name: string} = a',
    '2:27 E0001 {number} not assignable to {name: string}',
  ],
  ['a fraction for an integer', 'local i: integer = 1.5', '1:20 E0001 number not assignable to integer'],
  ['a missing field', 'local u: User = {name = "a"}', '1:17 E0001 field tags is missing: {string} expected'],
  ['a wrong field', 'local u: User = {name = 1, tags = {}}', '1:25 E0001 field name: number not assignable to string'],
  [
    'a wrong field of a record at hand',
    'local function f(u: User) u.name = 5 end',
    '1:36 E0001 number not assignable to string',
  ],
  [
    'an optional for what must be there',
    'local function f(n: number?) local x: number = n end',
    '1:48 E0001 number? not assignable to number',
  ],
  [
    'a literal that is none of the union',
    'local x: "red" | "green" = "blue"',
    '1:28 E0009 "blue" not assignable to "red" | "green"',
  ],
  [
    'a type that is none of the union',
    'local x: string | number = true',
    '1:28 E0009 boolean not assignable to string | number',
  ],
  [
    'a union where one member is asked for',
    'local function f(v: string | number) local n: number = v end',
    '1:56 E0001 string | number not assignable to number',
  ],
  ['a table of no member', 'local s: State = {status = "gone"}', '1:18 E0009 table fits no member of State'],
  [
    'a table of one member, wrong inside',
    'local s: State = {status = "error", message = 1}',
    '1:47 E0001 field message: number not assignable to string',
  ],
  [
    'a bad alternative after or',
    'local function f(n: number?) local x: number = n or "none" end',
    '1:53 E0001 string not assignable to number',
  ],
  [
    'a value not narrowed to never',
    'local function f(c: "a" | "b") if c == "a" then return end local _: never = c end',
    '1:77 E0001 "b" not assignable to never',
  ],
  [
    'an argument',
    'local function f(a: number) end\nf("x")',
    '2:3 E0002 argument 1 (a): string not assignable to number',
  ],
  [
    'an argument that is a table',
    'local function f(u: User) end\nf({name = "a", tags = {1}})',
    '2:24 E0002 argument 1 (u): field tags: [1]: number not assignable to string',
  ],
  [
    'an argument of a method',
    'local M = {}\nfunction M:f(a: number) end\nM:f("x")',
    '3:5 E0002 argument 1 (a): string not assignable to number',
  ],
  [
    'an argument of a module function',
    'local M = {}\nfunction M.f(a: number) end\nM.f("x")',
    '3:5 E0002 argument 1 (a): string not assignable to number',
  ],
  [
    'an argument of a function value',
    'local f: (n: number) -> number = g\nf("x")',
    '2:3 E0002 argument 1 (n): string not assignable to number',
  ],
  [
    'a further argument of a typed vararg',
    'local function f(...: number) end\nf(1, "x")',
    '2:6 E0002 argument 2 (...): string not assignable to number',
  ],
  [
    'a bound of a generic',
    'local function greet<T: {name: string}>(x: T) end\ngreet({age = 30})',
    '2:7 E0002 argument 1 (x): field name is missing: string expected',
  ],
  [
    'a missing argument',
    'local function f(a: number, b: number) end\nf(1)',
    '2:2 E0008 argument 2 (b) is missing: number expected',
  ],
  [
    'no argument at all',
    'local function f(a: string) end\nf()',
    '2:2 E0008 argument 1 (a) is missing: string expected',
  ],
  ['an argument too many', 'local function f(a: number) end\nf(1, 2)', '2:6 E0008 takes 1 argument, got 2'],
  ['a returned constant', 'local function f(): number return "x" end', '1:35 E0003 string not assignable to number'],
  ['a returned nil', 'local function f(): number return nil end', '1:35 E0003 nil not assignable to number'],
  [
    'one of several returns',
    'local function f(): (string?, number) return nil, "x" end',
    '1:51 E0003 return value 2: string not assignable to number',
  ],
  [
    'a return too few',
    'local function f(): (string, number) return "x" end',
    '1:38 E0003 return value 2: nil not assignable to number',
  ],
  [
    'a returned table',
    'local function f(): User return {name = "a", tags = "b"} end',
    '1:53 E0003 field tags: string not assignable to {string}',
  ],
  [
    'a function returned by a typed one',
    'local function g(): string return "x" end\nlocal function f(): number return g() end',
    '2:36 E0003 string not assignable to number',
  ],
  [
    'arithmetic on an annotated string',
    'local s: string = "a"\nlocal n = s + 1',
    '2:11 E0004 cannot do arithmetic on string',
  ],
  ['arithmetic on a word', 'local n = "abc" * 2', '1:11 E0004 cannot do arithmetic on string'],
  ['arithmetic on a boolean', 'local n = true + 1', '1:11 E0004 cannot do arithmetic on boolean'],
  [
    'arithmetic on a list',
    'local function f(t: {number}) return t + 1 end',
    '1:38 E0004 cannot do arithmetic on {number}',
  ],
  [
    'arithmetic on a function',
    'local function f() end\nlocal n = f - 1',
    '2:11 E0004 cannot do arithmetic on () -> any',
  ],
  [
    'arithmetic on a union',
    'local function f(v: string | number) return v * 2 end',
    '1:45 E0004 cannot do arithmetic on string',
  ],
  ['minus a string', 'local function f(s: string) return -s end', '1:37 E0004 cannot do arithmetic on string'],
  ['a concatenation of a boolean', 'local s = "a" .. true', '1:18 E0004 cannot concatenate boolean'],
  ['a comparison of kinds', 'local b = 1 < "2"', '1:13 E0004 cannot compare number with string'],
  ['the length of a number', 'local n: number = 5\nlocal l = #n', '2:12 E0004 cannot take the length of number'],
  ['counting with a string', 'local s: string = "x"\nfor i = 1, s do end', '2:12 E0004 cannot count with string'],
  [
    'arithmetic on what may be nil',
    'local function f(n: number?) return n + 1 end',
    '1:37 E0005 cannot do arithmetic on a value that may be nil (number?)',
  ],
  [
    'a field of what may be nil',
    'local function f(u: User?) return u.name end',
    '1:35 E0005 cannot read field name of a value that may be nil (User?)',
  ],
  ['a field of nil', 'local x = nil\nprint(x.y)', '2:7 E0005 cannot read field y of nil'],
  [
    'an optional field in arithmetic',
    'local function f(u: User) return u.age + 1 end',
    '1:34 E0005 cannot do arithmetic on a value that may be nil (number?)',
  ],
  [
    'a call of what may be nil',
    'local function f(g: (() -> ())?) g() end',
    '1:34 E0005 cannot call a value that may be nil (() -> () | nil)',
  ],
  [
    'a concatenation of what may be nil',
    'local function f(s: string?) return "a" .. s end',
    '1:44 E0005 cannot concatenate a value that may be nil (string?)',
  ],
  [
    'a method of what may be nil',
    'local function f(s: string?) return s:upper() end',
    '1:37 E0005 cannot call method upper of a value that may be nil (string?)',
  ],
  [
    'ipairs of what may be nil',
    'local function f(t: {number}?) for _ in ipairs(t) do end end',
    '1:48 E0005 cannot pass to ipairs a value that may be nil ({number}?)',
  ],
  [
    'writing a field of what may be nil',
    'local function f(u: User?) u.name = "x" end',
    '1:28 E0005 cannot write a field of a value that may be nil (User?)',
  ],
  [
    'a result before its error is looked at',
    'local function find(): (User?, string?) return nil, "x" end\nlocal u, err = find()\nprint(u.name)',
    '3:7 E0005 cannot read field name of a value that may be nil (User?)',
  ],
  [
    'the wrong branch of a nil check',
    'local function f(n: number?) if n == nil then return n + 1 end return n end',
    '1:54 E0005 cannot do arithmetic on nil',
  ],
  [
    'a check that was undone',
    'local function f(n: number?) if n then n = nil return n + 1 end end',
    '1:55 E0005 cannot do arithmetic on nil',
  ],
  ['a number called', 'local x: number = 5\nx()', '2:1 E0006 number is not a function'],
  ['a string called', 'local s = "x"\ns()', '2:1 E0006 string is not a function'],
  ['a record called', 'local function f(u: User) u() end', '1:27 E0006 User is not a function'],
  ['a list called', 'local function f(t: {number}) t(1) end', '1:31 E0006 {number} is not a function'],
  ['a field called', 'local function f(u: User) u.name() end', '1:27 E0006 string is not a function'],
  ['an unknown field', 'local function f(u: User) return u.emial end', '1:36 E0007 User has no field emial'],
  [
    'an unknown field of a written type',
    'local p: {x: number} = {x = 1}\nprint(p.y)',
    '2:9 E0007 {x: number} has no field y',
  ],
  [
    'an unknown field of a list item',
    'local function f(us: {User}) for _, u in ipairs(us) do print(u.emial) end end',
    '1:64 E0007 User has no field emial',
  ],
  [
    'an unknown field of every member',
    'local function f(s: Shape) return s.color end',
    '1:37 E0007 Shape has no field color',
  ],
  [
    'a field of the other member',
    'local function f(s: Shape) if s.kind == "circle" then return s.w end end',
    '1:64 E0007 {kind: "circle", r: number} has no field w',
  ],
  ['a field of a number', 'local n: number = 1\nprint(n.x)', '2:7 E0010 number has no fields'],
  ['a method of a number', 'local n: number = 1\nn:upper()', '2:1 E0010 number has no method upper'],
  ['an unknown method of a string', 'local s: string = "x"\ns:uper()', '2:3 E0010 string has no method uper'],
  [
    'unknown where a type is written',
    'local function f(u: unknown) local n: number = u end',
    '1:48 E0001 unknown not assignable to number',
  ],
  [
    'a write to a readonly list',
    'local function f(t: readonly {number}) t[1] = 2 end',
    '1:40 E0011 cannot write to a readonly list',
  ],
  [
    'an error inside a closure',
    'local function f(n: number?) return function() return n + 1 end end',
    '1:55 E0005 cannot do arithmetic on a value that may be nil (number?)',
  ],
  ['a syntax error', 'local x = = 1', "1:11 P0001 unexpected symbol near '='"],
]

describe('rejected', () => {
  for (const [what, source, ...complaints] of rejected) {
    test(what, () => {
      const shift = types.split('\n').length - 1
      const shifted = found(types + source).map((line) => line.replace(/^\d+/, (n) => String(Number(n) - shift)))
      expect(shifted).toEqual(complaints)
    })
  }
})

const accepted: readonly (readonly [what: string, source: string])[] = [
  ['a program without types', 'local function f(x) return x + 1 end\nf("a", nil, {})\nlocal t = {}\nt.a.b.c()\nt()'],
  ['a path without return', 'local function f(x: boolean): number if x then return 1 end end'],
  ['a bare return', 'local function f(x: boolean): number if x then return end return 1 end'],
  ['any, everywhere', 'local a: any = 1\na.b.c(a + "x" .. a)\nlocal s: string = a\nlocal n: number = a.x'],
  ['a table filled later', 'local u: User = {}\nu.name = "a"\nlocal M = {}\nM.x = 1\nprint(M.y)'],
  ['a variable filled later', 'local u: User\nif x then u = {name = "a", tags = {}} end\nprint(u.name)'],
  [
    'an optional that gets what nobody knows',
    'local n: number? = nil\nn = f()\nprint(n + 1)\nlocal u: User? = x or y\nprint(u.name)',
  ],
  ['an optional argument left out', 'local function f(a: number, b: string?, c) end\nf(1)'],
  ['the results of a call as arguments', 'local function f(a: number, b: string) end\nf(g())\nf(...)'],
  ['an extra result dropped', 'local function f(): (number, string) return 1, "a" end\nlocal n: number = f()'],
  ['a list read with a variable', 'local function f(t: {number}, i: integer): number return t[i] + t[#t] end'],
  ['a map read with a name', 'local function f(t: {[string]: number}): number return t.a + t["b"] end'],
  [
    'a value taken out',
    'local t: {[string]: number} = {}\nt.a = nil\nt["b"] = nil\nlocal l: {number} = {}\nl[#l] = nil',
  ],
  [
    'a more special record',
    'type Dog = {name: string, breed: string}\nlocal function f(a: {name: string}) end\nlocal d: Dog = {name = "a", breed = "b"}\nf(d)',
  ],
  ['extra fields in a table', 'local u: User = {name = "a", tags = {}, extra = 1}'],
  ['narrowing by ~= nil', 'local function f(n: number?): number if n ~= nil then return n end return 0 end'],
  ['narrowing by truth', 'local function f(u: User?) if u and u.age then return u.age + 1 end end'],
  ['narrowing by not', 'local function f(n: number?): number if not n then return 0 end return n end'],
  ['narrowing by early return', 'local function f(u: User?) if u == nil then return end print(u.name) end'],
  ['narrowing by error()', 'local function f(u: User?) if not u then error("none") end print(u.name) end'],
  ['narrowing by assert', 'local function f(u: User?) assert(u, "none") print(u.name) end'],
  ['narrowing by a value assert gives', 'local function f(u: User?) local v = assert(u) print(v.name) end'],
  ['narrowing by or', 'local function f(n: number?): number return (n or 0) + 1 end'],
  ['a default', 'local function f(u: User?) u = u or {name = "a", tags = {}} print(u.name) end'],
  [
    'narrowing by goto',
    'for _, u in ipairs(us :: {User}) do\n local a = u.age\n if not a then goto continue end\n print(a + 1)\n ::continue::\nend',
  ],
  ['narrowing by break', 'local function f(n: number?) while true do if not n then break end print(n + 1) end end'],
  [
    'narrowing by type()',
    'local function f(v: number | string) if type(v) == "number" then return v + 1 else return v:upper() end end',
  ],
  ['narrowing by type() of any', 'local function f(v) if type(v) == "string" then return v + 0, v:upper() end end'],
  [
    'narrowing by a variable that holds type()',
    'local function f(v: number | string) local kind = type(v) if kind == "number" then return v + 1 end return v:upper() end',
  ],
  [
    'narrowing by a variable that holds a test',
    'local function f(u: User?) local missing = u == nil if missing then return end print(u.name) end',
  ],
  [
    'narrowing of a field',
    'local function f(u: User) if u.age then print(u.age + 1) end u.age = 5 print(u.age + 1) end',
  ],
  [
    'narrowing of a field by early return',
    'local function f(u: User) if not u.age then return end for i = 1, 3 do print(u.age + i) end end',
  ],
  [
    'narrowing of a field into a closure',
    'local function f(u: User) if u.age then spawn(function() print(u.age + 1) end) end end',
  ],
  [
    'narrowing by tag',
    'local function f(s: State): string if s.status == "loading" then return "..." elseif s.status == "loaded" then return s.data.name end return s.message end',
  ],
  ['narrowing by absence of a field', 'local function f(s: Shape) if s.w then return s.w + s.h end return s.r end'],
  [
    'exhausted literals',
    'local function f(c: "a" | "b") if c == "a" then elseif c == "b" then else local _: never = c end end',
  ],
  [
    'narrowing by and in a condition',
    'local function f(u: User?) if u ~= nil and u.age ~= nil and u.age > 18 then print(u.name) end end',
  ],
  [
    'narrowing by or in a condition',
    'local function f(u: User?) if u == nil or u.age == nil then return end print(u.age + 1) end',
  ],
  [
    'narrowing in a loop',
    'type Node = {value: number, next: Node?}\nlocal function f(n: Node?) while n do print(n.value) n = n.next end end',
  ],
  ['narrowing by until', 'local function f() local n: number? = nil repeat n = g() until n ~= nil print(n + 1) end'],
  [
    'a result after its error',
    'local function find(): (User?, string?) return nil end\nlocal u, err = find()\nif err then return end\nprint(u.name)',
  ],
  [
    'a result after an error of an unknown type',
    'local function find(): (User?, error?) return nil end\nlocal u, err = find()\nif err ~= nil then return nil, err end\nprint(u.name)',
  ],
  [
    'an error after its result',
    'local function find(): (User?, string?) return nil end\nlocal u, err = find()\nif not u then return nil, err:upper() end\nprint(u.name)',
  ],
  [
    'narrowing by a type value',
    'local function f(x: unknown) if User:is(x) then print(x.name) end local u = User(x) print(u.name) end',
  ],
  ['fields and methods of unknown', 'local function f(u: unknown) print(u.x.y) u:call() return u.x end'],
  [
    'unknown for what may be anything',
    'local function f(u: unknown) local a: any = u local b: unknown = u print(u) return a == u, b end',
  ],
  [
    'narrowing of unknown',
    'local function f(u: unknown) if type(u) == "table" then print(u.x) elseif type(u) == "string" then print(u:upper()) end end',
  ],
  [
    'narrowing by a predicate',
    'local function is_user(x: any): x is User return true end\nlocal function f(v: User | string) if is_user(v) then print(v.name) end end',
  ],
  [
    'narrowing by an assertion',
    'local function check(x: any): asserts x is User end\nlocal function f(v: User?) check(v) print(v.name) end',
  ],
  ['a variable that a closure sets', 'local result = nil\nrun(function() result = {a = 1} end)\nprint(result.a)'],
  [
    'a variable that a loop sets',
    'local best\nfor _, x in ipairs(xs) do if not best or x > best then best = x end end\nprint(best.score + 1)',
  ],
  ['a variable set in branches', 'local x\nif a then x = 1 else x = "b" end\nprint(x + 1, x:upper())'],
  [
    'a field that a call sets',
    'local state = {}\nstate.timer = nil\nstart(state)\nstate.timer.stop()\nif state.x == nil then fill(state) end\nstate.x.y()',
  ],
  ['strings that hold numbers', 'local n = "10" + 5\nlocal y = date:sub(1, 4) + 0\nlocal z = ("5"):rep(2) * 1'],
  ['comparisons of what is not known', 'local a = x < 1\nlocal b = "a" < y\nlocal c = 1.5 < 2\nlocal d = nil == 1'],
  ['a cast', 'local u = {} :: User\nlocal n: number = "5" :: any\nlocal m: number = x as number'],
  ['the mark for not nil', 'local function f(n: number?) return n! + 1 end'],
  [
    'a callback with fewer parameters',
    'local function each(f: (item: number, i: integer) -> ()) end\neach(function() end)\neach(function(x) print(x + 1) end)',
  ],
  ['a callback with context', 'local f: (n: number) -> number = function(n) return n * 2 end'],
  [
    'generics',
    'local function id<T>(x: T): T return x end\nlocal n: number = id(1)\nlocal s: string = id("x")\ntype Box<T> = {value: T}\nlocal b: Box<number> = {value = 1}\nprint(b.value + 1)',
  ],
  [
    'recursive types',
    'type Json = nil | boolean | number | string | {Json} | {[string]: Json}\nlocal j: Json = {a = {1, "x", {b = true}}, c = {}}',
  ],
  [
    'intersections',
    'type Named = {name: string}\ntype Aged = {age: number}\nlocal p: Named & Aged = {name = "a", age = 1}\nprint(p.name, p.age + 1)',
  ],
  [
    'classes by metatable',
    'type Counter = {count: number}\nlocal Counter = {}\nCounter.__index = Counter\nfunction Counter.new(): Counter local self = setmetatable({count = 0}, Counter) self.extra = 1 return self end\nfunction Counter:add(n: number): Counter self.count = self.count + n return self end\nlocal c = Counter.new()\nc:add(1):add(2)',
  ],
  ['methods that a record does not name', 'local function f(u: User) u:save() u:load(1, 2) end'],
  [
    'a field asked for before use',
    'local function f(u: User) if u.with_context then u:with_context() end local x = u.extra or 1 end',
  ],
  [
    'operators of records',
    'type Vec = {x: number, y: number}\nlocal function f(a: Vec, b: Vec) return a + b, -a, a .. b, #a end',
  ],
  [
    'types of other modules',
    'local u: accounts.User = {}\nlocal n: number = u.age + 1\nlocal s: typeof(require("x")) = 1',
  ],
  ['global names that are set here', 'tostring = f\nlocal n: number = tostring(1)'],
  ['a shadowed name', 'local function f(n: number?) local n = 1 print(n + 1) end'],
  ['code that is never reached', 'local function f(): number error("x") return "never" end'],
  ['a recursive function', 'local function f(n: number): number if n < 1 then return 1 end return n * f(n - 1) end'],
  [
    'map and list loops',
    'local function f(m: {[string]: number}, l: {string}) for k, v in pairs(m) do print(k:upper(), v + 1) end for i, s in ipairs(l or {}) do print(i + 1, s:upper()) end end',
  ],
  ['pcall', 'local ok, value = pcall(f)\nif not ok then print(value:message()) end\nprint(value + 1)'],
  [
    'and/or as a choice',
    'local function f(b: boolean): string return b and "yes" or "no" end\nlocal x: number? = ok and 1 or nil',
  ],
  [
    'nested wrappers',
    'local function wrap(f: (any) -> any): (any) -> any return function(x) return f(x) end end\nwrap(wrap(wrap(function(x) return x + 1 end)))(1)',
  ],
]

describe('accepted', () => {
  for (const [what, source] of accepted) test(what, () => expect(found(types + source)).toEqual([]))
})

test.each([
  ['brackets', `local x: A${'[]'.repeat(5_000)} = 1`],
  ['two operators by turns', `local x: A${' | B & C'.repeat(5_000)} = 1`],
])('a type with thousands of levels (%s) is a syntax error', (_, source) => {
  expect(found(source)).toEqual([expect.stringMatching(/^1:\d+ P0001 type has too many levels near /)])
})

test('more variables than Lua compiles are a syntax error, where the first is too many', () => {
  const locals = (count: number) => Array.from({ length: count }, (_, i) => `local v${i} = ${i}`).join('\n')
  expect(found(locals(200))).toEqual([])
  expect(found(locals(201))).toEqual(['201:7 P0001 too many local variables (limit is 200)'])
  // Those of a block end with it, those of a function inside are its own.
  expect(found(`${locals(199)}\ndo\n${locals(1)}\nend\nlocal function f()\n${locals(200)}\nend`)).toEqual([])
})

test('what is known of fields is forgotten in a file of thousands, which raises no false alarm', () => {
  const fields = Array.from({ length: 3_000 }, (_, i) => `M.f${i} = ${i}\nif x then g() end\n`).join('')
  expect(found(`local M = {a = 1}\n${fields}return M.a + M.f1 + M.f2999`)).toEqual([])
})

test('an error is reported once, though it lies in a loop or is looked at again', () => {
  expect(found('for i = 1, 2 do while ("x" + 1) == nil do end end')).toHaveLength(1)
  expect(found('local x = ("a" + 1) and ("a" + 1) or 2')).toHaveLength(2)
})

const words =
  'local x y f t nil 1 "a" true = == ~= + .. < ( ) { } [ ] . : , ; function end if then else return while do for in and or not type number string User ? | -> :: # !'
    .split(' ')
    .concat('\n')

test('whatever the text, the checker answers', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 80 }), (soup) => {
      expect(Array.isArray(checkTypes(types + soup.join(' '), { name: 'x' }))).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

describe('hostile sources take no hostile time', () => {
  const sources: readonly (readonly [string, string])[] = [
    ['a long chain of operators', `local x = 1${' + 1'.repeat(20_000)}`],
    ['a long chain of fields', `local x = a${'.b'.repeat(20_000)}`],
    ['a long chain of conditions', `if a${' and b'.repeat(5_000)} then end`],
    ['a long chain of alternatives', `if a${' or b == nil'.repeat(5_000)} then end`],
    ['many question marks', `local x: A${'?'.repeat(20_000)} = 1`],
    ['a long union', `local x: A${' | B'.repeat(20_000)} = 1`],
    ['a union of literals', `local x: "a"${Array.from({ length: 3_000 }, (_, i) => ` | "${i}"`).join('')} = "b"`],
    [
      'a deep table of a recursive union',
      `type J = {a: J} | {b: J} | {c: J} | {J}\nlocal j: J = ${'{{b = '.repeat(40)}1${'}}'.repeat(40)}`,
    ],
    [
      'types that name each other',
      'type A = B | C\ntype B = A | C\ntype C = A | B\nlocal x: A = 1\nlocal y: {A} = {x, x}',
    ],
    [
      'a type of itself',
      'type X = X\nlocal x: X = 1\ntype Y = Y | nil\nlocal y: Y = 1\ntype Z<T> = Z<Z<T>>\nlocal z: Z<number> = 1',
    ],
    [
      'thousands of fields of one table',
      `local M = {}\n${Array.from({ length: 5_000 }, (_, i) => `function M.f${i}(a: number) return a end\n`).join('')}`,
    ],
    ['nested functions', `${'local function f(a: number) '.repeat(80)}${'end '.repeat(80)}`],
    ['nested loops', `${'for i = 1, 2 do if x then y = 1 '.repeat(80)}${'end end '.repeat(80)}`],
    ['many statements', 'local u: User = {name = "a", tags = {}}\nif u.age then print(u.age + 1) end\n'.repeat(60)],
  ]
  for (const [what, source] of sources) {
    test(what, () => {
      // Of this process, whatever else the machine does.
      const before = process.cpuUsage()
      checkTypes(types + source, { name: 'x' })
      const { user, system } = process.cpuUsage(before)
      expect((user + system) / 1_000).toBeLessThan(3_000)
    })
  }
})
