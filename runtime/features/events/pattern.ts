// Patterns over dotted names: `*` is one segment, `**` any number of them, `(a|b)` alternatives within a segment.

export type Matcher = (name: string) => boolean

/** A matcher for a pattern. Everything else in it is literal. */
export function compilePattern(pattern: string): Matcher {
  if (pattern === '*' || pattern === '**') return () => true
  if (!/[*(]/.test(pattern)) return (name) => name === pattern
  const wanted = pattern.split('.').map(segment)
  return (name) => matches(wanted, name.split('.'))
}

type Segment = 'any' | ((text: string) => boolean)

function segment(text: string): Segment {
  if (text === '**') return 'any'
  if (text === '*') return () => true
  const choices = expand(text)
  return (name) => choices.some((choice) => fits(choice, name))
}

/** `order.(a|b)x` holds the texts `ax` and `bx`; parentheses do not nest. */
function expand(text: string): string[] {
  const group = /\(([^()]*)\)/.exec(text)
  if (group === null) return [text]
  const head = text.slice(0, group.index)
  const tails = expand(text.slice(group.index + group[0].length))
  return (group[1] ?? '').split('|').flatMap((choice) => tails.map((tail) => `${head}${choice}${tail}`))
}

/** A star within a segment stands for any text of that segment: `user_*`. */
function fits(choice: string, name: string): boolean {
  if (!choice.includes('*')) return choice === name
  const parts = choice.split('*')
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false
  let at = first.length
  const end = name.length - last.length
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** Greedy with one remembered `**`: no pattern takes more than pattern times name steps. */
function matches(wanted: readonly Segment[], name: readonly string[]): boolean {
  let at = 0
  let wantedAt = 0
  let star = -1
  let resume = 0
  while (at < name.length) {
    const one = wanted[wantedAt]
    if (one === 'any') {
      star = wantedAt++
      resume = at
    } else if (one?.(name[at] ?? '') === true) {
      wantedAt++
      at++
    } else if (star >= 0) {
      wantedAt = star + 1
      at = ++resume
    } else {
      return false
    }
  }
  return wanted.slice(wantedAt).every((one) => one === 'any')
}
