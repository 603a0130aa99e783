// The only importer of semver: module versions, and constraints as Masterminds/semver and Wippy's files write them.

import { createRequire } from 'node:module'
import { RuntimeError } from '../core/error.ts'

type SemverPackage = typeof import('semver')

/** `v1.2.3`, `1.2` or `1` as `1.2.3`; undefined when it is no version. */
export function parseVersion(text: string): string | undefined {
  const match = /^\s*v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?\s*$/.exec(text)
  if (match === null) return undefined
  const [, major, minor = '0', patch = '0', prerelease = ''] = match
  return `${BigInt(major ?? 0)}.${BigInt(minor)}.${BigInt(patch)}${prerelease}`
}

/** Negative when `a` is the older one. Texts that are no versions are older than all that are. */
export function compareVersions(a: string, b: string): number {
  const left = parseVersion(a)
  const right = parseVersion(b)
  if (left === undefined || right === undefined) return Number(left !== undefined) - Number(right !== undefined)
  if (left.includes('-') || right.includes('-')) return semverPackage().compare(left, right)
  const numbers = right.split('.').map(Number)
  const differing = left.split('.').map((part, index) => Number(part) - (numbers[index] ?? 0))
  return differing.find((difference) => difference !== 0) ?? 0
}

/** Whether a constraint allows a version. `*`, empty and labels such as `latest` allow any. Throws Invalid for other text. */
export function allowsVersion(constraint: string, version: string): boolean {
  const parsed = parseVersion(version)
  const least = /^\s*>=\s*(v?\d+(?:\.\d+){0,2})\s*$/.exec(constraint)?.[1]
  // By far the most common constraint must not cost a start the time of loading the package.
  if (least !== undefined && parsed !== undefined && !parsed.includes('-')) return compareVersions(parsed, least) >= 0
  const test = parseConstraint(constraint)
  return parsed === undefined ? isAny(constraint) : test(parsed)
}

/** The newest of some versions that a constraint allows. */
export function newestAllowed(constraint: string, versions: readonly string[]): string | undefined {
  return versions
    .filter((version) => allowsVersion(constraint, version))
    .sort(compareVersions)
    .at(-1)
}

function semverPackage(): SemverPackage {
  return createRequire(import.meta.url)('semver') as SemverPackage // the types of the very package
}

function isAny(constraint: string): boolean {
  const text = constraint.trim()
  return text === '' || text === '*' || /^[A-Za-z][A-Za-z_-]*$/.test(text)
}

function parseConstraint(constraint: string): (version: string) => boolean {
  if (isAny(constraint)) return () => true
  const alternatives = constraint.split('||').map((part) => parseAll(part, constraint))
  return (version) => alternatives.some((test) => test(version))
}

/** One alternative: comparators joined by commas or spaces; `a - b` is a range. */
function parseAll(text: string, constraint: string): (version: string) => boolean {
  const spaced = text.replace(/(!=|<>|=>|=<|>=|<=|==|=|>|<|~>|~|\^)\s+/g, '$1')
  const parts = spaced.split(',').flatMap((part) => (/\s-\s/.test(part) ? [part.trim()] : part.trim().split(/\s+/)))
  const tests = parts.filter((part) => part !== '').map((part) => parseOne(part, constraint))
  if (tests.length === 0) throw invalid(constraint)
  return (version) => tests.every((test) => test(version))
}

function parseOne(part: string, constraint: string): (version: string) => boolean {
  const unequal = /^(?:!=|<>)(.+)$/.exec(part)
  if (unequal !== null) {
    const inner = parseOne(unequal[1] ?? '', constraint)
    return (version) => !inner(version)
  }
  const npm = part
    .replace(/^=>/, '>=')
    .replace(/^=</, '<=')
    .replace(/^==/, '=')
    .replace(/^~>/, '~')
    .replace(/(^|[\s=<>~^])v(?=\d)/g, '$1')
  const semver = semverPackage()
  const range = semver.validRange(npm)
  if (range === null) throw invalid(constraint)
  return (version) => semver.satisfies(version, range)
}

function invalid(constraint: string): RuntimeError {
  return new RuntimeError('Invalid', `version constraint ${JSON.stringify(constraint)} is not valid`)
}
