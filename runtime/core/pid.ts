// Process ids as text: `{node@host|0x00001}`, the node part absent on a runtime of its own (spec/process.md §1).

import { RuntimeError } from './error.ts'

export interface ParsedPid {
  readonly node: string
  readonly host: string
  /** The counter behind `0x…`; NaN when the text has some other unique part. */
  readonly serial: number
}

export function formatPid(host: string, serial: number, node = ''): string {
  const unique = `0x${serial.toString(16).padStart(5, '0')}`
  return node === '' ? `{${host}|${unique}}` : `{${node}@${host}|${unique}}`
}

/** Also reads the legacy form `{node@host|x|uniq}`. Throws Invalid with the texts of the spec. */
export function parsePid(text: string): ParsedPid {
  if (!text.startsWith('{') || !text.endsWith('}')) {
    throw new RuntimeError('Invalid', 'invalid pid format: missing braces')
  }
  const inner = text.slice(1, -1)
  const first = inner.indexOf('|')
  if (first < 0) throw new RuntimeError('Invalid', 'invalid pid format: missing pipe')
  const address = inner.slice(0, first)
  const unique = inner.slice(inner.lastIndexOf('|') + 1)
  const at = address.indexOf('@')
  return {
    node: at < 0 ? '' : address.slice(0, at),
    host: at < 0 ? address : address.slice(at + 1),
    serial: /^0x[0-9a-f]{1,12}$/.test(unique) ? Number.parseInt(unique.slice(2), 16) : Number.NaN,
  }
}

/** True for text that is meant as a pid, whether or not such a process exists. */
export function looksLikePid(text: string): boolean {
  return text.startsWith('{') && text.endsWith('}') && text.includes('|')
}
