// `text.diff`: comparing two texts, showing the difference, and carrying it over to a third as patches.

import { moduleError } from '../../core/error.ts'
import { isMap } from '../../core/value.ts'
import type { DiffOptions, Edit, Operation, Patch } from '../../external/diff.ts'
import { type Call, LuaType, list, type ModuleTable, optionalTable, results, text } from '../../lua/module.ts'
import type { Offload } from '../../offload/offload.ts'

type DiffLibrary = typeof import('../../external/diff.ts')

/** Characters that are compared on this thread; more go to another. */
const INLINE = 4_096
const INLINE_PATCHES = 50

/**
 * Longest time one comparison may search for the smallest difference, whatever `diff_timeout` says: nothing else runs
 * meanwhile. What comes out then is a correct difference still, only not the shortest.
 */
const LONGEST_SEARCH = 0.1

export function diffTable(offload: Offload): ModuleTable {
  let loaded: DiffLibrary | undefined
  const withLibrary = <T>(use: (library: DiffLibrary) => T): T | Promise<T> => {
    if (loaded !== undefined) return use(loaded)
    return import('../../external/diff.ts').then((library) => use((loaded = library)))
  }
  const differType = new LuaType<DiffOptions>({
    name: 'text.Differ',
    methods: {
      compare(call, options, before: unknown, after: unknown) {
        const [a, b] = [text(before, 1, 'compare'), text(after, 2, 'compare')]
        return a.length + b.length > INLINE
          ? offload.run(call, 'diff.texts', a, b, options)
          : withLibrary((library) => library.diffTexts(a, b, options))
      },
      summarize(_call, _options, diffs: unknown) {
        const count = { equal: 0, insert: 0, delete: 0 }
        for (const edit of readEdits(diffs, 'summarize')) count[edit.operation] += [...edit.text].length
        return { equals: count.equal, insertions: count.insert, deletions: count.delete }
      },
      pretty_text: (_call, _options, diffs: unknown) =>
        readEdits(diffs, 'pretty_text')
          .map((edit) => terminal[edit.operation](edit.text))
          .join(''),
      pretty_html: (_call, _options, diffs: unknown) =>
        readEdits(diffs, 'pretty_html')
          .map((edit) => html[edit.operation](escapeHtml(edit.text)))
          .join(''),
      patch_make(call, options, before: unknown, after: unknown) {
        const [a, b] = [text(before, 1, 'patch_make'), text(after, 2, 'patch_make')]
        return a.length + b.length > INLINE
          ? offload.run(call, 'diff.patches', a, b, options)
          : withLibrary((library) => library.makePatches(a, b, options))
      },
      patch_apply(call, options, patches: unknown, subject: unknown) {
        const read = list(patches, 1, 'patch_apply').map(readPatch)
        const source = text(subject, 2, 'patch_apply')
        return source.length > INLINE || read.length > INLINE_PATCHES
          ? offload.run(call, 'diff.apply', read, source, options).then((applied) => results(...applied))
          : withLibrary((library) => results(...library.applyPatches(read, source, options)))
      },
    },
  })
  return {
    new: (_call: Call, options: unknown) => differType.wrap(readOptions(optionalTable(options, 1, 'new') ?? {})),
  }
}

const terminal: Readonly<Record<Operation, (text: string) => string>> = {
  equal: (part) => part,
  insert: (part) => `\u001b[32m${part}\u001b[0m`,
  delete: (part) => `\u001b[31m${part}\u001b[0m`,
}

const html: Readonly<Record<Operation, (text: string) => string>> = {
  equal: (part) => part,
  insert: (part) => `<ins>${part}</ins>`,
  delete: (part) => `<del>${part}</del>`,
}

function escapeHtml(part: string): string {
  return part.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&#34;')
}

function readOptions(given: { [key: string]: unknown }): DiffOptions {
  const read = (name: string, fallback: number, highest: number): number => {
    const value = given[name] ?? fallback
    if (typeof value === 'number' && value >= 0 && value <= highest) return value
    throw moduleError('Invalid', `diff option ${name} must be a number from 0 to ${highest}`)
  }
  const timeout = read('diff_timeout', 1, 3600)
  return {
    // Zero means no limit to the library.
    timeout: timeout === 0 ? LONGEST_SEARCH : Math.min(timeout, LONGEST_SEARCH),
    editCost: read('diff_edit_cost', 4, 1e6),
    matchThreshold: read('match_threshold', 0.5, 1),
    matchDistance: read('match_distance', 1000, 1e9),
    deleteThreshold: read('patch_delete_threshold', 0.5, 1),
    // The matcher works on 32 bits: context on both sides must fit.
    margin: Math.trunc(read('patch_margin', 4, 15)),
  }
}

function readEdits(diffs: unknown, name: string): Edit[] {
  return list(diffs, 1, name).map(readEdit)
}

function readEdit(edit: unknown): Edit {
  const { operation, text: part } = isMap(edit) ? edit : {}
  if (operation !== 'equal' && operation !== 'insert' && operation !== 'delete') {
    throw moduleError('Invalid', 'a diff needs an operation: equal, insert or delete')
  }
  if (typeof part !== 'string') throw moduleError('Invalid', 'a diff needs a text')
  return { operation, text: part }
}

function readPatch(patch: unknown): Patch {
  if (!isMap(patch) || !(Array.isArray(patch['diffs']) || isMap(patch['diffs']))) {
    throw moduleError('Invalid', 'a patch needs diffs: pass what patch_make returned')
  }
  const position = (name: string): number => {
    const value = patch[name]
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
    throw moduleError('Invalid', `a patch needs ${name}, a whole number from 0`)
  }
  return {
    start1: position('start1'),
    start2: position('start2'),
    length1: position('length1'),
    length2: position('length2'),
    diffs: readEdits(patch['diffs'], 'patch_apply'),
  }
}
