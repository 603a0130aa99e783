// Small real kinds for tests of the registry: they keep what is open in a map and refuse what an entry tells them to.

import { manualClock } from '../../runtime/core/clock.ts'
import type { Entry, Origin } from '../../runtime/core/entry.ts'
import { RuntimeError } from '../../runtime/core/error.ts'
import { isMap, type Value } from '../../runtime/core/value.ts'
import type { AnyKind, Kind } from '../../runtime/registry/kind.ts'
import { Registry, type RegistryOptions } from '../../runtime/registry/registry.ts'

export function entry(id: string, data: Value = {}, meta: Entry['meta'] = {}, kind = 'test.thing'): Entry {
  return { id, kind, meta, data }
}

export interface World {
  /** What is open, by id: the data it was opened with. */
  readonly open: Map<string, Value>
  /** Every step, in order: `open a:x`, `update a:x`, `close a:x`. */
  readonly steps: string[]
  readonly kinds: Map<string, AnyKind>
}

/**
 * `test.thing` is closed and opened again on update, `test.living` is updated in place, `registry.entry` is state only.
 * Data may say `bad: true` (refused), `wants: id` (NotFound until that is open), `stays: true` (cannot be closed).
 */
export function world(): World {
  const open = new Map<string, Value>()
  const steps: string[] = []
  const check = (entry: Entry): Value => {
    const { data } = entry
    if (isMap(data) && data['undecodable'] === true) throw new RuntimeError('Invalid', `entry ${entry.id}: no sense`)
    return data
  }
  const openOne = (entry: Entry, data: Value): void => {
    const { bad, wants: wanted } = isMap(data) ? data : { bad: false, wants: null }
    if (bad === true) throw new RuntimeError('Invalid', 'bad thing')
    if (typeof wanted === 'string' && !open.has(wanted)) throw new RuntimeError('NotFound', `no ${wanted}`)
    open.set(entry.id, data)
  }
  const close = (id: string): void => {
    const data = open.get(id)
    if (isMap(data) && data['stays'] === true) throw new RuntimeError('Conflict', `cannot remove ${id}`)
    steps.push(`close ${id}`)
    open.delete(id)
  }
  const thing: Kind<Value> = {
    kind: 'test.thing',
    decode: check,
    needs: (data) => (isMap(data) && typeof data['after'] === 'string' ? [data['after']] : []),
    async open(entry, data) {
      await Promise.resolve()
      openOne(entry, data)
      steps.push(`open ${entry.id}`)
      return { close: () => close(entry.id) }
    },
  }
  const living: Kind<Value> = {
    kind: 'test.living',
    decode: check,
    open(entry, data) {
      openOne(entry, data)
      steps.push(`open ${entry.id}`)
      return {
        update(next, changed) {
          openOne(next, changed)
          steps.push(`update ${next.id}`)
        },
        close: () => close(entry.id),
      }
    },
  }
  const state: Kind<undefined> = {
    kind: 'registry.entry',
    decode: () => undefined,
    open: () => ({ close() {} }),
  }
  const kinds = new Map<string, AnyKind>([thing, living, state].map((kind) => [kind.kind, kind as AnyKind]))
  return { open, steps, kinds }
}

export function registryOf(options: Partial<RegistryOptions> & { world?: World } = {}): Registry {
  const { world: given, ...rest } = options
  return new Registry({ kinds: (given ?? world()).kinds, clock: manualClock(), ...rest })
}

export function sources(entries: Entry[], origin: Origin = 'disk'): { entries: Entry[]; origins: Map<string, Origin> } {
  return { entries, origins: new Map(entries.map(({ id }) => [id, origin])) }
}
