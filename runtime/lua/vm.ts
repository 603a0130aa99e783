// One Lua state with a memory limit: the unit of isolation. It holds the processes of one program (or one worker of a pool),
// which share compiled code and frozen libraries; each has its own globals.

import { readFileSync } from 'node:fs'
import { RuntimeError } from '../core/error.ts'
import type { LuaInstance } from './instance.ts'
import { cachedTextKey, KEY, parkedKey } from './keys.ts'
import type { AnyHostFunction, LuaType, ModuleMember, ModuleTable } from './module.ts'
import { LuaObject, RawFunction } from './module.ts'
import { codesOf, type Program } from './program.ts'
import { REGISTRY } from './wasm.ts'

const sandbox = readFileSync(new URL('./sandbox.lua', import.meta.url), 'utf8')
const typesLibrary = readFileSync(new URL('./typed/types.lua', import.meta.url), 'utf8')
const NO_LIMIT = 0x7fffffff
/** What one value, or the arguments of one call, may take when copied. */
const MAX_BUILT = 256 << 20
const MAX_CACHED_TEXTS = 1024
const MAX_POOLED_THREADS = 4096
const MASK_COUNT = 8
/** Places in lua_State: where its stack begins, and its innermost variable to close, which is there when there is none. */
const STACK = 28
const TO_CLOSE = 36
/** What Lua starts with: a heap is collected when it has doubled. */
export const GC_PERCENT = 100
export const HOOK_COUNT = 250
export const HOOK_COUNT_GENERATED = 64

/** What a VM needs of its surroundings: modules by name, and how host functions are called. */
export interface VmDeps {
  readonly lua: LuaInstance
  /** Modules that are globals without a grant. */
  readonly baseModules: readonly string[]
  /** Index under which a host function is called; the same function has one index. */
  readonly functionIndex: (fn: AnyHostFunction, name: string, self: LuaType<unknown> | undefined) => number
  /** Metatable key of a type, and whether it is fully described by its spec. */
  readonly typeKey: (type: LuaType<unknown>) => number
  /** Every VM that is not closed, those of function calls included. */
  readonly open: Set<VM>
  /** How much of its size a heap grows before it is collected again, in percent. */
  gcPercent: number
  /** The VM whose sandbox is running, while it is. */
  building: VM | undefined
  readonly buildMetatable: (vm: VM, thread: number, type: LuaType<unknown>) => void
}

export class VM {
  readonly program: Program
  readonly memoryLimit: number
  readonly main: number
  /** A thread for host work on this state: building values, tracebacks. Empty between uses. */
  readonly scratchThread: number
  /** Where a running copy keeps the tables it has met. */
  readonly memoThread: number
  /** Living processes in it. */
  processes = 0
  /** Processes that ever began in it. */
  begun = 0
  /** The method under KEY.method serves every process: running the chunk again would make the same (lua/stateless.ts). */
  sharesMethod = false
  /** Threads of this state on the native stack: it must not be closed while there are any. */
  activations = 0
  closed = false

  readonly #lua: LuaInstance
  readonly #deps: VmDeps
  readonly #account: number
  readonly #idleThreads: number[] = []
  readonly #freeSlots: number[] = []
  #slots = 0
  /** Texts read often (pids, ids, topics), by the address of the anchored Lua string. */
  readonly #texts = new Map<number, string>()
  readonly #types = new Set<number>()

