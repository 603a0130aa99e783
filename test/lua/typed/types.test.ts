// Type aliases as values: written by the eraser, run by a real Lua 5.4 with the hidden library.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LuaFactory } from 'wasmoon'
import { eraseTypes, mayBeMisread } from '../../../runtime/lua/typed/erase.ts'

const library = readFileSync(new URL('../../../runtime/lua/typed/types.lua', import.meta.url), 'utf8')

type Engine = Awaited<ReturnType<LuaFactory['createEngine']>>
let lua: Engine

beforeAll(async () => {
  lua = await new LuaFactory().createEngine()
  lua.doStringSync(`__types = (function() ${library}\nend)()`)
  lua.global.set('re2', (pattern: string, text: string) => new RegExp(pattern).test(text))
  lua.doStringSync('__types.match = re2')
})
afterAll(() => lua.global.close())

const run = (source: string): unknown => lua.doStringSync(eraseTypes(source).source)

/** The message of `X:is(value)`; "ok" when it fits. */
const check = (types: string, value: string): unknown =>
  run(`${types}\nlocal subject = ${value}
    local value, why = X:is(subject)
    if why == nil then assert(value == subject) return "ok" end
    assert(value == nil)
    return why`)

describe('X:is(v) gives the value, or nil and where it differs', () => {
  const cases: readonly (readonly [type: string, value: string, answer: string])[] = [
    ['number', '1.5', 'ok'],
    ['number', 'nil', 'expected number, got nil'],
    ['integer', '1.5', 'expected integer, got number'],
    ['integer', '2.0', 'ok'],
    ['integer', '1/0', 'expected integer, got number'],
    ['string', '1', 'expected string, got number'],
    ['boolean', 'false', 'ok'],
    ['nil', 'nil', 'ok'],
    ['any', 'nil', 'ok'],
    ['unknown', 'function() end', 'ok'],
    ['never', '1', 'expected never, got number'],
    ['function', 'print', 'ok'],
    ['(a: number) -> string', '1', 'expected function, got number'],
    ['fun()', 'setmetatable({}, {__call = print})', 'ok'],
    ['table', '{}', 'ok'],
    ['string?', 'nil', 'ok'],
    ['string?', '1', 'expected string, got number'],
    ['string | number', 'true', 'expected string | number, got boolean'],
    ['string | number', '1', 'ok'],
    ['"red" | "green"', '"red"', 'ok'],
    ['"red" | "green"', '"blue"', 'expected "red" | "green", got string "blue"'],
    ['1 | -2', '-2.0', 'ok'],
    ['true', 'false', 'expected true, got boolean false'],
    ['{number}', '{1, 2, "3"}', '[3]: expected number, got string'],
    ['number[]', '{1}', 'ok'],
    ['{number}', '{}', 'ok'],
    ['{number}', '{a = 1}', 'expected {number}, got table with key "a"'],
    ['{number}', '"x"', 'expected table, got string'],
    ['{[string]: number}', '{a = 1, b = 2}', 'ok'],
    ['{[string]: number}', '{a = 1, ["b c"] = "2"}', '["b c"]: expected number, got string'],
    ['{[string]: number}', '{1}', '[1]: key: expected string, got number'],
    ['{name: string, age: number}', '{name = "a", age = 1, extra = true}', 'ok'],
    ['{name: string, age: number}', '{name = "a"}', 'age: expected number, got nil'],
    ['{name: string, age?: number}', '{name = "a"}', 'ok'],
    ['{name: string, age: number?}', '{name = "a"}', 'ok'],
    ['{name: string, age?: number}', '{name = "a", age = "1"}', 'age: expected number, got string'],
    ['{a: {b: {c: string}}}', '{a = {b = {c = 1}}}', 'a.b.c: expected string, got number'],
    ['{items: {{name: string}}}', '{items = {{name = "a"}, {}}}', 'items[2].name: expected string, got nil'],
    ['{name: string, [string]: number}', '{name = "a", b = 1}', 'ok'],
    ['{name: string, [string]: number}', '{name = "a", b = "1"}', 'b: expected number, got string'],
    ['{}', '{a = 1}', 'ok'],
    ['{name: string} & {age: number}', '{name = "a"}', 'age: expected number, got nil'],
    ['readonly {number}', '{"a"}', '[1]: expected number, got string'],
    ['keyof({a: number, b: string})', '"a"', 'ok'],
    ['keyof({a: number})', '"c"', 'expected the name of a field of {a: number}, got string "c"'],
    [
      '{ok: true, value: number} | {ok: false, error: string}',
      '{ok = true, value = "x"}',
      'value: expected number, got string',
    ],
    ['{kind: "a", x: number} | {kind: "b", y: string}', '{kind = "b"}', 'y: expected string, got nil'],
    ['number @min(1) @max(10)', '0', '0 is less than the minimum 1'],
    ['number @min(1) @max(10)', '11', '11 is greater than the maximum 10'],
    ['number @min(-1.5)', '-1.5', 'ok'],
    ['number @min(1)', '"a"', 'expected number, got string'],
    ['{age: number @min(18)}', '{age = 3}', 'age: 3 is less than the minimum 18'],
    ['string @min_len(2)', '"é"', 'length 1 is less than the minimum length 2'],
    ['string @max_len(2)', '"abc"', 'length 3 is greater than the maximum length 2'],
    ['{string} @min_len(1)', '{}', 'length 0 is less than the minimum length 1'],
    ['{string @min_len(1)}', '{"a", ""}', '[2]: length 0 is less than the minimum length 1'],
    ['string @pattern("^[a-z]+$")', '"abc"', 'ok'],
    ['string @pattern("^[a-z]+$")', '"ABC"', 'does not match pattern ^[a-z]+$'],
    ['(number @min(1))?', 'nil', 'ok'],
    ['number? @min(1)', 'nil', 'ok'],
    ['number? @min(1)', '0', '0 is less than the minimum 1'],
    ['number @described("x")', '1', 'ok'],
    ['Unknown.Thing', '1', 'ok'],
  ]
  for (const [type, value, answer] of cases) {
    test(`${type} given ${value}`, () => expect(check(`type X = ${type}`, value)).toBe(answer))
  }
})

