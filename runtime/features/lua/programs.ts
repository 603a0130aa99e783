// The current program of each process definition and of each function that any thread may run, and who is told when one changes:
// other threads keep copies.

import type { Program } from '../../lua/program.ts'

export interface FunctionProgram {
  readonly program: Program
  /** Workers at most, in each thread. */
  readonly maxSize: number
}

export class Programs {
  readonly #definitions = new Map<string, Program>()
  readonly #functions = new Map<string, FunctionProgram>()
  /** Told of a program that nothing new will run, or of nothing when something was added. */
  changed: (retired: Program | undefined) => void = () => undefined

  definition(id: string): Program | undefined {
    return this.#definitions.get(id)
  }

  function(id: string): FunctionProgram | undefined {
    return this.#functions.get(id)
  }

  setDefinition(id: string, program: Program | undefined): void {
    const before = this.#definitions.get(id)
    if (program === undefined) this.#definitions.delete(id)
    else this.#definitions.set(id, program)
    if (before !== program) this.changed(before)
  }

  setFunction(id: string, found: FunctionProgram | undefined): void {
    const before = this.#functions.get(id)
    if (found === undefined) this.#functions.delete(id)
    else this.#functions.set(id, found)
    if (before?.program !== found?.program) this.changed(before?.program)
  }
}
