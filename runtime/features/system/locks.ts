// Locks by name, each held by one process at most and free again when that process ends. One node: nobody else can hold one.

import type { Kernel } from '../../process/kernel.ts'
import type { Process } from '../../process/process.ts'

export class Locks {
  /** Serial of the holder by name: it stays the same across an upgrade. */
  readonly #holders = new Map<string, number>()
  readonly #held = new Map<number, Set<string>>()
  readonly #kernel: Kernel

  constructor(kernel: Kernel) {
    this.#kernel = kernel
  }

  /** False when somebody holds it, the process itself included. */
  acquire(name: string, process: Process): boolean {
    if (this.#holders.has(name)) return false
    this.#holders.set(name, process.serial)
    const held = this.#held.get(process.serial)
    if (held !== undefined) {
      held.add(name)
      return true
    }
    this.#held.set(process.serial, new Set([name]))
    this.#kernel.watch(process, () => this.#releaseAll(process.serial))
    return true
  }

  /** False when the process does not hold it. */
  release(name: string, process: Process): boolean {
    if (this.#holders.get(name) !== process.serial) return false
    this.#holders.delete(name)
    this.#held.get(process.serial)?.delete(name)
    return true
  }

  #releaseAll(serial: number): void {
    for (const name of this.#held.get(serial) ?? []) this.#holders.delete(name)
    this.#held.delete(serial)
  }
}
