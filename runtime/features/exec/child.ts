// A program of the operating system under way: its pipes, its end, its limits. Output is read at the reader's pace.

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Clock, Timer } from '../../core/clock.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'

export interface ChildPlan {
  readonly command: string
  readonly argv: readonly string[]
  readonly workDir: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds until it is killed; 0 is never. */
  readonly timeout: number
  /** Bytes of standard output and error together; 0 is any number. */
  readonly maxOutput: number
}

/** How long a program may take to end after it was asked to. */
const GRACE = 5_000

/** Most output that is put aside when a program has ended; what it left running waits then. */
const MOST_KEPT = 1024 * 1024

export class Child {
  readonly #plan: ChildPlan
  readonly #clock: Clock
  readonly #ended: () => void
  readonly #streams: { readonly stdout: ChildStream; readonly stderr: ChildStream }
  #process: ChildProcessByStdio<Writable, Readable, Readable> | undefined
  #exit: Promise<number> | undefined
  #limit: Timer | undefined
  #failure: RuntimeError | undefined
  #output = 0
  #closed = false
  /** Bytes read so far. */
  position = 0
  #over = false

  /** `ended` is told once, when nothing of the program is left. */
  constructor(plan: ChildPlan, clock: Clock, ended: () => void) {
    this.#plan = plan
    this.#clock = clock
    this.#ended = ended
    const arrived = (bytes: number): void => this.#count(bytes)
    this.#streams = { stdout: new ChildStream(arrived), stderr: new ChildStream(arrived) }
  }

