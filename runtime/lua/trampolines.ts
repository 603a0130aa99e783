// A generated wasm module with one C function per host function. It exists so that yields and Lua errors start in wasm and
// never unwind a JavaScript frame, and so that wasm calls each host function directly.

/** What a host function answers instead of a result count. */
export const YIELD = -1
/** The error value is on top of the stack. */
export const RAISE = -2
/** Yields, and asks the host again when the answer is there: only then is known whether it is one or an error to raise. */
export const AWAIT = -3

// Bytes stand in strings, one a character, because the engine starts with this: joining those is quick, unlike lists.
const bytes = String.fromCharCode
const I32 = 0x7f
const section = (id: number, body: string): string => bytes(id) + leb(body.length) + body
const vector = (items: string[]): string => leb(items.length) + items.join('')
const name = (text: string): string => leb(text.length) + text

function leb(value: number): string {
  const low = value & 0x7f
  const rest = value >>> 7
  return rest === 0 ? bytes(low) : bytes(low | 0x80) + leb(rest)
}

/**
 * Bytes of a module that imports `e.lua_yieldk`, `e.lua_error`, `f.f0…f(count-1)`, `f.answered`, `f.hook` and the global
 * `g.k`, and exports `hook` and `t0…t(count-1)`, each `(thread) -> results`: it returns the host's count, yields on YIELD and
 * AWAIT, and raises on RAISE. After AWAIT the exported `k`, whose table index `g.k` must hold, does the same with what
 * `f.answered` says.
 */
export function trampolineModule(count: number): Uint8Array<ArrayBuffer> {
  const indices = Array.from({ length: count }, (_, i) => i)
  const types = vector([
    bytes(0x60, 1, I32, 1, I32),
    bytes(0x60, 4, I32, I32, I32, I32, 1, I32),
    bytes(0x60, 3, I32, I32, I32, 1, I32),
    bytes(0x60, 2, I32, I32, 0),
  ])
  const imports = vector([
    name('e') + name('lua_yieldk') + bytes(0, 1),
    name('e') + name('lua_error') + bytes(0, 0),
    ...indices.map((i) => name('f') + name(`f${i}`) + bytes(0, 0)),
    name('f') + name('answered') + bytes(0, 0),
    name('f') + name('hook') + bytes(0, 3),
    name('g') + name('k') + bytes(3, I32, 1),
  ])
  const answered = count + 2
  const hook = count + 3
  const firstOwn = count + 4
  const exports = vector([
    ...indices.map((i) => name(`t${i}`) + bytes(0) + leb(firstOwn + i)),
    name('k') + bytes(0) + leb(firstOwn + count),
    // Only a function of wasm may stand in the table.
    name('hook') + bytes(0) + leb(hook),
  ])
  // The answer of a host function, kept in a local, is returned when it is a count.
  const answer = (host: number, local: number): string =>
    bytes(1, 1, I32) +
    bytes(0x20, 0, 0x10) +
    leb(host) +
    bytes(0x22, local) + // local.tee (call $host (local.get 0))
    bytes(0x41, 0, 0x4e, 0x04, 0x40, 0x20, local, 0x0f, 0x0b) // if (>= 0) return it
  const yields = (code: number, continuation: string): string =>
    bytes(0x20, 1, 0x41, code, 0x46, 0x04, 0x40) + // if (== code)
    bytes(0x20, 0, 0x41, 0, 0x41, 0) +
    continuation +
    bytes(0x10, 0, 0x0f, 0x0b) // return lua_yieldk(thread, 0, 0, continuation)
  const raises = bytes(0x20, 0, 0x10, 1, 0x0b) // lua_error(thread)
  // YIELD, then AWAIT, which continues in global 0.
  const rest = yields(0x7f, bytes(0x41, 0)) + yields(0x7d, bytes(0x23, 0)) + raises
  const bodies = [...indices.map((i) => answer(i + 2, 1) + rest), answer(answered, 3) + raises]
  const module =
    '\0asm\x01\0\0\0' +
    section(1, types) +
    section(2, imports) +
    section(3, vector([...indices.map(() => bytes(0)), bytes(2)])) +
    section(7, exports) +
    section(10, vector(bodies.map((body) => leb(body.length) + body)))
  return new Uint8Array(Buffer.from(module, 'latin1'))
}
