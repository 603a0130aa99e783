// Which of the serials given to a worker thread belong to a living process, and what program that runs, in memory both threads see.
// The main thread is not told of processes that nobody outside of their thread has met: for one that lives and ends among its own,
// being told costs more than the process. Whoever gets hold of its pid still finds it, by this.

/** A worker gets its serials in runs of so many; a run begins at a multiple of it. */
export const SERIALS_AT_ONCE = 4096
/** Runs that are remembered. Before the oldest is forgotten, the worker tells of what still lives of it. */
const RUNS = 64

export class Living {
  readonly memory: SharedArrayBuffer
  /** By serial: the number of its program, negative once the main thread has met it, or 0. */
  readonly #programs: Int32Array
  /** Which part of the memory a run has, oldest run first. */
  readonly #runs = new Map<number, number>()
  #granted = 0

  /** Over the memory of the other thread, or new. Both have to be told of the same runs in the same order. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(RUNS * SERIALS_AT_ONCE * 4)) {
    this.memory = memory
    this.#programs = new Int32Array(memory)
  }

  /** A run of serials is the worker's from here on; the oldest may be forgotten for it. */
  grant(first: number): void {
    const { oldest } = this
    if (oldest !== undefined) this.#runs.delete(oldest)
    const run = this.#granted++ % RUNS
    // What still lives of the run that was there has been told of, and would pass for processes of the new one.
    const place = run * SERIALS_AT_ONCE
    this.#programs.fill(0, place, place + SERIALS_AT_ONCE)
    this.#runs.set(first, run)
  }

  /** First serial of the run that the next one takes the place of; undefined as long as there is room. */
  get oldest(): number | undefined {
    return this.#runs.size < RUNS ? undefined : this.#runs.keys().next().value
  }

  /** The number of the program that it runs; 0 when no living process has this serial. */
  program(serial: number): number {
    const place = this.#place(serial)
    return place < 0 ? 0 : Math.abs(Atomics.load(this.#programs, place))
  }

  /** As `program`, for the main thread to meet it: from here on its thread has to tell how it ends (`delete`). */
  meet(serial: number): number {
    const program = this.program(serial)
    if (program === 0) return 0
    // It may end at this very moment: then nobody is met.
    const place = this.#place(serial)
    const before = Atomics.compareExchange(this.#programs, place, program, -program)
    return before === 0 ? 0 : program
  }

  add(serial: number, program: number): void {
    const place = this.#place(serial)
    if (place >= 0) Atomics.store(this.#programs, place, program)
  }

  /** It has ended. True when the main thread has met it, and waits for its end. */
  delete(serial: number): boolean {
    const place = this.#place(serial)
    return place >= 0 && Atomics.exchange(this.#programs, place, 0) < 0
  }

  /** All that live. */
  *serials(): Generator<number> {
    for (const [first, run] of this.#runs) {
      const place = run * SERIALS_AT_ONCE
      for (let i = 0; i < SERIALS_AT_ONCE; i++) if (Atomics.load(this.#programs, place + i) !== 0) yield first + i
    }
  }

  /** -1 when it is not of a run that is remembered. */
  #place(serial: number): number {
    const offset = serial % SERIALS_AT_ONCE
    const run = this.#runs.get(serial - offset)
    return run === undefined ? -1 : run * SERIALS_AT_ONCE + offset
  }
}
