// Policies that are judged in the main thread, where they change: a worker asks for each decision.

import type { Actor, Effect, Scope } from '../../core/frame.ts'
import type { ValueMap } from '../../core/value.ts'
import { ASK } from '../protocol.ts'
import type { MainThread } from './main-thread.ts'

export class RemoteScope implements Scope {
  readonly #main: MainThread
  readonly #frame: number
  readonly #confinement: boolean

  /** The scope of a frame, or that of its confinement. */
  constructor(main: MainThread, frame: number, confinement: boolean) {
    this.#main = main
    this.#frame = frame
    this.#confinement = confinement
  }

  evaluate(_actor: Actor, action: string, resource: string, attributes?: ValueMap): Effect {
    return this.#main.ask(ASK.evaluate, this.#frame, this.#confinement, action, resource, attributes) as Effect
  }
}
