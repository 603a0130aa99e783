// Patterns over dotted names, as `disable` and a module's `exclude` use them: `*` one segment, `**` any number, `(a|b)` either.

/** True when a dotted name matches. `*` beside other characters stands for the rest of that segment. */
export function matchesName(pattern: string, name: string): boolean {
  return matchSegments(pattern.split('.'), name.split('.'))
}

/** The same for `namespace:name`, both sides by themselves; a pattern without a colon names a namespace. */
export function matchesId(pattern: string, id: string): boolean {
  const colon = pattern.indexOf(':')
  const idColon = id.indexOf(':')
  if (colon < 0) return matchesName(pattern, id.slice(0, idColon))
  return (
    matchesName(pattern.slice(0, colon), id.slice(0, idColon)) &&
    matchesName(pattern.slice(colon + 1), id.slice(idColon + 1))
  )
}

function matchSegments(pattern: readonly string[], name: readonly string[]): boolean {
  // One point to return to, the last `**`, is enough: never exponential.
  let p = 0
  let n = 0
  let star = -1
  let resume = 0
  while (n < name.length) {
    if (pattern[p] === '**') {
      star = p++
      resume = n
    } else if (p < pattern.length && matchSegment(pattern[p] ?? '', name[n] ?? '')) {
      p++
      n++
    } else if (star >= 0) {
      p = star + 1
      n = ++resume
    } else {
      return false
    }
  }
  while (pattern[p] === '**') p++
  return p === pattern.length
}

function matchSegment(pattern: string, segment: string): boolean {
  if (pattern === '*') return true
  if (pattern.startsWith('(') && pattern.endsWith(')')) {
    return pattern
      .slice(1, -1)
      .split('|')
      .some((alternative) => glob(alternative, segment))
  }
  return glob(pattern, segment)
}

function glob(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  if (rest.length === 0) return head === text
  if (!text.startsWith(head)) return false
  const tail = rest.pop() ?? ''
  let at = head.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return text.length - tail.length >= at && text.endsWith(tail)
}
