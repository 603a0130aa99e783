// Differences of texts line by line, as a person reads them: unified, with three lines around each change.

const CONTEXT = 3
/** Beyond this many lines on both sides the texts are shown as replaced: finding the least difference would take too long. */
const LARGEST = 4_000_000

interface Line {
  readonly mark: ' ' | '-' | '+'
  readonly text: string
}

/** Lines beginning with `-`, `+` or a blank, in hunks led by `@@ -1,4 +1,5 @@`; none when the texts are equal. */
export function unifiedDiff(before: string, after: string): string[] {
  const lines = compare(before.split('\n'), after.split('\n'))
  const changed = lines.flatMap(({ mark }, index) => (mark === ' ' ? [] : [index]))
  const result: string[] = []
  let from = 0
  while (from < changed.length) {
    let to = from
    // Changes whose surroundings touch are one hunk.
    while (to + 1 < changed.length && (changed[to + 1] ?? 0) - (changed[to] ?? 0) <= 2 * CONTEXT) to++
    const start = Math.max(0, (changed[from] ?? 0) - CONTEXT)
    const end = Math.min(lines.length, (changed[to] ?? 0) + CONTEXT + 1)
    result.push(header(lines, start, end), ...lines.slice(start, end).map(({ mark, text }) => mark + text))
    from = to + 1
  }
  return result
}

function header(lines: readonly Line[], start: number, end: number): string {
  const count = (part: readonly Line[], without: '+' | '-'): number =>
    part.filter(({ mark }) => mark !== without).length
  const side = (without: '+' | '-'): string => {
    const size = count(lines.slice(start, end), without)
    return `${count(lines.slice(0, start), without) + (size === 0 ? 0 : 1)},${size}`
  }
  return `@@ -${side('+')} +${side('-')} @@`
}

/** The longest common subsequence, on what is left between equal beginnings and ends. */
function compare(before: readonly string[], after: readonly string[]): Line[] {
  const shortest = Math.min(before.length, after.length)
  let head = 0
  while (head < shortest && before[head] === after[head]) head++
  let tail = 0
  while (tail < shortest - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++
  const keep = (text: string): Line => ({ mark: ' ', text })
  return [
    ...before.slice(0, head).map(keep),
    ...between(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(keep),
  ]
}

function between(before: readonly string[], after: readonly string[]): Line[] {
  const removed = before.map((text): Line => ({ mark: '-', text }))
  const added = after.map((text): Line => ({ mark: '+', text }))
  if (before.length * after.length > LARGEST) return [...removed, ...added]
  const width = after.length + 1
  // common[i * width + j]: how many lines before[i..] and after[j..] have in common.
  const common = new Uint32Array((before.length + 1) * width)
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      const down = common[(i + 1) * width + j] ?? 0
      const right = common[i * width + j + 1] ?? 0
      common[i * width + j] =
        before[i] === after[j] ? (common[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(down, right)
    }
  }
  const lines: Line[] = []
  let i = 0
  let j = 0
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ mark: ' ', text: before[i] ?? '' })
      i++
      j++
    } else if (
      i < before.length &&
      (j >= after.length || (common[(i + 1) * width + j] ?? 0) >= (common[i * width + j + 1] ?? 0))
    ) {
      lines.push({ mark: '-', text: before[i++] ?? '' })
    } else {
      lines.push({ mark: '+', text: after[j++] ?? '' })
    }
  }
  return lines
}
