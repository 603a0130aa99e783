// What is known at one point of a program: the types of variables, and of fields reached through them (`user.age`).

import type { Expression } from '../ast.ts'
import type { Binding, Bindings } from './bind.ts'
import { type StaticType, sameType, unionOf } from './static-type.ts'

/** A variable's number, then field names, parted by a character that no name has. */
export type Place = string
const PART = '\u0000'

const MOST_KNOWN = 1_000

export interface Known {
  readonly type: StaticType
  /** Changes with every assignment, not with what a condition tells. */
  readonly origin: number
}

export class Flow {
  reachable = true
  readonly known: Map<Place, Known>

  constructor(known: Iterable<readonly [Place, Known]> = []) {
    this.known = new Map(known)
  }

  copy(): Flow {
    this.#trim()
    const copy = new Flow(this.known)
    copy.reachable = this.reachable
    return copy
  }

  /** A copy for every branch costs what is known: of a file of thousands of fields, the oldest are forgotten. */
  #trim(): void {
    if (this.known.size <= MOST_KNOWN) return
    let surplus = this.known.size - MOST_KNOWN / 2
    for (const place of this.known.keys()) {
      if (surplus <= 0) break
      if (!place.includes(PART)) continue
      this.known.delete(place)
      surplus -= 1
    }
  }

  /** Nothing is known any more of a place and of what lies in it. */
  forget(place: Place): void {
    this.known.delete(place)
    this.forgetFields(place)
  }

  forgetFields(place: Place): void {
    for (const other of this.known.keys()) if (other.startsWith(place + PART)) this.known.delete(other)
  }

  /** What is known of the fields of a place, by name; not of fields of fields. */
  fieldsOf(place: Place): [string, StaticType][] {
    const prefix = place + PART
    return [...this.known]
      .filter(([other]) => other.startsWith(prefix) && !other.includes(PART, prefix.length))
      .map(([other, { type }]) => [other.slice(prefix.length), type])
  }

  /** Keeps what the test accepts. */
  retain(test: (binding: number, isField: boolean, type: StaticType) => boolean): void {
    for (const [place, { type }] of this.known) {
      if (!test(Number.parseInt(place, 10), place.includes(PART), type)) this.known.delete(place)
    }
  }
}

/** What holds whichever way the program came. `declared`: is the variable's type written down? */
export function join(a: Flow, b: Flow, declared: (binding: number) => boolean): Flow {
  if (!a.reachable) return b
  if (!b.reachable) return a
  const joined = new Flow()
  for (const [place, one] of a.known) {
    const other = b.known.get(place)
    if (other === undefined) continue
    if (one.origin === other.origin)
      joined.known.set(place, { type: unionOf(one.type, other.type), origin: one.origin })
    else if (sameType(one.type, other.type)) joined.known.set(place, one)
    // Of a variable without a type we would only guess how its values go together.
    else if (declared(Number.parseInt(place, 10))) {
      joined.known.set(place, { type: unionOf(one.type, other.type), origin: -1 })
    }
  }
  return joined
}

export const placeOfBinding = (binding: Binding): Place => String(binding.id)
export const placeOfField = (place: Place, name: string): Place => place + PART + name

/** The place an expression stands for: a variable, or constant fields of one. */
export function placeOf(expression: Expression, bindings: Bindings): Place | undefined {
  const names: string[] = []
  let root = expression
  for (;;) {
    if (root.kind === 'paren') root = root.inner
    else if (root.kind === 'index' && root.key.kind === 'string') {
      names.push(root.key.value)
      root = root.object
    } else break
  }
  const binding = root.kind === 'name' ? bindings.uses.get(root) : undefined
  return binding === undefined ? undefined : [placeOfBinding(binding), ...names.reverse()].join(PART)
}
