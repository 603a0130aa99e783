// The raw functions behind the sandbox's string patterns: which may run natively, and a search with a budget for the others.

import { compileRegex } from '../external/re2.ts'
import type { LuaEngine } from './engine.ts'
import type { RawFunctions } from './instance.ts'
import { LuaRaise } from './module.ts'
import { cheapUpTo, matchPattern } from './patterns.ts'
import { LUA } from './wasm.ts'

/** What one native search may cost: a few milliseconds. */
const NATIVE_STEPS = 1_000_000
/** What one search by our matcher may cost: some tens of milliseconds (design PROMISES P6). */
const BOUNDED_STEPS = 500_000

export function patternFunctions(engine: LuaEngine): RawFunctions {
  const { lua } = engine

  const bytesAt = (thread: number, index: number): Uint8Array => {
    const pointer = lua.api.lua_tolstring(thread, index, lua.scratch)
    if (pointer === 0) throw new LuaRaise(`bad argument #${index} (string expected)`)
    const length = lua.word(lua.scratch)
    return lua.u8.slice(pointer, pointer + length)
  }

  /** The `init` of string.find as an offset from 0. */
  const startAt = (thread: number, index: number, length: number): number => {
    const isNumber = lua.api.lua_type(thread, index) === LUA.number
    const given = isNumber ? Math.trunc(lua.api.lua_tonumberx(thread, index, 0)) : 1
    return given > 0 ? given - 1 : given === 0 ? 0 : Math.max(0, length + given)
  }

  return {
    // The longest subject on which native Lua is fast with this pattern.
    cheap_pattern(thread) {
      engine.marshal.pushNumber(thread, cheapUpTo(bytesAt(thread, 1), NATIVE_STEPS))
      return 1
    },

    // string.find without patterns: (subject, text, init) -> first, last
    plain_find(thread) {
      const subject = bytesAt(thread, 1)
      const wanted = bytesAt(thread, 2)
      const init = startAt(thread, 3, subject.length)
      const at = init > subject.length ? -1 : Buffer.from(subject.buffer).indexOf(wanted, init)
      if (at < 0) {
        lua.api.lua_pushnil(thread)
        return 1
      }
      engine.marshal.pushNumber(thread, at + 1)
      engine.marshal.pushNumber(thread, at + wanted.length)
      return 2
    },

    // string.find with a budget of steps: (subject, pattern, init) -> first, last, captures…
    bounded_find(thread) {
      const subject = bytesAt(thread, 1)
      const { length } = subject
      const init = startAt(thread, 3, length)
      const budget = { steps: BOUNDED_STEPS }
      const match = init > length ? undefined : matchPattern(subject, bytesAt(thread, 2), init, budget)
      if (match === undefined) {
        lua.api.lua_pushnil(thread)
        return 1
      }
      lua.api.lua_checkstack(thread, match.captures.length + 2)
      engine.marshal.pushNumber(thread, match.start + 1)
      engine.marshal.pushNumber(thread, match.end)
      for (const capture of match.captures) {
        if (typeof capture === 'number') engine.marshal.pushNumber(thread, capture)
        else lua.pushBytes(thread, subject.subarray(capture.start, capture.end))
      }
      return 2 + match.captures.length
    },

    // RE2, for `@pattern` of typed Lua: (pattern, text) -> boolean
    match_regexp(thread) {
      const regex = compileRegex(lua.readText(thread, 1) ?? '')
      lua.api.lua_pushboolean(thread, regex.matchBytes(bytesAt(thread, 2)) ? 1 : 0)
      return 1
    },
  }
}
