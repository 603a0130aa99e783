// Peer: wasmoon's own API, one engine per process: what isolation costs without a kernel made for it. A queue in JavaScript
// carries the messages, which the API copies in and out.

import { LuaFactory } from 'wasmoon'

export const name = 'wasmoon API'

const factory = new LuaFactory()

class Engines {
  #queue = []
  #made = []

  /** An engine that runs `source`, whose `on(message)` takes messages. */
  async spawn(source, globals = {}) {
    const engine = await factory.createEngine()
    for (const [key, value] of Object.entries(globals)) engine.global.set(key, value)
    await engine.doString(source)
    this.#made.push(engine)
    return engine.global.get('on')
  }

  send(on, message) {
    this.#queue.push(on, message)
  }

  run() {
    for (let at = 0; at < this.#queue.length; at += 2) {
      this.#queue[at](this.#queue[at + 1])
      if (at > 65536) {
        this.#queue.splice(0, at + 2)
        at = -2
      }
    }
    this.#queue.length = 0
  }

  close() {
    for (const engine of this.#made) engine.global.close()
  }
}

export const workloads = {
  async w1(n) {
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

  async w2(n) {
    const engines = new Engines()
    let hits = 0
    const ponger = await engines.spawn('function on(m) answer({ i = m.i }) end', {
      answer: (message) => engines.send(pinger, message),
    })
    const pinger = await engines.spawn(
      `local sent = 0
       function on(m) if m.i == sent then hit() end if sent < ${n / 2} then sent = sent + 1 ask({ i = sent }) end end`,
      { ask: (message) => engines.send(ponger, message), hit: () => hits++ },
    )
    engines.send(pinger, { i: 0 })
    engines.run()
    engines.close()
    return { operations: n, ok: hits === n / 2 + 1 }
  },

  async w3(n) {
    const engines = new Engines()
    const ring = []
    let last = -1
    for (let at = 0; at < 1000; at++) {
      const pass = (left) => {
        last = left
        if (left > 0) engines.send(ring[(at + 1) % 1000], left)
      }
      ring.push(await engines.spawn('function on(left) pass(left - 1) end', { pass }))
    }
    const started = performance.now()
    engines.send(ring[0], n)
    engines.run()
    const ms = performance.now() - started
    engines.close()
    // Making a thousand engines is not what is measured.
    return { value: (n * 1000) / ms, ok: last === 0 }
  },

  async w4(n) {
    const engines = new Engines()
    let sum = 0
    const receiver = await engines.spawn('function on(m) add(m.id) end', { add: (id) => (sum += id) })
    const source = `local payload = string.rep("x", 100)
      function on(each) for i = 1, each do put({ id = i, name = "n", ts = i, payload = payload }) end end`
    for (let s = 0; s < 100; s++) {
      const sender = await engines.spawn(source, { put: (message) => engines.send(receiver, message) })
      engines.send(sender, n / 100)
    }
    engines.run()
    engines.close()
    return { operations: n, ok: sum === (100 * ((n / 100) * (n / 100 + 1))) / 2 }
  },

  async w5(n) {
    const engines = new Engines()
    const before = process.memoryUsage().rss
    for (let i = 0; i < n; i++) await engines.spawn('function on() end')
    const value = (process.memoryUsage().rss - before) / n
    engines.close()
    return { value, ok: true }
  },

  async w6(n) {
    let crashes = 0
    for (let i = 0; i < n; i++) {
      const engine = await factory.createEngine()
      await engine.doString('function go() error("boom") end')
      try {
        engine.global.get('go')()
      } catch {
        // The crash that is counted.
        crashes++
      }
      engine.global.close()
    }
    return { operations: n, ok: crashes === n }
  },

  async w10(n) {
    const engine = await factory.createEngine()
    await engine.doString('function double(t) return { n = t.n * 2 } end')
    const double = engine.global.get('double')
    let sum = 0
    for (let i = 1; i <= n; i++) sum += double({ n: i }).n
    engine.global.close()
    return { operations: n, ok: sum === n * (n + 1) }
  },
}