describe('aliases refer to aliases', () => {
  test('before and after their line, with constraints kept', () => {
    const types =
      'type X = {user: User, age: Age?}\ntype User = {name: Name}\ntype Name = string @min_len(1)\ntype Age = number @max(150)'
    expect(check(types, '{user = {name = ""}}')).toBe('user.name: length 0 is less than the minimum length 1')
    expect(check(types, '{user = {name = "a"}, age = 200}')).toBe('age: 200 is greater than the maximum 150')
    expect(check(types, '{user = 1}')).toBe('user: expected table, got number')
  })

  test('to themselves, and cyclic values end', () => {
    const types = 'type X = {value: number, next: X?}'
    expect(check(types, '{value = 1, next = {value = 2, next = {value = "3"}}}')).toBe(
      'next.next.value: expected number, got string',
    )
    expect(check(types, '(function() local t = {value = 1} t.next = t return t end)()')).toBe('ok')
    expect(check('type X = X', '1')).toBe('ok')
    const json = 'type X =\n | nil\n | boolean\n | number\n | string\n | {X}\n | {[string]: X}'
    expect(check(json, '{a = {1, "x", {b = true}}}')).toBe('ok')
    expect(check(json, '{a = {1, print}}')).toMatch(/^a\[2\]: expected nil \| boolean/)
  })

  test('with parameters', () => {
    const types = 'type Box<T> = {value: T}\ntype Pair<A, B> = {a: Box<A>, b: Box<B>}\ntype X = Pair<number, string>'
    expect(check(types, '{a = {value = 1}, b = {value = "x"}}')).toBe('ok')
    expect(check(types, '{a = {value = 1}, b = {value = 2}}')).toBe('b.value: expected string, got number')
    expect(check(types, '(function() local box = {value = 1} return {a = box, b = box} end)()')).toBe(
      'b.value: expected string, got number',
    )
    expect(check('type X<T> = {value: T}', '{value = print}')).toBe('ok')
    expect(
      check('type Node<T> = {value: T, next: Node<T>?}\ntype X = Node<string>', '{value = "a", next = {value = 1}}'),
    ).toBe('next.value: expected string, got number')
  })

  test('of an outer block, and of their own', () => {
    const program = `type Inner = string
      do
        type Inner = number
        type X = {inner: Inner}
        local _, why = X:is({inner = "a"})
        assert(why == "inner: expected number, got string", why)
      end
      type X = {inner: Inner}
      local _, why = X:is({inner = 1})
      return why`
    expect(run(program)).toBe('inner: expected string, got number')
  })

  test('of another module, by the value that it gives', () => {
    const program = `
      local inner = (function()
        type Inner = {id: number}
        type Box<T> = {value: T}
        return {Inner = Inner, Box = Box}
      end)()
      type X = {one: inner.Inner, many: {inner.Inner}, box: inner.Box<string>, none: inner.Missing}
      local out = {}
      for i, value in ipairs({
        {one = {id = 1}, many = {}, box = {value = "s"}},
        {one = {}, many = {}, box = {value = "s"}},
        {one = {id = 1}, many = {{id = 1}, {id = "2"}}, box = {value = "s"}},
        {one = {id = 1}, many = {}, box = {value = 1}},
      }) do
        local _, why = X:is(value)
        out[i] = why or "ok"
      end
      return table.concat(out, "; ")`
    expect(run(program)).toBe(
      'ok; one.id: expected number, got nil; many[2].id: expected number, got string; box.value: expected string, got number',
    )
  })

  test('of a variable, through typeof', () => {
    expect(check('local limit: number = 1\ntype X = {limit: typeof(limit)}', '{limit = "x"}')).toBe(
      'limit: expected number, got string',
    )
    expect(check('local anything = f\ntype X = typeof(anything)', '{}')).toBe('ok')
  })

  test('of an interface', () => {
    const types =
      'interface Named\n function name(self: Named): string\nend\ninterface X: Named\n function age(): number\nend'
    expect(check(types, '{name = print, age = print}')).toBe('ok')
    expect(check(types, '{age = print}')).toBe('name: expected function, got nil')
    expect(check(types, '{name = print}')).toBe('age: expected function, got nil')
  })
})

