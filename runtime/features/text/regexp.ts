// `text.regexp`: RE2 expressions as userdata. Positions in Lua are bytes from 1, both ends inside the match.

import { isUtf8 } from 'node:buffer'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { compileRegex, type Match, type Regex } from '../../external/re2.ts'
import { bytes, type Call, type LuaObject, LuaType, type ModuleTable, optionalNumber, text } from '../../lua/module.ts'
import type { Offload } from '../../offload/offload.ts'
import type { TaskName, Tasks } from '../../offload/tasks.ts'

/** Longer patterns are no patterns but an attack on the compiler. */
const LONGEST_PATTERN = 16_384
/** Longer ones are compiled and used on another thread. */
const LONGEST_INLINE_PATTERN = 1_024
/** Bytes that are searched on this thread; more go to another. */
const INLINE = 32 * 1024
/** Matches made Lua values at once. */
const PIECE = 500

interface Pattern {
  readonly source: string
  readonly groups: number
  readonly groupNames: readonly string[]
  /** Compiled here, unless it is long. */
  readonly regex: Regex | undefined
}

/** What of a search is done where. */
class Searches {
  readonly #offload: Offload

  constructor(offload: Offload) {
    this.#offload = offload
  }

  /** The result of a search, which is done here or, for long texts and patterns, there. */
  run<Task extends RegexTask, Found>(
    call: Call,
    pattern: Pattern,
    source: Uint8Array,
    here: (regex: Regex) => Found,
    task: Task,
    ...rest: Rest<Task>
  ): Found | Promise<Found> {
    const { regex } = pattern
    if (regex !== undefined && source.length <= INLINE) return here(regex)
    const args = [pattern.source, source, ...rest] as unknown as Parameters<Tasks[Task]>
    return this.#offload.run(call, task, ...args) as Promise<Found> // what the task does is what `here` does
  }

  first<Result>(
    call: Call,
    pattern: Pattern,
    source: Uint8Array,
    finish: (match: Match | undefined) => Result,
  ): Result | Promise<Result> {
    const found = this.run(call, pattern, source, (regex) => regex.find(source), 'regex.find')
    return found instanceof Promise ? found.then(finish) : finish(found)
  }

  /** `finish` makes of each match what Lua gets. */
  all<Result>(
    call: Call,
    pattern: Pattern,
    source: Uint8Array,
    limit: number,
    finish: (match: Match) => Result,
  ): Result[] | Promise<Result[]> {
    const here = (regex: Regex): Int32Array | Match[] => regex.findAll(source, limit)
    const found = this.run(call, pattern, source, here, 'regex.findAll', limit)
    if (Array.isArray(found)) return found.map(finish)
    const width = 2 * (pattern.groups + 1)
    return Promise.resolve(found).then((offsets) =>
      mapped(call, offsets.length / width, (i) => finish([...offsets.slice(i * width, (i + 1) * width)] as Match)),
    )
  }
}

type RegexTask = Extract<TaskName, `regex.${string}`>
type Rest<Task extends RegexTask> = Parameters<Tasks[Task]> extends [string, Uint8Array, ...infer Others] ? Others : []

/** `make` of 0 to `count` - 1, with others running between. */
function mapped<Result>(call: Call, count: number, make: (index: number) => Result): Result[] | Promise<Result[]> {
  const made: Result[] = []
  return call.work(
    () => {
      for (const end = Math.min(count, made.length + PIECE); made.length < end; ) made.push(make(made.length))
      return made.length === count
    },
    () => made,
  )
}

