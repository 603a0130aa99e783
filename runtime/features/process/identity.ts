// Actors and scopes as arguments: userdata of the security feature, known by shape so that features need not import it.

import type { Actor, Scope } from '../../core/frame.ts'
import { badArgument, LuaObject } from '../../lua/module.ts'

/** Raises `bad argument` unless it is an actor. */
export function actorOf(argument: unknown, position: number, name: string): Actor {
  const value = argument instanceof LuaObject ? (argument.value as Partial<Actor>) : undefined
  if (typeof value?.id === 'string' && typeof value.meta === 'object') return value as Actor
  return badArgument(position, name, 'security.Actor', argument)
}

/** Raises `bad argument` unless it is a scope. */
export function scopeOf(argument: unknown, position: number, name: string): Scope {
  const value = argument instanceof LuaObject ? (argument.value as Partial<Scope>) : undefined
  if (typeof value?.evaluate === 'function') return value as Scope
  return badArgument(position, name, 'security.Scope', argument)
}
