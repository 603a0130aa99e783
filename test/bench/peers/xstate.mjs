// Peer: xstate actors.

import { createActor, createMachine } from 'xstate'

export const name = 'xstate'

const machine = (on) => createMachine({ initial: 'on', states: { on: { on } } })

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
}
