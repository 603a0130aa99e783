// The only user of wasmoon, and only of its machine code: boots its Lua as a bare WebAssembly instance and hands out the raw
// C API, for the package's own is far too slow and loses bytes. Knows memory and functions, no values, no processes.

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { patchGlue } from './glue-patches.ts'
import { trampolineModule } from './trampolines.ts'

/** LUA_REGISTRYINDEX; upvalue `n` of the running C function is at REGISTRY - n. */
export const REGISTRY = -1001000

export const LUA = {
  nil: 0,
  boolean: 1,
  lightuserdata: 2,
  number: 3,
  string: 4,
  table: 5,
  function: 6,
  userdata: 7,
  thread: 8,
} as const
export const STATUS = { ok: 0, yield: 1, errrun: 2, errsyntax: 3, errmem: 4, errerr: 5 } as const

type P = number
/** The part of the C API that is used, by its C names. Pointers and counts are plain numbers. */
export interface LuaApi {
  readonly memory: WebAssembly.Memory
  malloc(size: number): P
  free(pointer: P): void
  lua_newstate(alloc: P, ud: P): P
  lua_close(L: P): void
  lua_newthread(L: P): P
  lua_resetthread(L: P): number
  lua_atpanic(L: P, fn: P): P
  lua_checkstack(L: P, n: number): number
  lua_gettop(L: P): number
  lua_settop(L: P, index: number): void
  lua_pushvalue(L: P, index: number): void
  lua_rotate(L: P, index: number, n: number): void
  lua_copy(L: P, from: number, to: number): void
  lua_xmove(from: P, to: P, n: number): void
  lua_type(L: P, index: number): number
  lua_isinteger(L: P, index: number): number
  lua_iscfunction(L: P, index: number): number
  lua_tonumberx(L: P, index: number, isnum: P): number
  lua_tointegerx(L: P, index: number, isnum: P): bigint
  lua_toboolean(L: P, index: number): number
  lua_tolstring(L: P, index: number, length: P): P
  lua_touserdata(L: P, index: number): P
  lua_tothread(L: P, index: number): P
  lua_topointer(L: P, index: number): P
  lua_rawequal(L: P, a: number, b: number): number
  lua_pushnil(L: P): void
  lua_pushboolean(L: P, value: number): void
  lua_pushnumber(L: P, value: number): void
  lua_pushinteger(L: P, value: bigint): void
  lua_pushlstring(L: P, text: P, length: number): P
  lua_pushlightuserdata(L: P, pointer: P): void
  lua_pushcclosure(L: P, fn: P, upvalues: number): void
  lua_pushthread(L: P): number
  lua_createtable(L: P, array: number, hash: number): void
  lua_newuserdatauv(L: P, size: number, values: number): P
  lua_getiuservalue(L: P, index: number, n: number): number
  lua_setiuservalue(L: P, index: number, n: number): number
  lua_getmetatable(L: P, index: number): number
  lua_setmetatable(L: P, index: number): number
  lua_getfield(L: P, index: number, key: P): number
  lua_setfield(L: P, index: number, key: P): void
  lua_rawget(L: P, index: number): number
  lua_rawset(L: P, index: number): void
  lua_rawgetp(L: P, index: number, key: P): number
  lua_rawsetp(L: P, index: number, key: P): void
  lua_next(L: P, index: number): number
  lua_callk(L: P, args: number, results: number, ctx: number, k: P): void
  lua_pcallk(L: P, args: number, results: number, handler: number, ctx: number, k: P): number
  lua_resume(L: P, from: P, args: number, results: P): number
  lua_yieldk(L: P, results: number, ctx: number, k: P): number
  lua_isyieldable(L: P): number
  lua_status(L: P): number
  lua_error(L: P): number
  lua_sethook(L: P, fn: P, mask: number, count: number): void
  luaL_loadbufferx(L: P, text: P, size: number, name: P, mode: P): number
  luaL_requiref(L: P, name: P, open: P, global: number): void
  luaL_traceback(L: P, of: P, message: P, level: number): void
  luaL_where(L: P, level: number): void
  luaL_tolstring(L: P, index: number, length: P): P
  luaopen_base: WasmFunction
  luaopen_coroutine: WasmFunction
  luaopen_table: WasmFunction
  luaopen_string: WasmFunction
  luaopen_math: WasmFunction
  luaopen_utf8: WasmFunction
  readonly __indirect_function_table: WebAssembly.Table
}
type WasmFunction = (...args: number[]) => number

