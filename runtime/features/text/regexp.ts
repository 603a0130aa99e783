// `text.regexp`: RE2 expressions as userdata. Positions in Lua are bytes from 1, both ends inside the match.

import { isUtf8 } from 'node:buffer'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { compileRegex, type Match, type Regex } from '../../external/re2.ts'
import { bytes, type Call, LuaType, type ModuleTable, optionalNumber, text } from '../../lua/module.ts'
import type { Offload } from '../../offload/offload.ts'

/** Longer patterns are no patterns but an attack on the compiler. */
const LONGEST_PATTERN = 16_384

/** Bytes that are searched on this thread; more go to another. */
const INLINE = 32 * 1024

/** What is made of the result of a search, which is done here or, for long texts, there. */
function searched<Found, Result>(
  source: Uint8Array,
  here: () => Found,
  there: () => Promise<Found>,
  finish: (found: Found) => Result,
): Result | Promise<Result> {
  return source.length <= INLINE ? finish(here()) : there().then(finish)
}

const makeRegexpType = (offload: Offload): LuaType<Regex> => {
  const first = <Result>(regex: Regex, source: Uint8Array, finish: (match: Match | undefined) => Result) =>
    searched(
      source,
      () => regex.find(source),
      () => offload.run('regex.find', regex.source, source),
      finish,
    )
  const all = <Result>(regex: Regex, source: Uint8Array, limit: number, finish: (matches: Match[]) => Result) =>
    searched(
      source,
      () => regex.findAll(source, limit),
      () => offload.run('regex.findAll', regex.source, source, limit),
      finish,
    )
  return new LuaType<Regex>({
    name: 'text.Regexp',
    methods: {
      match_string(_call, regex, subject: unknown) {
        const source = bytes(subject, 1, 'match_string')
        return searched(
          source,
          () => regex.matchBytes(source),
          () => offload.run('regex.matches', regex.source, source),
          (found) => found,
        )
      },
      find_string(_call, regex, subject: unknown) {
        const source = bytes(subject, 1, 'find_string')
        return first(regex, source, (match) => (match === undefined ? null : group(source, match, 0)))
      },
      find_all_string(_call, regex, subject: unknown, limit: unknown) {
        const source = bytes(subject, 1, 'find_all_string')
        return all(regex, source, most(limit, 'find_all_string'), (matches) =>
          matches.map((match) => group(source, match, 0)),
        )
      },
      find_string_submatch(_call, regex, subject: unknown) {
        const source = bytes(subject, 1, 'find_string_submatch')
        return first(regex, source, (match) => (match === undefined ? null : groups(source, match)))
      },
      find_all_string_submatch(_call, regex, subject: unknown, limit: unknown) {
        const source = bytes(subject, 1, 'find_all_string_submatch')
        return all(regex, source, most(limit, 'find_all_string_submatch'), (matches) =>
          matches.map((match) => groups(source, match)),
        )
      },
      find_string_index(_call, regex, subject: unknown) {
        return first(regex, bytes(subject, 1, 'find_string_index'), (match) =>
          match === undefined ? null : bounds(match),
        )
      },
      find_all_string_index(_call, regex, subject: unknown, limit: unknown) {
        const source = bytes(subject, 1, 'find_all_string_index')
        return all(regex, source, most(limit, 'find_all_string_index'), (matches) =>
          matches.length === 0 ? null : matches.map(bounds),
        )
      },
      replace_all_string(_call, regex, subject: unknown, replacement: unknown) {
        const source = bytes(subject, 1, 'replace_all_string')
        const template = bytes(replacement, 2, 'replace_all_string')
        return searched(
          source,
          () => regex.replaceAll(source, template),
          () => offload.run('regex.replaceAll', regex.source, source, template),
          luaString,
        )
      },
      split(_call, regex, subject: unknown, limit: unknown) {
        const source = bytes(subject, 1, 'split')
        const count = most(limit, 'split')
        return searched(
          source,
          () => regex.split(source, count),
          () => offload.run('regex.split', regex.source, source, count),
          (pieces) => pieces.map(luaString),
        )
      },
      num_subexp: (_call, regex) => regex.groups,
      // The first name is that of the whole match: names and submatches have the same positions.
      subexp_names: (_call, regex) => [...regex.groupNames],
      string: (_call, regex) => regex.source,
    },
    tostring: (regex) => regex.source,
  })
}

export function regexpTable(offload: Offload): ModuleTable {
  const regexpType = makeRegexpType(offload)
  return {
    compile(_call: Call, pattern: unknown) {
      const source = text(pattern, 1, 'compile')
      if (source.length > LONGEST_PATTERN) {
        throw moduleError('Invalid', `regex compile error: pattern exceeds ${LONGEST_PATTERN} characters`)
      }
      try {
        return regexpType.wrap(compileRegex(source))
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error
        throw moduleError('Invalid', `regex compile error: ${error.text}`, { cause: error })
      }
    },
  }
}

/** As in Go: at most so many, all when negative or not given. */
function most(limit: unknown, name: string): number {
  return Math.trunc(optionalNumber(limit, 2, name) ?? -1)
}

function groups(source: Uint8Array, match: Match): (string | Uint8Array)[] {
  return Array.from({ length: match.length / 2 }, (_, i) => group(source, match, i))
}

/** A group that took no part is the empty string, as in Go. */
function group(source: Uint8Array, match: Match, index: number): string | Uint8Array {
  const start = match[2 * index] ?? -1
  return start < 0 ? '' : luaString(source.subarray(start, match[2 * index + 1]))
}

function bounds(match: Match): [first: number, last: number] {
  return [(match[0] ?? 0) + 1, match[1] ?? 0]
}

function luaString(value: Uint8Array): string | Uint8Array {
  return isUtf8(value) ? Buffer.from(value.buffer, value.byteOffset, value.length).toString('utf8') : value
}
