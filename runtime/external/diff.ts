// The only importer of diff-match-patch: texts to edits, patches and back, on code points.
// The library works on UTF-16 units and would cut characters beyond the BMP in half; they are mapped to single unused units first.

import {
  DIFF_DELETE,
  DIFF_EQUAL,
  DIFF_INSERT,
  type Diff,
  diff_match_patch,
  type patch_obj,
} from '@dmsnell/diff-match-patch'

export type Operation = 'equal' | 'insert' | 'delete'

export interface Edit {
  readonly operation: Operation
  readonly text: string
}

/** Edits of one place with some context around them; positions count code points from 0. */
export interface Patch {
  readonly start1: number
  readonly start2: number
  readonly length1: number
  readonly length2: number
  readonly diffs: readonly Edit[]
}

export interface DiffOptions {
  /** Seconds after which a less than minimal diff is good enough. */
  readonly timeout: number
  readonly editCost: number
  readonly matchThreshold: number
  readonly matchDistance: number
  readonly deleteThreshold: number
  readonly margin: number
}

/** The edits that turn `before` into `after`, tidied for people. */
export function diffTexts(before: string, after: string, options: DiffOptions): Edit[] {
  const units = unitsFor([before, after])
  return editsOf(tidied(engine(options), units.pack(before), units.pack(after)), units)
}

export function makePatches(before: string, after: string, options: DiffOptions): Patch[] {
  const units = unitsFor([before, after])
  const dmp = engine(options)
  const packed = units.pack(before)
  return dmp.patch_make(packed, tidied(dmp, packed, units.pack(after))).map((patch) => ({
    start1: patch.start1 ?? 0,
    start2: patch.start2 ?? 0,
    length1: patch.length1,
    length2: patch.length2,
    diffs: editsOf(patch.diffs, units),
  }))
}

/** The text with the patches applied where they fit best, and whether all of them fitted. */
export function applyPatches(
  patches: readonly Patch[],
  text: string,
  options: DiffOptions,
): [text: string, all: boolean] {
  const units = unitsFor([text, ...patches.flatMap((patch) => patch.diffs.map((edit) => edit.text))])
  const packed = patches.map((patch): patch_obj => {
    const diffs = patch.diffs.map((edit) => new diff_match_patch.Diff(codes[edit.operation], units.pack(edit.text)))
    return Object.assign(new diff_match_patch.patch_obj(), { ...patch, diffs })
  })
  const [result, applied] = engine(options).patch_apply(packed, units.pack(text))
  return [units.unpack(result), applied.every(Boolean)]
}

const codes: Readonly<Record<Operation, number>> = { equal: DIFF_EQUAL, insert: DIFF_INSERT, delete: DIFF_DELETE }

function engine(options: DiffOptions): diff_match_patch {
  return Object.assign(new diff_match_patch(), {
    Diff_Timeout: options.timeout,
    Diff_EditCost: options.editCost,
    Match_Threshold: options.matchThreshold,
    Match_Distance: options.matchDistance,
    Patch_DeleteThreshold: options.deleteThreshold,
    Patch_Margin: options.margin,
    // The library's own takes quadratic time on texts that repeat themselves.
    diff_commonOverlap_: commonOverlap,
    diff_halfMatch_: halfMatch,
  })
}

/** The same trap, but only a short cut: beyond this length the search goes without it, within its time. */
const LONGEST_HALF_MATCH = 10_000

type HalfMatch = (this: diff_match_patch, before: string, after: string) => string[] | null
const { diff_halfMatch_: libraryHalfMatch } = diff_match_patch.prototype as unknown as { diff_halfMatch_: HalfMatch } // not declared

const halfMatch: HalfMatch = function (before, after) {
  return before.length + after.length > LONGEST_HALF_MATCH ? null : libraryHalfMatch.call(this, before, after)
}

/** How many characters at the end of one text are the start of the other: one pass, as Knuth, Morris and Pratt search. */
export function commonOverlap(ending: string, starting: string): number {
  const length = Math.min(ending.length, starting.length)
  const pattern = starting.slice(0, length)
  // For each prefix of the pattern: the length of its longest proper prefix that it also ends with.
  const borders = new Int32Array(length)
  const extend = (matched: number, unit: number): number => {
    let at = matched
    while (at > 0 && (at === length || pattern.charCodeAt(at) !== unit)) at = borders[at - 1] ?? 0
    return pattern.charCodeAt(at) === unit ? at + 1 : at
  }
  for (let i = 1; i < length; i++) borders[i] = extend(borders[i - 1] ?? 0, pattern.charCodeAt(i))
  let matched = 0
  for (let i = ending.length - length; i < ending.length; i++) matched = extend(matched, ending.charCodeAt(i))
  return matched
}

function tidied(dmp: diff_match_patch, before: string, after: string): Diff[] {
  // Comparing by lines first is faster, but the library keeps lines in an object and fails on one with this name.
  const byLines = !before.includes('hasOwnProperty') && !after.includes('hasOwnProperty')
  const diffs = dmp.diff_main(before, after, byLines)
  if (diffs.length > 2) {
    dmp.diff_cleanupSemantic(diffs)
    dmp.diff_cleanupEfficiency(diffs)
  }
  return diffs
}

function editsOf(diffs: readonly Diff[], units: Units): Edit[] {
  return diffs.map((diff) => ({
    operation: diff[0] === DIFF_EQUAL ? 'equal' : diff[0] === DIFF_INSERT ? 'insert' : 'delete',
    text: units.unpack(diff[1]),
  }))
}

interface Units {
  pack(text: string): string
  unpack(text: string): string
}

const same: Units = { pack: (text) => text, unpack: (text) => text }
const astral = /[\u{10000}-\u{10ffff}]/gu

/** A reversible mapping of the characters beyond the BMP to units that none of the texts uses. */
function unitsFor(texts: readonly string[]): Units {
  const characters = new Set(texts.flatMap((text) => text.match(astral) ?? []))
  if (characters.size === 0) return same
  const used = new Set<number>()
  for (const text of texts) for (let i = 0; i < text.length; i++) used.add(text.charCodeAt(i))
  const free = freeUnits(used)
  const toUnit = new Map<string, string>()
  const toCharacter = new Map<string, string>()
  for (const character of characters) {
    const unit = free.next()
    // With the whole BMP in use the characters that are left stay two units, which is only less exact.
    if (unit.done === true) break
    toUnit.set(character, unit.value)
    toCharacter.set(unit.value, character)
  }
  const units = new RegExp(
    `[${[...toCharacter.keys()].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}]`,
    'g',
  )
  return {
    pack: (text) => text.replace(astral, (character) => toUnit.get(character) ?? character),
    unpack: (text) => text.replace(units, (c) => toCharacter.get(c) ?? c),
  }
}

/** Units that are no surrogates: the private use area and above first. */
function* freeUnits(used: ReadonlySet<number>): Generator<string, void> {
  for (const [from, to] of [
    [0xe000, 0xffff],
    [0x0100, 0xd7ff],
  ] as const) {
    for (let unit = from; unit <= to; unit++) if (!used.has(unit)) yield String.fromCharCode(unit)
  }
}
