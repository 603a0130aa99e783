// What the end of a terminal process means for the shell (spec/cli.md §4).

import { errorText, type RuntimeError } from '../core/error.ts'
import type { Value } from '../core/value.ts'
import { withoutRepeat } from './report.ts'

export interface Ending {
  readonly code: number
  readonly stdout?: string
  readonly stderr?: string
}

/** An error is shown and 1; a text is printed and 0; a number is the code; true 0, false 1; anything else 0. */
export function endingOf(outcome: { readonly value?: Value; readonly error?: RuntimeError }): Ending {
  if (outcome.error !== undefined) return { code: 1, stderr: withoutRepeat(errorText(outcome.error)) }
  const { value = null } = outcome
  if (typeof value === 'string') return { code: 0, stdout: `${value}\n` }
  if (typeof value === 'boolean') return { code: value ? 0 : 1 }
  if (typeof value === 'bigint') return { code: Number(BigInt.asUintN(8, value)) }
  if (typeof value !== 'number') return { code: 0 }
  // The shell sees eight bits.
  return { code: Number.isFinite(value) ? Math.trunc(value) & 0xff : 1 }
}