test('a call of a type gives the value or raises where it was called', () => {
  const types = 'type User = {name: string, age: number}\n'
  expect(run(`${types}local user = {name = "a", age = 1} return User(user) == user`)).toBe(true)
  expect(() => run(`${types}\nlocal user = User({name = "a"})`)).toThrow(/:3: age: expected number, got nil/)
})

test('fields called as methods are can be read as fields, and the methods still called', () => {
  expect(
    run(`type User = {name: string, kind: "a" | "b", fields: {number}, is: integer}
      assert(User.name:kind() == "string" and User.kind:kind() == "union" and User.fields:kind() == "array")
      assert(User:name() == "User" and User:kind() == "record")
      local names = {}
      for name in User:fields() do names[#names + 1] = name end
      assert(table.concat(names, ",") == "name,kind,fields,is")
      assert(User.name("x") == "x" and not pcall(User.name, 5))
      local value, err = User:is({name = "n", kind = "a", fields = {1}, is = 1})
      assert(value and not err)
      return User:is({name = "n", kind = "c"}) == nil`),
  ).toBe(true)
})

test('a type is a value: it is exported, stored, compared and read, and cannot be changed', () => {
  expect(
    run(`type Point = {x: number, y?: integer, tags: {string}, by: {[string]: boolean}, on: (a: string, b: number) -> boolean}
      type Color = "red" | "green"
      type Maybe = string?
      local t = {Point = Point}
      assert(t.Point == Point and Point:kind() == "record" and Point:name() == "Point" and tostring(Point) == "Point")
      local out = {}
      for name, field in Point:fields() do out[#out + 1] = name .. " " .. field:kind() end
      assert(table.concat(out, ",") == "x number,y optional,tags array,by map,on function", table.concat(out, ","))
      assert(Point.x:name() == "number" and Point.missing == nil)
      assert(Point.y:inner():name() == "integer")
      assert(Point.tags:elem():name() == "string")
      assert(Point.by:key():name() == "string" and Point.by:val():name() == "boolean")
      assert(Point.on:ret():name() == "boolean")
      local params = {}
      for param in Point.on:params() do params[#params + 1] = param:name() end
      assert(table.concat(params, ",") == "string,number")
      local variants = {}
      for variant in Color:variants() do variants[#variants + 1] = tostring(variant) end
      assert(table.concat(variants, ",") == '"red","green"')
      assert(Maybe:kind() == "optional" and Maybe:inner():name() == "string")
      assert(not pcall(function() Point.x = 1 end))
      assert(getmetatable(Point) == false)
      assert(next(Point) == nil)
      return "read"`),
  ).toBe('read')
})