/** runtime/lua/wasm/side.wat */
export interface SideApi {
  alloc: WasmFunction
  pushint(L: P, value: number): void
  rawgeti(L: P, index: number, n: number): number
  rawseti(L: P, index: number, n: number): void
  rawlen(L: P, index: number): number
  hashsize(L: P, index: number): number
  handle(L: P, index: number): number
  string(L: P, index: number, length: P): P
  unpark(L: P, main: P, registry: number, key: number): void
  copyvalue(from: P, index: number, to: P, scratch: P): number
  copyscalar(from: P, index: number, to: P, scratch: P): number
  copyflat(from: P, index: number, to: P, scratch: P): number
}

/** Takes a Lua thread and answers a result count, YIELD or RAISE. */
export type HostFn = (thread: number) => number

export interface BootedLua {
  readonly api: LuaApi
  readonly side: SideApi
  /** Function-table slots of the host functions, in the order given. */
  readonly hostSlots: readonly number[]
  readonly allocSlot: number
  readonly hookSlot: number
  readonly openSlots: Readonly<Record<string, number>>
}

const require = createRequire(import.meta.url)
const asset = (file: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`./wasm/${file}`, import.meta.url)))

/** Compiled once per thread; may be posted to workers. */
export interface LuaModules {
  readonly glue: WebAssembly.Module
  readonly side: WebAssembly.Module
  readonly eh: WebAssembly.Module
  /** For tests that replay: the time Lua seeds its hashes and random numbers with, in place of the machine's. */
  readonly seedTime?: number
}

/** The build leaves the patched code among the assets: patching takes twice as long as compiling. */
function glue(): Uint8Array<ArrayBuffer> {
  const built = new URL('./wasm/glue.wasm', import.meta.url)
  return existsSync(built) ? readFileSync(built) : patchedGlue()
}

/** Also what the build calls. */
export function patchedGlue(): Uint8Array<ArrayBuffer> {
  return patchGlue(readFileSync(require.resolve('wasmoon/dist/glue.wasm')))
}

export function compileLua(): LuaModules {
  return {
    glue: new WebAssembly.Module(glue()),
    side: new WebAssembly.Module(asset('side.wasm')),
    eh: new WebAssembly.Module(asset('eh.wasm')),
  }
}

interface GlueExports extends LuaApi {
  __wasm_call_ctors(): void
  emscripten_stack_init: WasmFunction
  stackSave: WasmFunction
  stackRestore: WasmFunction
  setThrew: WasmFunction
}

/**
 * A fresh instance with the given host functions; `answered` finishes one that waited (AWAIT), `hook` is the count hook.
 * About 2 ms after the first.
 */
