// The few functions of the base language whose results are sure. Their arguments are Lua's to judge: it converts.

import { any, anyFunction, type FunctionStatic, integer, number, type StaticType, text } from './static-type.ts'

const returning = (...returns: StaticType[]): FunctionStatic => ({ ...anyFunction, returns })

const texts = returning(text)
const numbers = returning(number)

/** By path, as the program writes it: `string.format`. */
export const builtins: ReadonlyMap<string, FunctionStatic> = new Map<string, FunctionStatic>([
  ['tostring', texts],
  ['type', texts],
  ['select', returning(any)],
  ['string.format', texts],
  ['string.upper', texts],
  ['string.lower', texts],
  ['string.rep', texts],
  ['string.sub', texts],
  ['string.reverse', texts],
  ['string.char', texts],
  ['string.len', returning(integer)],
  ['string.gsub', returning(text, integer)],
  ['table.concat', texts],
  ['math.floor', returning(integer)],
  ['math.ceil', returning(integer)],
  ['math.abs', numbers],
  ['math.sqrt', numbers],
  ['math.sin', numbers],
  ['math.cos', numbers],
  ['math.exp', numbers],
  ['math.log', numbers],
  ['os.clock', numbers],
])

/** Functions that raise when their first argument is nil. */
export const needsValue: ReadonlySet<string> = new Set([
  ...[
    'ipairs',
    'pairs',
    'next',
    'table.insert',
    'table.remove',
    'table.concat',
    'table.sort',
    'table.unpack',
    'unpack',
  ],
  ...['string.upper', 'string.lower', 'string.rep', 'string.sub', 'string.len', 'string.find', 'string.match'],
  ...['string.gmatch', 'string.gsub', 'string.byte', 'string.format', 'string.reverse'],
  ...['math.floor', 'math.ceil', 'math.abs', 'math.sqrt'],
])

/** Methods of strings. */
export const stringMethods: ReadonlyMap<string, FunctionStatic> = new Map([
  ...['upper', 'lower', 'rep', 'sub', 'reverse', 'format'].map((name): [string, FunctionStatic] => [name, texts]),
  ...['byte', 'find', 'gmatch', 'match', 'pack', 'packsize', 'unpack', 'char', 'dump'].map(
    (name): [string, FunctionStatic] => [name, anyFunction],
  ),
  ['len', returning(integer)],
  ['gsub', returning(text, integer)],
])
