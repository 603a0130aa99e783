// Lua 5.4 patterns over bytes, with a budget of steps: native matching cannot be interrupted, and a hostile pattern takes
// it longer than the universe has. Same results and the same errors as string.match; what is cheap may stay native.

import { RuntimeError } from '../core/error.ts'

/** Steps that one search, or all searches of one `gsub`, may take. Counted down; shared between searches on purpose. */
export interface Budget {
  steps: number
}

export const DEFAULT_STEPS = 5_000_000

export interface Range {
  readonly start: number
  readonly end: number
}

/** Offsets from 0, ends exclusive. A position capture `()` is a number, from 1 as Lua counts. */
export interface Match extends Range {
  readonly captures: readonly (Range | number)[]
}

/**
 * The first match at or after `init` (an offset from 0), or `undefined`. A leading `^` anchors, as in string.match.
 * Throws Invalid where the pattern is malformed, LimitExceeded when the budget is spent.
 */
export function matchPattern(
  subject: Uint8Array,
  pattern: Uint8Array,
  init = 0,
  budget: Budget = { steps: DEFAULT_STEPS },
): Match | undefined {
  return new Matcher(subject, pattern, budget).search(init)
}

/** The match that begins just at `at`; `^` means itself, as in string.gmatch. */
export function matchAt(
  subject: Uint8Array,
  pattern: Uint8Array,
  at: number,
  budget: Budget = { steps: DEFAULT_STEPS },
): Match | undefined {
  return new Matcher(subject, pattern, budget).at(at, 0)
}

const code = (character: string): number => character.charCodeAt(0)
const ESCAPE = code('%')
const OPEN = code('(')
const CLOSE = code(')')
const OPEN_SET = code('[')
const CLOSE_SET = code(']')
const CARET = code('^')
const DOLLAR = code('$')
const DOT = code('.')
const STAR = code('*')
const PLUS = code('+')
const MINUS = code('-')
const QUESTION = code('?')
const BALANCE = code('b')
const FRONTIER = code('f')
const ZERO = code('0')
const ONE = code('1')
const NINE = code('9')

const isDigit = (byte: number | undefined): byte is number => byte !== undefined && byte >= ZERO && byte <= NINE

/** As many captures, and as deep, as stock Lua. */
const MAX_CAPTURES = 32
const DEEPEST = 200

const FAIL = -1
const UNCLOSED = -1
const POSITION = -2

class Matcher {
  readonly #subject: Uint8Array
  readonly #pattern: Uint8Array
  readonly #budget: Budget
  /** By offset of a single-character item in the pattern: which bytes it takes. Made when first reached. */
  readonly #tables: (Uint8Array | undefined)[] = []
  readonly #starts: number[] = []
  readonly #lengths: number[] = []
  #level = 0
  #depth = 0

  constructor(subject: Uint8Array, pattern: Uint8Array, budget: Budget) {
    this.#subject = subject
    this.#pattern = pattern
    this.#budget = budget
  }

