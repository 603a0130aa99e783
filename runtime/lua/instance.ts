// One WebAssembly instance of Lua seen from TypeScript: its memory, strings, handles of host objects, and host functions.
// Several Lua states (VMs) live in it. Knows no processes. A trap makes the whole instance dead.

import { isUtf8 } from 'node:buffer'
import { RuntimeError } from '../core/error.ts'
import { RAISE } from './trampolines.ts'
import { bootLua, type LuaApi, type LuaModules, REGISTRY, type SideApi } from './wasm.ts'

export type RawFunctions = Record<string, (thread: number) => number>

/** Userdata begin with a handle: an index of `objects`, or one of these, which have no host object behind them. */
export const HANDLE_MESSAGE = 0xfffffff1
export const HANDLE_PAYLOAD = 0xfffffff2
/** User values of a payload: the value, and the format of a transcoded one (nil is a Lua value). */
export const PAYLOAD_VALUES = 2
const FIRST_RESERVED = 0xfffffff0

/** Raised by a trap (out-of-bounds access, unreachable, stack overflow inside wasm): the instance must not be used again. */
export class LuaTrap extends Error {}

export class LuaInstance {
  readonly name: string
  api!: LuaApi
  side!: SideApi
  allocSlot = 0
  hookSlot = 0
  openSlots: Readonly<Record<string, number>> = {}
  /** Function-table slot of each host function, by name. */
  readonly slots: Record<string, number> = {}
  dead = false

  u8 = new Uint8Array(0)
  u32 = new Uint32Array(0)
  buffer = Buffer.alloc(0)
  /** Eight bytes for a length or a count answered through a pointer. */
  scratch = 0
  #text = 0
  #textSize = 0

  readonly #objects: unknown[] = [null]
  readonly #freeHandles: number[] = []
  readonly #symbols = new Map<string, number>()

  constructor(name: string) {
    this.name = name
  }

  /** Instantiates with these host functions. They may use the instance once this has returned. */
  boot(modules: LuaModules, functions: RawFunctions, hook: (thread: number) => void): void {
    const names = Object.keys(functions)
    const guarded = names.map((name) => this.#guarded(functions[name] as (thread: number) => number))
    const answered = this.#guarded((thread) => this.answered(thread))
    const booted = bootLua(modules, guarded, answered, hook)
    this.api = booted.api
    this.side = booted.side
    this.allocSlot = booted.allocSlot
    this.hookSlot = booted.hookSlot
    this.openSlots = booted.openSlots
    names.forEach((name, i) => {
      this.slots[name] = booted.hostSlots[i] as number
    })
    this.scratch = this.api.malloc(16)
    this.#textSize = 1 << 16
    this.#text = this.api.malloc(this.#textSize)
    this.refresh()
  }

  /** A host function never lets a JavaScript error through Lua's frames: it becomes a Lua error. */
  #guarded(fn: (thread: number) => number): (thread: number) => number {
    return (thread) => {
      try {
        return fn(thread)
      } catch (thrown) {
        if (thrown instanceof WebAssembly.Exception || thrown instanceof LuaTrap) throw thrown
        if (thrown instanceof WebAssembly.RuntimeError) throw thrown
        this.pushThrown(thread, thrown)
        return RAISE
      }
    }
  }

  /** Finishes a host function that answered AWAIT, on its thread, once it is resumed. Replaced by the engine. */
  answered = (_thread: number): number => 0

  /** Pushes what a host function threw as a Lua error value. Replaced by the marshaller, which knows error userdata. */
  pushThrown = (thread: number, thrown: unknown): void => {
    this.pushText(thread, thrown instanceof Error ? thrown.message : String(thrown))
  }

  // ---- memory ----

  /** Views are lost whenever memory grows: call after anything that may have allocated. */
  refresh(): void {
    if (this.u32.length !== 0) return
    const memory = this.api.memory.buffer
    this.u8 = new Uint8Array(memory)
    this.u32 = new Uint32Array(memory)
    this.buffer = Buffer.from(memory)
  }

  /** The 32-bit word at a pointer. */
  word(pointer: number): number {
    this.refresh()
    return this.u32[pointer >> 2] as number
  }

  setWord(pointer: number, value: number): void {
    this.refresh()
    this.u32[pointer >> 2] = value
  }

  /** A permanent C string: for field names and chunk modes. */
  symbol(text: string): number {
    const known = this.#symbols.get(text)
    if (known !== undefined) return known
    const bytes = Buffer.from(`${text}\0`, 'utf8')
    const pointer = this.api.malloc(bytes.length)
    this.refresh()
    this.u8.set(bytes, pointer)
    this.#symbols.set(text, pointer)
    return pointer
  }

  // ---- strings ----

  /** Where the string at `index` lies, its length in `scratch`; 0 for anything else. Valid until something is allocated. */
  stringAt(thread: number, index: number): number {
    return this.side.string(thread, index, this.scratch)
  }

  /** The string (or number) at `index` as text if it is UTF-8, else as bytes; null for anything else. Converts numbers in place. */
  read(thread: number, index: number): string | Uint8Array | null {
    const pointer = this.api.lua_tolstring(thread, index, this.scratch)
    if (pointer === 0) return null
    this.refresh()
    return this.readAt(pointer, this.u32[this.scratch >> 2] as number)
  }

