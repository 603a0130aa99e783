// Decides whether a frame may do an action on a resource. Decides only: the caller refuses, in its own words.

import type { Frame } from '../core/frame.ts'
import type { ValueMap } from '../core/value.ts'

export interface GuardOptions {
  /** With `security.strict_mode` a frame without actor or scope may do nothing that is gated. */
  readonly strict: boolean
  /** Told of every refusal, for the log. */
  readonly denied?: (frame: Frame, action: string, resource: string) => void
}

export class Guard {
  readonly #strict: boolean
  readonly #denied: GuardOptions['denied']

  constructor(options: GuardOptions) {
    this.#strict = options.strict
    this.#denied = options.denied
  }

  /** True when no check can refuse anything to this frame: hot paths ask this before they build a resource name. */
  unrestricted(frame: Frame): boolean {
    return !this.#strict && frame.confinement === undefined && (frame.actor === undefined || frame.scope === undefined)
  }

  /** The rule of spec/security.md §5, with the confinement of code made at run time on top (PROMISES P8). */
  allows(frame: Frame, action: string, resource: string, attributes?: ValueMap): boolean {
    const allowed = this.wouldAllow(frame, action, resource, attributes)
    if (!allowed) this.#denied?.(frame, action, resource)
    return allowed
  }

  /** Tells of a refusal that was decided elsewhere: in another thread. */
  report(frame: Frame, action: string, resource: string): void {
    this.#denied?.(frame, action, resource)
  }

  /** Decides as `allows` does, without telling of a refusal: for lists that leave things out, and for mere questions. */
  wouldAllow(frame: Frame, action: string, resource: string, attributes?: ValueMap): boolean {
    return this.#base(frame, action, resource, attributes) && confined(frame, action, resource, attributes)
  }

  /**
   * True when the action is forbidden: by a policy that says deny, or by the confinement of code made at run time, which
   * forbids all it does not allow. For a second, finer check after one that had to be allowed.
   */
  denies(frame: Frame, action: string, resource: string, attributes?: ValueMap): boolean {
    const { actor, scope } = frame
    const judged = actor !== undefined && scope !== undefined
    const denied =
      (judged && scope.evaluate(actor, action, resource, attributes) === 'deny') ||
      !confined(frame, action, resource, attributes)
    if (denied) this.#denied?.(frame, action, resource)
    return denied
  }

  #base(frame: Frame, action: string, resource: string, attributes: ValueMap | undefined): boolean {
    if (frame.actor === undefined || frame.scope === undefined) return !this.#strict || frame.confinement !== undefined
    return frame.scope.evaluate(frame.actor, action, resource, attributes) === 'allow'
  }
}

function confined(frame: Frame, action: string, resource: string, attributes: ValueMap | undefined): boolean {
  const ceiling = frame.confinement
  return ceiling === undefined || ceiling.scope.evaluate(ceiling.actor, action, resource, attributes) === 'allow'
}
