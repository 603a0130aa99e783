// Values as bytes, for threads: what a message, a call or its answer is on its way. Values stay what core/value.ts says; what
// only a room above knows (Lua's tables, host objects) travels through an extension of that room.

import { type ErrorKind, RuntimeError } from './error.ts'
import { emptyMap, type Value } from './value.ts'

const TAG = {
  undefined: 0,
  null: 1,
  false: 2,
  true: 3,
  integer: 4,
  negative: 5,
  double: 6,
  bigint: 7,
  text: 8,
  bytes: 9,
  list: 10,
  map: 11,
  error: 12,
} as const

/** The first tag an extension may use. */
export const FIRST_EXTENSION_TAG = 32

/** How values beyond core/value.ts are written and read. */
export interface WireExtension {
  /** Writes a tag of its own and what belongs to it; false when the object is none of its kinds. */
  write(writer: WireWriter, value: object): boolean
  /** Reads what stands behind one of its tags. */
  read(reader: WireReader, tag: number): unknown
}

const noExtension: WireExtension = {
  write: () => false,
  read: (_reader, tag) => {
    throw new Error(`unknown wire tag ${tag}`)
  },
}

const FIRST_SIZE = 4096
const SHORT_TEXT = 48

/** Appends values to bytes that grow. */
export class WireWriter {
  readonly #extension: WireExtension
  #bytes: Buffer
  #view: DataView
  #at = 0

  constructor(extension: WireExtension = noExtension) {
    this.#extension = extension
    this.#bytes = Buffer.allocUnsafeSlow(FIRST_SIZE)
    this.#view = viewOf(this.#bytes)
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.#at
  }

  /** Everything written so far, in memory of its own; the writer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#at)
    taken.set(this.#bytes.subarray(0, this.#at))
    this.#at = 0
    return taken
  }

  /** Forgets what was written behind `length`: a value that could not be written whole. */
  cut(length: number): void {
    this.#at = length
  }

  byte(value: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = value
  }

  /** An integer from 0 to 2^53. */
  count(value: number): void {
    this.#room(8)
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.#at++] = rest
  }

  double(value: number): void {
    this.#room(8)
    this.#view.setFloat64(this.#at, value)
    this.#at += 8
  }

  /** UTF-8 text with its length. */
  text(value: string): void {
    const { length } = value
    if (length < SHORT_TEXT && this.#ascii(value)) return
    const size = Buffer.byteLength(value, 'utf8')
    this.count(size)
    this.#room(size)
    this.#bytes.write(value, this.#at, 'utf8')
    this.#at += size
  }

  bytes(value: Uint8Array): void {
    this.count(value.length)
    this.copy(value, 0, value.length)
  }

  /** `length` bytes of `from`, starting at `start`, without their length. */
  copy(from: Uint8Array, start: number, length: number): void {
    this.#room(length)
    const bytes = this.#bytes
    if (length < SHORT_TEXT) for (let i = 0; i < length; i++) bytes[this.#at + i] = from[start + i] as number
    else bytes.set(from.subarray(start, start + length), this.#at)
    this.#at += length
  }

  /** A signed integer of 64 bits. */
  wide(value: bigint): void {
    this.#room(8)
    this.#view.setBigInt64(this.#at, value)
    this.#at += 8
  }

  /** Writes something whose length stands before it, to be read with `block`. */
  block(write: () => boolean): boolean {
    this.#room(4)
    const start = this.#at
    this.#at += 4
    if (write()) {
      this.#view.setUint32(start, this.#at - start - 4)
      return true
    }
    this.#at = start
    return false
  }

  /** Anything a value may be; what no extension knows is null, as it is for Lua. */
  value(value: unknown): void {
    switch (typeof value) {
      case 'undefined':
        this.byte(TAG.undefined)
        return
      case 'boolean':
        this.byte(value ? TAG.true : TAG.false)
        return
      case 'number':
        this.#number(value)
        return
      case 'bigint':
        this.byte(TAG.bigint)
        this.wide(value)
        return
      case 'string':
        this.byte(TAG.text)
        this.text(value)
        return
      case 'object':
        if (value !== null) {
          this.#object(value)
          return
        }
        break
      case 'function':
        if (this.#extension.write(this, value)) return
    }
    this.byte(TAG.null)
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.byte(value < 0 ? TAG.negative : TAG.integer)
      this.count(value < 0 ? -value : value)
    } else {
      this.byte(TAG.double)
      this.double(value)
    }
  }

  #object(value: object): void {
    if (Array.isArray(value)) {
      this.byte(TAG.list)
      this.count(value.length)
      for (const item of value) this.value(item)
    } else if (value instanceof Uint8Array) {
      this.byte(TAG.bytes)
      this.bytes(value)
    } else if (value instanceof RuntimeError) {
      this.#error(value)
    } else if (!this.#extension.write(this, value)) {
      const prototype: unknown = Object.getPrototypeOf(value)
      if (prototype !== null && prototype !== Object.prototype) this.byte(TAG.null)
      else this.#map(value as { [key: string]: unknown })
    }
  }

  #map(value: { [key: string]: unknown }): void {
    const keys = Object.keys(value)
    this.byte(TAG.map)
    this.count(keys.length)
    for (const key of keys) {
      this.text(key)
      this.value(value[key])
    }
  }

  /** Causes go along as far as they are errors of ours: supervision asks them whether to try again. */
  #error(error: RuntimeError): void {
    this.byte(TAG.error)
    this.text(error.kind)
    this.text(error.message)
    this.value(error.retryable)
    this.value(error.details)
    this.value(error.luaStack)
    this.value(error.context)
    this.value(error.cause instanceof RuntimeError ? error.cause : undefined)
  }

