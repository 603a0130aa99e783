// Runs what is ready, a slice each, in order, and returns to Node's event loop before anyone notices. One per thread.
// Knows no Lua: a task runs until it waits, ends, or is told that its slice is over.

/** Something that runs one slice at a time. */
export interface Task {
  run(): void
  /** Its last slice took long: it waits behind those that only answer, however many of its kind there are. */
  readonly busy?: boolean
}

/** A slice ends after about this long (design ENGINE §3). */
export const SLICE_MS = 5
/** The loop hands back to Node after this long, */
const BUDGET_MS = 5
/** and after so much more where tasks wait that use up their slices: one of them runs in every turn. */
const BUSY_MS = 3
/** What a slice has at least that began before the loop's time was over. */
const LEAST_SLICE_MS = 2
const LOOK_EVERY = 16
/** With a schedule of a test, a slice that nothing ended before ends after this long, in the scheduler's own time. */
const ENDLESS_MS = 100
/** That time: every look at a slice counts as this long, however long it took. */
const LOOK_MS = 0.01

/** A queue that grows by doubling and never shifts elements. */
class Ring<T> {
  #items: (T | undefined)[] = new Array(1024)
  #mask = 1023
  #head = 0
  #tail = 0

  get length(): number {
    return this.#tail - this.#head
  }

