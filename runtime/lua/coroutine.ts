// One Lua thread the scheduler knows: the main function of a process, or one started by `coroutine.spawn`.

import type { Task } from '../process/scheduler.ts'
import type { LuaProcess } from './lua-process.ts'
import type { Arrival } from './mailbox.ts'
import type { LuaRaise } from './module.ts'

export class Coroutine implements Task {
  thread: number
  readonly process: LuaProcess
  /** Values on its stack that the next resume hands over. */
  args = 0
  /** Queued to run, or woken while it sits on the native stack. */
  ready = false
  /** Activations on the native stack: it must not be closed or reused while there are any. */
  onStack = 0
  /** Waiting inside a host function that runs others meanwhile. */
  resident = false
  /** What it waits for; whoever answers compares it first, so that a late answer is dropped. */
  wait: unknown = null
  /** What the mailbox handed to it while it waited; until it runs again, that is not read. */
  given: Arrival | null = null
  /** What the host function it waited in answers when it goes on: a count of results on the stack, or an error to raise. */
  answer: number | LuaRaise = 0
  /** Ended by somebody else while it waited on the native stack: it must unwind and never go on. */
  dropped = false
  /** Its instructions were found to take long each: the hook looks at it more often. */
  watched = false
  /** Sends to crowded mailboxes since it last gave up its turn. */
  flood = 0

  /** Threads the program made inside it that the host, and not they themselves, suspended. */
  #suspended: number[] | null = null

  constructor(thread: number, process: LuaProcess) {
    this.thread = thread
    this.process = process
  }

  /** The host suspends a thread that the program made inside this coroutine: each level of resume looks for its own. */
  suspend(thread: number): void {
    if (this.#suspended === null) this.#suspended = [thread]
    else this.#suspended.push(thread)
  }

  /** True, once, when the host suspended this thread. */
  takeSuspended(thread: number): boolean {
    const at = this.#suspended?.indexOf(thread) ?? -1
    if (at >= 0) this.#suspended?.splice(at, 1)
    return at >= 0
  }

  /** The last slice of its process took long (process/scheduler.ts). */
  get busy(): boolean {
    return this.process.busy
  }

  /** True when there is no more to wait for: an answer came, or the process ended. */
  get settled(): boolean {
    return this.ready || this.dropped || this.process.ended
  }

  run(): void {
    this.process.steps++
    this.process.engine.runSlice(this)
  }
}

/** Something a coroutine waits for that can be told to stop: a function call, a promise of the host. */
export interface Cancellable {
  cancel(): void
}

export function isCancellable(wait: unknown): wait is Cancellable {
  return typeof (wait as Cancellable | null)?.cancel === 'function'
}