test('types compare by what they accept', () => {
  expect(
    run(`local number, integer, string, any = __types.primitives.number, __types.primitives.integer,
        __types.primitives.string, __types.primitives.any
      type Animal = {name: string}
      type Dog = {name: string, breed: string}
      type Same = {name: string}
      type Id = string | number
      type Red = "red"
      type List = {Dog}
      type Animals = {Animal}
      assert(integer <= number and not (number <= integer) and integer < number and not (integer < integer))
      assert(number <= any and Dog <= Animal and not (Animal <= Dog))
      assert(Animal == Same and Animal ~= Dog and Animal == Animal)
      assert(string <= Id and not (Id <= string) and Red <= string and Red <= Id and not (string <= Red))
      assert(List <= Animals)
      assert(not pcall(function() return number <= 1 end))
      return integer(3) + number(1.5)`),
  ).toBe(4.5)
})

describe('types without an alias are values too', () => {
  test('primitives by their names, as keys and in comparisons', () => {
    expect(
      run(`local handlers = {}
        handlers[Number], handlers[String] = "a number", "a string"
        assert(Number:kind() == "number" and Number == Number and Integer <= Number and Integer < Number)
        assert(not (Number < Integer) and Boolean:is(true) == true and Nil:kind() == "nil" and Any:is(1) == 1)
        return handlers[typeof(5)] .. ", " .. handlers[typeof("x")]`),
    ).toBe('a number, a string')
  })

  test('typeof an annotated variable is its annotation, aliases and all', () => {
    expect(
      run(`type User = {name: string, friends: {User}?}
        local list: {number} = {1}
        local map: {[string]: number} = {}
        local maybe: number? = nil
        local fn: (number, string) -> boolean
        local user: User = {name = "a"}
        local out = {
          typeof(list):elem():kind(), typeof(map):key():kind(), typeof(map):val():kind(),
          typeof(maybe):kind(), typeof(maybe):inner():kind(), typeof(fn):ret():kind(),
          typeof(user):name(), typeof(user).friends:inner():elem():name(),
        }
        for param in typeof(fn):params() do out[#out + 1] = param:kind() end
        return table.concat(out, " ")`),
    ).toBe('number string number optional number boolean User User number string')
  })

  test('typeof anything else is the type of the value there is', () => {
    expect(
      run(`local function kinds(...) local out = {} for i = 1, select("#", ...) do out[i] = typeof((select(i, ...))):kind() end
          return table.concat(out, " ") end
        type X = {a: number}
        return kinds(1, 1.5, "x", true, nil, {}, print, X) .. " " .. typeof(X.a):name()`),
    ).toBe('number number string boolean nil table function type type')
  })

  test('the words mean what a program makes them mean', () => {
    expect(
      run(`local Number = {kind = "my own"}
        local function typeof(x) return "type " .. x end
        function String() return "global" end
        local function f(Integer) return Integer + 1 end
        local t = {Boolean = 1, typeof = 2}
        return table.concat({Number.kind, typeof("a"), String(), f(1), t.Boolean, t.typeof}, ",")`),
    ).toBe('my own,type a,global,2,1,2')
    expect(run('Any = "from elsewhere" local function read() return _ENV.Any end return read()')).toBe('from elsewhere')
    lua.doStringSync('Unknown = "given"')
    expect(run('return Unknown')).toBe('given')
    lua.doStringSync('Unknown, Any, String = nil')
  })

  test('words of comments and other names are no reason to read a text as typed', () => {
    const plain =
      '-- Any change counts. Number of things; typeof is a word.\nlocal Numbers = 1\nreturn String_of, x.Number, x:String()'
    expect(mayBeMisread(plain)).toBe(false)
    for (const typed of ['return Number', 'h[String] = 1', 'f(Integer, 1)', 'return typeof (x)', 'return Any or x'])
      expect(mayBeMisread(typed), typed).toBe(true)
  })
})

test('an alias that no expression reads leaves nothing behind', () => {
  const source = 'type User = {name: string}\nlocal user: User = {name = "a"}\nreturn user'
  const erased = eraseTypes(source)
  expect(erased.needsTypes).toBe(false)
  expect(erased.source).not.toContain('__types')
})

test('lines stay where they are when a value is written', () => {
  const source = 'type User = {\n  name: string, -- the name\n}\nlocal line = User\nerror("here")'
  expect(eraseTypes(source).needsTypes).toBe(true)
  expect(() => run(source)).toThrow(/:5: here/)
})

test('validators see strings with quotes, escapes and line breaks', () => {
  expect(check('type X = "a\\"b\\n" | \'c\'', '"a\\"b\\n"')).toBe('ok')
  expect(check('type X = string @pattern("^\\\\d+$")', '"12"')).toBe('ok')
  expect(check('type X = string @pattern("^\\\\d+$")', '"x"')).toBe('does not match pattern ^\\d+$')
})
