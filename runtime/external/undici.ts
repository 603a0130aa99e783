// The door to undici, the HTTP client: loaded at the first request, because its import costs as much as a small start-up.
// Node's own fetch is never mixed with it: the two have different versions of the same classes.

export type { buildConnector, Dispatcher, fetch, RequestInit, Response } from 'undici'

export type Undici = typeof import('undici')

/** The library. The first call pays for loading it. */
export function loadUndici(): Promise<Undici> {
  return import('undici')
}

/**
 * A header name as Go writes it: `X-Request-Id`. Names with characters no header may have stay as they are.
 * Lua code looks headers up by this form, whatever the server sent.
 */
export function canonicalHeader(name: string): string {
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return name
  return name.toLowerCase().replace(/(^|-)([a-z])/g, (_, dash: string, letter: string) => dash + letter.toUpperCase())
}
