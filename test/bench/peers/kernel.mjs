// Peer: a bare kernel of JavaScript generators. No isolation, no permissions, no preemption: what the language itself allows.

export const name = 'js generators'

class Kernel {
  #ready = []
  #next = 0

  spawn(body, ...args) {
    const process = { id: this.#next++, mailbox: new Mailbox(), waiting: false, run: undefined }
    process.run = body(process, this, ...args)
    this.#ready.push(process)
    return process
  }

  send(process, message) {
    process.mailbox.push(message)
    if (!process.waiting) return
    process.waiting = false
    this.#ready.push(process)
  }

  run() {
    for (let at = 0; at < this.#ready.length; at++) {
      const process = this.#ready[at]
      // a yield asks for a message
      if (!process.run.next().done && process.mailbox.length === 0) process.waiting = true
      else if (process.mailbox.length > 0) this.#ready.push(process)
      if (at > 65536) {
        this.#ready.splice(0, at + 1)
        at = -1
      }
    }
    this.#ready.length = 0
  }
}

/** `Array.shift` on a long array moves all of it. */
class Mailbox {
  #items = []
  #head = 0

  get length() {
    return this.#items.length - this.#head
  }

  push(message) {
    this.#items.push(message)
  }

  shift() {
    const message = this.#items[this.#head++]
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return message
  }
}

function* receive(process) {
  while (process.mailbox.length === 0) yield
  return process.mailbox.shift()
}

export const workloads = {
  w1(n) {
    const kernel = new Kernel()
    let sum = 0
    const driver = kernel.spawn(function* (me) {
      const children = []
      for (let i = 0; i < n; i++) {
        children.push(
          kernel.spawn(function* (child) {
            kernel.send(me, yield* receive(child))
          }),
        )
      }
      for (let i = 0; i < n; i++) kernel.send(children[i], i + 1)
      for (let i = 0; i < n; i++) sum += yield* receive(me)
    })
    kernel.run()
    return { operations: n, ok: driver.mailbox.length === 0 && sum === (n * (n + 1)) / 2 }
  },

  w2(n) {
    const kernel = new Kernel()
    let hits = 0
    const ponger = kernel.spawn(function* (me) {
      for (;;) {
        const { from, i } = yield* receive(me)
        if (i === 0) return
        kernel.send(from, { i })
      }
    })
    kernel.spawn(function* (me) {
      for (let i = 1; i <= n / 2; i++) {
        kernel.send(ponger, { from: me, i })
        if ((yield* receive(me)).i === i) hits++
      }
      kernel.send(ponger, { from: me, i: 0 })
    })
    kernel.run()
    return { operations: n, ok: hits === n / 2 }
  },

  // 100 senders, each message copied as an isolated process must.
  w4(n) {
    const kernel = new Kernel()
    const payload = 'x'.repeat(100)
    let sum = 0
    const receiver = kernel.spawn(function* (me) {
      for (let i = 0; i < n; i++) sum += (yield* receive(me)).id
    })
    for (let s = 0; s < 100; s++) {
      // biome-ignore lint/correctness/useYield: a sender has nothing to wait for
      kernel.spawn(function* () {
        for (let i = 1; i <= n / 100; i++) kernel.send(receiver, structuredClone({ id: i, name: 'n', ts: i, payload }))
      })
    }
    kernel.run()
    return { operations: n, ok: sum === (100 * ((n / 100) * (n / 100 + 1))) / 2 }
  },

  w10(n) {
    const functions = new Map([['app:double', (t) => ({ n: t.n * 2 })]])
    let sum = 0
    for (let i = 1; i <= n; i++) sum += functions.get('app:double')({ n: i }).n
    return { operations: n, ok: sum === n * (n + 1) }
  },
}
