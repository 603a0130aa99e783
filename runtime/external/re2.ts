// The only importer of re2js: regular expressions with Go's syntax, texts and matching rules, in linear time.
// Offsets are bytes of UTF-8, as in Go. re2js itself matches empty strings and splits as Java does, hence the code here.
// The package is loaded with the first expression: it is large, and most starts need none.

import { createRequire } from 'node:module'
import type { RE2JS } from 're2js'
import { RuntimeError } from '../core/error.ts'

const load = createRequire(import.meta.url)
/** Node keeps what was loaded. */
const re2js = (): typeof import('re2js') => load('re2js')

/** Byte offsets of a match and its groups: `[start, end, start1, end1, …]`, -1 for a group that took no part. */
export type Match = readonly number[]

export interface Regex {
  readonly source: string
  /** Number of parenthesized groups. */
  readonly groups: number
  /** Names by group number; index 0 is the whole match. Unnamed groups are ''. */
  readonly groupNames: readonly string[]
  /** True when the pattern matches anywhere. */
  matchString(text: string): boolean
  matchBytes(bytes: Uint8Array): boolean
  /** The leftmost match. */
  find(bytes: Uint8Array): Match | undefined
  /** Successive matches that do not overlap, at most `limit`; negative is all of them. Go's FindAllSubmatchIndex. */
  findAll(bytes: Uint8Array, limit?: number): Match[]
  /** Replaces every match by `template`, in which `$1`, `$name`, `${name}` and `$$` are expanded. Go's ReplaceAll. */
  replaceAll(bytes: Uint8Array, template: Uint8Array): Uint8Array
  /** Pieces between matches: at most `limit`, negative for all, 0 for none. Go's Split. */
  split(bytes: Uint8Array, limit?: number): Uint8Array[]
}

/** Throws Invalid with Go's text: "error parsing regexp: missing closing ): `(`". */
export function compileRegex(pattern: string): Regex {
  try {
    return new Re2Regex(pattern)
  } catch (error) {
    if (!(error instanceof re2js().RE2JSException)) throw error
    throw new RuntimeError('Invalid', error.message, { retryable: false, cause: error })
  }
}

/** The pattern that matches exactly this text. */
export function quoteRegex(text: string): string {
  return re2js().RE2JS.quote(text)
}

class Re2Regex implements Regex {
  readonly source: string
  readonly groups: number
  readonly groupNames: readonly string[]
  readonly #compiled: RE2JS

  constructor(pattern: string) {
    this.#compiled = re2js().RE2JS.compile(pattern)
    this.source = pattern
    this.groups = this.#compiled.groupCount()
    const names = new Array<string>(this.groups + 1).fill('')
    for (const [name, group] of Object.entries(this.#compiled.namedGroups())) names[group] = name
    this.groupNames = names
  }

  matchString(text: string): boolean {
    return this.#compiled.test(text)
  }

  matchBytes(bytes: Uint8Array): boolean {
    return this.#compiled.test(bytes)
  }

  find(bytes: Uint8Array): Match | undefined {
    return this.findAll(bytes, 1)[0]
  }

  findAll(bytes: Uint8Array, limit = -1): Match[] {
    // Declared as any[]: lists of offsets, or null when nothing matched.
    const matches: Match[] | null = this.#compiled.re2().findAllUTF8SubmatchIndex(bytes, limit)
    return matches ?? []
  }

  replaceAll(bytes: Uint8Array, template: Uint8Array): Uint8Array {
    const source = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const parts = parseTemplate(Buffer.from(template).toString('latin1'))
    const out: Uint8Array[] = []
    let done = 0
    for (const match of this.findAll(bytes)) {
      out.push(source.subarray(done, match[0]))
      for (const part of parts) out.push(this.#expand(part, match, source))
      done = match[1] ?? done
    }
    out.push(source.subarray(done))
    return Buffer.concat(out)
  }

  split(bytes: Uint8Array, limit = -1): Uint8Array[] {
    if (limit === 0) return []
    if (this.source !== '' && bytes.length === 0) return [bytes]
    const pieces: Uint8Array[] = []
    let start = 0
    let end = 0
    for (const match of this.findAll(bytes, limit)) {
      if (limit > 0 && pieces.length === limit - 1) break
      const [from = 0, to = 0] = match
      end = from
      if (to !== 0) pieces.push(bytes.subarray(start, end))
      start = to
    }
    if (end !== bytes.length) pieces.push(bytes.subarray(start))
    return pieces
  }

  #expand(part: TemplatePart, match: Match, source: Buffer): Uint8Array {
    if (part.literal !== undefined) return Buffer.from(part.literal, 'latin1')
    // As in Go, a name that is no group expands to nothing.
    const group = /^\d+$/.test(part.group) ? Number(part.group) : this.groupNames.indexOf(decodeName(part.group), 1)
    const from = match[2 * group] ?? -1
    return group < 0 || from < 0 ? Buffer.alloc(0) : source.subarray(from, match[2 * group + 1])
  }
}

type TemplatePart = { readonly literal: string } | { readonly literal: undefined; readonly group: string }

/** Reads a template as Go's Expand: `$name` takes the longest run of letters, digits and `_`; a bad `$` stands for itself. */
function parseTemplate(template: string): TemplatePart[] {
  const parts: TemplatePart[] = []
  let rest = template
  while (rest !== '') {
    const dollar = rest.indexOf('$')
    if (dollar < 0) {
      parts.push({ literal: rest })
      break
    }
    if (dollar > 0) parts.push({ literal: rest.slice(0, dollar) })
    rest = rest.slice(dollar)
    const name = /^\$(?:\{([\w\x80-\xff]+)\}|([\w\x80-\xff]+))/.exec(rest)
    const group = name?.[1] ?? name?.[2]
    if (name !== null && group !== undefined) {
      parts.push({ literal: undefined, group })
      rest = rest.slice(name[0].length)
    } else {
      parts.push({ literal: '$' })
      rest = rest.slice(rest.startsWith('$$') ? 2 : 1)
    }
  }
  return parts
}

function decodeName(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8')
}