  /** A copy of the bytes of the string at `index`. */
  bytesAt(thread: number, index: number): Uint8Array {
    const pointer = this.api.lua_tolstring(thread, index, this.scratch)
    this.refresh()
    return this.u8.slice(pointer, pointer + (this.u32[this.scratch >> 2] as number))
  }

  /** `length` bytes at a pointer as text if they are UTF-8, else as a copy of the bytes. */
  readAt(pointer: number, length: number): string | Uint8Array {
    const memory = this.u8
    const end = pointer + length
    if (length < 32) {
      let text = ''
      let at = pointer
      for (; at < end; at++) {
        const byte = memory[at] as number
        if (byte > 0x7f) break
        text += String.fromCharCode(byte)
      }
      if (at === end) return text
    }
    const bytes = memory.subarray(pointer, end)
    return isUtf8(bytes) ? this.buffer.toString('utf8', pointer, end) : bytes.slice()
  }

  /** The string at `index` as text, bytes that are not UTF-8 replaced; null for anything but a string or number. */
  readText(thread: number, index: number): string | null {
    const value = this.read(thread, index)
    return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value
  }

  pushText(thread: number, text: string): void {
    const length = text.length
    if (length * 3 > this.#textSize) this.#growText(length * 3)
    this.refresh()
    const memory = this.u8
    const start = this.#text
    let i = 0
    if (length < 64) {
      for (; i < length; i++) {
        const code = text.charCodeAt(i)
        if (code > 0x7f) break
        memory[start + i] = code
      }
    }
    const size = i === length ? length : this.buffer.write(text, start, 'utf8')
    this.api.lua_pushlstring(thread, start, size)
  }

  pushBytes(thread: number, bytes: Uint8Array): void {
    if (bytes.length > this.#textSize) this.#growText(bytes.length)
    this.refresh()
    this.u8.set(bytes, this.#text)
    this.api.lua_pushlstring(thread, this.#text, bytes.length)
  }

  /** Copies bytes to where texts are passed and answers the place: valid until the next text is pushed. */
  scratchBytes(bytes: Uint8Array): number {
    if (bytes.length > this.#textSize) this.#growText(bytes.length)
    this.refresh()
    this.u8.set(bytes, this.#text)
    return this.#text
  }

  #growText(size: number): void {
    this.api.free(this.#text)
    this.#textSize = size * 2
    this.#text = this.api.malloc(this.#textSize)
    if (this.#text === 0) throw new RuntimeError('LimitExceeded', `no memory for a string of ${size} bytes`)
    this.refresh()
  }

  // ---- handles ----

  /** A handle for a host object, to be stored in the first word of a userdata and freed by its finaliser. */
  handle(object: unknown): number {
    const free = this.#freeHandles.pop()
    if (free === undefined) return this.#objects.push(object) - 1
    this.#objects[free] = object
    return free
  }

  /** Host objects that Lua code holds. */
  get handles(): number {
    return this.#objects.length - this.#freeHandles.length
  }

  freeHandle(handle: number): void {
    this.#objects[handle] = null
    this.#freeHandles.push(handle)
  }

  objectOf(handle: number): unknown {
    return this.#objects[handle]
  }

  /** The first word of the userdata at `index`, or 0 when there is none. */
  handleAt(thread: number, index: number): number {
    return this.side.handle(thread, index) >>> 0
  }

  /** The host object behind the userdata at `index`; undefined for anything else. */
  objectAt(thread: number, index: number): unknown {
    const handle = this.handleAt(thread, index)
    return handle === 0 || handle >= FIRST_RESERVED ? undefined : this.#objects[handle]
  }

  get liveHandles(): number {
    return this.#objects.length - 1 - this.#freeHandles.length
  }

  /** Pushes a userdata with this handle and the metatable kept under `metatable`. `owns`: its finaliser frees the handle. */
  pushUserdata(thread: number, handle: number, values: number, metatable: number, owns = true): void {
    let pointer: number
    try {
      pointer = this.api.lua_newuserdatauv(thread, 4, values)
    } catch (error) {
      // A state at its memory limit unwinds from here: nobody else would ever free the handle.
      if (owns && handle < FIRST_RESERVED) this.freeHandle(handle)
      throw error
    }
    this.refresh()
    this.u32[pointer >> 2] = handle
    this.api.lua_rawgetp(thread, REGISTRY, metatable)
    this.api.lua_setmetatable(thread, -2)
  }

  // ---- code ----

  /** Compiles text and pushes the chunk. Throws Invalid with Lua's message. `name` as Lua wants it: `=app:agent`. */
  load(thread: number, source: string, name: string): void {
    const bytes = Buffer.from(source, 'utf8')
    const pointer = this.api.malloc(bytes.length + 1)
    if (pointer === 0) throw new RuntimeError('LimitExceeded', `no memory to compile ${name.slice(1)}`)
    this.refresh()
    this.u8.set(bytes, pointer)
    const status = this.api.luaL_loadbufferx(thread, pointer, bytes.length, this.symbol(name), this.symbol('t'))
    this.api.free(pointer)
    if (status === 0) return
    const message = this.readText(thread, -1) ?? 'unknown error'
    this.api.lua_settop(thread, -2)
    throw new RuntimeError('Invalid', message, { retryable: false })
  }

  /** Registers a host function as a Lua value on the stack. */
  pushFunction(thread: number, name: string): void {
    const slot = this.slots[name]
    if (slot === undefined) throw new Error(`no host function ${name}`)
    this.api.lua_pushcclosure(thread, slot, 0)
  }
}
