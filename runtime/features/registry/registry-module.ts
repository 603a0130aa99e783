// The `registry` module: reads entries and snapshots, collects and applies changes, goes from version to version. What code
// applies has origin `runtime`, and the registry itself decides whether the code may.

import type { Entry } from '../../core/entry.ts'
import { asRuntimeError, moduleError, RuntimeError } from '../../core/error.ts'
import { parseId, showId } from '../../core/id.ts'
import { isMap } from '../../core/value.ts'
import {
  type Call,
  type LuaModule,
  type LuaObject,
  LuaType,
  list,
  number,
  optionalTable,
  results,
  table,
  text,
} from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import { type Change, difference, type Held } from '../../registry/changeset.ts'
import type { Version } from '../../registry/history.ts'
import { declaredNeeds, orderOperations } from '../../registry/order.ts'
import type { Filter } from '../../registry/query.ts'
import type { Registry } from '../../registry/registry.ts'
import type { Snapshot } from '../../registry/snapshot.ts'
import type { Guard } from '../../security/guard.ts'
import { changeTable, deletedId, entriesOf, entryOf, entryTable, operationTables } from './entry-tables.ts'

export interface RegistryModuleDeps {
  readonly registry: Registry
  readonly guard: Guard
  /** Hears of filter keys that are ignored, with the place that used them. */
  readonly warn?: (message: string, where: string) => void
  /** An entry as it may be shown: without the values of secrets. */
  readonly shown?: (entry: Entry) => Entry
}

/** Changes on their way, and the snapshot they were started from. */
interface Pending {
  readonly snapshot: Snapshot
  readonly list: Change[]
}

