// What a process carries for those it calls: who it is, what it may do, and its context values.
// Frames are immutable and shared; a call with other values makes a new one.

import type { Value, ValueMap } from './value.ts'

/** An identity. "Actor" is only ever security; the thing that runs is a process. */
export interface Actor {
  readonly id: string
  readonly meta: ValueMap
}

export type Effect = 'allow' | 'deny' | 'undefined'

/** An immutable set of policies. Implemented in security/scope.ts. */
export interface Scope {
  evaluate(actor: Actor, action: string, resource: string, attributes?: ValueMap): Effect
}

export interface Frame {
  readonly actor: Actor | undefined
  readonly scope: Scope | undefined
  readonly context: Readonly<Record<string, Value>>
  /** Set on code made at run time: a scope that is intersected with `scope` (design/PROMISES.md P8). */
  readonly confinement: Confinement | undefined
}

/** The ceiling on what code of origin `runtime` may do, whoever calls it. */
export interface Confinement {
  readonly actor: Actor
  readonly scope: Scope
}

export const emptyFrame: Frame = Object.freeze({
  actor: undefined,
  scope: undefined,
  context: Object.freeze(Object.create(null)),
  confinement: undefined,
})

/** The same frame with context values laid over it, key by key. */
export function withContext(frame: Frame, values: Readonly<Record<string, Value>>): Frame {
  return { ...frame, context: Object.freeze(Object.assign(Object.create(null), frame.context, values)) }
}
