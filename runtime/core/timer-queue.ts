// What is to run at which time, the earliest first: a binary heap whose items know their place, so that one can be taken
// out of the middle. Adding, taking and cancelling cost O(log n).

export class TimerItem {
  readonly due: number
  /** Of two that are due at once, the one added first runs first. */
  readonly order: number
  readonly run: () => void
  /** Place in the heap; -1 when it is not in it. */
  at = -1
  readonly #queue: TimerQueue

  constructor(queue: TimerQueue, due: number, order: number, run: () => void) {
    this.#queue = queue
    this.due = due
    this.order = order
    this.run = run
  }

  /** Takes it out of the queue; nothing happens when it has run or was cancelled already. */
  cancel(): void {
    if (this.at >= 0) this.#queue.remove(this)
  }
}

export class TimerQueue {
  readonly #heap: TimerItem[] = []
  #order = 0

  get first(): TimerItem | undefined {
    return this.#heap[0]
  }

  add(due: number, run: () => void): TimerItem {
    const item = new TimerItem(this, due, this.#order++, run)
    this.#rise(item, this.#heap.length)
    return item
  }

  /** Takes out what is in it. */
  remove(item: TimerItem): void {
    const { at } = item
    item.at = -1
    const last = this.#heap.pop() as TimerItem
    if (last === item) return
    const above = this.#heap[(at - 1) >> 1]
    if (at > 0 && before(last, above as TimerItem)) this.#rise(last, at)
    else this.#sink(last, at)
  }

  #rise(item: TimerItem, from: number): void {
    const heap = this.#heap
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as TimerItem
      if (!before(item, above)) break
      heap[at] = above
      above.at = at
      at = parent
    }
    heap[at] = item
    item.at = at
  }

  #sink(item: TimerItem, from: number): void {
    const heap = this.#heap
    const { length } = heap
    let at = from
    for (;;) {
      let child = at * 2 + 1
      if (child >= length) break
      if (child + 1 < length && before(heap[child + 1] as TimerItem, heap[child] as TimerItem)) child++
      const below = heap[child] as TimerItem
      if (!before(below, item)) break
      heap[at] = below
      below.at = at
      at = child
    }
    heap[at] = item
    item.at = at
  }
}

function before(a: TimerItem, b: TimerItem): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}
