// A place in the tokens: what the parsers share, and the record of what is not plain Lua.

import type { RuntimeError } from '../../core/error.ts'
import type { Name } from './ast.ts'
import { EOF, NAME, type Patch, positionAt, shown, syntaxError, type TokenKind, type Tokens } from './lexer.ts'

/** As deep as stock Lua nests (LUAI_MAXCCALLS), so that what passes here loads there. */
const DEEPEST = 190

export class Cursor {
  readonly tokens: Tokens
  /** Stretches of the source that are types; they become blanks. */
  readonly erased: Patch[] = []
  /** Of the token it stands on. A field, not a getter: every step of the parser asks for it. */
  kind: TokenKind
  #at = 0
  #depth = 0
  #erasedUpTo = -1
  #erasures = 0
  /** The token whose first half closed a type. */
  #halved = -1

  constructor(tokens: Tokens) {
    this.tokens = tokens
    this.kind = tokens.kinds[0]!
  }

  get start(): number {
    return this.tokens.starts[this.#at]!
  }

  /** End of the token before. */
  get lastEnd(): number {
    return this.#at === 0 ? 0 : this.tokens.ends[this.#at - 1]!
  }

  is(kind: TokenKind): boolean {
    return this.kind === kind
  }

  peek(distance: number): TokenKind {
    const { kinds } = this.tokens
    return kinds[this.#at + distance] ?? EOF
  }

  text(distance = 0): string {
    const at = this.#at + distance
    return this.tokens.source.slice(this.tokens.starts[at], this.tokens.ends[at])
  }

  /** Is the token a name with this text? Words of the type grammar are names everywhere else. */
  isWord(word: string, distance = 0): boolean {
    if (this.peek(distance) !== NAME) return false
    const { source, starts, ends } = this.tokens
    const at = this.#at + distance
    return ends[at]! - starts[at]! === word.length && source.startsWith(word, starts[at]!)
  }

  /** Does the token stand on a later line than the one before it? */
  startsLine(distance = 0): boolean {
    const at = this.#at + distance
    if (at === 0) return true
    return /[\r\n]/.test(this.tokens.source.slice(this.tokens.ends[at - 1], this.tokens.starts[at]))
  }

  advance(count = 1): void {
    this.#at = Math.min(this.#at + count, this.tokens.kinds.length - 1)
    this.kind = this.tokens.kinds[this.#at]!
  }

  accept(kind: TokenKind): boolean {
    if (this.kind !== kind) return false
    this.advance()
    return true
  }

  expect(kind: TokenKind): void {
    if (!this.accept(kind)) throw this.fail(`'${kind}' expected`)
  }

  /** The closing half of a pair, whose opening is named when it stands on another line. */
  expectClosing(kind: TokenKind, opening: TokenKind, openedAt: number): void {
    if (this.accept(kind)) return
    const { line } = positionAt(this.tokens.lineStarts, openedAt)
    if (line === positionAt(this.tokens.lineStarts, this.start).line) throw this.fail(`'${kind}' expected`)
    throw this.fail(`'${kind}' expected (to close '${opening}' at line ${line})`)
  }

  name(): Name {
    if (this.kind !== NAME) throw this.fail('<name> expected')
    const name = { text: this.text(), at: this.start }
    this.advance()
    return name
  }

  /** Takes one `>` off what may have been read as `>>`, `>=` or `>>=`. */
  closeAngle(): void {
    const { kinds, starts } = this.tokens
    const rest = { '>>': '>', '>=': '=' }[this.kind]
    if (rest === undefined) this.expect('>')
    else {
      kinds[this.#at] = rest
      this.kind = rest
      starts[this.#at] = this.start + 1
      this.#halved = this.#at
    }
  }

  /** `unexpected symbol near 'x'`, at the token. */
  fail(message: string): RuntimeError {
    const near = this.kind === EOF ? EOF : `'${shown(this.text())}'`
    return syntaxError(this.tokens, this.start, `${message} near ${near}`)
  }

  failAt(offset: number, message: string): RuntimeError {
    return syntaxError(this.tokens, offset, message)
  }

  /** One level deeper. Too deep is an error of the source, not of our stack. */
  enter(): void {
    this.#depth += 1
    if (this.#depth > DEEPEST) throw this.fail('chunk has too many syntax levels')
  }

  leave(): void {
    this.#depth -= 1
  }

  /** Runs what reads a type, and blanks everything from `start` to where it ends. */
  erasing<T>(start: number, parse: () => T): T {
    this.#erasures += 1
    const result = parse()
    this.#erasures -= 1
    if (this.#erasures === 0) this.erase(start, this.#halved === this.#at ? this.start : this.lastEnd)
    return result
  }

  /** Are we inside a type? */
  get insideType(): boolean {
    return this.#erasures > 0
  }

  /** Where the last erased stretch ends. */
  get erasedEnd(): number {
    return this.#erasedUpTo
  }

  erase(start: number, end: number): void {
    this.erased.push({ start, end, text: blank(this.tokens.source, start, end) })
    this.#erasedUpTo = end
  }

  /** Makes a call of what stands from `start` to the mark just read; the mark becomes its parenthesis. */
  wrap(start: number, opening: string): void {
    if (this.insideType) return
    this.erased.push({ start, end: start, text: opening }, { start: this.lastEnd - 1, end: this.lastEnd, text: ')' })
    this.#erasedUpTo = this.lastEnd
  }

  /**
   * A statement that ended in a type must not flow into a parenthesis that follows: `local a = b :: T` and `(f)()`
   * on the next line are two statements, `local a = b` and `(f)()` would be one call.
   */
  separate(): void {
    const last = this.erased.at(-1)
    if (this.kind !== '(' || last === undefined || this.#erasedUpTo !== this.lastEnd) return
    const text = last.text === ')' ? ');' : `;${last.text.slice(1)}`
    this.erased[this.erased.length - 1] = { ...last, text }
  }
}

/** The same stretch as white space, with its line breaks. */
export function blank(source: string, start: number, end: number): string {
  return source.slice(start, end).replace(/[^\r\n]/g, ' ')
}

/** The value of a string token. */
export function stringValue(raw: string): string {
  if (raw.startsWith('[')) {
    const level = raw.indexOf('[', 1) + 1
    return raw.slice(level, -level).replace(/^(?:\r\n|\n\r|\r|\n)/, '')
  }
  const inner = raw.slice(1, -1)
  if (!inner.includes('\\')) return inner
  const letters: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' }
  return inner.replace(
    /\\(?:z\s*|x([\da-fA-F]{2})|u\{([\da-fA-F]+)\}|(\d{1,3})|(\r\n|\n\r|[\s\S]))/g,
    (_, hex: string | undefined, point: string | undefined, decimal: string | undefined, other: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      if (point !== undefined) {
        const code = Number.parseInt(point, 16)
        return code <= 0x10ffff ? String.fromCodePoint(code) : '\uFFFD'
      }
      if (decimal !== undefined) return String.fromCharCode(Number(decimal))
      if (other === undefined) return ''
      return letters[other] ?? (/^[\r\n]/.test(other) ? '\n' : other)
    },
  )
}