export function bootLua(
  modules: LuaModules,
  hosts: readonly HostFn[],
  answered: HostFn,
  hook: (thread: number) => void,
): BootedLua {
  const eh = new WebAssembly.Instance(modules.eh, {}).exports as unknown as {
    table: WebAssembly.Table
    invoke_vii: WasmFunction
    throw_longjmp: WasmFunction
  }
  const env: WebAssembly.ModuleImports = { invoke_vii: eh.invoke_vii, _emscripten_throw_longjmp: eh.throw_longjmp }
  const { seedTime } = modules
  if (seedTime !== undefined) env['emscripten_date_now'] = () => seedTime
  const api = { ...instantiateGlue(modules.glue, env) }
  const functions = api.__indirect_function_table
  for (let i = 0; i < functions.length; i++) eh.table.set(i, functions.get(i))
  eh.table.set(1000, api.stackSave)
  eh.table.set(1001, api.stackRestore)
  eh.table.set(1002, api.setThrew)
  printIntegralFloatsPlainly(api.memory)

  const exports = api as unknown as WebAssembly.ModuleImports
  const side = new WebAssembly.Instance(modules.side, { e: exports }).exports as unknown as SideApi
  const continuation = new WebAssembly.Global({ value: 'i32', mutable: true }, 0)
  const trampolines = new WebAssembly.Instance(new WebAssembly.Module(trampolineModule(hosts.length)), {
    e: exports,
    f: { ...Object.fromEntries(hosts.map((host, i) => [`f${i}`, host])), answered, hook },
    g: { k: continuation },
  }).exports
  const slot = (fn: unknown): number => {
    const index = functions.grow(1)
    functions.set(index, fn)
    return index
  }
  continuation.value = slot(trampolines['k'])
  return {
    api,
    side,
    hostSlots: hosts.map((_, i) => slot(trampolines[`t${i}`])),
    allocSlot: slot(side.alloc),
    hookSlot: slot(trampolines['hook']),
    openSlots: {
      _G: slot(api.luaopen_base),
      coroutine: slot(api.luaopen_coroutine),
      table: slot(api.luaopen_table),
      string: slot(api.luaopen_string),
      math: slot(api.luaopen_math),
      utf8: slot(api.luaopen_utf8),
    },
  }
}

const PAGE = 1 << 16
const MAX_MEMORY = 2 ** 31

/**
 * The package's JavaScript is a file system, a clock and a process for Lua's `io` and `os`, which are never opened: of what
 * the machine code imports, it needs only a larger memory, the time for the seed of its hashes, and an environment.
 */
function instantiateGlue(glue: WebAssembly.Module, env: Record<string, unknown>): GlueExports {
  const given: Record<string, unknown> = {
    emscripten_date_now: Date.now,
    emscripten_resize_heap: (size: number) => (grow(exports.memory, size >>> 0) ? 1 : 0),
    // An empty environment: of the host's, Lua sees nothing.
    environ_sizes_get: (count: number, size: number) => {
      const words = new Uint32Array(exports.memory.buffer)
      words[count >> 2] = 0
      words[size >> 2] = 0
      return 0
    },
    environ_get: () => 0,
    ...env,
  }
  const imports: WebAssembly.Imports = {}
  for (const { module, name } of WebAssembly.Module.imports(glue)) {
    const absent = (): never => {
      throw new WebAssembly.RuntimeError(`Lua called ${name}, which it is not given`)
    }
    imports[module] = { ...imports[module], [name]: (given[name] ?? absent) as WebAssembly.ImportValue }
  }
  const exports = new WebAssembly.Instance(glue, imports).exports as unknown as GlueExports
  exports.emscripten_stack_init()
  exports.__wasm_call_ctors()
  return exports
}

/**
 * To twice its size where that is to be had: V8 counts each growth as memory of the size of the whole and collects garbage for
 * it, a third of what its threads did while many processes were spawned. What nobody touches takes no memory of the machine.
 */
function grow(memory: WebAssembly.Memory, size: number): boolean {
  if (size > MAX_MEMORY) return false
  const before = memory.buffer.byteLength
  return [Math.min(MAX_MEMORY, before * 2), size].some((after) => {
    if (after < size) return false
    try {
      memory.grow(Math.ceil((after - before) / PAGE))
      return true
    } catch {
      // No more memory to be had: with not even `size`, Lua says so.
      return false
    }
  })
}

/**
 * Wippy prints integral floats without ".0". Lua decides by `strspn(text, "-0123456789")`; blanking that constant in memory
 * makes the test fail for every number, so the suffix is never added (design ENGINE §1).
 */
function printIntegralFloatsPlainly(memory: WebAssembly.Memory): void {
  const at = Buffer.from(memory.buffer).indexOf('-0123456789\0')
  if (at < 0) throw new Error('the number format constant of this wasmoon build was not found')
  new Uint8Array(memory.buffer)[at] = 0
}
