// The environment of a runtime: variables by public name and by id, each reading from a storage. Decides nothing about rights.

import type { Entry } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import { parseId } from '../../core/id.ts'
import { isMap, type Value } from '../../core/value.ts'
import { isSecret, MASK, namesSecret, Secrets } from './secrets.ts'
import type { EnvStorage } from './storage.ts'

export interface Variable {
  readonly id: string
  /** The public name; without one the variable is known by its id alone. */
  readonly name: string | undefined
  readonly storage: string
  readonly fallback: string | undefined
  readonly readonly: boolean
  readonly secret: boolean
}

export class Environment {
  readonly #storages = new Map<string, EnvStorage>()
  readonly #variables = new Map<string, Variable>()
  /** Public name to ids, the first being the one it means. */
  readonly #names = new Map<string, string[]>()
  readonly secrets = new Secrets()

  addStorage(id: string, storage: EnvStorage): void {
    this.#storages.set(id, storage)
    for (const variable of this.#variables.values()) if (variable.storage === id) this.#remember(variable)
  }

  removeStorage(id: string): void {
    this.#storages.delete(id)
  }

  /** Throws NotFound for a storage that is not there. */
  storage(id: string): EnvStorage {
    const storage = this.#storages.get(id)
    if (storage === undefined) throw notFound(`environment storage not found: ${id}`)
    return storage
  }

  /** The first variable to claim a public name keeps it; a later one is reached by its id. */
  addVariable(variable: Variable): void {
    this.#variables.set(variable.id, variable)
    if (variable.name !== undefined) {
      const claims = this.#names.get(variable.name) ?? []
      if (!claims.includes(variable.id)) claims.push(variable.id)
      this.#names.set(variable.name, claims)
    }
    this.#remember(variable)
  }

  removeVariable(id: string): void {
    const variable = this.#variables.get(id)
    this.#variables.delete(id)
    if (variable?.name === undefined) return
    const claims = (this.#names.get(variable.name) ?? []).filter((claim) => claim !== id)
    if (claims.length === 0) this.#names.delete(variable.name)
    else this.#names.set(variable.name, claims)
  }

  /** By public name, by id, and a bare name also within the caller's namespace. */
  find(key: string, ns = ''): Variable | undefined {
    const named = this.#names.get(key)?.[0]
    return this.#variables.get(named ?? key) ?? (key.includes(':') ? undefined : this.#variables.get(`${ns}:${key}`))
  }

  /** The storage's value, else the variable's default, else undefined; also for a variable that does not exist. */
  lookup(key: string, ns = ''): string | undefined {
    const variable = this.find(key, ns)
    return variable === undefined ? undefined : this.#read(variable)
  }

  /** Like `lookup`; throws NotFound where it gives undefined. */
  get(key: string, ns = ''): string {
    const value = this.lookup(key, ns)
    if (value === undefined) throw notFound('environment variable not found')
    return value
  }

  /** Throws NotFound for an unknown variable, PermissionDenied where nothing may be written. */
  set(key: string, value: string, ns = ''): void {
    const variable = this.find(key, ns)
    if (variable === undefined) throw notFound('environment variable not found')
    if (variable.readonly) {
      throw new RuntimeError('PermissionDenied', `environment variable is read-only: ${key}`, { retryable: false })
    }
    this.storage(variable.storage).set(storageKey(variable), value)
    if (variable.secret) this.secrets.add(value)
  }

  /** Every variable that has a value, by public name or else by id. */
  all(): Map<string, string> {
    const values = new Map<string, string>()
    for (const variable of this.#variables.values()) {
      const key =
        variable.name !== undefined && this.#names.get(variable.name)?.[0] === variable.id ? variable.name : variable.id
      const value = this.#read(variable)
      if (value !== undefined) values.set(key, value)
    }
    return values
  }

  /** For `${env:NAME}` in entries: NAME is a public name or an id. */
  readonly lookupForPlaceholders = (name: string): string | undefined => this.lookup(name)

  /** A text that may be shown: values of secret variables are hidden. */
  readonly maskSecrets = (text: string): string => this.secrets.mask(text)

  /** An entry that may be shown: values of secrets that stand in it are hidden. */
  readonly withoutSecrets = (entry: Entry): Entry => {
    // Other kinds hold placeholders; looking through all their sources at every read would cost more than it finds.
    if (!entry.kind.startsWith('env.')) return entry
    return { ...entry, data: this.secrets.maskValue(hideFields(entry)) }
  }

  #read(variable: Variable): string | undefined {
    const value = this.#storages.get(variable.storage)?.get(storageKey(variable)) ?? variable.fallback
    if (value !== undefined && variable.secret) this.secrets.add(value)
    return value
  }

  /** A secret is hidden from the moment it is known, not from its first use. */
  #remember(variable: Variable): void {
    if (variable.secret) this.#read(variable)
  }
}

/** A variable without a public name is kept under the name of its entry. */
function storageKey({ id, name }: Variable): string {
  return name ?? parseId(id).name
}

function notFound(message: string): RuntimeError {
  return new RuntimeError('NotFound', message, { retryable: false })
}

/** Hides by name what an entry of this feature holds, also before the entry is open. */
function hideFields({ kind, id, meta, data }: Entry): Value {
  if (!isMap(data)) return data
  const name = typeof data['variable'] === 'string' ? data['variable'] : parseId(id).name
  if (kind === 'env.variable' && data['default'] !== undefined && isSecret(name, meta))
    return { ...data, default: MASK }
  const { values } = data
  if (kind !== 'env.storage.static' || !isMap(values)) return data
  const shown = Object.keys(values).map((key) => [key, namesSecret(key) ? MASK : (values[key] ?? null)] as const)
  return { ...data, values: Object.fromEntries(shown) }
}
