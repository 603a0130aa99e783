// Who is told when a process ends: monitors always, links when it ended with an error (spec/process.md §5).

import { type Clock, unixSeconds } from '../core/clock.ts'
import { RuntimeError } from '../core/error.ts'
import type { Exit, Process } from './process.ts'

/** Sets are made when there is somebody to put in: most processes have one relation, if any. */
interface Relations {
  /** Processes that monitor this one. */
  monitors?: Set<Process>
  /** Processes this one monitors. */
  monitored?: Set<Process>
  links?: Set<Process>
}

export class Links {
  readonly #relations = new Map<Process, Relations>()
  /** Processes that a link takes down, and whether somebody is at it: a chain of links must not become a chain of calls. */
  readonly #falling: Process[] = []
  #fells = false
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  #of(process: Process): Relations {
    let relations = this.#relations.get(process)
    if (relations === undefined) {
      relations = {}
      this.#relations.set(process, relations)
    }
    return relations
  }

  /** Throws AlreadyExists for a second monitor on the same process. */
  monitor(watcher: Process, target: Process): void {
    const relations = this.#of(target)
    relations.monitors ??= new Set()
    if (relations.monitors.has(watcher)) {
      throw new RuntimeError('AlreadyExists', 'already monitoring pid', { retryable: false })
    }
    relations.monitors.add(watcher)
    const mine = this.#of(watcher)
    mine.monitored ??= new Set()
    mine.monitored.add(target)
  }

  unmonitor(watcher: Process, target: Process): void {
    this.#relations.get(target)?.monitors?.delete(watcher)
    this.#relations.get(watcher)?.monitored?.delete(target)
  }

  link(a: Process, b: Process): void {
    if (a === b) return
    this.#linkTo(a, b)
    this.#linkTo(b, a)
  }

  #linkTo(from: Process, to: Process): void {
    const relations = this.#of(from)
    relations.links ??= new Set()
    relations.links.add(to)
  }

  unlink(a: Process, b: Process): void {
    this.#relations.get(a)?.links?.delete(b)
    this.#relations.get(b)?.links?.delete(a)
  }

  linksOf(process: Process): Process[] {
    return [...(this.#relations.get(process)?.links ?? [])]
  }

  /** Tells monitors, then links; drops every relation of the process. EXIT comes before LINK_DOWN for who has both. */
  ended(process: Process, exit: Exit): void {
    const relations = this.#relations.get(process)
    if (relations === undefined) return
    this.#relations.delete(process)
    for (const target of relations.monitored ?? []) this.#relations.get(target)?.monitors?.delete(process)
    for (const peer of relations.links ?? []) this.#relations.get(peer)?.links?.delete(process)
    const at = unixSeconds(this.#clock)
    for (const watcher of relations.monitors ?? []) {
      this.#relations.get(watcher)?.monitored?.delete(process)
      watcher.event({ kind: 'pid.exit', from: process.pid, at, exit })
    }
    if (exit.error === undefined) return
    for (const peer of relations.links ?? []) {
      if (peer.options.trap_links) peer.event({ kind: 'pid.link.down', from: process.pid, at, exit })
      else this.#falling.push(peer)
    }
    this.#fell()
  }

  /** Drops every relation of a process without telling anybody: it never was. */
  forget(process: Process): void {
    const relations = this.#relations.get(process)
    if (relations === undefined) return
    this.#relations.delete(process)
    for (const target of relations.monitored ?? []) this.#relations.get(target)?.monitors?.delete(process)
    for (const watcher of relations.monitors ?? []) this.#relations.get(watcher)?.monitored?.delete(process)
    for (const peer of relations.links ?? []) this.#relations.get(peer)?.links?.delete(process)
  }

  #fell(): void {
    if (this.#fells) return
    this.#fells = true
    try {
      // Grows while it is walked.
      for (const peer of this.#falling) peer.terminate(new RuntimeError('Internal', 'linked process failed'))
    } finally {
      this.#falling.length = 0
      this.#fells = false
    }
  }

  /** An upgraded process keeps its relations, beside those it has made while its code was loaded. */
  move(from: Process, to: Process): void {
    const relations = this.#relations.get(from)
    if (relations === undefined) return
    this.#relations.delete(from)
    for (const watcher of relations.monitors ?? []) replace(this.#relations.get(watcher)?.monitored, from, to)
    for (const target of relations.monitored ?? []) replace(this.#relations.get(target)?.monitors, from, to)
    for (const peer of relations.links ?? []) replace(this.#relations.get(peer)?.links, from, to)
    const made = this.#relations.get(to)
    this.#relations.set(to, made === undefined ? relations : both(relations, made))
  }
}

function both(a: Relations, b: Relations): Relations {
  const union = (one: Set<Process> | undefined, other: Set<Process> | undefined) =>
    new Set([...(one ?? []), ...(other ?? [])])
  return {
    monitors: union(a.monitors, b.monitors),
    monitored: union(a.monitored, b.monitored),
    links: union(a.links, b.links),
  }
}

function replace(set: Set<Process> | undefined, from: Process, to: Process): void {
  if (set?.delete(from)) set.add(to)
}
