// What the main thread has told this one of programs and frames, by number.

import { type Actor, emptyFrame, type Frame, type Scope } from '../../core/frame.ts'
import type { Program } from '../../lua/program.ts'
import { type PackedFrame, type PackedProgram, unpackProgram } from '../pack.ts'
import type { MainThread } from './main-thread.ts'
import { RemoteScope } from './remote-scope.ts'

export class Definitions {
  readonly #main: () => MainThread
  readonly #programs = new Map<number, Program>()
  readonly #programNumbers = new WeakMap<Program, number>()
  readonly #frames = new Map<number, Frame>()
  readonly #frameNumbers = new WeakMap<Frame, number>()

  /** `main` is asked when the scope of a frame has to decide. */
  constructor(main: () => MainThread) {
    this.#main = main
  }

  defineProgram(number: number, packed: PackedProgram): void {
    const program = unpackProgram(packed)
    this.#programs.set(number, program)
    this.#programNumbers.set(program, number)
  }

  defineFrame(number: number, { actor, judged, context, confined }: PackedFrame): void {
    const scope = (confinement: boolean): Scope => new RemoteScope(this.#main(), number, confinement)
    const ceiling = (limited: Actor): Frame['confinement'] => ({ actor: limited, scope: scope(true) })
    const frame: Frame = {
      ...emptyFrame,
      actor,
      scope: judged ? scope(false) : undefined,
      context: Object.freeze(Object.assign(Object.create(null), context)),
      confinement: confined === undefined ? undefined : ceiling(confined),
    }
    this.#frames.set(number, frame)
    this.#frameNumbers.set(frame, number)
  }

  program(number: number): Program {
    const program = this.#programs.get(number)
    if (program === undefined) throw new Error(`no program ${number}`)
    return program
  }

  /** Also of one that was taken back meanwhile. */
  programNumber(program: Program): number {
    const number = this.#programNumbers.get(program)
    if (number === undefined) throw new Error('a program of another thread')
    return number
  }

  frame(number: number): Frame {
    const frame = this.#frames.get(number)
    if (frame === undefined) throw new Error(`no frame ${number}`)
    return frame
  }

  frameNumber(frame: Frame): number {
    const number = this.#frameNumbers.get(frame)
    if (number === undefined) throw new Error('a frame of another thread')
    return number
  }

  forgetFrame(number: number): void {
    this.#frames.delete(number)
  }

  /** The program it was; undefined when it was not known. */
  forgetProgram(number: number): Program | undefined {
    const program = this.#programs.get(number)
    this.#programs.delete(number)
    return program
  }
}
