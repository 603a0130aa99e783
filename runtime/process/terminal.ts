// The terminal of a runtime: who owns standard input and output, how lines are typed, what may reach the screen.
// One for all terminal processes; it is put back as it was on every way out.

import type { Readable, Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { RuntimeError } from '../core/error.ts'
import { ByteInput } from './byte-input.ts'
import { InertText } from './inert-text.ts'
import { LineEditor } from './line-editor.ts'

export interface TerminalOptions {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** What `io.args()` gives. */
  readonly args?: readonly string[]
  /** Whether colours and styles reach a screen; true unless given. */
  readonly colours?: boolean
  /** False for a screen that moves no cursor (`TERM=dumb`): lines are then edited by the terminal itself. True unless given. */
  readonly editing?: boolean
}

/** Modes that a program can leave behind, by number: on when it began, or off. */
const onByDefault = new Set(['7', '25'])
const CTRL_C = 0x03

export class Terminal {
  readonly args: readonly string[]
  readonly #stdin: Readable
  readonly #stdout: Writable
  readonly #stderr: Writable
  readonly #input: ByteInput
  readonly #editor: LineEditor | undefined
  readonly #screen: { readonly out: InertText | undefined; readonly err: InertText | undefined }
  /** What stands in the line of the cursor: the prompt of the next read. */
  #lineSoFar = ''
  /** What was printed while a line is typed and is no whole line yet. */
  #heldBack = ''
  #rawDepth = 0
  /** Reads of keys under way. */
  #keyReads = 0
  #stopWatching: (() => void) | undefined
  readonly #modes = new Map<string, string>()
  #failure: RuntimeError | undefined
  #closed = false
  /** Reads follow each other; a paste is not divided between two. */
  #turn: Promise<unknown> = Promise.resolve()

  /** Called for Ctrl-C while a line is typed or keys are read; elsewhere the signal SIGINT comes. */
  onInterrupt: (() => void) | undefined
  /** Called once when nobody reads the output any more. */
  onBroken: (() => void) | undefined

  constructor({ stdin, stdout, stderr, args = [], colours = true, editing = true }: TerminalOptions) {
    this.args = args
    this.#stdin = stdin
    this.#stdout = stdout
    this.#stderr = stderr
    this.#input = new ByteInput(stdin)
    this.#screen = {
      out: isScreen(stdout) ? new InertText({ colours }) : undefined,
      err: isScreen(stderr) ? new InertText({ colours }) : undefined,
    }
    if (editing && isKeyboard(stdin) && isScreen(stdout)) {
      this.#editor = new LineEditor({
        output: stdout,
        setRawMode: (on) => this.#setKeys(on),
        interrupted: () => this.onInterrupt?.(),
      })
    }
    stdout.on('error', (error: Error) => this.#broke(error))
    stderr.on('error', () => {})
  }

  /** True when somebody types and sees: input and output are a terminal. */
  get interactive(): boolean {
    return isKeyboard(this.#stdin) && isScreen(this.#stdout)
  }

  /** True when output goes to a screen, which shows colours. */
  get onScreen(): boolean {
    return this.#screen.out !== undefined
  }

  /** Columns and rows of the screen; undefined when output goes elsewhere. */
  get size(): { readonly width: number; readonly height: number } | undefined {
    if (!isScreen(this.#stdout)) return undefined
    return { width: this.#stdout.columns, height: this.#stdout.rows }
  }

  /** Calls `listener` whenever the screen has another size, until the returned function is called. */
  onResize(listener: () => void): () => void {
    this.#stdout.on('resize', listener)
    return () => this.#stdout.off('resize', listener)
  }

  /** True while a line is being typed, or waited for. */
  get reading(): boolean {
    return this.#editor?.reading === true
  }

  /**
   * To standard output. On a screen controls other than new line, tab, return and colours become visible text, unless the
   * program has taken over the terminal with `raw(true)`; into a pipe or file every byte passes. Throws Internal.
   */
  write(text: string | Uint8Array): void | Promise<void> {
    return this.#print(this.#stdout, this.#screen.out, text)
  }

  /** To standard error, by the same rules. */
  writeError(text: string | Uint8Array): void | Promise<void> {
    return this.#print(this.#stderr, this.#screen.err, text)
  }

  /** Resolves when all that was written has left for the system. */
  flush(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise((resolve, reject) => {
      this.#stdout.write('', (error) => {
        if (error) reject(new RuntimeError('Internal', `flush: ${error.message}`, { retryable: false, cause: error }))
        else resolve()
      })
    })
  }

  /** The next line without its end; undefined when there will be none. With line editing and history on a terminal. */
  readline(signal: AbortSignal): Promise<string | Uint8Array | undefined> {
    return this.#next(async () => {
      if (signal.aborted) throw canceled()
      if (this.#editor !== undefined && this.#rawDepth === 0) return this.#typedLine(this.#editor, signal)
      for (;;) {
        if (this.#closed) return undefined
        const line = this.#input.takeLine()
        if (line !== undefined) return textOrBytes(line)
        if (this.#input.ended) return undefined
        await this.#input.more(signal)
        if (signal.aborted) throw canceled()
      }
    })
  }

  /** Up to `count` bytes, as soon as there are any; undefined when there will be none. */
  read(count: number, signal: AbortSignal): Promise<string | Uint8Array | undefined> {
    return this.#next(async () => {
      for (;;) {
        if (this.#closed) return undefined
        const bytes = this.#input.take(count)
        if (bytes !== undefined) return textOrBytes(bytes)
        if (this.#input.ended) return undefined
        this.#keyReads++
        await this.#input.more(signal)
        this.#keyReads--
        if (signal.aborted) throw canceled()
      }
    })
  }

  /** Keys instead of lines, and no echo; counted, so that each `true` needs its `false`. Throws Internal without a terminal. */
  raw(on: boolean): void {
    if (!isKeyboard(this.#stdin)) {
      throw new RuntimeError('Internal', 'raw: standard input is not a terminal', { retryable: false })
    }
    this.#rawDepth = Math.max(0, this.#rawDepth + (on ? 1 : -1))
    this.#setKeys(false)
    if (this.#rawDepth > 0) this.#watchKeys()
    else this.#stopWatchingKeys()
  }

  /** Empties the line being typed, if any; false when there is nothing to empty. */
  clearLine(): boolean {
    if (this.#editor === undefined || !this.reading || this.#editor.line === '') return false
    this.#editor.clear()
    return true
  }

  /** Ends the input: reads under way and to come see its end, so that programs leave. */
  endInput(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.reading) this.#editor?.abandon()
    this.#input.close()
  }

  /** Puts the terminal back as it was: keys, modes and colours. Safe to call at any time, also when the process exits. */
  restore(): void {
    this.#rawDepth = 0
    this.#stopWatchingKeys()
    this.#setKeys(false)
    if (this.#failure === undefined) this.#editor?.restore()
    if (!isScreen(this.#stdout) || this.#failure !== undefined) return
    const { out } = this.#screen
    const modes = [...this.#modes].filter(([mode, state]) => (state === 'h') !== onByDefault.has(mode))
    const undo = modes.map(([mode, state]) => `\x1b[?${mode}${state === 'h' ? 'l' : 'h'}`).join('')
    const rest = (out?.end() ?? '') + undo
    this.#modes.clear()
    if (rest !== '') this.#stdout.write(rest)
  }

  async #typedLine(editor: LineEditor, signal: AbortSignal): Promise<string | undefined> {
    const pasted = editor.take()
    if (pasted !== undefined) return pasted
    if (this.#closed || this.#input.ended) return undefined
    // A style left on by what was printed does not reach what is typed.
    if (this.#screen.out?.styled === true) this.#stdout.write(this.#screen.out.end())
    const line = editor.read(this.#lineSoFar)
    const release = this.#input.divert((bytes) => editor.feed(bytes))
    const done = new AbortController()
    const giveUp = (): void => editor.abandon()
    signal.addEventListener('abort', giveUp, { once: true })
    // Nobody types any more when the terminal has gone away.
    void this.#input.more(done.signal).then(() => {
      if (!done.signal.aborted) giveUp()
    })
    const typed = await line
    done.abort()
    signal.removeEventListener('abort', giveUp)
    release()
    this.#lineSoFar = ''
    this.#writeHeldBack()
    if (signal.aborted) throw canceled()
    return typed
  }

  /** Runs the reads one after the other. */
  #next<T>(read: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(read)
    this.#turn = mine.catch(() => {})
    return mine
  }

  #print(stream: Writable, screen: InertText | undefined, text: string | Uint8Array): void | Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (screen === undefined) return this.#send(stream, text)
    if (this.#rawDepth > 0) {
      this.#noteModes(text)
      return this.#send(stream, text)
    }
    const shown = screen.next(text)
    if (shown === '') return undefined
    if (!this.reading) {
      if (stream === this.#stdout) this.#lineSoFar = lastLine(this.#lineSoFar + shown)
      return this.#send(stream, shown)
    }
    // Above the line being typed stand whole lines; the rest waits until the line is done.
    this.#heldBack += shown
    const end = this.#heldBack.lastIndexOf('\n') + 1
    const whole = this.#heldBack.slice(0, end)
    this.#heldBack = this.#heldBack.slice(end)
    if (whole !== '') this.#editor?.around(() => stream.write(whole))
    return undefined
  }

  #writeHeldBack(): void {
    const text = this.#heldBack
    this.#heldBack = ''
    this.#lineSoFar = text
    if (text !== '') this.#stdout.write(text)
  }

  #send(stream: Writable, text: string | Uint8Array): void | Promise<void> {
    if (stream.write(text)) return undefined
    return new Promise((resolve) => {
      const done = (): void => {
        stream.off('drain', done)
        stream.off('close', done)
        resolve()
      }
      stream.on('drain', done)
      stream.on('close', done)
    })
  }

  /** Remembers the modes a program switches while it has the terminal, to undo them. */
  #noteModes(text: string | Uint8Array): void {
    const shown = typeof text === 'string' ? text : Buffer.from(text).toString('latin1')
    for (const [, modes = '', state = ''] of shown.matchAll(/\x1b\[\?([\d;]+)([hl])/g)) {
      for (const mode of modes.split(';')) this.#modes.set(mode, state)
    }
  }

  #setKeys(on: boolean): void {
    if (isKeyboard(this.#stdin) && !this.#stdin.destroyed) this.#stdin.setRawMode(on || this.#rawDepth > 0)
  }

  /** In raw mode Ctrl-C is a key; when the program does not read, it still means stop. */
  #watchKeys(): void {
    this.#stopWatching ??= this.#input.watch((bytes) => {
      if (this.#keyReads === 0 && bytes.includes(CTRL_C)) this.onInterrupt?.()
    })
  }

  #stopWatchingKeys(): void {
    this.#stopWatching?.()
    this.#stopWatching = undefined
  }

  #broke(error: Error): void {
    if (this.#failure !== undefined) return
    this.#failure = new RuntimeError('Internal', `write: ${error.message}`, { retryable: false, cause: error })
    this.onBroken?.()
  }
}

function isScreen(stream: Writable): stream is WriteStream {
  return (stream as Partial<WriteStream>).isTTY === true
}

function isKeyboard(stream: Readable): stream is ReadStream {
  return (stream as Partial<ReadStream>).isTTY === true
}

/** Longer prompts are not shown again when the line is edited. */
const LONGEST_PROMPT = 1_024

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf('\n') + 1).slice(-LONGEST_PROMPT)
}

const strict = { fatal: true, ignoreBOM: true } as const

/** Text where the bytes are UTF-8, else the bytes. */
function textOrBytes(bytes: Buffer): string | Uint8Array {
  try {
    return new TextDecoder('utf-8', strict).decode(bytes)
  } catch {
    // Not UTF-8: a copy, as the buffer belongs to the input.
    return Uint8Array.from(bytes)
  }
}

function canceled(): RuntimeError {
  return new RuntimeError('Canceled', 'read was canceled', { retryable: false })
}
