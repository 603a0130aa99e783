// The event bus of a runtime: publishers and subscribers that do not know each other. Best effort, no replay, no reply.
// Delivery is never inside `publish`, so a subscriber cannot disturb the publisher, and order is kept.

import type { Value } from '../../core/value.ts'
import { compilePattern } from './pattern.ts'

export interface BusEvent {
  readonly system: string
  readonly kind: string
  readonly path: string
  readonly data?: Value | undefined
}

export interface BusFilter {
  /** Pattern over the system's name. */
  readonly system: string
  /** Pattern over the kind; absent is every kind. */
  readonly kind?: string | undefined
}

interface Subscriber {
  readonly wants: (event: BusEvent) => boolean
  readonly receive: (event: BusEvent) => void
}

export interface EventBusOptions {
  /** Told when a subscriber throws: the others still get the event. */
  readonly failed?: (error: unknown, event: BusEvent) => void
}

export class EventBus {
  readonly #subscribers = new Set<Subscriber>()
  readonly #failed: EventBusOptions['failed']
  #queue: BusEvent[] = []
  #scheduled = false

  constructor(options: EventBusOptions = {}) {
    this.#failed = options.failed
  }

  /** True when an event of this system would reach somebody: lets a busy publisher skip making its data. */
  wanted(system: string, kind: string): boolean {
    const event = { system, kind, path: '' }
    for (const subscriber of this.#subscribers) if (subscriber.wants(event)) return true
    return false
  }

  /** Accepts an event; those subscribed when it is delivered get it, after the current work of the thread. */
  publish(event: BusEvent): void {
    if (this.#subscribers.size === 0) return
    this.#queue.push(event)
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => this.#deliver())
  }

  /** Calls `receive` for every event that fits until the returned function is called. */
  subscribe(filter: BusFilter, receive: (event: BusEvent) => void): () => void {
    const system = compilePattern(filter.system)
    const kind = compilePattern(filter.kind ?? '*')
    const subscriber = { wants: (event: BusEvent) => system(event.system) && kind(event.kind), receive }
    this.#subscribers.add(subscriber)
    return () => {
      this.#subscribers.delete(subscriber)
    }
  }

  #deliver(): void {
    this.#scheduled = false
    const events = this.#queue
    this.#queue = []
    for (const event of events) {
      for (const subscriber of this.#subscribers) {
        try {
          if (subscriber.wants(event)) subscriber.receive(event)
        } catch (error) {
          this.#failed?.(error, event)
        }
      }
    }
  }
}
