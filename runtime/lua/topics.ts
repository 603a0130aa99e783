// Which channel takes the messages of a topic. Most processes listen to one or two: only more are worth a Map.

import type { Channel } from './channel.ts'

export class Topics {
  #topic = ''
  #channel: Channel | null = null
  #more: Map<string, Channel> | null = null

  get(topic: string): Channel | undefined {
    if (topic === this.#topic && this.#channel !== null) return this.#channel
    return this.#more?.get(topic)
  }

  set(topic: string, channel: Channel): void {
    const isFirst = this.#channel === null ? this.#more?.has(topic) !== true : topic === this.#topic
    if (isFirst) {
      this.#topic = topic
      this.#channel = channel
    } else {
      this.#more ??= new Map()
      this.#more.set(topic, channel)
    }
  }

  /** Forgets all topics of a channel; false when it had none. */
  drop(channel: Channel): boolean {
    let found = this.#channel === channel
    if (found) this.#channel = null
    for (const [topic, subscribed] of this.#more ?? []) {
      if (subscribed !== channel) continue
      this.#more?.delete(topic)
      found = true
    }
    return found
  }

  channels(): Channel[] {
    const more = this.#more === null ? [] : [...this.#more.values()]
    return this.#channel === null ? more : [this.#channel, ...more]
  }
}
