// Peer: a bare kernel of JavaScript generators. No isolation, no permissions, no preemption: what the language itself allows.

import { openStream, sdkStream } from './streams.mjs'

export const name = 'js generators'

class Kernel {
  #ready = []
  #next = 0

  spawn(body, ...args) {
    const process = { id: this.#next++, mailbox: new Mailbox(), waiting: false, run: undefined, monitor: undefined }
    process.run = body(process, this, ...args)
    this.#ready.push(process)
    return process
  }

  send(process, message) {
    process.mailbox.push(message)
    this.wake(process)
  }

  wake(process) {
    if (!process.waiting) return
    process.waiting = false
    this.#ready.push(process)
  }

  run() {
    for (let at = 0; at < this.#ready.length; at++) {
      this.#step(this.#ready[at])
      if (at > 65536) {
        this.#ready.splice(0, at + 1)
        at = -1
      }
    }
    this.#ready.length = 0
  }

  // a yield asks for a message, or for a channel that is looked at again when somebody has used it
  #step(process) {
    let done
    try {
      done = process.run.next().done
    } catch (error) {
      if (process.monitor !== undefined) this.send(process.monitor, { from: process.id, error })
      return
    }
    if (done) return
    if (process.mailbox.length > 0) this.#ready.push(process)
    else process.waiting = true
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

class Channel {
  items = new Mailbox()
  sender = undefined
  receiver = undefined
  #kernel
  #capacity

  constructor(kernel, capacity) {
    this.#kernel = kernel
    this.#capacity = capacity
  }

  *send(process, item) {
    while (this.items.length >= this.#capacity) {
      this.sender = process
      yield
    }
    this.items.push(item)
    if (this.receiver !== undefined) this.#kernel.wake(this.receiver)
  }

  take() {
    const item = this.items.shift()
    if (this.sender !== undefined) this.#kernel.wake(this.sender)
    return item
  }
}

function* select(process, channels) {
  for (;;) {
    for (const channel of channels) if (channel.items.length > 0) return channel.take()
    for (const channel of channels) channel.receiver = process
    yield
  }
}

function selecting(n, fresh) {
  const kernel = new Kernel()
  const shares = [0.4, 0.3, 0.3].map((share) => Math.floor(n * share))
  const channels = shares.map(() => new Channel(kernel, 64))
  const timer = new Channel(kernel, 1)
  const pending = fresh ? undefined : setTimeout(() => timer.items.push('late'), 60_000)
  let sum = 0
  kernel.spawn(function* (me) {
    for (let left = shares.reduce((a, b) => a + b); left > 0; left--) {
      const own = fresh ? setTimeout(() => timer.items.push('late'), 60_000) : undefined
      sum += yield* select(me, [...channels, timer])
      clearTimeout(own)
    }
  })
  shares.forEach((share, at) => {
    kernel.spawn(function* (me) {
      for (let i = 1; i <= share; i++) yield* channels[at].send(me, i)
    })
  })
  kernel.run()
  clearTimeout(pending)
  const expected = shares.reduce((all, share) => all + (share * (share + 1)) / 2, 0)
  return { operations: shares.reduce((a, b) => a + b), ok: sum === expected }
}

/** Every chunk of a stream is a message to a process that joins them. */
async function collecting(chunks) {
  const kernel = new Kernel()
  const parts = []
  const collector = kernel.spawn(function* (me) {
    for (;;) parts.push(yield* receive(me))
  })
  for await (const text of chunks) {
    kernel.send(collector, text)
    kernel.run()
  }
  return { operations: parts.length, ok: parts.join('').length === parts.length * 5 }
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

  // A token goes round a ring of 1,000.
  w3(n) {
    const kernel = new Kernel()
    const ring = []
    let last = -1
    for (let at = 0; at < 1000; at++) {
      ring.push(
        kernel.spawn(function* (me) {
          for (;;) {
            const left = yield* receive(me)
            last = left
            if (left > 1) kernel.send(ring[(at + 1) % 1000], left - 1)
          }
        }),
      )
    }
    kernel.run()
    kernel.send(ring[0], n)
    kernel.run()
    return { operations: n, ok: last === 1 }
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

  w5(n) {
    const kernel = new Kernel()
    const before = heapUsed()
    const idle = Array.from({ length: n }, () => kernel.spawn(receive))
    kernel.run()
    return { value: (heapUsed() - before) / n, ok: idle.every(({ waiting }) => waiting) }
  },

  w6(n) {
    const kernel = new Kernel()
    let crashes = 0
    kernel.spawn(function* (me) {
      while (crashes < n) {
        const child = kernel.spawn(function* (self) {
          yield* receive(self)
          throw new Error('boom')
        })
        child.monitor = me
        kernel.send(child, true)
        const exit = yield* receive(me)
        if (exit.from === child.id && exit.error.message === 'boom') crashes++
      }
    })
    kernel.run()
    return { operations: n, ok: crashes === n }
  },

  w7: (n) => selecting(n, false),
  w7t: (n) => selecting(n, true),
  w8: () => collecting(openStream()),
  w8s: () => collecting(sdkStream()),

  w10(n) {
    const functions = new Map([['app:double', (t) => ({ n: t.n * 2 })]])
    let sum = 0
    for (let i = 1; i <= n; i++) sum += functions.get('app:double')({ n: i }).n
    return { operations: n, ok: sum === n * (n + 1) }
  },
}

export function heapUsed() {
  globalThis.gc()
  return process.memoryUsage().heapUsed
}
