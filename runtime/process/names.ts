// Names of processes on this node (spec/process.md §8). A process may own many; all are free before its exit is reported.

import { RuntimeError } from '../core/error.ts'
import type { Process } from './process.ts'

export class Names {
  readonly #owners = new Map<string, Process>()
  readonly #names = new Map<Process, Set<string>>()

  /** Registering again for the same process is fine; a name of another throws AlreadyExists. */
  register(name: string, process: Process): void {
    const owner = this.#owners.get(name)
    // By serial: while the code of an upgrade loads, the process is there twice.
    if (owner?.serial === process.serial) return
    if (owner !== undefined) throw new RuntimeError('AlreadyExists', 'name already registered', { retryable: false })
    this.#owners.set(name, process)
    const names = this.#names.get(process)
    if (names === undefined) this.#names.set(process, new Set([name]))
    else names.add(name)
  }

  lookup(name: string): Process | undefined {
    return this.#owners.get(name)
  }

  /** False when nobody has the name. Whether the caller may do this is the caller's check. */
  unregister(name: string): boolean {
    const owner = this.#owners.get(name)
    if (owner === undefined) return false
    this.#owners.delete(name)
    this.#names.get(owner)?.delete(name)
    return true
  }

  namesOf(process: Process): string[] {
    return [...(this.#names.get(process) ?? [])]
  }

  release(process: Process): void {
    const names = this.#names.get(process)
    if (names === undefined) return
    for (const name of names) this.#owners.delete(name)
    this.#names.delete(process)
  }

  /** An upgraded process keeps its names, beside those it has taken while its code was loaded. */
  move(from: Process, to: Process): void {
    const names = this.#names.get(from)
    if (names === undefined) return
    this.#names.delete(from)
    for (const name of names) this.#owners.set(name, to)
    for (const name of this.#names.get(to) ?? []) names.add(name)
    this.#names.set(to, names)
  }
}
