// Changes to the machine code of wasmoon's Lua before it is compiled: two places where C Lua's own way of doing a thing costs
// too much here. Every place is found by its bytes; a build of wasmoon in which one is not found is refused.

type Bytes = readonly number[]

interface Patch {
  /** Bytes around the place; they occur once. */
  readonly find: Bytes
  /** How many of them stand before the place. */
  readonly after: number
  readonly insert: Bytes
}

// Offsets in lua_State: status 6, errfunc 92, nCcalls 96. The word before it is the state's extra space, which is ours.
const local = (index: number): Bytes => [0x20, index]
const call = (index: number): Bytes => [0x10, (index & 0x7f) | 0x80, index >> 7]
const STATUS: Bytes = [...local(0), 0x2d, 0x00, 6]
const setStatus = (value: number): Bytes => [...local(0), 0x41, value, 0x3a, 0, 6]
const CALLS: Bytes = [...local(0), 0x28, 2, 96]
const EXTRA_SPACE: Bytes = [...local(0), 0x41, 4, 0x6b]
const CALLS_AS_RESUMED: Bytes = [...CALLS, ...EXTRA_SPACE, 0x28, 2, 0, 0x46]
const NO_HANDLER: Bytes = [...local(0), 0x28, 2, 92, 0x45]
const RETURN_MINUS_1: Bytes = [0x41, 0x7f, 0x0f]
const IF = [0x04, 0x40] as const
const RETURN_END = [0x0f, 0x0b] as const
const END = 0x0b

// Functions of this build by index.
const precallC = call(292)
const precall = call(293)
const poscall = call(291)
const runProtected = call(283)
const throwStatus = call(282)
const getMetamethod = call(547)
const luaConcat: Bytes = [0x10, 100]
const luaError: Bytes = [0x10, 97]

/** luaV_execute returns to lua_resume, its frame on the shadow stack given back. */
const leaveExecute: Bytes = [...STATUS, ...IF, ...local(14), 0x41, 48, 0x6a, 0x24, 0, ...RETURN_END]

/**
 * A yield is a longjmp, here a WebAssembly exception, which V8 unwinds in 2 to 3 µs: more than all else of a message. When no C
 * call lies between the yielding function and lua_resume (nCcalls is what it was there), returning does the same: lua_yieldk
 * answers -1, precallC hands that on without taking results, luaV_execute and unroll leave when the thread's status is not that
 * of a running one, and lua_resume takes it for what the protected call came to. Everything else is as after the longjmp.
 * The function `error` does so too; errors of the interpreter and of other C functions unwind as ever.
 */
const leavesByReturning: readonly Patch[] = [
  // lua_resume: L->nCcalls = …; keep it in the extra space
  {
    find: [...local(0), ...local(1), 0x41, 1, 0x6a, 0x36, 2, 96, ...local(3), 0x02, 0x7f],
    after: 10,
    insert: [...EXTRA_SPACE, ...CALLS, 0x36, 2, 0],
  },
  // lua_resume: status = luaD_rawrunprotected(L, resume, …) | L->status, and, running again, with unroll below a pcall
  { find: [0x41, 0xc1, 0, ...local(5), 0x41, 12, 0x6a, ...runProtected], after: 11, insert: [...STATUS, 0x72] },
  { find: [0x41, 0xc2, 0, 0x41, 0, ...runProtected], after: 0, insert: setStatus(0) },
  { find: [0x41, 0xc2, 0, 0x41, 0, ...runProtected], after: 8, insert: [...STATUS, 0x72] },
  // lua_yieldk: instead of luaD_throw(L, LUA_YIELD), when nCcalls is that of lua_resume, return -1
  {
    find: [...local(4), ...local(2), 0x36, 2, 24, 0x0b, ...local(0), 0x41, 1, ...throwStatus, 0x00],
    after: 8,
    insert: [...CALLS_AS_RESUMED, ...IF, ...RETURN_MINUS_1, END],
  },
  // luaB_error: instead of lua_error(L), also without a message handler, set the status and return -1
  {
    find: [0x41, 2, ...luaConcat, END, ...local(0), ...luaError, END],
    after: 5,
    insert: [...CALLS_AS_RESUMED, ...NO_HANDLER, 0x71, ...IF, ...setStatus(2), ...RETURN_MINUS_1, END],
  },
  // precallC: n = f(L); if (n < 0) return n, before luaD_poscall
  {
    find: [0x11, 0, 0, 0x22, 0, ...poscall, ...local(0), 0x0b],
    after: 3,
    insert: [0x22, 0, 0x41, 0, 0x48, ...IF, ...local(0), ...RETURN_END, ...local(0)],
  },
  // luaV_execute: after luaD_precall in OP_CALL, and after precallC in OP_TAILCALL, for light and for closed C functions
  { find: [0x41, 24, 0x76, 0x41, 1, 0x6b, ...precall, 0x22, 1, 0x0d, 45], after: 13, insert: leaveExecute },
  { find: [...precallC, 0x0c, 5], after: 3, insert: leaveExecute },
  { find: [...precallC, 0x0c, 1], after: 3, insert: leaveExecute },
  // unroll: at the head of its loop
  {
    find: [0x03, 0x40, 0x02, 0x40, ...local(1), 0x2f, 1, 34, 0x22, 3, 0x41, 2, 0x71],
    after: 2,
    insert: [...STATUS, ...IF, ...RETURN_END],
  },
]

