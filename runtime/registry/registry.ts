// The source of truth at run time. Whatever runs is an entry; every change is a changeset that lands whole or not at all,
// through the kinds of its entries, and makes a version that can be undone. Boot, reload and self-modification end here.

import { type Clock, systemClock } from '../core/clock.ts'
import type { Entry, Origin } from '../core/entry.ts'
import { errorText, RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import { Announcer, type Publish } from './announcer.ts'
import { authorize, authorizeRollback, type ChangeGuard } from './authority.ts'
import { Changes } from './changes.ts'
import {
  advance,
  type Change,
  copyEntry,
  difference,
  type Held,
  type Operation,
  plan,
  sameEntry,
  sameHeld,
  squash,
} from './changeset.ts'
import { contentHash } from './hash.ts'
import { type History, MemoryHistory, type Version } from './history.ts'
import { checkRuntimeId } from './id-rules.ts'
import type { AnyKind, Participant } from './kind.ts'
import { type LandingDeps, land, landInParts } from './landing.ts'
import { Openings } from './openings.ts'
import { hidden, notRestored, type Problem } from './problem.ts'
import type { Filter } from './query.ts'
import { Snapshot } from './snapshot.ts'
import { Timeline } from './timeline.ts'
import { type Failure, Transaction } from './transaction.ts'

export type { Problem }

export interface RegistryOptions {
  /** How entries come alive, by the name of their kind. */
  readonly kinds: ReadonlyMap<string, AnyKind>
  /** Take part in every changeset as a whole, in this order. */
  readonly participants?: readonly Participant[]
  /** Memory unless given. */
  readonly history?: History
  /** Decides for changesets that come with a frame; without it nobody is refused. */
  readonly guard?: ChangeGuard
  /** Fills in what an entry leaves open (placeholders) before its kind sees it. NotFound makes the entry wait. */
  readonly prepare?: (entry: Entry) => Entry
  /** Puts an event on the bus; the system is always `registry`. */
  readonly publish?: Publish
  /** Hears what nobody else would: what could not be undone, what was set aside. */
  readonly report?: (problem: Problem) => void
  readonly clock?: Clock
  /** Longest time a kind may take for one entry: `registry.event_wait_timeout`. */
  readonly timeoutMs?: number
  /** Kinds whose changes make no entry events on the bus; those that are only state, unless given. */
  readonly quietKinds?: ReadonlySet<string>
}

export interface ApplyOptions {
  /** `host` unless given. Only `runtime` changesets are replayed at the next boot. */
  readonly origin?: Origin
  /** On whose behalf: policies are enforced for it. Without a frame the host itself acts. */
  readonly frame?: Frame
  /** The version the caller looked at: Conflict when another one has been made since. */
  readonly expected?: number
  readonly label?: string
}

export interface Sources {
  readonly entries: readonly Entry[]
  readonly origins: ReadonlyMap<string, Origin>
}

/** What a reload of the sources comes to. Created and updated entries may stand in either list. */
export interface SourceChanges {
  readonly create: readonly Entry[]
  readonly update: readonly Entry[]
  readonly delete: readonly string[]
}

export interface ReloadResult {
  /** Undefined when nothing landed. */
  readonly version: Version | undefined
  readonly changed: readonly string[]
  readonly problems: readonly Problem[]
}

export interface RollbackResult {
  readonly version: Version
  readonly changed: readonly string[]
  /** Changed entries that differ from their files: they follow the file again at its next change. */
  readonly differFromDisk: readonly string[]
}

export class Registry {
  readonly #options: RegistryOptions
  readonly #history: History
  readonly #clock: Clock
  readonly #openings: Openings
  readonly #listeners = new Set<(changed: readonly string[], version: Version) => void>()
  readonly #timeline: Timeline
  readonly #announcer: Announcer
  #current: Snapshot
  /** What the sources say now: an entry may be hidden by one made at run time. */
  #sources = new Map<string, Entry>()
  #queue: Promise<unknown> = Promise.resolve()

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#history = options.history ?? new MemoryHistory()
    this.#clock = options.clock ?? systemClock()
    this.#openings = new Openings({
      kinds: options.kinds,
      prepare: options.prepare,
      clock: this.#clock,
      timeoutMs: options.timeoutMs ?? 30_000,
      problem: (id, error) => this.#problem(id, error),
    })
    this.#announcer = new Announcer(options.publish, options.quietKinds)
    this.#timeline = new Timeline(this.#history, this.#nowMs())
    this.#current = new Snapshot(this.#timeline.baseline, new Map())
  }

  /** The version the registry is at. */
  get version(): Version {
    return this.#current.version
  }

  get history(): History {
    return this.#history
  }

  get(id: string): Entry | undefined {
    return this.#current.get(id)
  }

  /** Where an entry came from: held by the host, never read from the entry. */
  origin(id: string): Origin | undefined {
    return this.#current.origin(id)
  }

  /** Ids that an entry refers to: those any entry may name, and those its kind knows of. They need not exist. */
  needs(id: string): readonly string[] {
    return this.#openings.needsOf(id)
  }

  /** All entries, by id. */
  all(): Entry[] {
    return this.#current.entries()
  }

  /** The entries a filter fits: `registry.find({ 'meta.type': 'tool' })`. */
  find(filter: Filter, warn?: (message: string) => void): Entry[] {
    return this.#current.find(filter, warn)
  }

  namespace(ns: string): Entry[] {
    return this.#current.namespace(ns)
  }

  /** The entries as they are now, for as long as the caller wants. */
  snapshot(): Snapshot {
    return this.#current
  }

  /** The entries at a version, the baseline (0) included. Throws NotFound. */
  snapshotAt(id: number): Snapshot {
    const version = this.getVersion(id)
    if (version === undefined) throw new RuntimeError('NotFound', 'version not found', { retryable: false })
    return version.id === this.version.id ? this.#current : new Snapshot(version, this.#timeline.stateAt(version))
  }

  /** All versions, the baseline first. */
  versions(): Version[] {
    return this.#timeline.versions()
  }

  getVersion(id: number): Version | undefined {
    return this.#timeline.get(id)
  }

  /** What a version changed, one operation per id. */
  operations(id: number): readonly Operation[] {
    return this.#history.operations(id)
  }

  /** What leads from one version to another, one operation per id. Throws NotFound. */
  diff(from: number, to: number): Operation[] {
    return difference(this.snapshotAt(from).state, this.snapshotAt(to).state)
  }

  /** Collects changes and applies them: `registry.changes().create(entry).delete(id).apply()`. */
  changes(): Changes {
    return new Changes(this)
  }

  /** Calls back after every change that landed until the returned function is called. */
  listen(listener: (changed: readonly string[], version: Version) => void): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /** Loads the sources as version 0, then replays what was changed at run time. What is bad is left out and told. */
  boot(sources: Sources): Promise<Problem[]> {
    return this.#inTurn(() => this.#boot(sources))
  }

  /** Applies a changeset whole or not at all. Resolves with its version, which a durable history then has on disk. */
  apply(changes: readonly Change[], options: ApplyOptions = {}): Promise<Version> {
    // The caller may go on changing its own.
    const own = changes.map((change) =>
      change.op === 'delete' ? change : { op: change.op, entry: copyEntry(change.entry) },
    )
    return this.#inTurn(() => this.#apply(own, options))
  }

  /** Applies what changed in the sources: what is bad keeps its last good entry, everything else lands as one version. */
  reload(changes: SourceChanges, origins: ReadonlyMap<string, Origin>, label?: string): Promise<ReloadResult> {
    return this.#inTurn(() => this.#reload(changes, origins, label))
  }

  /** Goes to a version, back or forward, as one changeset. Makes no new version. Throws NotFound. */
  applyVersion(id: number, options: { frame?: Frame } = {}): Promise<RollbackResult> {
    return this.#inTurn(() => this.#applyVersion(id, options.frame))
  }

  /** Closes every entry, last opened first, and the history. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#openings.closeAll()
      this.#history.close()
    })
  }

  /** One after the other; a failure is its caller's alone. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work)
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  async #apply(changes: readonly Change[], options: ApplyOptions): Promise<Version> {
    if (changes.length === 0) throw new RuntimeError('Invalid', 'no changes to apply', { retryable: false })
    const { origin = 'host', frame, expected, label } = options
    if (expected !== undefined && expected !== this.version.id) throw this.#stale(expected)
    const { guard } = this.#options
    if (origin === 'runtime') for (const change of changes) checkRuntimeId(change)
    // Every change is judged, also one whose effect another one of the changeset takes back.
    if (guard !== undefined && frame !== undefined) authorize(guard, frame, changes)
    const operations = plan(this.#current.state, changes, { origin, mayChangeKind: false })
    if (operations.length === 0) return this.version
    const version = this.#nextVersion({ origin, label, author: (frame?.actor ?? frame?.confinement?.actor)?.id })
    await this.#transact(operations, { tolerant: false, version })
    return version
  }

  #stale(expected: number): RuntimeError {
    const text = `registry is at version ${this.version.id}, not at the expected version ${expected}`
    return new RuntimeError('Conflict', text, { retryable: true, details: { version: this.version.id, expected } })
  }

  async #boot({ entries, origins }: Sources): Promise<Problem[]> {
    const loaded = new Map<string, Held>()
    for (const entry of entries) {
      loaded.set(entry.id, { entry: copyEntry(entry), origin: origins.get(entry.id) ?? 'disk' })
    }
    this.#sources = new Map([...loaded].map(([id, { entry }]) => [id, entry]))
    const { baseline } = this.#timeline
    const { problems } = await landInParts(difference(new Map(), loaded), this.#landing(baseline))
    this.#timeline.begin(this.#current.state, new Map(this.#sources))
    return [...problems, ...(await this.#replay())]
  }

  /** Brings back what was changed at run time up to the version the history was left at. */
  async #replay(): Promise<Problem[]> {
    const timeline = this.#timeline
    const target = timeline.get(this.#history.head) ?? timeline.baseline
    const path = timeline.pathTo(target.id)
    const problems = path.flatMap((version) => timeline.collisions(version))
    try {
      await this.#goTo(target, squash(path.flatMap((version) => timeline.effective(version))))
      return problems
    } catch {
      // One of them does not apply any more: find out which.
    }
    for (const version of path) {
      try {
        await this.#goTo(version, timeline.effective(version))
      } catch (error) {
        timeline.setAside(version)
        problems.push({ level: 'error', message: `version ${version.id} was set aside: ${errorText(error)}` })
      }
    }
    this.#current = new Snapshot(target, this.#current.state)
    return problems
  }

  async #goTo(version: Version, operations: readonly Operation[]): Promise<void> {
    const state = advance(this.#current.state, operations)
    await this.#transact(difference(this.#current.state, state), { tolerant: false, version })
  }

  async #reload(
    { create, update, delete: gone }: SourceChanges,
    origins: ReadonlyMap<string, Origin>,
    label: string | undefined,
  ): Promise<ReloadResult> {
    const problems: Problem[] = []
    const operations = new Map<string, Operation>()
    const add = (id: string, entry: Entry | undefined): void => {
      if (entry === undefined) this.#sources.delete(id)
      else this.#sources.set(id, entry)
      const before = this.#current.state.get(id)
      const after = entry === undefined ? undefined : { entry, origin: origins.get(id) ?? 'disk' }
      if (before !== undefined && (before.origin === 'runtime' || before.origin === 'host')) {
        if (entry !== undefined && !sameEntry(before.entry, entry)) problems.push(hidden(before))
      } else if (!sameHeld(before, after)) {
        operations.set(id, { id, before, after })
      }
    }
    for (const id of gone) add(id, undefined)
    for (const entry of [...create, ...update]) add(entry.id, copyEntry(entry))
    const version = this.#nextVersion({ origin: 'disk', label })
    const landed = await land([...operations.values()], this.#landing(version))
    problems.push(...landed.problems)
    return { version: landed.changed.length === 0 ? undefined : version, changed: landed.changed, problems }
  }

  #landing(version: Version): LandingDeps {
    return {
      transact: (operations) => this.#transact(operations, { tolerant: true, version }),
      needs: (operation) => this.#openings.needs(operation),
      held: (id) => this.#current.state.get(id),
    }
  }

  async #applyVersion(id: number, frame: Frame | undefined): Promise<RollbackResult> {
    const { guard } = this.#options
    const version = this.getVersion(id)
    if (guard !== undefined && frame !== undefined) authorizeRollback(guard, frame, [])
    if (version === undefined) {
      throw new RuntimeError('NotFound', 'version not found in history', { retryable: false, details: { version: id } })
    }
    if (id === this.version.id) return { version, changed: [], differFromDisk: [] }
    const operations = difference(this.#current.state, this.#timeline.stateAt(version))
    if (guard !== undefined && frame !== undefined) authorizeRollback(guard, frame, operations)
    await this.#transact(operations, { tolerant: false, version, move: true })
    const changed = operations.map((operation) => operation.id)
    return { version, changed, differFromDisk: changed.filter((changedId) => this.#differsFromDisk(changedId)) }
  }

  #differsFromDisk(id: string): boolean {
    const held = this.#current.state.get(id)
    const source = this.#sources.get(id)
    if (held === undefined) return source !== undefined
    if (held.origin === 'runtime' || held.origin === 'host') return false
    return source === undefined || !sameEntry(held.entry, source)
  }

  #nextVersion(made: Pick<Version, 'origin' | 'label' | 'author'>): Version {
    return this.#timeline.next({ parent: this.version.id, createdAt: this.#nowMs(), ...made })
  }

  /** Carries operations out and lands them as `version`: a new one is kept in the history, an old one is moved to. */
  async #transact(
    operations: readonly Operation[],
    { tolerant, version, move = false }: { tolerant: boolean; version: Version; move?: boolean },
  ): Promise<{ performed: readonly Operation[]; failures: readonly Failure[] }> {
    const { participants = [] } = this.#options
    const before = this.#current
    const transaction = new Transaction({
      openings: this.#openings,
      tolerant,
      step: (operation, stage) => this.#announcer.step(operation, stage),
      problem: (id, error) => this.#problem(id, error),
    })
    const announce = this.#announcer.transaction()
    announce('begin')
    try {
      for (const participant of participants) participant.begin?.()
      await transaction.run(operations)
      const { performed } = transaction
      // What starts at commit must see the entries it was started by.
      this.#current = new Snapshot(before.version, advance(before.state, performed))
      const changed = performed.map(({ id }) => id)
      for (const participant of participants) await participant.commit?.(changed)
      if (move) await this.#history.moveHead(version.id)
      else if (this.#timeline.isNew(version) && performed.length > 0) {
        await this.#history.append(
          version,
          performed.map((operation) => this.#withDisk(operation)),
        )
      }
    } catch (error) {
      this.#current = before
      await transaction.rollBack()
      this.#discard()
      announce('discard')
      throw error
    }
    const { performed, failures } = transaction
    if (performed.length > 0 || move || !tolerant) this.#current = new Snapshot(version, this.#current.state)
    announce('commit')
    this.#tell(performed, version)
    return { performed, failures }
  }

  #discard(): void {
    for (const participant of this.#options.participants ?? []) {
      try {
        participant.discard?.()
      } catch (error) {
        // The refusal that led here is what the caller must hear.
        this.#options.report?.({
          level: 'error',
          message: `a refused change was not undone whole: ${errorText(error)}`,
        })
      }
    }
  }

  #withDisk(operation: Operation): Operation {
    const source = this.#sources.get(operation.id)
    return source === undefined ? operation : { ...operation, disk: contentHash(source) }
  }

  #tell(performed: readonly Operation[], version: Version): void {
    if (performed.length === 0) return
    const changed = performed.map(({ id }) => id)
    for (const listener of this.#listeners) listener(changed, version)
  }

  #problem(id: string, error: unknown): void {
    this.#options.report?.(notRestored(id, error))
  }

  #nowMs(): number {
    return Number(this.#clock.wallNanos() / 1_000_000n)
  }
}
