// The terminal in the hands of one process: keys instead of lines, events to whoever listens, everything put back at the end.

import type { Clock, Timer } from '../../core/clock.ts'
import { RuntimeError } from '../../core/error.ts'
import type { LuaChannel } from '../../lua/module.ts'
import type { Terminal } from '../../process/terminal.ts'
import { InputParser, type TtyEvent } from './input-parser.ts'

/** How long an escape may be the start of a sequence. */
const ESCAPE_MS = 50
const READ_BYTES = 4096
/** Events kept for a listener that has not come yet. */
const KEPT_EVENTS = 1024
/** Bracketed paste and focus. */
const MODES_ON = '\x1b[?2004h\x1b[?1004h'
const MODES_OFF = '\x1b[?2004l\x1b[?1004l'
/** Buttons and wheel, motion, extended coordinates. */
const MOUSE_ON = '\x1b[?1002h\x1b[?1003h\x1b[?1006h'
const MOUSE_OFF = '\x1b[?1006l\x1b[?1003l\x1b[?1002l'

export class TtySession {
  readonly #terminal: Terminal
  readonly #clock: Clock
  readonly #listeners = new Set<LuaChannel>()
  #kept: TtyEvent[] = []
  #reading: AbortController | undefined
  #stopResize: (() => void) | undefined
  #mouse = false

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal
    this.#clock = clock
  }

  get started(): boolean {
    return this.#reading !== undefined
  }

  /** Throws Internal when there is no terminal. */
  start(): void {
    if (this.started) return
    this.#terminal.raw(true)
    this.#reading = new AbortController()
    void this.#terminal.write(MODES_ON)
    if (this.#mouse) void this.#terminal.write(MOUSE_ON)
    this.#stopResize = this.#terminal.onResize(() => this.#tellSize('resize'))
    this.#tellSize('start')
    void this.#read(this.#reading)
  }

  /** Puts the terminal back and closes the channels. */
  stop(): void {
    const reading = this.#reading
    if (reading === undefined) return
    this.#reading = undefined
    reading.abort()
    this.#stopResize?.()
    if (this.#mouse) void this.#terminal.write(MOUSE_OFF)
    void this.#terminal.write(MODES_OFF)
    this.#terminal.raw(false)
    for (const channel of this.#listeners) channel.close()
    this.#listeners.clear()
    this.#kept = []
  }

  listen(channel: LuaChannel): void {
    this.#listeners.add(channel)
    for (const event of this.#kept.splice(0)) channel.push(event)
  }

  mouse(on: boolean): void {
    if (this.#mouse === on) return
    this.#mouse = on
    if (this.started) void this.#terminal.write(on ? MOUSE_ON : MOUSE_OFF)
  }

  async #read(reading: AbortController): Promise<void> {
    const parser = new InputParser()
    let pending: Timer | undefined
    try {
      for (;;) {
        const input = await this.#terminal.read(READ_BYTES, reading.signal)
        pending?.cancel()
        if (reading.signal.aborted || input === undefined) break
        this.#tell(parser.feed(typeof input === 'string' ? Buffer.from(input) : input))
        if (parser.waiting) pending = this.#clock.after(ESCAPE_MS, () => this.#tell(parser.settle()))
      }
    } catch (error) {
      // A stop ends the read; anything else means that there is no more input.
      if (!(error instanceof RuntimeError)) throw error
    }
    pending?.cancel()
    if (this.#reading === reading) this.stop()
  }

  #tellSize(type: 'start' | 'resize'): void {
    const size = this.#terminal.size
    if (size !== undefined) this.#tell([{ type, ...size }])
  }

  #tell(events: readonly TtyEvent[]): void {
    for (const event of events) {
      if (this.#listeners.size === 0) {
        if (this.#kept.length < KEPT_EVENTS) this.#kept.push(event)
        continue
      }
      for (const channel of this.#listeners) {
        // Movements may be lost, what was typed not.
        if (event.type === 'mouse' && event.action === 'motion') channel.offer({ ...event })
        else channel.push({ ...event })
      }
    }
  }
}
