// Peer: nact, actors for Node.

import { dispatch, spawn, start, stop } from 'nact'

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
}
