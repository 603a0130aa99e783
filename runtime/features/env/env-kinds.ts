// The kinds `env.storage.*` and `env.variable`: entries become storages and variables of the environment.

import { isAbsolute, resolve } from 'node:path'
import type { Entry } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import { asBoolean, asFileMode, asList, asMap, asName, asText, field, notA, requiredField } from '../../core/field.ts'
import { parseId, resolveId } from '../../core/id.ts'
import { emptyMap } from '../../core/value.ts'
import type { AnyKind, Kind } from '../../registry/kind.ts'
import type { Environment, Variable } from './environment.ts'
import { FileStorage, type FileStorageOptions } from './file-storage.ts'
import { isSecret } from './secrets.ts'
import { type EnvStorage, MemoryStorage, OsStorage, RouterStorage, StaticStorage } from './storage.ts'

export interface EnvKindsDeps {
  readonly environment: Environment
  /** What `env.storage.os` shows. */
  readonly os: Readonly<Record<string, string | undefined>>
  /** Folder that relative `file_path`s start from. */
  readonly root: string
}

/** All kinds of this feature. */
export const envKinds = ({ environment, os, root }: EnvKindsDeps): AnyKind[] => [
  storageKind('env.storage.os', environment, { decode: () => undefined, make: () => new OsStorage(os) }),
  storageKind('env.storage.memory', environment, {
    decode: () => undefined,
    keeps: true,
    make: () => new MemoryStorage(),
  }),
  storageKind('env.storage.static', environment, {
    decode: staticValues,
    make: (values, entry) => new StaticStorage(entry.id, values),
  }),
  storageKind<FileStorageOptions>('env.storage.file', environment, {
    decode: (entry) => fileOptions(entry, root),
    make: (options) => new FileStorage(options),
  }),
  storageKind<readonly string[]>('env.storage.router', environment, {
    decode: routerStorages,
    needs: (storages) => storages,
    make(storages) {
      for (const id of storages) environment.storage(id)
      return new RouterStorage(() => storages.map((id) => environment.storage(id)))
    },
  }),
  variableKind(environment),
]

interface StoragePlan<Config> {
  decode(entry: Entry): Config
  needs?(config: Config): readonly string[]
  /** Whether the storage stays the same when its entry is updated. */
  readonly keeps?: true
  make(config: Config, entry: Entry): EnvStorage
}

function storageKind<Config>(kind: string, environment: Environment, plan: StoragePlan<Config>): Kind<Config> {
  return {
    kind,
    decode: (entry) => plan.decode(entry),
    ...(plan.needs === undefined ? {} : { needs: plan.needs }),
    open(entry, config) {
      environment.addStorage(entry.id, plan.make(config, entry))
      const close = (): void => environment.removeStorage(entry.id)
      // What was set at run time outlives an update of an entry that has nothing to configure.
      return plan.keeps === true ? { update: () => undefined, close } : { close }
    },
  }
}

/** `env.variable`: a name for a value in a storage. */
function variableKind(environment: Environment): Kind<Variable> {
  return {
    kind: 'env.variable',
    decode: decodeVariable,
    needs: (variable) => [variable.storage],
    open(entry, variable) {
      environment.storage(variable.storage)
      environment.addVariable(variable)
      return { close: () => environment.removeVariable(entry.id) }
    },
  }
}

function decodeVariable(entry: Entry): Variable {
  const { ns, name: entryName } = parseId(entry.id)
  const name = field(entry, 'variable', asName, undefined)
  if (name !== undefined && !/^[A-Za-z0-9_]+$/.test(name)) {
    throw notA(`entry ${entry.id}: variable`, name, 'a variable name (letters, digits and _)')
  }
  return {
    id: entry.id,
    name,
    storage: resolveId(requiredField(entry, 'storage', asName), ns),
    fallback: field(entry, 'default', scalarText, undefined),
    readonly: field(entry, 'readonly', asBoolean, field(entry, 'read_only', asBoolean, false)),
    secret: isSecret(name ?? entryName, entry.meta),
  }
}

function staticValues(entry: Entry): ReadonlyMap<string, string> {
  const values = field(entry, 'values', asMap, emptyMap())
  return new Map(
    Object.keys(values).map((key) => [key, scalarText(values[key] ?? null, `entry ${entry.id}: values.${key}`)]),
  )
}

function fileOptions(entry: Entry, root: string): FileStorageOptions {
  const path = requiredField(entry, 'file_path', asName)
  return {
    path: isAbsolute(path) ? path : resolve(root, path),
    autoCreate: field(entry, 'auto_create', asBoolean, false),
    fileMode: field(entry, 'file_mode', asFileMode, 0o644),
    dirMode: field(entry, 'dir_mode', asFileMode, 0o755),
  }
}

function routerStorages(entry: Entry): readonly string[] {
  const { ns } = parseId(entry.id)
  const storages = requiredField(entry, 'storages', asList(asName)).map((id) => resolveId(id, ns))
  if (storages.length === 0) throw new RuntimeError('Invalid', `entry ${entry.id}: storages is empty`)
  if (storages.includes(entry.id)) throw new RuntimeError('Invalid', `entry ${entry.id}: storages contains itself`)
  return storages
}

/** YAML turns `8080` and `true` into other types; a variable's value is text. */
function scalarText(value: unknown, what: string): string {
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  return asText(value as string, what) // asText looks at the type itself
}