export const registryModule = ({ registry, guard, warn, shown = (entry) => entry }: RegistryModuleDeps): LuaModule => {
  const shownTable = (entry: Entry) => entryTable(shown(entry))
  const readable = ({ frame }: Call): ((entry: Entry) => boolean) =>
    guard.unrestricted(frame) ? () => true : ({ id }) => guard.wouldAllow(frame, 'registry.get', id)

  const read = (call: Call, snapshot: Snapshot, idArgument: unknown) => {
    const id = text(idArgument, 1, 'get')
    if (!guard.allows(call.frame, 'registry.get', id)) {
      throw moduleError('PermissionDenied', `not allowed to access entry: ${id}`, { details: { id } })
    }
    const entry = snapshot.get(id)
    if (entry === undefined) throw moduleError('NotFound', `entry not found: ${showId(id)}`, { details: { id } })
    return shownTable(entry)
  }

  const search = (call: Call, snapshot: Snapshot, filterArgument: unknown) => {
    const filter = plainValue(table(filterArgument, 1, 'find'))
    const told = (message: string): void => warn?.(message, call.where())
    const found = snapshot.find(isMap(filter) ? (filter as Filter) : {}, told)
    return found.filter(readable(call)).map(shownTable)
  }

  const changesType: LuaType<Pending> = new LuaType<Pending>({
    name: 'registry.Changes',
    methods: {
      create: (_, self, entry) => add(self, { op: 'create', entry: entryOf(entry) }),
      update: (_, self, entry) => add(self, { op: 'update', entry: entryOf(entry) }),
      delete: (_, self, id) => add(self, { op: 'delete', id: deletedId(id) }),
      ops: (_, self) => self.list.map((change) => changeTable(change, (id) => self.snapshot.get(id))),
      apply: (call, self, options) => apply(call, self, options),
    },
    tostring: (self) => `registry.Changes{ops=${self.list.length}}`,
    // `create` and its like return the changes themselves.
    equals: (a, b) => a === b,
  })

  const add = (pending: Pending, change: Change): LuaObject<Pending> => {
    pending.list.push(change)
    return changesType.wrap(pending)
  }

  const apply = async ({ frame }: Call, pending: Pending, optionsArgument: unknown) => {
    const expected = expectedVersion(optionalTable(optionsArgument, 1, 'apply')?.['expected'])
    try {
      const version = await registry.apply([...pending.list], {
        origin: 'runtime',
        frame,
        ...(expected === undefined ? {} : { expected }),
      })
      return versionType.wrap(version)
    } catch (thrown) {
      throw applyError(asRuntimeError(thrown), pending.list.length === 0, expected !== undefined)
    }
  }

  const expectedVersion = (argument: unknown): number | undefined => {
    if (argument === undefined || argument === null) return undefined
    return versionType.is(argument) ? argument.value.id : number(argument, 1, 'apply')
  }

  const snapshotType = new LuaType<Snapshot>({
    name: 'registry.Snapshot',
    methods: {
      entries: (call, self) => self.entries().filter(readable(call)).map(shownTable),
      get: (call, self, id) => read(call, self, id),
      namespace: (call, self, ns) =>
        self
          .namespace(text(ns, 1, 'namespace'))
          .filter(readable(call))
          .map(shownTable),
      find: (call, self, filter) => search(call, self, filter),
      changes: (_, self) => changesType.wrap({ snapshot: self, list: [] }),
      version: (_, self) => versionType.wrap(self.version),
    },
    tostring: (self) => `registry.Snapshot{version=v${self.version.id}}`,
  })

  const wrapVersion = (version: Version | undefined) => (version === undefined ? null : versionType.wrap(version))
  const versionType: LuaType<Version> = new LuaType<Version>({
    name: 'registry.Version',
    methods: {
      id: (_, self) => self.id,
      previous: (_, self) => wrapVersion(self.parent === undefined ? undefined : registry.getVersion(self.parent)),
      next: (_, self) => wrapVersion(nextVersion(registry, self)),
      string: (_, self) => `v${self.id}`,
    },
    tostring: (self) => `registry.Version{v${self.id}}`,
    equals: (a, b) => a.id === b.id,
    less: (a, b) => a.id < b.id,
  })

  const historyType = new LuaType<Registry>({
    name: 'registry.History',
    methods: {
      versions: (_, self) => self.versions().map((version) => versionType.wrap(version)),
      get_version: (_, self, id) => versionType.wrap(requireVersion(self, number(id, 1, 'get_version'), 0)),
      snapshot_at: (_, self, version) =>
        snapshotType.wrap(self.snapshotAt(versionType.check(version, 1, 'snapshot_at').id)),
    },
    tostring: (self) => `registry.History{versions=${self.versions().length}}`,
  })

  return {
    name: 'registry',
    description: 'Entries, snapshots, changes and versions',
    traits: ['registry'],
    open: () => ({
      get: (call, id) => read(call, registry.snapshot(), id),
      find: (call, filter) => search(call, registry.snapshot(), filter),
      parse_id(_, id) {
        const { ns, name } = parseId(text(id, 1, 'parse_id'))
        return { ns, name }
      },
      snapshot: () => snapshotType.wrap(registry.snapshot()),
      snapshot_at: (_, id) =>
        snapshotType.wrap(registry.snapshotAt(requireVersion(registry, number(id, 1, 'snapshot_at'), 1).id)),
      current_version: () => versionType.wrap(registry.version),
      versions: () => registry.versions().map((version) => versionType.wrap(version)),
      history: () => historyType.wrap(registry),

      async apply_version({ frame }, version) {
        const id = versionType.is(version) ? version.value.id : number(version, 1, 'apply_version')
        try {
          await registry.applyVersion(id, { frame })
          return true
        } catch (thrown) {
          const error = asRuntimeError(thrown)
          const denied = error.kind === 'PermissionDenied'
          return results(denied ? null : false, denied ? error : error.wrap('apply version'))
        }
      },

      build_delta(_, from, to) {
        const states = [list(from, 1, 'build_delta'), list(to, 2, 'build_delta')].map(stateOf)
        const [before = new Map(), after = new Map()] = states
        const needs = ({ after: made, before: gone }: { after?: Held | undefined; before?: Held | undefined }) => {
          const held = made ?? gone
          return held === undefined ? [] : declaredNeeds(held.entry)
        }
        return orderOperations(difference(before, after), needs).flatMap(operationTables)
      },
    }),
  }
}

function stateOf(tables: readonly unknown[]): Map<string, Held> {
  return new Map([...entriesOf(tables)].map(([id, entry]) => [id, { entry, origin: 'runtime' } as const]))
}

function requireVersion(registry: Registry, id: number, least: number): Version {
  if (!Number.isInteger(id) || id < least)
    throw moduleError('Invalid', 'invalid version ID', { details: { version: id } })
  const version = registry.getVersion(id)
  if (version === undefined) throw moduleError('NotFound', 'version not found', { details: { version: id } })
  return version
}

/** The version that was made on this one; of several the one on the way to the current version, else the newest. */
function nextVersion(registry: Registry, { id }: Version): Version | undefined {
  for (let at: Version | undefined = registry.version; at?.parent !== undefined; at = registry.getVersion(at.parent)) {
    if (at.parent === id) return at
  }
  return registry.versions().findLast(({ parent }) => parent === id)
}

/** Permission, an empty changeset and a stale version are told apart; everything else is a failed apply. */
function applyError(error: RuntimeError, empty: boolean, hadExpectation: boolean): RuntimeError {
  const stale = hadExpectation && error.kind === 'Conflict' && error.details?.['expected'] !== undefined
  if (empty || stale || error.kind === 'PermissionDenied') return error
  return new RuntimeError('Internal', error.text, {
    retryable: false,
    details: error.details,
    cause: error,
    context: ['apply changes'],
  })
}