  /** Throws Invalid with file and line when the code does not compile. */
  constructor(program: Program, deps: VmDeps) {
    const { lua } = deps
    this.program = program
    this.#lua = lua
    this.#deps = deps
    this.memoryLimit = program.limits.memory
    this.#account = lua.api.malloc(16)
    lua.setWord(this.#account, 0)
    lua.setWord(this.#account + 4, NO_LIMIT)
    lua.setWord(this.#account + 8, 0)
    lua.setWord(this.#account + 12, NO_LIMIT)
    this.main = lua.api.lua_newstate(lua.allocSlot, this.#account)
    if (this.main === 0) throw new RuntimeError('LimitExceeded', `no memory for a VM of ${program.code.id}`)
    // The extra space, which new threads copy: none of them was resumed (glue-patches.ts).
    lua.setWord(this.main - 4, 0)
    try {
      this.scratchThread = this.#thread(this.main)
      this.memoThread = this.#thread(this.main)
      this.#openLibraries()
      this.#runSandbox()
    } catch (error) {
      lua.api.lua_close(this.main)
      lua.api.free(this.#account)
      throw error
    }
    lua.api.lua_sethook(this.main, lua.hookSlot, MASK_COUNT, this.#hookCount)
    lua.api.lua_sethook(this.scratchThread, lua.hookSlot, MASK_COUNT, this.#hookCount)
    this.limit()
    if (deps.gcPercent !== GC_PERCENT) this.setGcPercent(deps.gcPercent)
    deps.open.add(this)
  }

  #openLibraries(): void {
    const { api } = this.#lua
    for (const [name, slot] of Object.entries(this.#lua.openSlots)) {
      api.luaL_requiref(this.main, this.#lua.symbol(name), slot, 1)
      api.lua_settop(this.main, 0)
    }
    // A traceback looks every function up in the loaded libraries: a quarter of a crash, for a longer name.
    api.lua_createtable(this.main, 0, 0)
    api.lua_setfield(this.main, REGISTRY, this.#lua.symbol('_LOADED'))
  }

  #runSandbox(): void {
    const lua = this.#lua
    const { api, side } = lua
    const L = this.main
    lua.load(L, sandbox, '=sandbox')
    api.lua_createtable(L, 0, 64)
    for (const name of Object.keys(lua.slots)) {
      lua.pushFunction(L, name)
      api.lua_setfield(L, -2, lua.symbol(name))
    }
    this.#pushCodes(L)
    lua.pushText(L, this.program.method)
    const { code } = this.program
    api.lua_pushboolean(L, code.imports.size > 0 || /\brequire\b|\b_G\b/.test(code.source) ? 1 : 0)
    api.lua_createtable(L, this.#deps.baseModules.length, 0)
    this.#deps.baseModules.forEach((name, i) => {
      lua.pushText(L, name)
      side.rawseti(L, -2, i + 1)
    })
    if (codesOf(this.program).some(({ needsTypes }) => needsTypes)) lua.load(L, typesLibrary, '=types')
    else api.lua_pushnil(L)
    // `open_module` runs before any process exists: it must know whose state it fills.
    this.#deps.building = this
    const status = api.lua_pcallk(L, 6, 8, 0, 0, 0)
    this.#deps.building = undefined
    if (status !== 0) throw new Error(`sandbox.lua: ${lua.readText(L, -1)}`)
    const order = [
      KEY.collect,
      KEY.selectCase,
      KEY.error,
      KEY.payload,
      KEY.message,
      KEY.subscription,
      KEY.channel,
      KEY.open,
    ]
    for (const key of order) api.lua_rawsetp(L, REGISTRY, key)
  }

  #pushCodes(L: number): void {
    const lua = this.#lua
    const { api, side } = lua
    const codes = codesOf(this.program)
    api.lua_createtable(L, codes.length, 0)
    codes.forEach((code, i) => {
      // A library sees the modules it was granted as locals of its chunk; the entry sees them as globals.
      const locals = i === 0 ? [] : [...code.modules.keys()].filter((name) => /^[A-Za-z_]\w*$/.test(name))
      api.lua_createtable(L, 0, 8)
      const header = ['_ENV', 'require', ...locals].join(', ')
      lua.load(L, `local ${header} = ... ; return function(...) ${code.source}\nend`, `=${code.id}`)
      api.lua_setfield(L, -2, lua.symbol('factory'))
      this.#setMap(L, 'modules', [...code.modules], (module) => lua.pushText(L, module))
      this.#setMap(L, 'imports', [...code.imports], (library) => side.pushint(L, codes.indexOf(library) + 1))
      api.lua_createtable(L, locals.length, 0)
      locals.forEach((name, n) => {
        lua.pushText(L, name)
        side.rawseti(L, -2, n + 1)
      })
      api.lua_setfield(L, -2, lua.symbol('locals'))
      side.rawseti(L, -2, i + 1)
    })
  }

  #setMap<T>(L: number, field: string, items: readonly (readonly [string, T])[], push: (value: T) => void): void {
    this.#lua.api.lua_createtable(L, 0, items.length)
    for (const [name, value] of items) {
      this.#lua.pushText(L, name)
      push(value)
      this.#lua.api.lua_rawset(L, -3)
    }
    this.#lua.api.lua_setfield(L, -2, this.#lua.symbol(field))
  }

  // ---- memory ----

  /** Bytes in use. */
  get used(): number {
    return this.#lua.word(this.#account)
  }

  /**
   * While the host builds values, an allocation must not fail: there may be no protected call around it. Copying and
   * pushing stop with LimitExceeded beyond `cap` bytes instead.
   */
  lift(cap = MAX_BUILT): void {
    const lua = this.#lua
    lua.refresh()
    const account = this.#account >> 2
    lua.u32[account + 1] = NO_LIMIT
    lua.u32[account + 2] = 0
    lua.u32[account + 3] = cap
    lua.u32[(lua.scratch >> 2) + 1] = this.#account
  }

  /** Bytes asked for since `lift`. */
  get built(): number {
    return this.#lua.word(this.#account + 8)
  }

  /** Throws LimitExceeded when more was built than `lift` allowed. */
  checkBuilt(): void {
    if (this.built > this.#lua.word(this.#account + 12)) throw this.tooBig()
  }

  tooBig(): RuntimeError {
    const cap = this.#lua.word(this.#account + 12)
    return new RuntimeError('LimitExceeded', `value takes more than the limit of ${cap} bytes`, { retryable: false })
  }

  limit(): void {
    this.#lua.setWord(this.#account + 4, this.memoryLimit)
  }

  /** As `lift` and `limit`, keeping what is lifted already: for work between the two, or outside them. */
  #unlimited<T>(work: () => T): T {
    const lua = this.#lua
    lua.refresh()
    const account = this.#account >> 2
    const limit = lua.u32[account + 1] as number
    lua.u32[account + 1] = NO_LIMIT
    try {
      return work()
    } finally {
      lua.setWord(this.#account + 4, limit)
    }
  }

  collect(): void {
    this.#unlimited(() => this.#collector('collect'))
  }

  /** Lua's own word is the pause: 200 is a heap twice the size. */
  setGcPercent(percent: number): void {
    this.#collector('setpause', 100 + percent)
  }

  #collector(operation: string, argument?: number): void {
    const { api, side } = this.#lua
    api.lua_rawgetp(this.scratchThread, REGISTRY, KEY.collect)
    this.#lua.pushText(this.scratchThread, operation)
    if (argument !== undefined) side.pushint(this.scratchThread, argument)
    api.lua_pcallk(this.scratchThread, argument === undefined ? 1 : 2, 0, 0, 0, 0)
    api.lua_settop(this.scratchThread, 0)
  }

  // ---- threads ----

  get #hookCount(): number {
    return this.program.generated ? HOOK_COUNT_GENERATED : HOOK_COUNT
  }

  #thread(L: number): number {
    const thread = this.#lua.api.lua_newthread(L)
    this.#lua.api.lua_rawsetp(L, REGISTRY, thread)
    return thread
  }

  /** A thread with an empty stack, anchored until released. */
  takeThread(): number {
    return this.#idleThreads.pop() ?? this.#unlimited(() => this.#thread(this.main))
  }

  /** A thread that returned is used again; one that failed or was stopped half-way is left to the collector. */
  releaseThread(thread: number, clean: boolean): void {
    const { api } = this.#lua
    if (clean && this.#idleThreads.length < MAX_POOLED_THREADS) {
      api.lua_settop(thread, 0)
      this.#idleThreads.push(thread)
      return
    }
    api.lua_pushnil(this.main)
    api.lua_rawsetp(this.main, REGISTRY, thread)
  }

  /** The main thread of a process that has ended in an error or was ended: nobody holds it, so that it is used again too. */
  recycleThread(thread: number): void {
    this.releaseThread(thread, this.resetThread(thread))
  }

  /** Makes a thread that was stopped as good as new; false when it has variables to close, which would run code of the dead. */
  resetThread(thread: number): boolean {
    if (this.#lua.word(thread + TO_CLOSE) !== this.#lua.word(thread + STACK)) return false
    this.#lua.api.lua_resetthread(thread)
    this.resetHook(thread)
    return true
  }

  /** The hook of code that was slow, or had to be stopped, looks more often than that of other code. */
  resetHook(thread: number): void {
    this.#lua.api.lua_sethook(thread, this.#lua.hookSlot, MASK_COUNT, this.#hookCount)
  }

  // ---- parked values: Lua values the host keeps ----

  /** Takes the value on top of `thread` and answers a slot for it. */
  park(thread: number): number {
    const slot = this.#freeSlots.pop() ?? this.#slots++
    this.#lua.api.lua_rawsetp(thread, REGISTRY, parkedKey(slot))
    return slot
  }

  /** Takes the value on top of `thread` and puts it in place of a parked one. */
  repark(thread: number, slot: number): void {
    this.#lua.api.lua_rawsetp(thread, REGISTRY, parkedKey(slot))
  }

  /** Pushes a parked value and gives its slot up. */
  unpark(thread: number, slot: number): void {
    this.#lua.side.unpark(thread, this.main, REGISTRY, parkedKey(slot))
    this.#freeSlots.push(slot)
  }

  /** Pushes a parked value and keeps it. */
  peek(thread: number, slot: number): void {
    this.#lua.api.lua_rawgetp(thread, REGISTRY, parkedKey(slot))
  }

  /** Keeps the parked userdata only as long as Lua does, under its handle, and gives the slot up. */
  loosen(handle: number, slot: number): void {
    const { api, side } = this.#lua
    const L = this.scratchThread
    const top = api.lua_gettop(L)
    this.lift()
    if (api.lua_rawgetp(L, REGISTRY, KEY.loose) === 0) {
      api.lua_createtable(L, 0, 4)
      api.lua_createtable(L, 0, 1)
      this.#lua.pushText(L, 'v')
      api.lua_setfield(L, -2, this.#lua.symbol('__mode'))
      api.lua_setmetatable(L, -2)
      api.lua_pushvalue(L, -1)
      api.lua_rawsetp(L, REGISTRY, KEY.loose)
      api.lua_rotate(L, top + 1, 1)
      api.lua_settop(L, top + 1)
    }
    this.unpark(L, slot)
    side.rawseti(L, top + 1, handle)
    api.lua_settop(L, top)
    this.limit()
  }

  peekLoose(thread: number, handle: number): void {
    const { api, side } = this.#lua
    api.lua_rawgetp(thread, REGISTRY, KEY.loose)
    side.rawgeti(thread, -1, handle)
    api.lua_rotate(thread, -2, 1)
    api.lua_settop(thread, -2)
  }

  /** `false` rather than nil keeps the registry from rehashing under slots that come back at once. */
  freeSlot(slot: number): void {
    this.#lua.api.lua_pushboolean(this.main, 0)
    this.#lua.api.lua_rawsetp(this.main, REGISTRY, parkedKey(slot))
    this.#freeSlots.push(slot)
  }

  get parked(): number {
    return this.#slots - this.#freeSlots.length
  }

  // ---- texts ----

  /** The string at `index` as text, remembered by address: for pids, ids and names that come again and again. */
  cachedText(thread: number, index: number): string | null {
    const { api } = this.#lua
    const pointer = this.#lua.stringAt(thread, index)
    if (pointer === 0) return this.#lua.readText(thread, index)
    const known = this.#texts.get(pointer)
    if (known !== undefined) return known
    const text = this.#lua.readText(thread, index) as string
    if (this.#texts.size < MAX_CACHED_TEXTS && text.length <= 40) {
      api.lua_pushvalue(thread, index)
      api.lua_rawsetp(thread, REGISTRY, cachedTextKey(pointer))
      this.#texts.set(pointer, text)
    }
    return text
  }

  // ---- host objects ----

  /** Registry key of a type's metatable, made in this VM when first needed. */
  metatableOf(type: LuaType<unknown>): number {
    const key = this.#deps.typeKey(type)
    if (!this.#types.has(key)) {
      this.#types.add(key)
      // Its own lift and limit must not end the one around it.
      this.#unlimited(() => {
        this.#deps.buildMetatable(this, this.scratchThread, type)
        this.lift()
        this.#lua.api.lua_rawsetp(this.scratchThread, REGISTRY, key)
      })
    }
    return key
  }

  /** Pushes a closure that calls a host function made on the fly (an iterator): freed with the closure. */
  pushHostFunction(thread: number, fn: AnyHostFunction): void {
    const lua = this.#lua
    lua.pushUserdata(thread, lua.handle(fn), 0, KEY.selectCase)
    lua.api.lua_pushcclosure(thread, lua.slots['call_dynamic'] as number, 1)
  }

  /** Pushes a module's table: functions as closures, nested tables frozen, constants as they are. */
  pushTable(thread: number, table: ModuleTable, prefix: string, push: (value: unknown) => void): void {
    const lua = this.#lua
    lua.api.lua_rawgetp(thread, REGISTRY, KEY.freeze)
    lua.api.lua_createtable(thread, 0, Object.keys(table).length)
    for (const [name, member] of Object.entries(table)) {
      this.#pushMember(thread, member, prefix === '' ? name : `${prefix}.${name}`, push)
      lua.api.lua_setfield(thread, -2, lua.symbol(name))
    }
    if (lua.api.lua_pcallk(thread, 1, 1, 0, 0, 0) !== 0) throw new Error(lua.readText(thread, -1) ?? 'freeze failed')
  }

  #pushMember(thread: number, member: ModuleMember, name: string, push: (value: unknown) => void): void {
    const lua = this.#lua
    if (typeof member === 'function') {
      lua.side.pushint(thread, this.#deps.functionIndex(member, name, undefined))
      lua.api.lua_pushcclosure(thread, lua.slots['call'] as number, 1)
    } else if (member instanceof RawFunction) {
      lua.pushFunction(thread, member.slot)
    } else if (typeof member !== 'object' || member instanceof LuaObject || Array.isArray(member)) {
      push(member)
    } else {
      this.pushTable(thread, member as ModuleTable, name, push)
    }
  }

  traceback(thread: number): string {
    const { api } = this.#lua
    return this.#unlimited(() => {
      api.luaL_traceback(this.scratchThread, thread, 0, 0)
      const text = this.#lua.readText(this.scratchThread, -1) ?? ''
      api.lua_settop(this.scratchThread, 0)
      return text
    })
  }

  /** Only from the top of the loop: no thread of this state may be on the stack. */
  close(): void {
    if (this.closed) return
    this.closed = true
    this.#deps.open.delete(this)
    this.#lua.api.lua_close(this.main)
    this.#lua.api.free(this.#account)
  }
}
