// `wippy.yaml`: what a module says of itself (spec/cli.md §10).

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { RuntimeError } from '../core/error.ts'
import { isMap, type Value, type ValueMap } from '../core/value.ts'
import { type ReadYaml, readYamlFile } from './read-yaml.ts'
import { parseVersion } from './versions.ts'

export interface Manifest {
  readonly organization: string
  readonly module: string
  /** `organization/module` */
  readonly name: string
  readonly version: string | undefined
  readonly type: string | undefined
  readonly description: string | undefined
  readonly license: string | undefined
  readonly keywords: readonly string[]
  /** `namespace:entry` patterns of entries that are not part of the published module. */
  readonly exclude: readonly string[]
  /** Values of meta fields that keep an entry out of the published module. */
  readonly excludeMeta: Readonly<Record<string, readonly Value[]>>
  /** Everything that was written, for tools. */
  readonly raw: ValueMap
}

export const MANIFEST_FILE = 'wippy.yaml'

const NAME = /^[a-z0-9]+(?:-+[a-z0-9]+)*$/

/** The manifest of a folder, or undefined when it has none. Throws Invalid for one with a fault. */
export function readManifest(folder: string, read: ReadYaml = readYamlFile): Manifest | undefined {
  const file = join(folder, MANIFEST_FILE)
  if (!existsSync(file)) return undefined
  return decodeManifest(read(file), file)
}

/** A manifest from its value; `file` is for messages, and for what stands beside it. */
export function decodeManifest(raw: Value, file: string): Manifest {
  const invalid = (reason: string): RuntimeError => new RuntimeError('Invalid', `manifest ${file}: ${reason}`)
  if (!isMap(raw)) throw invalid('must be a map')
  const name = (field: string): string => {
    const value = raw[field]
    if (typeof value !== 'string' || value === '') throw invalid(`${field} is required`)
    if (!NAME.test(value)) {
      throw invalid(`${field} ${JSON.stringify(value)} must be lowercase letters, digits and inner hyphens`)
    }
    return value
  }
  const organization = name('organization')
  const module = name('module')
  const version = scalarText(raw['version'])
  if (version !== undefined && parseVersion(version) === undefined) {
    throw invalid(`version ${JSON.stringify(version)} is not a semantic version`)
  }
  return {
    organization,
    module,
    name: `${organization}/${module}`,
    version,
    type: scalarText(raw['type']),
    description: describe(raw['description'], file),
    license: scalarText(raw['license']),
    keywords: texts(raw['keywords']),
    exclude: texts(raw['exclude']),
    excludeMeta: excludeMeta(raw['exclude_meta'], invalid),
    raw,
  }
}

function scalarText(value: Value | undefined): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

function texts(value: Value | undefined): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : []
}

/** A description may stand in a file beside the manifest. */
function describe(value: Value | undefined, file: string): string | undefined {
  const text = scalarText(value)
  const named = /^file:\/\/([\w.-]+)$/.exec(text ?? '')?.[1]
  if (named === undefined || named === '..') return text
  const path = join(dirname(file), named)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function excludeMeta(value: Value | undefined, invalid: (reason: string) => RuntimeError): Record<string, Value[]> {
  if (value === undefined || value === null) return {}
  if (!isMap(value)) throw invalid('exclude_meta must be a map of lists')
  return Object.fromEntries(
    Object.entries(value).map(([field, values]) => [field, Array.isArray(values) ? values : [values]]),
  )
}
