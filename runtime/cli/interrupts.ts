// What Ctrl-C and the signals mean: first for the program that runs, then for the runtime, then at once.

export interface InterruptDeps {
  /** Milliseconds. */
  readonly now: () => number
  /** Empties the line being typed; false when there is none or it is empty. */
  readonly clearLine: () => boolean
  /** True while a line is waited for: then an interrupt means leaving. */
  readonly reading: () => boolean
  /** Tells the programs that asked for it; false when none did. */
  readonly tell: () => boolean
  /** Whether a program asked to be told. */
  readonly listened: () => boolean
  readonly shutDown: (signal: string) => void
  readonly force: () => void
}

/** A second interrupt within this time means leaving. */
const TWICE_MS = 2_000

export class Interrupts {
  readonly #deps: InterruptDeps
  #lastTold = Number.NEGATIVE_INFINITY
  #stopping = false

  constructor(deps: InterruptDeps) {
    this.#deps = deps
  }

  /** Ctrl-C, from the keyboard or as SIGINT. */
  interrupt(): void {
    const { now, clearLine, reading, tell, listened } = this.#deps
    const twice = now() - this.#lastTold < TWICE_MS
    if (!this.#stopping && !twice && listened()) {
      if (reading()) {
        if (clearLine()) return
      } else if (tell()) {
        this.#lastTold = now()
        return
      }
    }
    this.end('interrupt')
  }

  /** SIGTERM and SIGHUP, and Ctrl-C that nobody else wants: shut down, and by force the second time. */
  end(signal: string): void {
    if (this.#stopping) {
      this.#deps.force()
      return
    }
    this.#stopping = true
    this.#deps.shutDown(signal)
  }
}
