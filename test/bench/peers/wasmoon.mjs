// Peer: wasmoon's own API, one engine per process: what isolation costs without a kernel made for it.

import { LuaFactory } from 'wasmoon'

export const name = 'wasmoon API'

export const workloads = {
  async w1(n) {
    const factory = new LuaFactory()
    let sum = 0
    for (let i = 1; i <= n; i++) {
      const engine = await factory.createEngine()
      engine.global.set('answer', (value) => (sum += value))
      await engine.doString('function go(i) answer(i) end')
      engine.global.get('go')(i)
      engine.global.close()
    }
    return { operations: n, ok: sum === (n * (n + 1)) / 2 }
  },

  async w10(n) {
    const engine = await new LuaFactory().createEngine()
    await engine.doString('function double(t) return { n = t.n * 2 } end')
    const double = engine.global.get('double')
    let sum = 0
    for (let i = 1; i <= n; i++) sum += double({ n: i }).n
    engine.global.close()
    return { operations: n, ok: sum === n * (n + 1) }
  },
}