  /** Writes short ASCII text; false, with nothing written, when it is not. */
  #ascii(value: string): boolean {
    const { length } = value
    this.#room(length + 1)
    const bytes = this.#bytes
    const start = this.#at
    bytes[start] = length
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[start + 1 + i] = code
    }
    this.#at = start + 1 + length
    return true
  }

  #room(more: number): void {
    const needed = this.#at + more
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#at)
    this.#bytes = grown
    this.#view = viewOf(grown)
  }
}

/** Reads what a WireWriter wrote, in the same order. */
export class WireReader {
  readonly #extension: WireExtension
  readonly #bytes: Buffer
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array, extension: WireExtension = noExtension) {
    this.#extension = extension
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = viewOf(this.#bytes)
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#at
  }

  byte(): number {
    return this.#bytes[this.#at++] as number
  }

  count(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.#bytes[this.#at++] as number
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
  }

  double(): number {
    const value = this.#view.getFloat64(this.#at)
    this.#at += 8
    return value
  }

  text(): string {
    const size = this.count()
    const start = this.#at
    this.#at = start + size
    if (size >= SHORT_TEXT) return this.#bytes.toString('utf8', start, this.#at)
    let text = ''
    for (let i = start; i < this.#at; i++) {
      const byte = this.#bytes[i] as number
      if (byte > 0x7f) return this.#bytes.toString('utf8', start, this.#at)
      text += String.fromCharCode(byte)
    }
    return text
  }

  /** A copy: the bytes of a batch are not kept alive by a small part of it. */
  bytes(): Uint8Array {
    return this.#copy(this.count())
  }

  #copy(size: number): Uint8Array {
    const copy = new Uint8Array(this.#bytes.subarray(this.#at, this.#at + size))
    this.#at += size
    return copy
  }

  wide(): bigint {
    const value = this.#view.getBigInt64(this.#at)
    this.#at += 8
    return value
  }

  /** A copy of what was written as a block. */
  block(): Uint8Array {
    const size = this.#view.getUint32(this.#at)
    this.#at += 4
    return this.#copy(size)
  }

  skip(count: number): void {
    this.#at += count
  }

  value(): unknown {
    const tag = this.byte()
    switch (tag) {
      case TAG.undefined:
        return undefined
      case TAG.null:
        return null
      case TAG.false:
        return false
      case TAG.true:
        return true
      case TAG.integer:
        return this.count()
      case TAG.negative:
        return -this.count()
      case TAG.double:
        return this.double()
      case TAG.bigint:
        return this.wide()
      case TAG.text:
        return this.text()
      case TAG.bytes:
        return this.bytes()
      case TAG.list:
        return Array.from({ length: this.count() }, () => this.value())
      case TAG.map:
        return this.#map()
      case TAG.error:
        return this.#error()
      default:
        return this.#extension.read(this, tag)
    }
  }

  #map(): { [key: string]: unknown } {
    const map: { [key: string]: unknown } = emptyMap()
    for (let left = this.count(); left > 0; left--) {
      const key = this.text()
      map[key] = this.value()
    }
    return map
  }

  #error(): RuntimeError {
    const kind = this.text() as ErrorKind // written from one
    const message = this.text()
    const retryable = this.value() as boolean | undefined
    const details = this.value() as { [key: string]: Value } | undefined
    const luaStack = this.value() as string | undefined
    const context = this.value() as readonly string[]
    const cause = this.value()
    return new RuntimeError(kind, message, { retryable, details, luaStack, context, cause })
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