  search(init: number): Match | undefined {
    const anchored = this.#pattern[0] === CARET
    const from = anchored ? 1 : 0
    // `.-x` that fails here fails everywhere behind: it could have walked there.
    const last = anchored || walksAnywhere(this.#pattern) ? init : this.#subject.length
    for (let at = init; at <= last; at++) {
      const match = this.at(at, from)
      if (match !== undefined) return match
    }
    return undefined
  }

  at(start: number, from: number): Match | undefined {
    this.#level = 0
    this.#depth = 0
    const end = this.#match(start, from)
    return end === FAIL ? undefined : { start, end, captures: this.#captures() }
  }

  #captures(): (Range | number)[] {
    const captures: (Range | number)[] = []
    for (let i = 0; i < this.#level; i++) {
      const [start, length] = [this.#starts[i]!, this.#lengths[i]!]
      if (length === UNCLOSED) throw malformed('unfinished capture')
      captures.push(length === POSITION ? start + 1 : { start, end: start + length })
    }
    return captures
  }

  #spend(steps: number): void {
    this.#budget.steps -= steps
    if (this.#budget.steps < 0) {
      throw new RuntimeError('LimitExceeded', 'pattern takes too many steps', { retryable: false })
    }
  }

  /** Where the match of `pattern[p..]` at `s` ends. Recurses only where it may have to come back. */
  #match(from: number, item: number): number {
    const pattern = this.#pattern
    let s = from
    let p = item
    this.#depth += 1
    if (this.#depth > DEEPEST) throw malformed('pattern too complex')
    try {
      for (;;) {
        if (p === pattern.length) return s
        this.#spend(1)
        const first = pattern[p]!
        if (first === OPEN) return this.#open(s, p + 1)
        if (first === CLOSE) return this.#close(s, p + 1)
        if (first === DOLLAR && p + 1 === pattern.length) return s === this.#subject.length ? s : FAIL
        const second = pattern[p + 1]
        if (first === ESCAPE && second === BALANCE) {
          s = this.#balanced(s, p + 2)
          p += 4
        } else if (first === ESCAPE && second === FRONTIER) {
          p += 2
          if (pattern[p] !== OPEN_SET) throw malformed("missing '[' after '%f' in pattern")
          const table = this.#table(p)
          const before = s === 0 ? 0 : this.#subject[s - 1]!
          if (table[before] !== 0 || table[this.#subject[s] ?? 0] === 0) return FAIL
          p = this.#itemEnd(p)
        } else if (first === ESCAPE && isDigit(second)) {
          s = this.#repeated(s, second)
          p += 2
        } else {
          const end = this.#itemEnd(p)
          const quantifier = pattern[end]
          if (quantifier === STAR) return this.#most(s, p, end, 0)
          if (quantifier === PLUS) return this.#most(s, p, end, 1)
          if (quantifier === MINUS) return this.#least(s, p, end)
          const fits = this.#fits(s, p)
          if (quantifier === QUESTION) {
            const taken = fits ? this.#match(s + 1, end + 1) : FAIL
            if (taken !== FAIL) return taken
            p = end + 1
          } else {
            if (!fits) return FAIL
            s += 1
            p = end
          }
        }
        if (s === FAIL) return FAIL
      }
    } finally {
      this.#depth -= 1
    }
  }

  #fits(s: number, p: number): boolean {
    return s < this.#subject.length && this.#table(p)[this.#subject[s]!] !== 0
  }

  /** `x*` and `x+`: as many as there are, then fewer, until the rest matches. */
  #most(s: number, p: number, end: number, least: number): number {
    const table = this.#table(p)
    const subject = this.#subject
    let count = 0
    while (s + count < subject.length && table[subject[s + count]!] !== 0) count += 1
    this.#spend(count)
    for (; count >= least; count--) {
      const result = this.#match(s + count, end + 1)
      if (result !== FAIL) return result
    }
    return FAIL
  }

  /** `x-`: as few as will do. */
  #least(start: number, p: number, end: number): number {
    for (let s = start; ; s++) {
      const result = this.#match(s, end + 1)
      if (result !== FAIL) return result
      if (!this.#fits(s, p)) return FAIL
    }
  }

  #open(s: number, p: number): number {
    if (this.#level >= MAX_CAPTURES) throw malformed('too many captures')
    const position = this.#pattern[p] === CLOSE
    this.#starts[this.#level] = s
    this.#lengths[this.#level] = position ? POSITION : UNCLOSED
    this.#level += 1
    const result = this.#match(s, position ? p + 1 : p)
    if (result === FAIL) this.#level -= 1
    return result
  }

  #close(s: number, p: number): number {
    let capture = this.#level - 1
    while (capture >= 0 && this.#lengths[capture] !== UNCLOSED) capture -= 1
    if (capture < 0) throw malformed('invalid pattern capture')
    this.#lengths[capture] = s - this.#starts[capture]!
    const result = this.#match(s, p)
    if (result === FAIL) this.#lengths[capture] = UNCLOSED
    return result
  }

  /** `%bxy`: from an x to the y that closes it. */
  #balanced(s: number, p: number): number {
    if (p + 1 >= this.#pattern.length) throw malformed("malformed pattern (missing arguments to '%b')")
    const [opening, closing] = [this.#pattern[p]!, this.#pattern[p + 1]!]
    const subject = this.#subject
    if (s >= subject.length || subject[s] !== opening) return FAIL
    let open = 1
    for (let at = s + 1; at < subject.length; at++) {
      const byte = subject[at]
      // The closing one first: they may be the same.
      if (byte === closing) open -= 1
      else if (byte === opening) open += 1
      if (open === 0) {
        this.#spend(at - s)
        return at + 1
      }
    }
    this.#spend(subject.length - s)
    return FAIL
  }

  /** `%1`: what the capture took, once more. */
  #repeated(s: number, digit: number): number {
    const capture = digit - ONE
    const length = this.#lengths[capture]
    if (capture < 0 || capture >= this.#level || length === undefined || length === UNCLOSED) {
      throw malformed(`invalid capture index %${capture + 1}`)
    }
    // A position capture has taken nothing that could be compared.
    if (length === POSITION || s + length > this.#subject.length) return FAIL
    const start = this.#starts[capture]!
    this.#spend(length)
    for (let i = 0; i < length; i++) {
      if (this.#subject[start + i] !== this.#subject[s + i]) return FAIL
    }
    return s + length
  }

  #itemEnd(p: number): number {
    return itemEnd(this.#pattern, p)
  }

  #table(p: number): Uint8Array {
    return (this.#tables[p] ??= tableOf(this.#pattern, p, this.#itemEnd(p)))
  }
}

const malformed = (message: string): RuntimeError => new RuntimeError('Invalid', message, { retryable: false })

/** Where the single-character item at `p` ends, its quantifier not included. */
function itemEnd(pattern: Uint8Array, p: number): number {
  const first = pattern[p]
  if (first === ESCAPE) {
    if (p + 1 >= pattern.length) throw malformed("malformed pattern (ends with '%')")
    return p + 2
  }
  if (first !== OPEN_SET) return p + 1
  // A `]` right after the opening is a member of the set.
  let at = pattern[p + 1] === CARET ? p + 2 : p + 1
  do {
    if (at >= pattern.length) throw malformed("malformed pattern (missing ']')")
    at += pattern[at] === ESCAPE && at + 1 < pattern.length ? 2 : 1
  } while (pattern[at] !== CLOSE_SET)
  return at + 1
}

const classes: Readonly<Record<string, RegExp>> = {
  a: /[A-Za-z]/,
  c: /[\x00-\x1f\x7f]/,
  d: /\d/,
  g: /[\x21-\x7e]/,
  l: /[a-z]/,
  p: /[!-/:-@[-`{-~]/,
  s: /[\t-\r ]/,
  u: /[A-Z]/,
  w: /[A-Za-z0-9]/,
  x: /[A-Fa-f0-9]/,
  // Not documented since Lua 5.2, still there.
  z: /\0/,
}

/** Adds the bytes of `%letter` to a table; upper case is the complement, any other character itself. */
function addClass(table: Uint8Array, letter: number): void {
  const name = String.fromCharCode(letter)
  const members = classes[name.toLowerCase()]
  if (members === undefined) table[letter] = 1
  else {
    const wanted = name === name.toLowerCase()
    for (let byte = 0; byte < 256; byte++) if (members.test(String.fromCharCode(byte)) === wanted) table[byte] = 1
  }
}

/** The bytes that the item `pattern[p..end)` takes. */
function tableOf(pattern: Uint8Array, p: number, end: number): Uint8Array {
  const table = new Uint8Array(256)
  const first = pattern[p]!
  if (first === DOT) return table.fill(1)
  if (first === ESCAPE) addClass(table, pattern[p + 1]!)
  else if (first === OPEN_SET) return setTable(pattern, p + 1, end - 1)
  else table[first] = 1
  return table
}

/** The bytes of the set whose members are `pattern[start..close)`. */
function setTable(pattern: Uint8Array, start: number, close: number): Uint8Array {
  const table = new Uint8Array(256)
  const negated = pattern[start] === CARET
  let at = negated ? start + 1 : start
  while (at < close) {
    const byte = pattern[at]!
    if (byte === ESCAPE) {
      addClass(table, pattern[at + 1]!)
      at += 2
    } else if (pattern[at + 1] === MINUS && at + 2 < close) {
      for (let member = byte; member <= pattern[at + 2]!; member++) table[member] = 1
      at += 3
    } else {
      table[byte] = 1
      at += 1
    }
  }
  return negated ? table.map((member) => 1 - member) : table
}

/** Does the pattern begin with something that takes any bytes, any number of them, with no reference back to it? */
function walksAnywhere(pattern: Uint8Array): boolean {
  let at = 0
  while (pattern[at] === OPEN && pattern[at + 1] !== CLOSE) at += 1
  if (pattern[at] !== DOT || (pattern[at + 1] !== STAR && pattern[at + 1] !== MINUS)) return false
  for (let i = at; i < pattern.length; i++) {
    if (pattern[i] === ESCAPE && (isDigit(pattern[i + 1]) || pattern[i + 1] === FRONTIER)) return false
    if (pattern[i] === ESCAPE) i += 1
  }
  return true
}

/** Longest pattern that a linear search may have and still be taken as cheap. */
const SHORT_PATTERN = 256

/**
 * The longest subject on which native Lua stays within `steps`, whatever the subject holds; Infinity where the time is
 * linear. An estimate from above: length to the power of the repetitions that may have to be given back.
 */
export function cheapUpTo(pattern: Uint8Array, steps: number = DEFAULT_STEPS): number {
  const anchored = pattern[0] === CARET
  let repeats = 0
  let choices = 0
  let p = anchored ? 1 : 0
  while (p < pattern.length) {
    const [first, second] = [pattern[p]!, pattern[p + 1]]
    if (first === OPEN || first === CLOSE) p += 1
    else if (first === ESCAPE && (second === BALANCE || isDigit(second))) {
      repeats += 1
      p += second === BALANCE ? 4 : 2
    } else {
      const end = soundEnd(pattern, p)
      const quantifier = pattern[end]
      const quantified = quantifier === STAR || quantifier === PLUS || quantifier === MINUS
      if (quantifier === QUESTION) choices += 1
      // The last item never gives anything back: nothing after it can fail.
      else if (quantified && !closesPattern(pattern, end + 1)) repeats += 1
      p = quantified || quantifier === QUESTION ? end + 1 : end
    }
  }
  const degree = repeats + (anchored || walksAnywhere(pattern) ? 0 : 1)
  const rest = 2 ** Math.min(choices, 40) * Math.max(1, pattern.length / SHORT_PATTERN)
  if (degree <= 1 && rest <= 4) return Number.POSITIVE_INFINITY
  return Math.floor((steps / rest) ** (1 / Math.max(1, degree)))
}

/** Patterns that native Lua runs in time linear in the subject. */
export function isCheap(pattern: Uint8Array): boolean {
  return cheapUpTo(pattern) === Number.POSITIVE_INFINITY
}

/** The end of an item; a malformed one takes the rest, since native Lua refuses it at once. */
function soundEnd(pattern: Uint8Array, p: number): number {
  try {
    return itemEnd(pattern, p)
  } catch (error) {
    if (error instanceof RuntimeError) return pattern.length
    throw error
  }
}

/** Only the ends of captures follow. */
function closesPattern(pattern: Uint8Array, from: number): boolean {
  for (let p = from; p < pattern.length; p++) if (pattern[p] !== CLOSE) return false
  return true
}
