// Bytes of a keyboard as events: keys, mouse, focus, paste (the sequences of xterm). Keeps what is not whole yet.

export type TtyEvent =
  | {
      readonly type: 'key'
      readonly key: string
      /** `runes` for what can be printed, else the name of the key. */
      readonly key_type: string
      readonly action: 'press' | 'release'
      readonly alt: boolean
      readonly ctrl: boolean
      readonly shift: boolean
    }
  | {
      readonly type: 'mouse'
      readonly action: 'press' | 'release' | 'motion' | 'wheel'
      readonly button: string
      readonly x: number
      readonly y: number
      readonly alt: boolean
      readonly ctrl: boolean
      readonly shift: boolean
    }
  | { readonly type: 'focus'; readonly focused: boolean }
  | { readonly type: 'paste'; readonly text: string }
  | { readonly type: 'resize' | 'start'; readonly width: number; readonly height: number }

interface Modifiers {
  readonly alt: boolean
  readonly ctrl: boolean
  readonly shift: boolean
}

const none: Modifiers = { alt: false, ctrl: false, shift: false }
const ESC = '\x1b'
const PASTE_START = `${ESC}[200~`
const PASTE_END = `${ESC}[201~`
/** A paste is kept until its end comes; beyond this it is given out in parts. */
const LONGEST_PASTE = 1 << 20

/** Last letters of `ESC [` and `ESC O` sequences. */
const letters: Readonly<Record<string, string>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  P: 'f1',
  Q: 'f2',
  R: 'f3',
  S: 'f4',
  Z: 'tab',
}
/** Numbers of `ESC [ n ~` sequences. */
const numbers: Readonly<Record<string, string>> = {
  1: 'home',
  2: 'insert',
  3: 'delete',
  4: 'end',
  5: 'pgup',
  6: 'pgdown',
  7: 'home',
  8: 'end',
  ...Object.fromEntries([11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24].map((code, i) => [code, `f${i + 1}`])),
}
const controls: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  [ESC]: 'esc',
}
const buttons = ['left', 'middle', 'right', 'none']
const wheels = ['wheel_up', 'wheel_down', 'wheel_left', 'wheel_right']

export class InputParser {
  readonly #decoder = new TextDecoder()
  #rest = ''

  /** Something has come that may be the start of more: a lone escape, half a sequence. */
  get waiting(): boolean {
    return this.#rest !== ''
  }

  feed(bytes: Uint8Array): TtyEvent[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true })
    return this.#take(false)
  }

  /** No more comes for now: an escape was the key Escape. A paste goes on waiting for its end. */
  settle(): TtyEvent[] {
    return this.#take(true)
  }

  #take(settled: boolean): TtyEvent[] {
    const events: TtyEvent[] = []
    while (this.#rest !== '') {
      const [length, event] = this.#next(settled)
      if (event !== undefined) events.push(event)
      if (length === 0) break
      this.#rest = this.#rest.slice(length)
    }
    return events
  }

  /** How many characters the next event takes; 0 when its end has not come yet. */
  #next(settled: boolean): readonly [number, TtyEvent | undefined] {
    const text = this.#rest
    if (!text.startsWith(ESC)) {
      const first = String.fromCodePoint(text.codePointAt(0) ?? 0)
      return [first.length, keyOf(first, none)]
    }
    if (text.startsWith(PASTE_START)) return this.#paste()
    const sequence = /^\x1b(?:\[([<?]?[\d;:]*)([@-Z^-~])|O([A-Z]))/.exec(text)
    if (sequence !== null)
      return [sequence[0].length, sequenceEvent(sequence[1] ?? '', sequence[2] ?? sequence[3] ?? '')]
    if (/^\x1b(?:\[[<?]?[\d;:]*|O)?$/.test(text) && !settled) return [0, undefined]
    if (text.length === 1) return [1, keyOf(ESC, none)]
    const second = String.fromCodePoint(text.codePointAt(1) ?? 0)
    return [1 + second.length, keyOf(second, { ...none, alt: true })]
  }

  #paste(): readonly [number, TtyEvent | undefined] {
    const end = this.#rest.indexOf(PASTE_END)
    if (end >= 0) {
      return [end + PASTE_END.length, { type: 'paste', text: lineEnds(this.#rest.slice(PASTE_START.length, end)) }]
    }
    if (this.#rest.length < LONGEST_PASTE) return [0, undefined]
    const part = this.#rest.slice(PASTE_START.length)
    // What follows is the same paste: it keeps its start.
    this.#rest = PASTE_START
    return [0, part === '' ? undefined : { type: 'paste', text: lineEnds(part) }]
  }
}

function lineEnds(text: string): string {
  return text.replaceAll(/\r\n?/g, '\n')
}

function keyOf(char: string, modifiers: Modifiers): TtyEvent {
  const code = char.codePointAt(0) ?? 0
  const press = { type: 'key', action: 'press', ...modifiers } as const
  const control = controls[char]
  if (control !== undefined) return { ...press, key: control, key_type: control }
  if (char === ' ') return { ...press, key: ' ', key_type: 'space' }
  if (code >= 0x20) return { ...press, key: char, key_type: 'runes' }
  // Ctrl takes the upper bits away: ^@ is 0, ^A is 1.
  const key = code === 0 ? '@' : String.fromCharCode(code + (code <= 26 ? 0x60 : 0x40))
  return { ...press, key, key_type: 'runes', ctrl: true }
}

function sequenceEvent(parameters: string, last: string): TtyEvent | undefined {
  if (parameters.startsWith('<')) return mouseEvent(parameters.slice(1).split(';').map(Number), last)
  if (parameters === '' && last === 'I') return { type: 'focus', focused: true }
  if (parameters === '' && last === 'O') return { type: 'focus', focused: false }
  const [first = '', modifier = '1'] = parameters.split(';')
  const key = last === '~' ? numbers[first] : letters[last]
  if (key === undefined) return undefined
  const bits = Math.max(0, Number(modifier.split(':')[0]) - 1)
  const shift = (bits & 1) !== 0 || last === 'Z'
  return { type: 'key', key, key_type: key, action: 'press', alt: (bits & 2) !== 0, ctrl: (bits & 4) !== 0, shift }
}

/** Columns and rows count from 0. */
function mouseEvent([code = 0, column = 1, row = 1]: readonly number[], last: string): TtyEvent {
  const wheel = (code & 64) !== 0
  const motion = (code & 32) !== 0
  return {
    type: 'mouse',
    action: wheel ? 'wheel' : motion ? 'motion' : last === 'M' ? 'press' : 'release',
    button: (wheel ? wheels : buttons)[code & 3] ?? 'none',
    x: column - 1,
    y: row - 1,
    shift: (code & 4) !== 0,
    alt: (code & 8) !== 0,
    ctrl: (code & 16) !== 0,
  }
}
