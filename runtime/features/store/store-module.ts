// The `store` module: key-value stores for Lua.

import { moduleError } from '../../core/error.ts'
import type { Value, ValueMap } from '../../core/value.ts'
import {
  type Call,
  type LuaModule,
  LuaType,
  number,
  optionalTable,
  optionalText,
  raise,
  text,
} from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import type { Guard } from '../../security/guard.ts'
import { type PutOptions, plainPut, type Store, type StoreEntry, type Stores } from './store.ts'

export interface StoreDeps {
  readonly stores: Stores
  readonly guard: Guard
}

/** A store in the hands of one process. */
interface Handle {
  readonly id: string
  store: Store | undefined
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000

/** `get(id)` and the constants. */
export const storeModule = ({ stores, guard }: StoreDeps): LuaModule => ({
  name: 'store',
  description: 'Key-value stores with time to live and versions',
  traits: ['storage', 'nondeterministic'],
  open() {
    const handleType = storeType(guard)
    return {
      get(call, idArgument) {
        const id = text(idArgument, 1, 'get')
        if (id === '') throw moduleError('Invalid', 'store ID required')
        if (!guard.allows(call.frame, 'store.get', id)) raise(denied(`not allowed to access store: ${id}`))
        return handleType.wrap({ id, store: stores.require(id) })
      },
      backend: { MEMORY: 'memory', SQL: 'sql', KV_RAFT: 'kv.raft', KV_CRDT: 'kv.crdt', UNKNOWN: 'unknown' },
      consistency: { LINEARIZABLE: 'linearizable', EVENTUAL: 'eventual', LOCAL: 'local', UNKNOWN: 'unknown' },
    }
  },
})

function storeType(guard: Guard): LuaType<Handle> {
  /** The open store, once the caller may do this to the key. */
  const permitted = (call: Call, { id, store }: Handle, action: string, what: string, attributes: ValueMap): Store => {
    if (store === undefined) throw moduleError('Invalid', 'store is released')
    if (!guard.allows(call.frame, action, id, attributes)) raise(denied(`not allowed to ${what} in store: ${id}`))
    return store
  }
  const keyed = (
    call: Call,
    self: Handle,
    argument: unknown,
    name: string,
    verb: string,
  ): { store: Store; key: string } => {
    const key = text(argument, 2, name)
    return { key, store: permitted(call, self, `store.key.${verb}`, `${verb} key "${key}"`, { key }) }
  }
  return new LuaType<Handle>({
    name: 'store.Store',
    methods: {
      async get(call, self, keyArgument) {
        const { store, key } = keyed(call, self, keyArgument, 'get', 'get')
        return (await found(store, key)).value
      },
      async entry(call, self, keyArgument) {
        const { store, key } = keyed(call, self, keyArgument, 'entry', 'get')
        return entryTable(await found(store, key))
      },
      async set(call, self, keyArgument, value, ttl) {
        const { store, key } = keyed(call, self, keyArgument, 'set', 'set')
        await store.put(key, storable(value), { ...plainPut, ttl: milliseconds(ttl, 4, 'set') })
        return true
      },
      async put(call, self, keyArgument, value, options) {
        const { store, key } = keyed(call, self, keyArgument, 'put', 'set')
        const wanted = putOptions(optionalTable(options, 4, 'put') ?? {})
        const conditional = wanted.onlyIfAbsent || wanted.ifVersion !== undefined
        if (conditional && !store.info.conditionalPut) {
          throw moduleError('Invalid', `store ${self.id} has no conditional writes`)
        }
        return entryTable(await store.put(key, storable(value), wanted))
      },
      async has(call, self, keyArgument) {
        const { store, key } = keyed(call, self, keyArgument, 'has', 'has')
        return (await store.entry(key)) !== undefined
      },
      delete(call, self, keyArgument) {
        const { store, key } = keyed(call, self, keyArgument, 'delete', 'delete')
        return store.delete(key)
      },
      async list(call, self, optionsArgument) {
        const options = optionalTable(optionsArgument, 2, 'list') ?? {}
        const prefix = optionalText(options['prefix'], 2, 'list') ?? ''
        const store = permitted(call, self, 'store.key.list', 'list keys', { prefix })
        const after = optionalText(options['after'], 2, 'list')
        const page = await store.list({
          prefix,
          after: after === '' ? undefined : after,
          limit: limitOf(options['limit']),
        })
        return { items: page.items.map(entryTable), cursor: page.cursor, has_more: page.hasMore }
      },
      info(call, self) {
        const { info } = permitted(call, self, 'store.info', 'read the capabilities', {})
        const { backend, consistency, durable, list, versioned, conditionalPut, ttl } = info
        return { id: self.id, backend, consistency, durable, list, versioned, conditional_put: conditionalPut, ttl }
      },
      release(_call, self) {
        self.store = undefined
        return true
      },
    },
    tostring: ({ id }) => `store.Store{${id}}`,
  })
}

async function found(store: Store, key: string): Promise<StoreEntry> {
  const entry = await store.entry(key)
  if (entry === undefined) throw moduleError('NotFound', `key not found: ${key}`)
  return entry
}

function entryTable({ key, value, version }: StoreEntry): ValueMap {
  return { key, value, version }
}

function storable(value: unknown): Value {
  if (value === undefined || value === null) throw moduleError('Invalid', 'value is required: delete removes a key')
  return plainValue(value)
}

function putOptions(options: { [key: string]: unknown }): PutOptions {
  const onlyIfAbsent = options['only_if_absent'] === true
  const ifVersion = optionalText(options['if_version'], 4, 'put')
  if (onlyIfAbsent && ifVersion !== undefined) {
    throw moduleError('Invalid', 'only_if_absent and if_version exclude each other')
  }
  return { ttl: milliseconds(options['ttl'], 4, 'put'), onlyIfAbsent, ifVersion }
}

/** Lua gives seconds. */
function milliseconds(seconds: unknown, position: number, name: string): number {
  if (seconds === undefined || seconds === null) return 0
  const value = number(seconds, position, name)
  if (!(value >= 0)) throw moduleError('Invalid', `ttl ${value} is negative`)
  return value * 1000
}

function limitOf(limit: unknown): number {
  if (limit === undefined || limit === null) return DEFAULT_LIMIT
  const value = number(limit, 2, 'list')
  if (!Number.isInteger(value) || value < 1) throw moduleError('Invalid', 'limit must be a positive integer')
  return Math.min(value, MAX_LIMIT)
}

function denied(message: string) {
  return moduleError('PermissionDenied', message)
}
