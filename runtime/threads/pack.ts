// Programs and frames as plain data, for threads: code as a list with references by place, a frame without the policies behind it.

import type { Actor, Frame } from '../core/frame.ts'
import type { Value, ValueMap } from '../core/value.ts'
import { type Code, codesOf, type Limits, type Program } from '../lua/program.ts'

interface PackedCode {
  readonly id: string
  readonly source: string
  readonly needsTypes: boolean
  readonly modules: readonly (readonly [string, string])[]
  readonly imports: readonly (readonly [string, number])[]
}

export interface PackedProgram {
  /** The entry's first. */
  readonly codes: readonly PackedCode[]
  readonly method: string
  readonly limits: Limits
  readonly isolated: boolean
  readonly generated: boolean
}

export function packProgram(program: Program): PackedProgram {
  const codes = codesOf(program)
  return {
    codes: codes.map(({ id, source, needsTypes, modules, imports }) => ({
      id,
      source,
      needsTypes,
      modules: [...modules],
      imports: [...imports].map(([alias, library]) => [alias, codes.indexOf(library)] as const),
    })),
    method: program.method,
    limits: { ...program.limits },
    isolated: program.isolated === true,
    generated: program.generated,
  }
}

export function unpackProgram(packed: PackedProgram): Program {
  const imports = packed.codes.map(() => new Map<string, Code>())
  const codes = packed.codes.map(
    ({ id, source, needsTypes, modules }, i): Code => ({
      id,
      source,
      needsTypes,
      modules: new Map(modules),
      imports: imports[i] as Map<string, Code>, // one for each
    }),
  )
  packed.codes.forEach((code, i) => {
    for (const [alias, place] of code.imports) imports[i]?.set(alias, codes[place] as Code) // places of this list
  })
  const { method, limits, isolated, generated } = packed
  return { code: codes[0] as Code, method, limits, isolated, generated } // a program has its entry's code at least
}

export interface PackedFrame {
  readonly actor: Actor | undefined
  /** It has policies; they are asked in the main thread. */
  readonly judged: boolean
  readonly context: ValueMap
  /** Actor of the ceiling on code made at run time. */
  readonly confined: Actor | undefined
}

export function packFrame({ actor, scope, context, confinement }: Frame): PackedFrame {
  return {
    actor: actor && { id: actor.id, meta: actor.meta },
    judged: scope !== undefined,
    context: { ...context } as Record<string, Value>,
    confined: confinement && { id: confinement.actor.id, meta: confinement.actor.meta },
  }
}
