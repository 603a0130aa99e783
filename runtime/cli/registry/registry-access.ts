// The registry as the command line sees it: that of a running host through its socket, else that of the project at rest.

import { resolve } from 'node:path'
import { ControlClient } from '../../control/control-client.ts'
import type { ControlMethods } from '../../control/control-server.ts'
import { controlPath } from '../../control/protocol.ts'
import type { Entry, Origin } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import { isMap } from '../../core/value.ts'
import { fromJson, toJson } from '../../core/value-json.ts'
import { openRegistry, type Registry, type Version } from '../../index.ts'
import { requireLock } from '../../loader/lockfile.ts'
import { type SettingFlags, settingsOf } from '../options.ts'
import { diagnosticText } from '../report.ts'

export interface ShownEntry extends Entry {
  readonly origin: Origin
}

export interface ShownVersion extends Version {
  readonly changes: readonly { readonly id: string; readonly kind: 'created' | 'updated' | 'deleted' }[]
  readonly current: boolean
}

export interface Rollback {
  readonly version: number
  readonly changed: readonly string[]
  /** Entries that follow their files again at the next change of these. */
  readonly differFromDisk: readonly string[]
}

export interface RegistryAccess {
  /** True for a host that runs. */
  readonly live: boolean
  entries(version?: number): Promise<ShownEntry[]>
  versions(): Promise<ShownVersion[]>
  rollback(version: number): Promise<Rollback>
  close(): Promise<void>
}

export interface AccessFlags extends SettingFlags {
  readonly lockFile: string
}

/** Opens what there is. Throws NotFound without a lock. */
export async function openAccess(flags: AccessFlags): Promise<RegistryAccess> {
  const root = process.cwd()
  const path = resolve(root, flags.lockFile)
  requireLock(path)
  const client = await ControlClient.connect(controlPath(root))
  return client === undefined ? atRest(root, flags) : running(client)
}

async function atRest(root: string, flags: AccessFlags): Promise<RegistryAccess> {
  const { registry, loaded, problems, close } = await openRegistry({
    root,
    lockFile: flags.lockFile,
    settings: settingsOf(flags),
    report: ({ message }) => process.stderr.write(`warning: ${message}\n`),
  })
  for (const diagnostic of [...loaded.diagnostics, ...problems]) {
    if (diagnostic.level !== 'info') process.stderr.write(`${diagnosticText(diagnostic, root)}\n`)
  }
  return {
    live: false,
    entries: async (version) => shownEntries(registry, version),
    versions: async () => shownVersions(registry),
    rollback: (version) => rollBack(registry, version),
    close,
  }
}

function running(client: ControlClient): RegistryAccess {
  return {
    live: true,
    entries: async (version) => readEntries(await client.call('registry.entries', version ?? null)),
    // The host is our own program: its answers have the shape that `registryMethods` gives them.
    versions: async () => (await client.call('registry.versions')) as ShownVersion[],
    rollback: async (version) => (await client.call('registry.rollback', version)) as Rollback,
    close: async () => client.close(),
  }
}

/** What a host offers on its socket. */
export function registryMethods(registry: Registry): ControlMethods {
  return {
    'registry.entries': (version: number | null) =>
      toJson(
        shownEntries(registry, version ?? undefined).map(({ id, kind, meta, data, origin }) => ({
          id,
          kind,
          meta,
          data,
          origin,
        })),
      ),
    'registry.versions': () => shownVersions(registry),
    'registry.rollback': (version: number) => rollBack(registry, version),
  }
}

function shownEntries(registry: Registry, version?: number): ShownEntry[] {
  const snapshot = version === undefined ? registry.snapshot() : registry.snapshotAt(version)
  return snapshot.entries().map((entry) => ({ ...entry, origin: snapshot.origin(entry.id) ?? 'disk' }))
}

function shownVersions(registry: Registry): ShownVersion[] {
  return registry.versions().map((version) => ({
    ...version,
    current: version.id === registry.version.id,
    changes: registry.operations(version.id).map(({ id, before, after }) => ({
      id,
      kind: before === undefined ? 'created' : after === undefined ? 'deleted' : 'updated',
    })),
  }))
}

async function rollBack(registry: Registry, id: number): Promise<Rollback> {
  if (!Number.isSafeInteger(id)) throw new RuntimeError('Invalid', `version ${JSON.stringify(id)} is not a number`)
  const { version, changed, differFromDisk } = await registry.applyVersion(id)
  return { version: version.id, changed, differFromDisk }
}

function readEntries(written: unknown): ShownEntry[] {
  const list = fromJson(written)
  if (!Array.isArray(list)) throw new Error('the host gave no list of entries')
  return list.filter(isMap).map(({ id, kind, meta = null, data = null, origin }) => ({
    id: String(id),
    kind: String(kind),
    meta: isMap(meta) ? meta : {},
    data,
    origin: origin as Origin, // the host's own word
  }))
}
