// Reads lines at a terminal: editing, history, wrapping and wide characters are node:readline's; this file keeps it in its place.
// It exists only where somebody types; a pipe has no editor.

import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { WriteStream } from 'node:tty'

const HISTORY = 1_000
const CTRL_D = 4

export interface LineEditorDeps {
  readonly output: WriteStream
  /** Switches the terminal between lines and keys. */
  readonly setRawMode: (on: boolean) => void
  /** Ctrl-C */
  readonly interrupted: () => void
}

/** One line at a time; lines that came with it in one paste wait for the next reads. */
export class LineEditor {
  readonly #deps: LineEditorDeps
  readonly #lines: string[] = []
  readonly #decoder = new StringDecoder('utf8')
  #history: string[] = []
  #interface: Interface | undefined
  #keys: Readable | undefined
  /** Nothing has been typed since this read began. */
  #fresh = true
  #resolve: ((line: string | undefined) => void) | undefined

  constructor(deps: LineEditorDeps) {
    this.#deps = deps
  }

  get reading(): boolean {
    return this.#resolve !== undefined
  }

  /** What is typed so far. */
  get line(): string {
    return this.#interface?.line ?? ''
  }

  /** A line that a paste has left behind. */
  take(): string | undefined {
    return this.#lines.shift()
  }

  /** Shows the prompt that already stands in the line and reads one; undefined at Ctrl-D or when given up. */
  read(prompt: string): Promise<string | undefined> {
    const editor = this.#open()
    return new Promise((resolve) => {
      this.#resolve = resolve
      this.#fresh = true
      this.#deps.setRawMode(true)
      editor.setPrompt(prompt)
      editor.resume()
      // The editor shows the prompt again, over the one that the program has printed.
      const { rows, cols } = editor.getCursorPos()
      moveCursor(this.#deps.output, 0, -(cols === 0 && rows > 0 ? rows - 1 : rows))
      editor.prompt(true)
    })
  }

  /** Bytes from the keyboard. */
  feed(bytes: Buffer): void {
    // A Ctrl-D from before this read, when the terminal gave whole lines, comes as a zero.
    if (this.#fresh && bytes.at(-1) === 0) bytes[bytes.length - 1] = CTRL_D
    this.#fresh = false
    // One at a time: of several at once, Node puts all but the last at the end of the line, wherever the cursor is.
    for (const character of this.#decoder.write(bytes)) this.#keys?.push(character)
  }

  /** Gives up a read under way; what was typed stays for the next. */
  abandon(): void {
    this.#deps.output.write('\n')
    this.#settle(undefined)
  }

  /** Empties the line and shows the prompt on a new one. */
  clear(): void {
    const editor = this.#interface
    if (editor === undefined) return
    this.#deps.output.write('^C\n')
    // The documented way to empty the line: as if Ctrl-E and Ctrl-U had been pressed.
    editor.write(null, { ctrl: true, name: 'e' })
    editor.write(null, { ctrl: true, name: 'u' })
    editor.prompt()
  }

  /** Lets `write` print above the line being typed, which is shown again below. */
  around(write: () => void): void {
    const editor = this.#interface
    const { output } = this.#deps
    if (editor === undefined || !this.reading) {
      write()
      return
    }
    moveCursor(output, 0, -editor.getCursorPos().rows)
    cursorTo(output, 0)
    clearScreenDown(output)
    write()
    editor.prompt(true)
  }

  close(): void {
    this.#interface?.close()
  }

  #open(): Interface {
    if (this.#interface !== undefined) return this.#interface
    const { output, interrupted, setRawMode } = this.#deps
    // Not the terminal's own stream: other readers of it must not get these keys, nor the editor theirs.
    const keys = Object.assign(new Readable({ objectMode: true, read: () => {} }), { isTTY: true, setRawMode })
    const editor = createInterface({
      input: keys,
      output,
      terminal: process.env['TERM'] !== 'dumb',
      history: this.#history,
      historySize: HISTORY,
      removeHistoryDuplicates: true,
      crlfDelay: Number.POSITIVE_INFINITY,
    })
    editor.on('line', (line) => {
      if (this.reading) this.#settle(line)
      else this.#lines.push(line)
    })
    // After Ctrl-Z and `fg` the editor waits to be shown again.
    editor.on('SIGCONT', () => editor.prompt(true))
    editor.on('SIGINT', () => interrupted())
    editor.on('history', (history) => (this.#history = history))
    editor.on('close', () => {
      // Ctrl-D at an empty line ends this read, not the terminal: the next one starts anew.
      this.#interface = undefined
      this.#keys = undefined
      if (this.reading) {
        output.write('\n')
        this.#settle(undefined)
      }
    })
    this.#interface = editor
    this.#keys = keys
    return editor
  }

  #settle(line: string | undefined): void {
    const resolve = this.#resolve
    this.#resolve = undefined
    this.#deps.setRawMode(false)
    resolve?.(line)
  }
}
