// The `events` module: Lua's end of the event bus.

import { moduleError } from '../../core/error.ts'
import type { Value } from '../../core/value.ts'
import { type Call, type LuaChannel, type LuaModule, LuaType, optionalText, text } from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import type { Guard } from '../../security/guard.ts'
import type { EventBus } from './bus.ts'

export interface EventsDeps {
  readonly bus: EventBus
  readonly guard: Guard
}

interface Subscription {
  readonly channel: LuaChannel
  close(): void
}

const subscriptionType: LuaType<Subscription> = new LuaType<Subscription>({
  name: 'events.Subscription',
  methods: {
    channel: (_call, subscription) => subscription.channel,
    close(_call, subscription) {
      subscription.close()
      return true
    },
  },
})

/** Room of a subscription before its events count as waiting; nothing is dropped beyond it. */
const CHANNEL_CAPACITY = 64

/** `subscribe(system, kind?)` and `send(system, kind, path, data?)`. */
export const eventsModule = ({ bus, guard }: EventsDeps): LuaModule => ({
  name: 'events',
  description: 'Publishes and receives events of the runtime and of applications',
  traits: ['process', 'nondeterministic'],
  open: () => ({
    subscribe(call, systemArgument, kindArgument) {
      const system = optionalText(systemArgument, 1, 'subscribe') ?? ''
      const kind = optionalText(kindArgument, 2, 'subscribe')
      if (system === '') throw moduleError('Invalid', 'system pattern is required')
      if (!guard.allows(call.frame, 'events.subscribe', system)) {
        throw moduleError('Invalid', `not allowed to subscribe to events from system: ${system}`)
      }
      return subscriptionType.wrap(subscribe(call, bus, system, kind === '' ? undefined : kind))
    },
    send(call, systemArgument, kindArgument, pathArgument, data) {
      const system = required(systemArgument, 1, 'system')
      const kind = required(kindArgument, 2, 'kind')
      const path = required(pathArgument, 3, 'path')
      if (!guard.allows(call.frame, 'events.send', system)) {
        throw moduleError('Invalid', `not allowed to send events to system: ${system}`)
      }
      const value: Value | undefined = data === undefined || data === null ? undefined : plainValue(data)
      bus.publish(value === undefined ? { system, kind, path } : { system, kind, path, data: value })
      return true
    },
  }),
})

function subscribe(call: Call, bus: EventBus, system: string, kind: string | undefined): Subscription {
  const channel = call.channel(CHANNEL_CAPACITY)
  const leave = bus.subscribe({ system, kind }, ({ system, kind, path, data }) => {
    channel.push(data === undefined ? { system, kind, path } : { system, kind, path, data })
  })
  const owned = call.own({ close: leave })
  return {
    channel,
    close() {
      leave()
      owned.release()
      channel.close()
      channel.loosen()
    },
  }
}

function required(argument: unknown, position: number, name: string): string {
  const value = optionalText(argument, position, 'send') ?? ''
  if (value === '') throw moduleError('Invalid', `${name} is required`)
  return text(value, position, 'send')
}
