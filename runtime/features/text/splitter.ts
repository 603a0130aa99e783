// Splitting text into chunks of limited length with some overlap: at the coarsest separator first, then at finer ones.
// Lengths count code points, so no character is ever cut. The rules are those of langchaingo, except that a separator
// never makes a chunk too long.

export interface SplitOptions {
  readonly chunkSize: number
  readonly chunkOverlap: number
  readonly keepSeparator: boolean
  /** Coarse to fine; the empty string separates every character. */
  readonly separators: readonly string[]
}

/** Chunks of at most `chunkSize`, longer only where no separator is left. */
export function splitRecursively(text: string, options: SplitOptions): string[] {
  return split(text, options, 0)
}

function split(text: string, options: SplitOptions, from: number): string[] {
  const { separators, chunkSize } = options
  const found = separators.findIndex((candidate, i) => i >= from && (candidate === '' || text.includes(candidate)))
  const separator = separators[found < 0 ? separators.length - 1 : found] ?? ''
  const finer = found < 0 ? separators.length : found + 1
  const pieces = cut(text, separator, options.keepSeparator)
  const joint = options.keepSeparator ? '' : separator
  const chunks: string[] = []
  let small: string[] = []
  const flush = (): void => {
    for (const chunk of merge(small, joint, options)) chunks.push(chunk)
    small = []
  }
  for (const piece of pieces) {
    if (codePoints(piece) < chunkSize) {
      small.push(piece)
      continue
    }
    flush()
    if (finer >= separators.length) chunks.push(piece)
    else for (const chunk of split(piece, options, finer)) chunks.push(chunk)
  }
  flush()
  return chunks
}

/** The pieces between separators; a kept separator starts the piece after it. */
function cut(text: string, separator: string, keep: boolean): string[] {
  const pieces = separator === '' ? [...text] : text.split(separator)
  return keep ? pieces.map((piece, i) => (i === 0 ? piece : separator + piece)) : pieces
}

/** Joins neighbours while they fit; each chunk starts with what of the one before fits into the overlap. */
function merge(pieces: readonly string[], joint: string, options: SplitOptions): string[] {
  const { chunkSize, chunkOverlap } = options
  const jointLength = codePoints(joint)
  const lengths = pieces.map(codePoints)
  const chunks: string[] = []
  let first = 0
  let total = 0
  const emit = (end: number): void => {
    const chunk = pieces.slice(first, end).join(joint).trim()
    if (chunk !== '') chunks.push(chunk)
  }
  pieces.forEach((_, i) => {
    const length = lengths[i] ?? 0
    const grown = total + length + (i > first ? jointLength : 0)
    if (grown > chunkSize && i > first) {
      emit(i)
      const tooLong = (): boolean => total > chunkOverlap || total + jointLength + length > chunkSize
      while (first < i && tooLong()) {
        total -= (lengths[first] ?? 0) + (i - first > 1 ? jointLength : 0)
        first++
      }
    }
    total += length + (i > first ? jointLength : 0)
  })
  emit(pieces.length)
  return chunks
}

export function codePoints(text: string): number {
  let count = text.length
  // A high surrogate never stands alone in text from Lua.
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xfc00) === 0xd800) count--
  return count
}
