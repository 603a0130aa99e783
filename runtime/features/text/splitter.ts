// Splitting text into chunks of limited length with some overlap: at the coarsest separator first, then at finer ones.
// Lengths count code points, so no character is ever cut. The rules are those of langchaingo, except that a separator
// never makes a chunk too long. Long texts are split in steps: generators give chunks, and nothing where they only pause.

export interface SplitOptions {
  readonly chunkSize: number
  readonly chunkOverlap: number
  readonly keepSeparator: boolean
  /** Coarse to fine; the empty string separates every character. */
  readonly separators: readonly string[]
}

/** Chunks, and pauses between. */
export type Chunks = Generator<string | undefined>

/** Pieces between two pauses. */
const PAUSE = 1024

/** Chunks of at most `chunkSize`, longer only where no separator is left. */
export function splitRecursively(text: string, options: SplitOptions): string[] {
  return [...recursiveChunks(text, options)].filter((chunk) => chunk !== undefined)
}

/** The same in steps. */
export function* recursiveChunks(text: string, options: SplitOptions, from = 0): Chunks {
  const { separators, chunkSize, keepSeparator } = options
  const found = separators.findIndex((candidate, i) => i >= from && (candidate === '' || text.includes(candidate)))
  const separator = separators[found < 0 ? separators.length - 1 : found] ?? ''
  if (separator === '' && chunkSize > 1) {
    yield* everyCharacter(text, options)
    return
  }
  const finer = found < 0 ? separators.length : found + 1
  const joint = keepSeparator ? '' : separator
  let small: string[] = []
  let count = 0
  for (const piece of cut(text, separator, keepSeparator)) {
    if (++count % PAUSE === 0) yield undefined
    if (codePoints(piece) < chunkSize) {
      small.push(piece)
      continue
    }
    yield* merge(small, joint, options)
    small = []
    if (finer >= separators.length) yield piece
    else yield* recursiveChunks(piece, options, finer)
  }
  yield* merge(small, joint, options)
}

/** The pieces between separators; a kept separator starts the piece after it. */
function* cut(text: string, separator: string, keep: boolean): Generator<string> {
  if (separator === '') {
    yield* text
    return
  }
  let start = 0
  let from = 0
  for (;;) {
    const end = text.indexOf(separator, from)
    yield text.slice(start, end < 0 ? text.length : end)
    if (end < 0) return
    from = end + separator.length
    start = keep ? end : from
  }
}

/** Joins neighbours while they fit; each chunk starts with what of the one before fits into the overlap. */
function* merge(pieces: readonly string[], joint: string, options: SplitOptions): Chunks {
  const { chunkSize, chunkOverlap } = options
  const jointLength = codePoints(joint)
  const lengths: number[] = []
  let first = 0
  let total = 0
  for (let i = 0; i < pieces.length; i++) {
    if (i % PAUSE === PAUSE - 1) yield undefined
    const length = codePoints(pieces[i] ?? '')
    lengths.push(length)
    const grown = total + length + (i > first ? jointLength : 0)
    if (grown > chunkSize && i > first) {
      yield* trimmed(pieces.slice(first, i).join(joint))
      const tooLong = (): boolean => total > chunkOverlap || total + jointLength + length > chunkSize
      while (first < i && tooLong()) {
        total -= (lengths[first] ?? 0) + (i - first > 1 ? jointLength : 0)
        first++
      }
    }
    total += length + (i > first ? jointLength : 0)
  }
  yield* trimmed(pieces.slice(first).join(joint))
}

/** What `merge` gives for single characters. */
function* everyCharacter(text: string, { chunkSize, chunkOverlap }: SplitOptions): Chunks {
  const advance = chunkSize - Math.min(chunkOverlap, chunkSize - 1)
  let start = 0
  let end = after(text, 0, chunkSize)
  while (end < text.length) {
    yield* trimmed(text.slice(start, end))
    start = after(text, start, advance)
    end = after(text, end, advance)
  }
  yield* trimmed(text.slice(start))
}

/** The index `count` code points further. */
function after(text: string, index: number, count: number): number {
  let at = index
  for (let i = 0; i < count && at < text.length; i++) at += (text.charCodeAt(at) & 0xfc00) === 0xd800 ? 2 : 1
  return Math.min(at, text.length)
}

function* trimmed(chunk: string): Generator<string> {
  const text = chunk.trim()
  if (text !== '') yield text
}

export function codePoints(text: string): number {
  let count = text.length
  // A high surrogate never stands alone in text from Lua.
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) count--
  return count
}
