// What Go's encoding/json and encoding/base64 say, case by case: golden/data.go writes the file.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { base64Module } from '../../runtime/features/base64.ts'
import { decodeJson } from '../../runtime/features/json/decode.ts'
import { encodeJson } from '../../runtime/features/json/encode.ts'
import { JsonParser } from '../../runtime/features/json/parser.ts'
import { LuaTable } from '../../runtime/lua/module.ts'
import { callFunction, type Outcome } from '../support/call-module.ts'

interface Goldens {
  decodes: [text: string, again: string | null, error: string, offset: number][]
  strings: [base64: string, encoded: string][]
  numbers: [high: number, low: number, encoded: string][]
  base64Encodes: [hex: string, encoded: string][]
  base64Decodes: [text: string, hex: string | null, error: string][]
}
const goldens: Goldens = JSON.parse(readFileSync(new URL('./golden/data.json', import.meta.url), 'utf8'))

/** Decoded data as the engine would hand it back: Lua's strings are bytes, and no half of a pair is UTF-8. */
function exact(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return new LuaTable(new Map(value.map((item, i) => [i + 1, exact(item)])), false)
  if (typeof value !== 'object' || value === null) return value
  return new LuaTable(new Map(Object.entries(value).map(([key, item]) => [key, exact(item)])), true)
}

function read(parse: (text: string) => unknown, text: string): { value: unknown } | { error: string; offset: number } {
  try {
    return { value: parse(text) }
  } catch (error) {
    const [, message = '', offset = ''] = /^(.*) at offset (\d+)$/.exec((error as Error).message) ?? []
    return { error: message, offset: Number(offset) }
  }
}

const parsers: Readonly<Record<string, (text: string) => unknown>> = {
  'short texts': decodeJson,
  'texts parsed in steps': (text) => {
    const parser = new JsonParser(text)
    while (!parser.step());
    return parser.value
  },
}

for (const [name, parse] of Object.entries(parsers)) {
  test(`json: what is no JSON is refused in Go's words, the rest says the same: ${name}`, () => {
    for (const [text, again, error, offset] of goldens.decodes) {
      // Go shows the first byte of what is no ASCII, we show the character.
      if (text.startsWith('\ufeff')) continue
      const got = read(parse, text)
      if (again === null) {
        // Go counts the bytes it has read, we say where the character stands; at the end both are the length.
        const atEnd = error === 'unexpected end of JSON input' || (error.includes("' '") && !text.includes(' '))
        const at = atEnd ? offset : offset - 1
        expect({ text, ...got }).toEqual({ text, error, offset: Buffer.from(text).subarray(0, at).toString().length })
      } else {
        expect('value' in got, text).toBe(true)
        // Lua has no null in a table and one zero: what is compared is what both can say.
        if ('value' in got)
          expect(JSON.parse(encodeJson(exact(got.value)))).toEqual(JSON.parse(again.replace(/-0(?=[,\]}]|$)/g, '0')))
      }
    }
  })
}

test('json: strings are written as Go writes them, byte for byte', () => {
  for (const [base64, encoded] of goldens.strings) {
    const bytes = Buffer.from(base64, 'base64')
    const text = bytes.toString('utf8')
    const fromLua = Buffer.from(text, 'utf8').equals(bytes) ? text : new Uint8Array(bytes)
    expect({ base64, text: encodeJson(fromLua) }).toEqual({ base64, text: encoded })
  }
})

test('json: numbers are written as Go writes them', () => {
  const view = new DataView(new ArrayBuffer(8))
  for (const [high, low, encoded] of goldens.numbers) {
    view.setUint32(0, high)
    view.setUint32(4, low)
    expect(encodeJson(view.getFloat64(0))).toBe(encoded)
  }
})

const base64 = base64Module.open()
const call = (name: string, value: unknown): Outcome => callFunction(base64, name, [value]) as Outcome

test('base64: encodes and decodes as Go does, and finds fault at the same byte', () => {
  for (const [hex, encoded] of goldens.base64Encodes) {
    expect(call('encode', new Uint8Array(Buffer.from(hex, 'hex'))).value).toBe(encoded)
    expect(Buffer.from(call('decode', encoded).value as Uint8Array).toString('hex')).toBe(hex)
  }
  for (const [text, hex, error] of goldens.base64Decodes) {
    const { value, error: got } = call('decode', text)
    if (hex === null) expect({ text, message: got?.message }).toEqual({ text, message: `decode failed: ${error}` })
    else expect({ text, hex: Buffer.from(value as Uint8Array).toString('hex') }).toEqual({ text, hex })
  }
})
