// `wippy registry`: list, show, find, history, diff and rollback, on a running host or on the project at rest.

import { RuntimeError } from '../../core/error.ts'
import { nearest } from '../../core/nearest.ts'
import { isMap, type Value } from '../../core/value.ts'
import { toJson } from '../../core/value-json.ts'
import { encodeYaml } from '../../external/yaml.ts'
import { paintFor } from '../paint.ts'
import { entryDiff } from '../registry/entry-diff.ts'
import { type AccessFlags, openAccess, type RegistryAccess, type ShownEntry } from '../registry/registry-access.ts'
import { fieldOf, selector } from '../registry/select.ts'
import { inert } from '../report.ts'

export interface FormatFlags {
  readonly json?: boolean
  readonly yaml?: boolean
}

export interface ListFlags extends AccessFlags, FormatFlags {
  readonly kind?: string
  readonly ns?: string
  readonly name?: string
  readonly meta?: readonly string[]
}

const print = (text: string): void => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)

async function withAccess<T>(flags: AccessFlags, work: (access: RegistryAccess) => Promise<T>): Promise<T> {
  const access = await openAccess(flags)
  try {
    return await work(access)
  } finally {
    await access.close()
  }
}

/** `registry list`, and `registry find` with conditions. Resolves with the exit code. */
export function list(fields: readonly string[], flags: ListFlags): Promise<number> {
  return withAccess(flags, async (access) => {
    const { kind, ns, name, meta } = flags
    const entries = (await access.entries()).filter(selector({ kind, ns, name, meta, fields }))
    if (flags.json === true || flags.yaml === true) {
      const shown = entries.map(({ id, kind: of, meta: about, origin }) => ({ id, kind: of, meta: about, origin }))
      print(flags.json === true ? jsonText(shown) : encodeYaml(shown))
    } else {
      print(tableText(entries))
    }
    return 0
  })
}

/** Ids and kinds in two columns, as the original prints them. */
export function tableText(entries: readonly Pick<ShownEntry, 'id' | 'kind'>[]): string {
  if (entries.length === 0) return 'No entries found\n'
  const width = Math.max('ID'.length, ...entries.map(({ id }) => id.length))
  const kindWidth = Math.max('KIND'.length, ...entries.map(({ kind }) => kind.length))
  const rows = entries.map(({ id, kind }) => `${inert(id).padEnd(width)}  ${inert(kind)}`)
  const lines = [`${'ID'.padEnd(width)}  KIND`, `${'-'.repeat(width)}  ${'-'.repeat(kindWidth)}`, ...rows]
  return `${lines.join('\n')}\n\nTotal: ${entries.length} entries\n`
}

export interface ShowFlags extends AccessFlags, FormatFlags {
  readonly field?: string
  readonly raw?: boolean
}

/** `registry show id`. Resolves with the exit code. */
export function show(id: string, flags: ShowFlags): Promise<number> {
  return withAccess(flags, async (access) => {
    const entries = await access.entries()
    const entry = entries.find((candidate) => candidate.id === id)
    if (entry === undefined) {
      const near = nearest(
        id,
        entries.map((candidate) => candidate.id),
      )
      throw new RuntimeError('NotFound', `entry not found: ${id}`, {
        details: near === undefined ? undefined : { hint: `Did you mean "${near}"?` },
      })
    }
    print(entryText(entry, flags))
    return 0
  })
}

function entryText(entry: ShownEntry, { field, json, yaml, raw }: ShowFlags): string {
  if (field !== undefined) {
    const value = fieldOf(entry, field.split('.'))
    if (value === undefined) throw new RuntimeError('NotFound', `entry ${entry.id} has no field ${field}`)
    return valueText(value, { json: json === true, raw: raw === true })
  }
  const { id, kind, meta, data, origin } = entry
  if (json === true) return jsonText({ id, kind, origin, meta, data })
  if (yaml === true) return encodeYaml({ id, kind, origin, meta, data })
  if (raw === true) return valueText(data, { json: false, raw: true })
  const section = (title: string, value: Value): string =>
    isMap(value) && Object.keys(value).length === 0 ? '' : `${title}:\n${indented(encodeYaml(value))}`
  return inert(`ID:   ${id}\nKind: ${kind}\nOrigin: ${origin}\n${section('Metadata', meta)}${section('Data', data)}`)
}

function valueText(value: Value, { json, raw }: { json: boolean; raw: boolean }): string {
  if (json) return jsonText(value)
  if (typeof value === 'string') return raw ? value : inert(value)
  return raw ? jsonText(value) : inert(encodeYaml(value))
}

function jsonText(value: Value): string {
  return JSON.stringify(toJson(value), null, 2)
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}

/** `registry history`. Resolves with the exit code. */
export function history(flags: AccessFlags & FormatFlags): Promise<number> {
  return withAccess(flags, async (access) => {
    const versions = await access.versions()
    if (flags.json === true) {
      print(JSON.stringify(versions, null, 2))
      return 0
    }
    const paint = paintFor(process.stdout)
    for (const { id, parent, origin, createdAt, label, author, changes, current } of versions.toReversed()) {
      const when = new Date(createdAt).toISOString().replace('T', ' ').slice(0, 19)
      const from = parent !== undefined && parent !== id - 1 ? ` on v${parent}` : ''
      const said = [label, author && `by ${author}`].filter(Boolean).join(' ')
      const line = `v${id}${from}  ${when}  ${id === 0 ? 'baseline' : origin}${said === '' ? '' : `  ${inert(said)}`}`
      print(current ? paint('bold', `* ${line}`) : `  ${line}`)
      for (const change of changes) print(`      ${change.kind}  ${inert(change.id)}`)
    }
    return 0
  })
}

/** `registry diff [v1] [v2]`: from the one before to the current one, from v1 to the current one, or from v1 to v2. */
export function diff(words: readonly string[], flags: AccessFlags): Promise<number> {
  return withAccess(flags, async (access) => {
    const versions = await access.versions()
    const current = versions.find((version) => version.current)
    const to = words[1] === undefined ? (current?.id ?? 0) : knownVersion(words[1], versions)
    const from = words[0] === undefined ? (current?.parent ?? 0) : knownVersion(words[0], versions)
    const text = entryDiff(await access.entries(from), await access.entries(to), paintFor(process.stdout))
    print(text === '' ? `No differences between v${from} and v${to}` : text)
    return 0
  })
}

/** `registry rollback version`. Resolves with the exit code. */
export function rollback(word: string, flags: AccessFlags): Promise<number> {
  return withAccess(flags, async (access) => {
    const { version, changed, differFromDisk } = await access.rollback(knownVersion(word, await access.versions()))
    print(`Registry is at v${version}${access.live ? '' : ' from the next start on'}`)
    for (const id of changed) print(`  changed  ${inert(id)}`)
    if (differFromDisk.length > 0) {
      print('These differ from their files and follow them again at their next change:')
      for (const id of differFromDisk) print(`  ${inert(id)}`)
    }
    return 0
  })
}

function knownVersion(text: string, versions: readonly { readonly id: number }[]): number {
  const digits = /^v?(\d+)$/.exec(text)?.[1]
  if (digits === undefined)
    throw new RuntimeError('Invalid', `invalid version ${JSON.stringify(text)}: expected a number such as 3 or v3`)
  const id = Number(digits)
  if (versions.some((version) => version.id === id)) return id
  throw new RuntimeError('NotFound', `version ${id} not found`, {
    details: { hint: "'wippy registry history' lists the versions" },
  })
}
