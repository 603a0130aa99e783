// The rules of style: each with what it reports and what it lets pass.

import { describe, expect, test } from 'vitest'
import { checkTypes } from '../../../../runtime/lua/typed/check/checker.ts'

const found = (source: string): string[] =>
  checkTypes(source, { name: 'app:main', rules: true }).map(
    ({ line, column, code, message }) => `${line}:${column} ${code} ${message}`,
  )

const cases: readonly (readonly [source: string, ...findings: string[]])[] = [
  ['if f() then end', '1:5 W0001 empty branch'],
  ['if f() then g() else end', '1:1 W0001 empty else branch'],
  ['while f() do end', '1:1 W0001 empty while loop'],
  ['do end', '1:1 W0001 empty do block'],
  ['for _ = 1, 2 do ::continue:: end'],
  ['x = 1', '1:1 W0002 assignment to the global x'],
  ['function x() end', '1:10 W0002 assignment to the global x'],
  ['local M = {}\nM.x = 1\nreturn M'],
  ['return f == f', '1:10 W0003 f is compared with itself'],
  ['return a.b <= a.b', '1:12 W0003 a.b is compared with itself'],
  ['return { [f == f] = 1 }', '1:13 W0003 f is compared with itself'],
  ['for _ = 1, 2, f == f and 1 or 2 do f() end', '1:17 W0003 f is compared with itself'],
  ['return f() == f(), a.b == a.c, x ~= x'],
  ['local x = 1', '1:7 W0004 variable x is never read'],
  ['local function f() end', '1:16 W0004 variable f is never read'],
  ['for i = 1, 2 do print(1) end', '1:5 W0004 variable i is never read'],
  ['local x\nx = 1', '1:7 W0004 variable x is never read'],
  ['local _x, y = 1, 2\nreturn y'],
  ['return function(a, b) return a end', '1:20 W0005 parameter b is never read'],
  ['return function(a, _b) return a end'],
  ['local json = require("json")', '1:7 W0006 module json is required and never used'],
  ['local json = require("json")\nreturn json.encode'],
  ['local x = 1\ndo local x = 2 print(x) end\nreturn x', '2:10 W0007 x hides an outer x'],
  ['local a, err = f()\nprint(a, err)\nlocal b, err = g()\nreturn b, err'],
]

describe('the rules report', () => {
  for (const [source, ...findings] of cases) test(JSON.stringify(source), () => expect(found(source)).toEqual(findings))
})

test('without --rules there is no word of style', () => {
  expect(checkTypes('x = 1\nlocal y\nif a == a then end', { name: 'app:main' })).toEqual([])
})