  /** Resolves when the program runs. Rejects with NotFound or PermissionDenied when it cannot. */
  async start(): Promise<void> {
    this.#check()
    if (this.#process !== undefined) throw moduleError('Invalid', 'process already started')
    const { argv, workDir, env, timeout } = this.#plan
    const [program = '', ...args] = argv
    const child = spawn(program, args, {
      cwd: workDir,
      env,
      shell: false,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
    })
    this.#process = child
    this.#exit = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#limit?.cancel()
        this.#over = true
        this.#ended()
        resolve(code ?? (signal === null ? -1 : -signalNumber(signal)))
      })
    })
    child.once('exit', () => {
      this.#streams.stdout.programEnded()
      this.#streams.stderr.programEnded()
    })
    // Writing to a program that has ended is no failure of ours.
    child.stdin.on('error', () => undefined)
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', (error: NodeJS.ErrnoException) => reject(startFailure(error, program)))
    })
    this.#streams.stdout.attach(child.stdout)
    this.#streams.stderr.attach(child.stderr)
    if (timeout > 0) {
      this.#limit = this.#clock.after(timeout, () =>
        this.#fail('Timeout', `command took longer than ${timeout} ms: ${program}`),
      )
    }
  }

  /** What it writes there. Throws Invalid once it is closed. */
  output(name: 'stdout' | 'stderr'): ChildStream {
    this.#check()
    return this.#streams[name]
  }

  /** The exit code; minus the signal's number when one ended it. Output nobody reads is dropped meanwhile. */
  async wait(): Promise<number> {
    this.#check()
    const exit = this.#started().exit
    this.#streams.stdout.drain()
    this.#streams.stderr.drain()
    const code = await exit
    if (this.#failure !== undefined) throw this.#failure
    return code
  }

  /** Resolves when the program's pipe has taken it. */
  async write(bytes: Uint8Array): Promise<void> {
    this.#check()
    const { stdin } = this.#started().child
    if (stdin.destroyed || stdin.writableEnded) throw moduleError('Invalid', 'standard input is closed')
    await new Promise<void>((resolve) => {
      if (stdin.write(bytes)) resolve()
      else stdin.once('drain', resolve).once('close', resolve)
    })
  }

  /** Programs that read to the end of their input finish after this. */
  closeInput(): void {
    this.#check()
    this.#started().child.stdin.end()
  }

  signal(number: number): void {
    this.#check()
    const { child } = this.#started()
    if (!this.#over) child.kill(number)
  }

  /** Idempotent. Asks, or with `force` does not ask; what does not end in time is killed. */
  close(force: boolean): void {
    if (this.#closed) return
    this.#closed = true
    this.#streams.stdout.close()
    this.#streams.stderr.close()
    if (this.#process === undefined) {
      this.#ended()
      return
    }
    this.#end(force ? 'SIGKILL' : 'SIGTERM')
  }

  #end(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#over) return
    this.#kill(signal)
    if (signal === 'SIGKILL') return
    this.#limit?.cancel()
    this.#limit = this.#clock.after(GRACE, () => this.#kill('SIGKILL'))
  }

  /** The whole group: what the program started goes with it. */
  #kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    const pid = this.#process?.pid
    if (pid === undefined || this.#over) return
    try {
      process.kill(process.platform === 'win32' ? pid : -pid, signal)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }

  #fail(kind: 'Timeout' | 'LimitExceeded', message: string): void {
    this.#failure ??= moduleError(kind, message)
    this.#streams.stdout.fail(this.#failure)
    this.#streams.stderr.fail(this.#failure)
    this.#kill('SIGKILL')
  }

  #count(bytes: number): void {
    this.#output += bytes
    const { maxOutput, argv } = this.#plan
    if (maxOutput > 0 && this.#output > maxOutput)
      this.#fail('LimitExceeded', `command wrote more than ${maxOutput} bytes: ${argv[0]}`)
  }

  #check(): void {
    if (this.#closed) throw moduleError('Invalid', 'process closed')
  }

  #started(): { child: ChildProcessByStdio<Writable, Readable, Readable>; exit: Promise<number> } {
    if (this.#process === undefined || this.#exit === undefined) throw moduleError('Invalid', 'process not started')
    return { child: this.#process, exit: this.#exit }
  }
}

/** Standard output or error, before and while the program runs. */
export class ChildStream {
  readonly #arrived: (bytes: number) => void
  #source: Readable | undefined
  #attached: (() => void) | undefined
  #taken = false
  #closed = false
  /** Bytes read so far. */
  position = 0
  #over = false
  #failure: RuntimeError | undefined
  readonly #kept: Buffer[] = []
  #keptBytes = 0

  constructor(arrived: (bytes: number) => void) {
    this.#arrived = arrived
  }

  /** Marks it as read by somebody: then nothing is dropped. */
  take(): this {
    this.#taken = true
    this.#listen()
    return this
  }

  attach(source: Readable): void {
    this.#source = source
    if (this.#closed) source.resume()
    this.#listen()
    this.#attached?.()
  }

  /** When a program ends, Node lets its output flow away unless somebody listens like this. */
  #listen(): void {
    if (this.#taken && !this.#closed) this.#source?.off('readable', this.#keep).on('readable', this.#keep)
  }

  /** Output of an ended program is put aside for who reads later: the pipe has to run dry for the end to be known. */
  readonly #keep = (): void => {
    if (!this.#over || this.#closed) return
    while (this.#keptBytes < MOST_KEPT) {
      const piece: Buffer | null = this.#source?.read() ?? null
      if (piece === null) return
      this.#kept.push(piece)
      this.#keptBytes += piece.length
    }
  }

  programEnded(): void {
    this.#over = true
    if (this.#taken) this.#keep()
  }

  /** Lets output that nobody has asked for flow away, so that the program is not held up. */
  drain(): void {
    if (!this.#taken) this.#source?.on('data', (piece: Buffer) => this.#arrived(piece.length))
  }

  /** What has arrived, at most `size` bytes; undefined at the end. Waits while there is nothing. */
  async read(size?: number): Promise<Uint8Array | undefined> {
    if (this.#closed) throw moduleError('Internal', 'stream is closed')
    if (this.#source === undefined) await new Promise<void>((resolve) => (this.#attached = resolve))
    const source = this.#source as Readable // attached by now
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      const wanted = size === undefined ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(size))
      const piece = this.#kept.length > 0 ? this.#takeKept(wanted) : pieceOf(source, wanted)
      if (piece !== null) {
        this.#arrived(piece.length)
        // What goes beyond the limit of output is never seen.
        if (this.#failure !== undefined) throw this.#failure
        this.position += piece.length
        return new Uint8Array(piece)
      }
      if (source.readableEnded || source.destroyed) return undefined
      await readableOrEnd(source)
    }
  }

  #takeKept(most: number): Buffer {
    const piece = this.#kept.shift() ?? Buffer.alloc(0)
    if (piece.length > most) this.#kept.unshift(piece.subarray(most))
    const taken = piece.subarray(0, most)
    this.#keptBytes -= taken.length
    this.#keep()
    return taken
  }

  fail(error: RuntimeError): void {
    this.#failure ??= error
  }

  get closed(): boolean {
    return this.#closed
  }

  close(): void {
    this.#closed = true
    this.#kept.length = 0
    this.#source?.off('readable', this.#keep).resume()
    this.#attached?.()
  }
}

function pieceOf(source: Readable, most: number): Buffer | null {
  const size = Math.min(most, source.readableLength)
  return size > 0 ? source.read(size) : null
}

function readableOrEnd(source: Readable): Promise<void> {
  // read(0) makes a paused stream fetch, or notice its end.
  source.read(0)
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['readable', 'end', 'close', 'error']) source.off(event, done)
      resolve()
    }
    for (const event of ['readable', 'end', 'close', 'error']) source.once(event, done)
  })
}

function startFailure(error: NodeJS.ErrnoException, program: string): RuntimeError {
  const kinds: Readonly<Record<string, 'NotFound' | 'PermissionDenied'>> = {
    ENOENT: 'NotFound',
    EACCES: 'PermissionDenied',
    EPERM: 'PermissionDenied',
  }
  const kind = kinds[error.code ?? ''] ?? 'Internal'
  const reason =
    kind === 'NotFound'
      ? 'command or working directory not found'
      : `command cannot be started (${error.code ?? 'unknown'})`
  return new RuntimeError(kind, `${reason}: ${program}`, { retryable: false, cause: error })
}

const signals: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
}

function signalNumber(name: string): number {
  return signals[name] ?? 1
}
