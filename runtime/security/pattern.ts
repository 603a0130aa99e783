// Patterns over actions and resources: exact, or a prefix. Nothing else is special, and case counts (spec/security.md §2).

/** `*` is everything; `app.*` whatever starts with `app`; `app:*` whatever starts with `app:`; else the text itself. */
export function matchesPattern(pattern: string, text: string): boolean {
  if (pattern === '*' || pattern === text) return true
  if (pattern.endsWith('.*')) return text.startsWith(pattern.slice(0, -2))
  return pattern.endsWith('*') && text.startsWith(pattern.slice(0, -1))
}

export function matchesAny(patterns: readonly string[], text: string): boolean {
  for (const pattern of patterns) if (matchesPattern(pattern, text)) return true
  return false
}