  push(item: T): void {
    if (this.#tail - this.#head > this.#mask) this.#grow()
    this.#items[this.#tail++ & this.#mask] = item
  }

  shift(): T | undefined {
    if (this.#head === this.#tail) return undefined
    const at = this.#head++ & this.#mask
    const item = this.#items[at]
    this.#items[at] = undefined
    return item
  }

  /** Takes the item `offset` places from the front, for schedules that do not go in order. */
  take(offset: number): T | undefined {
    if (offset >= this.length) return undefined
    const from = this.#head & this.#mask
    const at = (this.#head + offset) & this.#mask
    const item = this.#items[at]
    this.#items[at] = this.#items[from]
    this.#items[from] = undefined
    this.#head++
    return item
  }

  #grow(): void {
    const size = this.#mask + 1
    const items = new Array<T | undefined>(size * 2)
    for (let i = 0; i < size; i++) items[i] = this.#items[(this.#head + i) & this.#mask]
    this.#items = items
    this.#mask = size * 2 - 1
    this.#head = 0
    this.#tail = size
  }
}

export interface SchedulerOptions {
  /**
   * For tests: picks which of `count` ready tasks runs next. No clock of the machine decides anything then, so that a seed
   * replays an interleaving on a busy machine too.
   */
  readonly pick?: (count: number) => number
  /** With `pick`: whether a slice that was looked at ends there. */
  readonly preempt?: () => boolean
  /** Told when a turn of the loop begins and when it is over: for whoever watches that it goes on. */
  readonly turn?: (running: boolean) => void
}

export class Scheduler {
  readonly #ready = new Ring<Task>()
  /** Tasks that the outside made ready (a timer, a socket): they take turns with the others, however many of those wait. */
  readonly #outside = new Ring<Task>()
  #tookOutside = false
  /** Tasks that use up their slices: one of them runs in every turn of the loop, after those that do not. */
  readonly #busy = new Ring<Task>()
  readonly #pick: ((count: number) => number) | undefined
  readonly #preempt: () => boolean
  readonly #turn: ((running: boolean) => void) | undefined
  #scheduled = false
  #running = false
  #loopStart = 0
  #budget = BUDGET_MS
  /** Time of a test's schedule: it passes by looking. */
  #looked = 0
  /** When the running slice was first looked at; 0 until then, so that short slices never read the clock. */
  sliceStart = 0
  /** Set when the loop's budget is used up: nested runs stop too. */
  overBudget = false

  constructor(options: SchedulerOptions = {}) {
    this.#pick = options.pick
    this.#preempt = options.preempt ?? (() => false)
    this.#turn = options.turn
  }

  /** Puts a task at the end of its queue and makes sure the loop will run. */
  enqueue(task: Task): void {
    if (this.#pick !== undefined) this.#ready.push(task)
    else if (task.busy === true) this.#busy.push(task)
    else if (this.#running) this.#ready.push(task)
    else this.#outside.push(task)
    if (!this.#scheduled && !this.#running) this.#schedule()
  }

  get readyCount(): number {
    return this.#ready.length + this.#outside.length + this.#busy.length
  }

  #schedule(): void {
    this.#scheduled = true
    setImmediate(this.#loop)
  }

  readonly #loop = (): void => {
    this.#scheduled = false
    this.#running = true
    this.overBudget = false
    this.#loopStart = this.time()
    this.#budget = BUDGET_MS
    this.#turn?.(true)
    let count = 0
    try {
      for (let task = this.#next(); task !== undefined; task = this.#next()) {
        task.run()
        if (this.overBudget) break
        if ((this.sliceStart !== 0 || ++count % LOOK_EVERY === 0) && this.#used() > this.#budget) break
      }
      if (this.#busy.length > 0) this.#runBusy()
    } finally {
      this.#running = false
      this.#turn?.(false)
      if (this.readyCount > 0) this.#schedule()
    }
  }

  #runBusy(): void {
    this.overBudget = false
    this.#loopStart = this.time()
    this.#budget = BUSY_MS
    // Only those that wait now: one that stays busy goes behind what has become ready.
    for (let left = this.#busy.length; left > 0 && this.withinBudget(); left--) this.#busy.shift()?.run()
  }

  #next(): Task | undefined {
    if (this.#pick !== undefined && this.#ready.length > 0) return this.#ready.take(this.#pick(this.#ready.length))
    let task = this.#shift()
    // found to be busy since it was queued
    while (task?.busy === true) {
      this.#busy.push(task)
      task = this.#shift()
    }
    return task
  }

  /** From the two queues in turns: neither can starve the other. */
  #shift(): Task | undefined {
    this.#tookOutside = this.#outside.length > 0 && (!this.#tookOutside || this.#ready.length === 0)
    return this.#tookOutside ? this.#outside.shift() : this.#ready.shift()
  }

  #used(): number {
    return this.#pick === undefined ? performance.now() - this.#loopStart : 0
  }

  /** What slices are measured with: milliseconds of the machine, or of a test's schedule. */
  time(): number {
    return this.#pick === undefined ? performance.now() : this.#looked
  }

  /**
   * Runs other tasks from inside a task that has to wait, until it need not wait any longer. Saves the suspend and resume
   * when the answer comes from one of them (design ENGINE §6).
   */
  runOthers(waiting: { readonly settled: boolean }): void {
    let count = 0
    while (!this.overBudget && !waiting.settled) {
      const task = this.#next()
      if (task === undefined) return
      task.run()
      if ((this.sliceStart !== 0 || ++count % LOOK_EVERY === 0) && this.#used() > this.#budget) this.overBudget = true
    }
  }

  /** True when the running slice should end: it has had its `slice` of time, or the loop has. Looks at the clock. */
  sliceOver(slice: number): boolean {
    if (this.#pick !== undefined) {
      this.#looked += LOOK_MS
      if (this.sliceStart === 0) this.sliceStart = this.#looked
      return this.#preempt() || this.#looked - this.sliceStart > ENDLESS_MS
    }
    const now = performance.now()
    if (this.sliceStart === 0) {
      this.sliceStart = now
      return now - this.#loopStart > this.#budget
    }
    const used = now - this.sliceStart
    return used > slice || (used > LEAST_SLICE_MS && now - this.#loopStart > this.#budget)
  }

  /** Nothing ran for so long: it is no time of the running slice. */
  discount(ms: number): void {
    if (this.sliceStart !== 0) this.sliceStart += ms
    this.#loopStart += ms
  }

  /** By how much the running slice is longer than it should be; of use when `sliceOver` has just said so. */
  get overrun(): number {
    return this.sliceStart === 0 ? 0 : this.time() - this.sliceStart - SLICE_MS
  }

  /** False when the loop's time is used up. Looks at the clock. */
  withinBudget(): boolean {
    if (this.#used() <= this.#budget) return true
    this.overBudget = true
    return false
  }
}
