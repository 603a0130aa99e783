// Plain values cut into flat pieces and put together again: a thread that gets a large value as one message stands still while
// it is unpacked; pieces leave turns between.

import { emptyMap, isMap, type Value, type ValueMap } from '../core/value.ts'

/** What each part is; `scalar` and `key` take the next of `values`. */
const part = { scalar: 0, key: 1, list: 2, map: 3, close: 4 } as const

export interface Piece {
  readonly parts: Uint8Array
  readonly values: readonly unknown[]
}

/** Parts of one piece. */
const SIZE = 4_000

/** The pieces of a value, in order. */
export function* piecesOf(value: unknown): Generator<Piece> {
  let parts: number[] = []
  let values: unknown[] = []
  for (const [kind, item] of partsOf(value)) {
    parts.push(kind)
    if (kind === part.scalar || kind === part.key) values.push(item)
    if (parts.length < SIZE) continue
    yield { parts: Uint8Array.from(parts), values }
    parts = []
    values = []
  }
  yield { parts: Uint8Array.from(parts), values }
}

function* partsOf(value: unknown): Generator<readonly [number, unknown?]> {
  if (Array.isArray(value)) {
    yield [part.list]
    for (const item of value) yield* partsOf(item)
    yield [part.close]
  } else if (isMap(value) && !ArrayBuffer.isView(value)) {
    yield [part.map]
    for (const key of Object.keys(value)) {
      yield [part.key, key]
      yield* partsOf(value[key])
    }
    yield [part.close]
  } else yield [part.scalar, value]
}

/** Puts a value together as its pieces arrive. */
export class Assembly {
  readonly #open: { readonly target: unknown[] | ValueMap; key: string }[] = []
  /** Complete after the last piece. Maps have no prototype. */
  value: unknown

  add({ parts, values }: Piece): void {
    let next = 0
    for (const kind of parts) {
      if (kind === part.scalar) this.#deliver(values[next++])
      else if (kind === part.list || kind === part.map) {
        this.#open.push({ target: kind === part.list ? [] : emptyMap(), key: '' })
      } else if (kind === part.close) this.#deliver(this.#open.pop()?.target)
      else {
        const top = this.#open.at(-1)
        if (top !== undefined) top.key = String(values[next++])
      }
    }
  }

  #deliver(value: unknown): void {
    const top = this.#open.at(-1)
    if (top === undefined) this.value = value
    else if (Array.isArray(top.target)) top.target.push(value)
    else top.target[top.key] = value as Value // plain data stays plain
  }
}
