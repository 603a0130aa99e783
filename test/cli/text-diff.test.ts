// Line differences: readable, and true whatever the texts are.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { unifiedDiff } from '../../runtime/cli/text-diff.ts'

test('equal texts have no difference', () => {
  expect(unifiedDiff('a\nb\n', 'a\nb\n')).toEqual([])
})

test('a changed line stands among three on each side', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
  const after = before.with(4, 'five')
  expect(unifiedDiff(before.join('\n'), after.join('\n'))).toEqual([
    '@@ -2,7 +2,7 @@',
    ' 2',
    ' 3',
    ' 4',
    '-5',
    '+five',
    ' 6',
    ' 7',
    ' 8',
  ])
})

test('changes far apart are two hunks, near ones are one', () => {
  const lines = Array.from({ length: 30 }, (_, i) => String(i))
  const far = lines.with(2, 'x').with(25, 'y')
  expect(unifiedDiff(lines.join('\n'), far.join('\n')).filter((line) => line.startsWith('@@'))).toHaveLength(2)
  const near = lines.with(2, 'x').with(8, 'y')
  expect(unifiedDiff(lines.join('\n'), near.join('\n')).filter((line) => line.startsWith('@@'))).toHaveLength(1)
})

test('a hunk of additions alone begins before its first line', () => {
  expect(unifiedDiff('', 'a')).toEqual(['@@ -1,1 +1,1 @@', '-', '+a'])
  expect(unifiedDiff('a\nb', 'a\nnew\nb')).toEqual(['@@ -1,2 +1,3 @@', ' a', '+new', ' b'])
})

/** Puts a difference on a text, the way `patch` does. */
function apply(before: string, diff: readonly string[]): string {
  const lines = before.split('\n')
  const result: string[] = []
  let at = 0
  for (const line of diff) {
    const hunk = /^@@ -(\d+),(\d+) /.exec(line)
    if (hunk !== null) {
      const start = Number(hunk[2]) === 0 ? Number(hunk[1]) : Number(hunk[1]) - 1
      result.push(...lines.slice(at, start))
      at = start
    } else if (line.startsWith('+')) result.push(line.slice(1))
    else {
      expect(lines[at]).toBe(line.slice(1))
      if (line.startsWith(' ')) result.push(line.slice(1))
      at++
    }
  }
  return [...result, ...lines.slice(at)].join('\n')
}

test('a difference put on the old text gives the new one', () => {
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', '', '@@ -1,1', '-x', '+y'), { maxLength: 40 })
    .map((lines) => lines.join('\n'))
  fc.assert(
    fc.property(text, text, (before, after) => {
      const diff = unifiedDiff(before, after)
      // Lines that look like a hunk's head are marked by their first letter.
      expect(apply(before, diff)).toBe(after)
    }),
    { numRuns: 500 },
  )
})

test('texts too large to compare are shown as replaced', () => {
  const before = Array.from({ length: 3_000 }, (_, i) => `a${i}`).join('\n')
  const after = Array.from({ length: 3_000 }, (_, i) => `b${i}`).join('\n')
  expect(unifiedDiff(before, after)).toHaveLength(6_001)
})
