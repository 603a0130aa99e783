// Actors and scopes for tests: a frame that may do just what a list says, and a module that makes them in Lua.

import type { Actor, Frame, Scope } from '../../runtime/core/frame.ts'
import { emptyFrame } from '../../runtime/core/frame.ts'
import { type LuaModule, LuaType } from '../../runtime/lua/module.ts'

/** A rule is `action` or `action resource`; `*` at the end of either stands for anything. */
export function scopeAllowing(...rules: string[]): Scope {
  const matches = (pattern: string, text: string): boolean =>
    pattern.endsWith('*') ? text.startsWith(pattern.slice(0, -1)) : pattern === text
  return {
    evaluate(_actor, action, resource) {
      const allowed = rules.some((rule) => {
        const [wantedAction = '', wantedResource = '*'] = rule.split(' ')
        return matches(wantedAction, action) && matches(wantedResource, resource)
      })
      return allowed ? 'allow' : 'undefined'
    },
  }
}

/** The frame of an actor that may do just this. */
export function frameAllowing(...rules: string[]): Frame {
  return { ...emptyFrame, actor: { id: 'tester', meta: {} }, scope: scopeAllowing(...rules) }
}

const actorType = new LuaType<Actor>({ name: 'security.Actor' })
const scopeType = new LuaType<Scope>({ name: 'security.Scope' })

/** `identity.actor(id)`, `identity.scope(rule, …)`, `identity.me()`: the id of the caller's actor and whether it may do an action. */
export const identityModule: LuaModule = {
  name: 'identity',
  description: 'Actors and scopes for tests',
  traits: ['security'],
  open: () => ({
    actor: (_call, id: string) => actorType.wrap({ id, meta: {} }),
    scope: (_call, ...rules: string[]) => scopeType.wrap(scopeAllowing(...rules)),
    me: (call) => call.frame.actor?.id ?? 'nobody',
    may: (call, action: string) =>
      call.frame.actor === undefined || call.frame.scope === undefined
        ? 'unrestricted'
        : call.frame.scope.evaluate(call.frame.actor, action, ''),
  }),
}