/**
 * `t.__call = t` makes Lua 5.4 follow the chain in C, moving its whole stack at each step: minutes for one call. In
 * luaD_tryfuncTM the test `tag & 15` ("has a __call") becomes `tag & 15 & 2`, which no table passes: `__call` must be a function.
 */
const callsOnlyFunctions: Patch = {
  // i32.const 23 (TM_CALL), call luaT_gettmbyobj, local.tee 4, i32.load8_u offset=8, i32.const 15, i32.and, if
  find: [0x41, 0x17, ...getMetamethod, 0x22, 0x04, 0x2d, 0x00, 0x08, 0x41, 0x0f, 0x71, 0x04, 0x40],
  after: 13,
  insert: [0x41, 2, 0x71],
}

/** The glue with all patches in it. Throws for a build they were not made for. */
export function patchGlue(code: Buffer): Uint8Array<ArrayBuffer> {
  const places = [...leavesByReturning, callsOnlyFunctions]
    .map(({ find, after, insert }) => ({ at: placeOf(code, find) + after, insert }))
    .sort((a, b) => a.at - b.at)
  const section = codeSection(code)
  const functions: Uint8Array[] = []
  let next = 0
  let at = section.functions
  while (at < section.end) {
    const size = readLeb(code, at)
    const end = size.after + size.value
    const parts: Uint8Array[] = []
    let from = size.after
    for (; next < places.length && (places[next] as { at: number }).at < end; next++) {
      const place = places[next] as { at: number; insert: Bytes }
      parts.push(code.subarray(from, place.at), Uint8Array.from(place.insert))
      from = place.at
    }
    if (parts.length === 0) functions.push(code.subarray(at, end))
    else functions.push(...sized(...parts, code.subarray(from, end)))
    at = end
  }
  return joined([
    code.subarray(0, section.start),
    ...sized(code.subarray(section.body, section.functions), ...functions),
    code.subarray(section.end),
  ])
}

function placeOf(code: Buffer, find: Bytes): number {
  const bytes = Buffer.from(find)
  const at = code.indexOf(bytes)
  if (at >= 0 && code.indexOf(bytes, at + 1) < 0) return at
  throw new Error(
    `this build of wasmoon cannot be patched: ${bytes.toString('hex')} occurs ${at < 0 ? 'not' : 'again'}`,
  )
}

/** Where the size of the code section stands, its body, the first function, and its end. */
function codeSection(code: Uint8Array): { start: number; body: number; functions: number; end: number } {
  for (let at = 8; at < code.length; ) {
    const id = code[at] as number
    const size = readLeb(code, at + 1)
    const end = size.after + size.value
    if (id === 10) return { start: at + 1, body: size.after, functions: readLeb(code, size.after).after, end }
    at = end
  }
  throw new Error('this build of wasmoon has no code')
}

function readLeb(code: Uint8Array, at: number): { value: number; after: number } {
  let value = 0
  for (let shift = 0; ; shift += 7) {
    const byte = code[at++] as number
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return { value, after: at }
  }
}

/** These parts with their size before them. */
function sized(...parts: Uint8Array[]): Uint8Array[] {
  let rest = parts.reduce((sum, part) => sum + part.length, 0)
  const size: number[] = []
  do {
    const low = rest & 0x7f
    rest >>>= 7
    size.push(rest === 0 ? low : low | 0x80)
  } while (rest !== 0)
  return [Uint8Array.from(size), ...parts]
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
