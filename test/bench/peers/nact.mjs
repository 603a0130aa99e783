// Peer: nact, actors for Node. Its messages are shared, not copied; W4 copies, as isolated processes must.

import { dispatch, query, spawn, start, stop } from 'nact'
import { heapUsed } from './kernel.mjs'

export const name = 'nact'

export const workloads = {
  w1: (n) =>
    new Promise((resolve) => {
      const system = start()
      let sum = 0
      let left = n
      const driver = spawn(system, (_state, i) => {
        sum += i
        if (--left > 0) return
        stop(system)
        resolve({ operations: n, ok: sum === (n * (n + 1)) / 2 })
      })
      const children = Array.from({ length: n }, () =>
        spawn(system, (_state, i, ctx) => {
          dispatch(driver, i)
          stop(ctx.self)
        }),
      )
      for (const [i, child] of children.entries()) dispatch(child, i + 1)
    }),

  w2: (n) =>
    new Promise((resolve) => {
      const system = start()
      const ponger = spawn(system, (_state, { from, i }) => dispatch(from, { i }))
      let hits = 0
      const pinger = spawn(system, (_state, { i }, ctx) => {
        if (i > 0) hits++
        if (i === n / 2) {
          stop(system)
          resolve({ operations: n, ok: hits === n / 2 })
        } else {
          dispatch(ponger, { from: ctx.self, i: i + 1 })
        }
      })
      dispatch(pinger, { i: 0 })
    }),

  w3: (n) =>
    new Promise((resolve) => {
      const system = start()
      const ring = Array.from({ length: 1000 }, (_, at) =>
        spawn(system, (_state, left) => {
          if (left > 1) {
            dispatch(ring[(at + 1) % 1000], left - 1)
          } else {
            stop(system)
            resolve({ operations: n, ok: left === 1 })
          }
        }),
      )
      dispatch(ring[0], n)
    }),

  w4: (n) =>
    new Promise((resolve) => {
      const system = start()
      const payload = 'x'.repeat(100)
      let sum = 0
      let left = n
      const receiver = spawn(system, (_state, { id }) => {
        sum += id
        if (--left > 0) return
        stop(system)
        resolve({ operations: n, ok: sum === (100 * ((n / 100) * (n / 100 + 1))) / 2 })
      })
      for (let s = 0; s < 100; s++) {
        const sender = spawn(system, () => {
          for (let i = 1; i <= n / 100; i++) dispatch(receiver, structuredClone({ id: i, name: 'n', ts: i, payload }))
        })
        dispatch(sender, 'go')
      }
    }),

  async w5(n) {
    const system = start()
    const before = heapUsed()
    const idle = Array.from({ length: n }, () => spawn(system, () => undefined))
    await new Promise(setImmediate)
    return { value: (heapUsed() - before) / n, ok: idle.length === n }
  },

  w6: (n) =>
    new Promise((resolve) => {
      const system = start()
      let crashes = 0
      const next = () => {
        const child = spawn(
          system,
          () => {
            throw new Error('boom')
          },
          undefined,
          {
            onCrash: (_message, _error, ctx) => {
              crashes++
              if (crashes < n) next()
              else resolve({ operations: n, ok: true })
              return ctx.stop
            },
          },
        )
        dispatch(child, true)
      }
      next()
    }),

  async w10(n) {
    const system = start()
    const double = spawn(system, (_state, { n: value, from }) => dispatch(from, { n: value * 2 }))
    let sum = 0
    for (let i = 1; i <= n; i++) sum += (await query(double, (from) => ({ n: i, from }), 60_000)).n
    stop(system)
    return { operations: n, ok: sum === n * (n + 1) }
  },
}
