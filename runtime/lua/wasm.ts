// The only importer of wasmoon. Boots its Lua as a bare WebAssembly instance and hands out the raw C API: the package's own
// API is far too slow and loses bytes (design ENGINE §1). Knows memory and functions, no values, no processes.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { LuaWasm } from 'wasmoon'
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

const gluePath = (): string => require.resolve('wasmoon').replace(/index\.js$/, 'glue.wasm')

export function compileLua(): LuaModules {
  return {
    glue: new WebAssembly.Module(patchGlue(readFileSync(gluePath()))),
    side: new WebAssembly.Module(asset('side.wasm')),
    eh: new WebAssembly.Module(asset('eh.wasm')),
  }
}

type Imports = Record<string, WebAssembly.ModuleImports>

// wasmoon instantiates by itself: WebAssembly.instantiate is replaced while it does, one boot at a time.
let booting: Promise<unknown> = Promise.resolve()

/**
 * A fresh instance with the given host functions; `answered` finishes one that waited (AWAIT), `hook` is the count hook.
 * About 4 ms after the first.
 */
export function bootLua(
  modules: LuaModules,
  hosts: readonly HostFn[],
  answered: HostFn,
  hook: (thread: number) => void,
): Promise<BootedLua> {
  const mine = booting.then(() => boot(modules, hosts, answered, hook))
  booting = mine.catch(() => undefined)
  return mine
}

async function boot(
  modules: LuaModules,
  hosts: readonly HostFn[],
  answered: HostFn,
  hook: (thread: number) => void,
): Promise<BootedLua> {
  const eh = new WebAssembly.Instance(modules.eh, {}).exports as unknown as {
    table: WebAssembly.Table
    invoke_vii: WasmFunction
    throw_longjmp: WasmFunction
  }
  const original = WebAssembly.instantiate
  let instance: WebAssembly.Instance | undefined
  const replaced = async (_source: unknown, imports: Imports): Promise<WebAssembly.WebAssemblyInstantiatedSource> => {
    const env: WebAssembly.ModuleImports = {
      ...imports['env'],
      invoke_vii: eh.invoke_vii,
      _emscripten_throw_longjmp: eh.throw_longjmp,
    }
    const { seedTime } = modules
    if (seedTime !== undefined) env['emscripten_date_now'] = () => seedTime
    // wasmoon passes bytes and wants { instance, module }; a compiled module gives the instance alone
    instance = (await original.call(WebAssembly, modules.glue, { ...imports, env })) as unknown as WebAssembly.Instance
    return { instance, module: modules.glue }
  }
  const wasmoon = require('wasmoon') as { LuaWasm: typeof LuaWasm }
  let glue: LuaWasm
  WebAssembly.instantiate = replaced as typeof WebAssembly.instantiate
  try {
    glue = await wasmoon.LuaWasm.initialize(gluePath())
  } finally {
    WebAssembly.instantiate = original
  }
  if (instance === undefined) throw new Error('wasmoon did not instantiate its module')

  const api = { ...instance.exports } as unknown as LuaApi & {
    stackSave: WasmFunction
    stackRestore: WasmFunction
    setThrew: WasmFunction
  }
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
    f: { ...Object.fromEntries(hosts.map((host, i) => [`f${i}`, host])), answered },
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
    hookSlot: (
      glue.module as unknown as { addFunction(fn: (thread: number) => void, signature: string): number }
    ).addFunction(hook, 'vii'),
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

/**
 * Wippy prints integral floats without ".0". Lua decides by `strspn(text, "-0123456789")`; blanking that constant in memory
 * makes the test fail for every number, so the suffix is never added (design ENGINE §1).
 */
function printIntegralFloatsPlainly(memory: WebAssembly.Memory): void {
  const at = Buffer.from(memory.buffer).indexOf('-0123456789\0')
  if (at < 0) throw new Error('the number format constant of this wasmoon build was not found')
  new Uint8Array(memory.buffer)[at] = 0
}
