// What evaluated code may do at most: what code made at run time may (PROMISES P8), and what its caller opened for it by name.
// The caller's own rights stay above both.

import type { Confinement, Effect, Frame, Scope } from '../../core/frame.ts'

/** Actions whose resources are judged one by one, however wide the grant. */
const judged = new Set(['http_client', 'network'])
/** Reached without a module grant; what they do needs the class `process`. */
const processFamilies = ['process', 'funcs', 'pg']

export interface CeilingOptions {
  /** The ceiling of code made at run time; undefined when the configuration does not restrict such code. */
  readonly generated: Confinement | undefined
  /** Modules that were granted and need more than the default classes. */
  readonly opened: readonly string[]
  /** The class `process` was allowed. */
  readonly processes: boolean
}

/** The confinement for one evaluation, for a caller with this frame. */
export function evalCeiling(frame: Frame, { generated, opened, processes }: CeilingOptions): Confinement {
  const families = new Set([...opened.filter((name) => !judged.has(name)), ...(processes ? processFamilies : [])])
  const above = frame.confinement
  const scope: Scope = {
    evaluate(actor, action, resource, attributes): Effect {
      if (above !== undefined && above.scope.evaluate(above.actor, action, resource, attributes) !== 'allow')
        return 'deny'
      const family = action.slice(0, action.indexOf('.'))
      if (families.has(family)) return 'allow'
      if (generated !== undefined) return generated.scope.evaluate(actor, action, resource, attributes)
      return processFamilies.includes(family) ? 'deny' : 'allow'
    },
  }
  return { actor: above?.actor ?? generated?.actor ?? { id: 'generated', meta: {} }, scope }
}
