// Reads lines at a terminal: editing, history, wrapping and wide characters are node:readline's; this file keeps it in its place.
// It exists only where somebody types; a pipe has no editor.

import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { WriteStream } from 'node:tty'

const HISTORY = 1_000
const CTRL_D = 4
const CTRL_C = '\x03'
/** How terminals mark pasted text when asked to, so that its line ends are no Enter. */
const PASTE = { ask: '\x1b[?2004h', stop: '\x1b[?2004l', begin: '\x1b[200~', end: '\x1b[201~' } as const
/** Stands for a line end of a paste while the line is edited. */
const LINE_END_SHOWN = '↵'

export interface LineEditorDeps {
  readonly output: WriteStream
  /** Switches the terminal between lines and keys. */
  readonly setRawMode: (on: boolean) => void
  /** Ctrl-C */
  readonly interrupted: () => void
}

/**
 * One line at a time. What a terminal marks as pasted becomes part of the line, its line ends too; where it marks nothing,
 * the lines of a paste wait for the next reads.
 */
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
  #keysOn = false
  /** The paste under way, in pieces. */
  #pasted: string[] | undefined
  /** The last characters, which may be the begin of a mark. */
  #tail = ''

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
      this.#setKeys(true)
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
    let text = this.#decoder.write(bytes)
    while (text !== '') text = this.#pasted === undefined ? this.#type(text) : this.#takePasted(this.#pasted, text)
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

  /** Lines instead of keys again, whatever is under way. */
  restore(): void {
    this.#setKeys(false)
  }

  /** Takes keys up to the mark of a paste; gives what follows it. */
  #type(text: string): string {
    let taken = 0
    for (const character of text) {
      taken += character.length
      this.#keys?.push(character)
      this.#tail = (this.#tail + character).slice(-PASTE.begin.length)
      if (this.#tail === PASTE.begin) {
        this.#pasted = []
        this.#tail = ''
        break
      }
    }
    return text.slice(taken)
  }

  /** Inserts a paste once it is complete; gives what follows it. Ctrl-C is never part of one: its end may be lost. */
  #takePasted(pieces: string[], text: string): string {
    const joined = this.#tail + text
    const [end] = /\x1b\[201~|\x03/.exec(joined) ?? []
    if (end === undefined) {
      // The mark of the end may be cut in two.
      const cut = /\x1b(?:\[(?:2(?:0(?:1)?)?)?)?$/.exec(joined)?.index ?? joined.length
      pieces.push(joined.slice(0, cut))
      this.#tail = joined.slice(cut)
      return ''
    }
    const at = joined.indexOf(end)
    this.#pasted = undefined
    this.#tail = ''
    if (end === CTRL_C) return joined.slice(at)
    const pasted = [...pieces, joined.slice(0, at)].join('').replace(/\r\n?|\n/g, LINE_END_SHOWN)
    // Nothing that was pasted is a command to the editor.
    this.#interface?.write(pasted.replace(/\t/g, '  ').replace(/[\x00-\x1f\x7f-\x9f]/g, ''))
    return joined.slice(at + end.length)
  }

  #setKeys(on: boolean): void {
    this.#deps.setRawMode(on)
    if (on !== this.#keysOn) this.#deps.output.write(on ? PASTE.ask : PASTE.stop)
    this.#keysOn = on
  }

  #open(): Interface {
    if (this.#interface !== undefined) return this.#interface
    const { output, interrupted } = this.#deps
    const setRawMode = (on: boolean): void => this.#setKeys(on)
    // Not the terminal's own stream: other readers of it must not get these keys, nor the editor theirs.
    const keys = Object.assign(new Readable({ objectMode: true, read: () => {} }), { isTTY: true, setRawMode })
    const listening = output.listeners('resize')
    const editor = createInterface({
      input: keys,
      output,
      terminal: true,
      history: this.#history,
      historySize: HISTORY,
      removeHistoryDuplicates: true,
      crlfDelay: Number.POSITIVE_INFINITY,
    })
    const redraws = output.listeners('resize').filter((listener) => !listening.includes(listener))
    const resized = (): void => {
      if (this.reading) for (const redraw of redraws) redraw.call(output)
    }
    // The editor shows its line at each new size of the screen, over whatever stands there when it is not its turn.
    for (const redraw of redraws) output.off('resize', redraw as () => void)
    output.on('resize', resized)
    editor.on('line', (shown) => {
      const line = shown.replaceAll(LINE_END_SHOWN, '\n')
      if (this.reading) this.#settle(line)
      else this.#lines.push(line)
    })
    // After Ctrl-Z and `fg` the editor waits to be shown again.
    editor.on('SIGCONT', () => editor.prompt(true))
    editor.on('SIGINT', () => interrupted())
    editor.on('history', (history) => (this.#history = history))
    editor.on('close', () => {
      output.off('resize', resized)
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
    this.#setKeys(false)
    resolve?.(line)
  }
}
