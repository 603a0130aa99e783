// Text made safe for HTML and JavaScript, written as Go's packages write it.

const html: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\ufffd',
}
const script: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  "'": "\\'",
  '"': '\\"',
  '<': '\\u003C',
  '>': '\\u003E',
  '&': '\\u0026',
  '=': '\\u003D',
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'\0]/g, (one) => html[one] ?? one)
}

export function escapeScript(text: string): string {
  return text.replace(
    /[\\'"<>&=\x00-\x1f\x7f\u2028\u2029]/g,
    (one) => script[one] ?? `\\u${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`,
  )
}

/** Go's url.QueryEscape. */
export function escapeQuery(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/%20/g, '+')
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`)
}

/** JSON as Go marshals it: keys sorted, characters of HTML escaped. */
export function jsonText(value: unknown): string {
  const plain = (item: unknown, depth: number): unknown => {
    if (depth > 100) throw new RangeError('value is nested too deep for JSON')
    if (typeof item === 'bigint') return Number(item)
    if (Array.isArray(item)) return item.map((one) => plain(one, depth + 1))
    if (typeof item !== 'object' || item === null) return item ?? null
    const entries = Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))
    return Object.fromEntries(entries.map(([key, one]) => [key, plain(one, depth + 1)]))
  }
  return JSON.stringify(plain(value, 0)).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
