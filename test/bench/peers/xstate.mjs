// Peer: xstate actors. Their messages are shared, not copied; W4 copies, as isolated processes must.

import { assign, createActor, createMachine } from 'xstate'
import { heapUsed } from './kernel.mjs'

export const name = 'xstate'

const machine = (on, context = {}) => createMachine({ context, initial: 'on', states: { on: { on } } })

export const workloads = {
  w1(n) {
    let sum = 0
    const children = Array.from({ length: n }, () =>
      createActor(machine({ go: { actions: ({ event }) => (sum += event.i) } })).start(),
    )
    children.forEach((child, i) => {
      child.send({ type: 'go', i: i + 1 })
      child.stop()
    })
    return { operations: n, ok: sum === (n * (n + 1)) / 2 }
  },

  w2(n) {
    let hits = 0
    const ponger = createActor(
      machine({ ping: { actions: ({ event }) => event.from.send({ type: 'pong', i: event.i }) } }),
    ).start()
    const pinger = createActor(machine({ pong: { actions: () => hits++ } })).start()
    for (let i = 1; i <= n / 2; i++) ponger.send({ type: 'ping', from: pinger, i })
    return { operations: n, ok: hits === n / 2 }
  },

  // A send runs its receiver at once: the loop hands the token on, or a thousand actors would stand on the stack.
  w3(n) {
    let token = n
    const ring = Array.from({ length: 1000 }, () =>
      createActor(machine({ token: { actions: ({ event }) => (token = event.left - 1) } })).start(),
    )
    for (let at = 0; token > 0; at++) ring[at % 1000].send({ type: 'token', left: token })
    return { operations: n, ok: token === 0 }
  },

  w4(n) {
    const payload = 'x'.repeat(100)
    let sum = 0
    const receiver = createActor(machine({ item: { actions: ({ event }) => (sum += event.id) } })).start()
    const item = (id) => structuredClone({ type: 'item', id, name: 'n', ts: id, payload })
    const senders = Array.from({ length: 100 }, () =>
      createActor(machine({ send: { actions: ({ event }) => receiver.send(item(event.i)) } })).start(),
    )
    for (const sender of senders) for (let i = 1; i <= n / 100; i++) sender.send({ type: 'send', i })
    return { operations: n, ok: sum === (100 * ((n / 100) * (n / 100 + 1))) / 2 }
  },

  w5(n) {
    const before = heapUsed()
    const idle = Array.from({ length: n }, () => createActor(machine({ go: { actions: () => undefined } })).start())
    return { value: (heapUsed() - before) / n, ok: idle.length === n }
  },

  w6(n) {
    let crashes = 0
    const crashing = machine({
      boom: {
        actions: () => {
          throw new Error('boom')
        },
      },
    })
    for (let i = 0; i < n; i++) {
      const child = createActor(crashing)
      child.subscribe({ error: () => crashes++ })
      child.start()
      child.send({ type: 'boom' })
    }
    return { operations: n, ok: crashes === n }
  },

  w10(n) {
    const double = createActor(
      machine({ call: { actions: assign({ n: ({ event }) => event.n * 2 }) } }, { n: 0 }),
    ).start()
    let sum = 0
    for (let i = 1; i <= n; i++) {
      double.send({ type: 'call', n: i })
      sum += double.getSnapshot().context.n
    }
    return { operations: n, ok: sum === n * (n + 1) }
  },
}
