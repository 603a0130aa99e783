// Makes text harmless for a terminal: it keeps lines, tabs and colours, and turns every other control into visible text.
// What a model or a tool says reaches the screen through programs that print it; no program can tell (design/PROMISES.md P13).

/** A colour sequence that may be unfinished at the end of a write; longer than this it is none. */
const LONGEST_PENDING = 32

/**
 * Text in pieces, as it is written. A colour (`ESC [ ... m`) may be cut in two by a write; `end` gives what is left of one.
 * Allowed are new line, carriage return, tab, and the colours and styles of `ESC [ ... m` but concealing (8).
 */
export class InertText {
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  readonly #colours: boolean
  #pending = ''
  #styled = false

  /** Without colours, their sequences and those of styles disappear. */
  constructor({ colours = true }: { readonly colours?: boolean } = {}) {
    this.#colours = colours
  }

  /** True when a style is on that nobody has reset. */
  get styled(): boolean {
    return this.#styled
  }

  /** The next piece; bytes are read as UTF-8, also when a character is cut in two. */
  next(piece: string | Uint8Array): string {
    const text =
      typeof piece === 'string' ? this.#decoder.decode() + piece : this.#decoder.decode(piece, { stream: true })
    let all = this.#pending + text
    this.#pending = ''
    const open = /\x1b(?:\[[\d;:]*)?$/.exec(all)
    if (open !== null && open[0].length <= LONGEST_PENDING) {
      this.#pending = open[0]
      all = all.slice(0, open.index)
    }
    return this.#inert(all)
  }

  /** What was held back, as text, and a reset when a style is still on. */
  end(): string {
    const rest = this.#inert(this.#pending + this.#decoder.decode())
    this.#pending = ''
    const reset = this.#styled ? '\x1b[0m' : ''
    this.#styled = false
    return rest + reset
  }

  #inert(text: string): string {
    return text.replace(/\x1b\[([\d;:]*)m|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, (control, style?: string) => {
      if (style === undefined) return picture(control.charCodeAt(0))
      const kept = this.#colours ? withoutConceal(style) : undefined
      if (kept === undefined) return ''
      this.#styled = !/^(?:.*[;:])?0*$/.test(kept)
      return `\x1b[${kept}m`
    })
  }
}

/** The picture of a control character in Unicode; the upper ones have none. */
function picture(code: number): string {
  if (code === 0x7f) return '\u2421'
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : '\ufffd'
}

/** The parameters without 8, which hides text; undefined when nothing else is there. Colour numbers stay: `38;5;8`. */
function withoutConceal(style: string): string | undefined {
  if (!/(?:^|;)0*8(?:;|$)/.test(style)) return style
  const parts = style.split(';')
  const kept: string[] = []
  for (let i = 0; i < parts.length; i++) {
    const part = Number(parts[i])
    if (part === 38 || part === 48 || part === 58) {
      const length = Number(parts[i + 1]) === 5 ? 3 : Number(parts[i + 1]) === 2 ? 5 : 1
      kept.push(...parts.slice(i, i + length))
      i += length - 1
    } else if (part !== 8) kept.push(parts[i] ?? '')
  }
  return kept.length === 0 ? undefined : kept.join(';')
}