const makeRegexpType = (offload: Offload): LuaType<Pattern> => {
  const searches = new Searches(offload)
  return new LuaType<Pattern>({
    name: 'text.Regexp',
    methods: {
      match_string(call, pattern, subject: unknown) {
        const source = bytes(subject, 1, 'match_string')
        return searches.run(call, pattern, source, (regex) => regex.matchBytes(source), 'regex.matches')
      },
      find_string(call, pattern, subject: unknown) {
        const source = bytes(subject, 1, 'find_string')
        return searches.first(call, pattern, source, (match) => (match === undefined ? null : group(source, match, 0)))
      },
      find_all_string(call, pattern, subject: unknown, limit: unknown) {
        const source = bytes(subject, 1, 'find_all_string')
        return searches.all(call, pattern, source, most(limit, 'find_all_string'), (match) => group(source, match, 0))
      },
      find_string_submatch(call, pattern, subject: unknown) {
        const source = bytes(subject, 1, 'find_string_submatch')
        return searches.first(call, pattern, source, (match) => (match === undefined ? null : groups(source, match)))
      },
      find_all_string_submatch(call, pattern, subject: unknown, limit: unknown) {
        const source = bytes(subject, 1, 'find_all_string_submatch')
        const count = most(limit, 'find_all_string_submatch')
        return searches.all(call, pattern, source, count, (match) => groups(source, match))
      },
      find_string_index(call, pattern, subject: unknown) {
        return searches.first(call, pattern, bytes(subject, 1, 'find_string_index'), (match) =>
          match === undefined ? null : bounds(match),
        )
      },
      find_all_string_index(call, pattern, subject: unknown, limit: unknown) {
        const source = bytes(subject, 1, 'find_all_string_index')
        const found = searches.all(call, pattern, source, most(limit, 'find_all_string_index'), bounds)
        const nilIfNone = (all: [number, number][]): [number, number][] | null => (all.length === 0 ? null : all)
        return found instanceof Promise ? found.then(nilIfNone) : nilIfNone(found)
      },
      replace_all_string(call, pattern, subject: unknown, replacement: unknown) {
        const source = bytes(subject, 1, 'replace_all_string')
        const template = bytes(replacement, 2, 'replace_all_string')
        const here = (regex: Regex): Uint8Array => regex.replaceAll(source, template)
        const replaced = searches.run(call, pattern, source, here, 'regex.replaceAll', template)
        return replaced instanceof Promise ? replaced.then(luaString) : luaString(replaced)
      },
      split(call, pattern, subject: unknown, limit: unknown) {
        const source = bytes(subject, 1, 'split')
        const count = most(limit, 'split')
        const pieces = searches.run(call, pattern, source, (regex) => regex.split(source, count), 'regex.split', count)
        if (Array.isArray(pieces)) return pieces.map(luaString)
        return pieces.then((all) => mapped(call, all.length, (i) => luaString(all[i] as Uint8Array))) // below the length
      },
      num_subexp: (_call, pattern) => pattern.groups,
      // The first name is that of the whole match: names and submatches have the same positions.
      subexp_names: (_call, pattern) => [...pattern.groupNames],
      string: (_call, pattern) => pattern.source,
    },
    tostring: (pattern) => pattern.source,
  })
}

export function regexpTable(offload: Offload): ModuleTable {
  const regexpType = makeRegexpType(offload)
  const wrong = (error: unknown): never => {
    if (!(error instanceof RuntimeError) || error.kind !== 'Invalid') throw error
    throw moduleError('Invalid', `regex compile error: ${error.text}`, { cause: error })
  }
  return {
    compile(call: Call, pattern: unknown) {
      const source = text(pattern, 1, 'compile')
      if (source.length > LONGEST_PATTERN) {
        throw moduleError('Invalid', `regex compile error: pattern exceeds ${LONGEST_PATTERN} characters`)
      }
      if (source.length > LONGEST_INLINE_PATTERN) {
        const wrap = (shape: { groups: number; groupNames: readonly string[] }): LuaObject<Pattern> =>
          regexpType.wrap({ source, ...shape, regex: undefined })
        return offload.run(call, 'regex.compile', source).then(wrap, wrong)
      }
      try {
        const regex = compileRegex(source)
        return regexpType.wrap({ source, groups: regex.groups, groupNames: regex.groupNames, regex })
      } catch (error) {
        return wrong(error)
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
