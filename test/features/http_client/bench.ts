// What the http_client tests share: a server, the module on a manual clock, and the end of both.

import { afterEach } from 'vitest'
import { type ManualClock, manualClock } from '../../../runtime/core/clock.ts'
import { emptyFrame, type Frame } from '../../../runtime/core/frame.ts'
import { type HttpClientModuleDeps, httpClientModule } from '../../../runtime/features/http_client/module.ts'
import type { AnyHostFunction, LuaObject } from '../../../runtime/lua/module.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { type FakeCall, fakeCall } from '../../support/fake-call.ts'
import { type Handler, type HttpServer, type Listening, startHttpServer } from '../../support/http-server.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

export function atEnd(close: () => Promise<void>): void {
  closing.push(close)
}

export async function server(handler: Handler, where?: Listening): Promise<HttpServer> {
  const started = await startHttpServer(handler, where)
  atEnd(() => started.close())
  return started
}

// biome-ignore lint/suspicious/noExplicitAny: results are looked into freely
export type Loose = any

export interface Client {
  clock: ManualClock
  call: FakeCall
  /** Refusals the guard reported. */
  denials: string[]
  /** Calls a function of the module as `call` does. */
  run(name: string, ...args: unknown[]): Promise<Loose>
  /** The same for another caller. */
  runAs(call: FakeCall, name: string, ...args: unknown[]): Promise<Loose>
}

export function client(deps: Partial<HttpClientModuleDeps> & { frame?: Frame } = {}): Client {
  const clock = manualClock()
  const denials: string[] = []
  const guard = new Guard({
    strict: false,
    denied: (_frame, action, resource) => denials.push(`${action} ${resource}`),
  })
  const module = httpClientModule({ guard, clock, ...deps })
  atEnd(() => module.close())
  const table = module.open() as { [name: string]: AnyHostFunction }
  const call = fakeCall(deps.frame ?? emptyFrame)
  const runAs = async (as: FakeCall, name: string, ...args: unknown[]) => table[name]!(as, ...(args as never[]))
  return { clock, call, denials, runAs, run: (name, ...args) => runAs(call, name, ...args) }
}

/** A frame whose actor may do exactly what `allowed` says, as `action resource`; a `*` at the end is any end. */
export function restricted(...allowed: string[]): Frame {
  const matches = (pattern: string, what: string) =>
    pattern.endsWith('*') ? what.startsWith(pattern.slice(0, -1)) : pattern === what
  return {
    ...emptyFrame,
    actor: { id: 'tester', meta: {} },
    scope: {
      evaluate: (_actor, action, resource) =>
        allowed.some((pattern) => matches(pattern, `${action} ${resource}`)) ? 'allow' : 'undefined',
    },
  }
}

/** The same ceiling on a caller without an identity, as code made at run time has it. */
export function confined(...allowed: string[]): Frame {
  const { actor, scope } = restricted(...allowed)
  return { ...emptyFrame, confinement: { actor: actor!, scope: scope! } }
}

/** Calls a method of a userdata object. */
export function method(object: Loose, name: string, ...args: unknown[]): Loose {
  const { type, value } = object as LuaObject<never>
  return type.spec.methods![name]!(fakeCall(), value, ...(args as never[]))
}

export function text(body: unknown): string {
  return Buffer.from(body as Uint8Array).toString('utf8')
}
