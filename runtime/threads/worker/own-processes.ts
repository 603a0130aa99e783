// The processes of a worker thread, and which of them the main thread knows: those it has started itself, those with relations, and
// those that somebody outside may care for. The others live and end without a word (living.ts).

import type { Frame } from '../../core/frame.ts'
import { looksLikePid } from '../../core/pid.ts'
import { LuaProcess } from '../../lua/lua-process.ts'
import type { Program } from '../../lua/program.ts'
import type { Kernel } from '../../process/kernel.ts'
import { type Exit, type Process, settleExit } from '../../process/process.ts'
import { type SendLimits, sendLimits } from '../cells.ts'
import { type Living, SERIALS_AT_ONCE } from '../living.ts'
import { ASK, SHARED, TO_MAIN } from '../protocol.ts'
import { sayable } from '../sayable.ts'
import type { MainThread } from './main-thread.ts'

export interface OwnProcessesOptions {
  readonly main: () => MainThread
  readonly kernel: Kernel
  readonly living: Living
  readonly shared: Int32Array
  /** The host whose processes run here. */
  readonly host: string | undefined
  readonly frameNumber: (frame: Frame) => number
  readonly programNumber: (program: Program) => number
}

export class OwnProcesses {
  readonly #options: OwnProcessesOptions
  readonly #known = new Set<number>()
  /** Serials of those started here that the main thread was not told of. */
  readonly #unmet = new Set<number>()
  #nextSerial = 0
  #endOfRun = 0
  #slices = 0

  constructor(options: OwnProcessesOptions) {
    this.#options = options
  }

  /** A serial that no other thread gives. */
  serial(): number {
    if (this.#nextSerial === this.#endOfRun) {
      const { living, main } = this.#options
      const { oldest } = living
      // Before its run is forgotten: what lives longer than the next quarter of a million is known by then.
      if (oldest !== undefined) this.#announceAll((serial) => serial >= oldest && serial < oldest + SERIALS_AT_ONCE)
      const first = main().ask(ASK.serials) as number
      living.grant(first)
      this.#nextSerial = first
      this.#endOfRun = first + SERIALS_AT_ONCE
    }
    return this.#nextSerial++
  }

  knows(serial: number): boolean {
    return this.#known.has(serial)
  }

  /** The main thread starts it here; undone by `forget` when it does not start. */
  expect(serial: number): void {
    this.#known.add(serial)
  }

  forget(serial: number): void {
    this.#known.delete(serial)
  }

  /** It was started here, by a process of this thread. The main thread keeps all relations. */
  started(process: LuaProcess, parent: Process, monitor: boolean, link: boolean): void {
    const { living, shared, programNumber } = this.#options
    living.add(process.serial, programNumber(process.program))
    if (monitor || link) {
      this.introduce(parent)
      this.#announce(process, monitor, link)
    } else if (!this.#known.has(process.serial)) {
      this.#unmet.add(process.serial)
      Atomics.store(shared, SHARED.unmet, this.#unmet.size)
    }
  }

  /** Tells of a process that the main thread is to do something for. */
  introduce(process: Process): void {
    if (this.#known.has(process.serial) || process.ended) return
    const { main, frameNumber, kernel, host } = this.#options
    if (process.host === host) {
      this.#announce(process, false, false)
      return
    }
    this.#known.add(process.serial)
    const { serial, definition, frame, parent } = process
    const by = [parent?.serial ?? 0, parent?.host ?? '']
    main().say(TO_MAIN.introduce, serial, process.host, definition, frameNumber(frame), limitsOf(process), ...by)
    kernel.watch(process, (exit) => this.ended(process, exit))
  }

  /** The main thread is about to be told this text: a process whose pid it is has to be known before. */
  mention(text: string): void {
    if (this.#unmet.size === 0 || !looksLikePid(text)) return
    const process = this.#options.kernel.byPid(text)
    if (process !== undefined) this.introduce(process)
  }

  /** Others may learn the pid of a call; that of a process of the host is found as it is. */
  met(process: Process): void {
    if (process.host !== this.#options.host) this.introduce(process)
  }

  /** The main thread has found a living serial and knows nothing of it. One that ended meanwhile was told of at its end. */
  meet(serial: number): void {
    const process = this.#unmet.has(serial) ? this.#options.kernel.bySerial(serial) : undefined
    if (process !== undefined) this.#announce(process, false, false)
  }

  /** From here on the main thread knows all of the host's. */
  meetAll(): void {
    if (this.#unmet.size > 0) this.#announceAll(() => true)
  }

  ended(process: Process, exit: Exit): void {
    const { serial, steps = 0 } = process
    const met = this.#options.living.delete(serial)
    if (this.#unmet.has(serial)) {
      if (exit.error === undefined && !met) {
        this.#forgetUnmet(serial)
        this.#slices += steps
        return
      }
      // Somebody waits for its end, or it goes into the log as a failure.
      this.#announce(process, false, false)
    }
    // One that never started is told of where it was to start.
    if (!this.#known.delete(serial) || process.neverStarted === true) return
    const { main } = this.#options
    // What the main thread keeps for it (its frame, this thread awake) others may have counted on.
    this.meetAll()
    settleExit(
      exit,
      (result) => void main().say(TO_MAIN.ended, serial, undefined, sayable(result), steps),
      (error) => void main().say(TO_MAIN.ended, serial, error, undefined, steps),
    )
  }

  /** Slices of processes that ended without a word, since it was asked last. */
  takeSlices(): number {
    const slices = this.#slices
    this.#slices = 0
    return slices
  }

  #announceAll(which: (serial: number) => boolean): void {
    for (const serial of [...this.#unmet]) {
      const process = which(serial) ? this.#options.kernel.bySerial(serial) : undefined
      if (process !== undefined) this.#announce(process, false, false)
    }
  }

  #announce(process: Process, monitor: boolean, link: boolean): void {
    const { main, frameNumber } = this.#options
    const { serial, host, definition, frame, parent, startedAt } = process
    this.#forgetUnmet(serial)
    this.#known.add(serial)
    const by = [parent?.serial ?? 0, parent?.host ?? '']
    const more = [monitor, link, startedAt]
    main().say(TO_MAIN.announce, serial, host, definition, frameNumber(frame), limitsOf(process), ...by, ...more)
  }

  #forgetUnmet(serial: number): void {
    if (this.#unmet.delete(serial)) Atomics.store(this.#options.shared, SHARED.unmet, this.#unmet.size)
  }
}

/** What a process here may be sent by others. */
export function limitsOf(process: Process): SendLimits {
  if (process instanceof LuaProcess) return sendLimits(process.program.limits)
  throw new Error(`${process.pid} is no Lua`)
}
