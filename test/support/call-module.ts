// Calls module functions as the engine would, for tests that need no Lua: results, errors and raises are told apart.

import { RuntimeError } from '../../runtime/core/error.ts'
import { emptyFrame } from '../../runtime/core/frame.ts'
import { type Call, type LuaChannel, LuaObject, LuaRaise, type ModuleTable, Results } from '../../runtime/lua/module.ts'
import type { Process } from '../../runtime/process/process.ts'

/** What Lua would see. */
export interface Outcome {
  /** The first result. */
  readonly value: unknown
  readonly values: readonly unknown[]
  /** The error value among the results, if any. */
  readonly error: RuntimeError | undefined
  /** The message of the Lua error, if it raised. */
  readonly raised: string | undefined
}

/** Calls `name`, dots descending into tables: `random.bytes`. A promise when the function waits. */
export function callFunction(
  module: ModuleTable | LuaObject<unknown>,
  name: string,
  args: readonly unknown[],
  call: Call = fakeCall(),
): Outcome | Promise<Outcome> {
  const found = name
    .split('.')
    .reduce<unknown>((at, step) => (at as { [key: string]: unknown } | undefined)?.[step], module)
  if (typeof found !== 'function') throw new Error(`no function ${name}`)
  return outcome(() => found(call, ...args))
}

/** Calls a method of a userdata. */
export function callMethod(
  object: unknown,
  name: string,
  args: readonly unknown[] = [],
  call: Call = fakeCall(),
): Outcome | Promise<Outcome> {
  if (!(object instanceof LuaObject)) throw new Error(`not a userdata: ${String(object)}`)
  const method = object.type.spec.methods?.[name] ?? object.type.spec.method?.(object.value, name)
  if (method === undefined) throw new Error(`${object.type.spec.name} has no method ${name}`)
  return outcome(() => method(call, object.value, ...args))
}

function outcome(run: () => unknown): Outcome | Promise<Outcome> {
  try {
    const returned = run()
    return returned instanceof Promise ? returned.then(returnedValues, thrownOutcome) : returnedValues(returned)
  } catch (error) {
    return thrownOutcome(error)
  }
}

function returnedValues(returned: unknown): Outcome {
  const values = returned instanceof Results ? returned.values : returned === undefined ? [] : [returned]
  const error = values.find((value) => value instanceof RuntimeError)
  return { value: values[0], values, error, raised: undefined }
}

function thrownOutcome(error: unknown): Outcome {
  if (error instanceof LuaRaise) return { value: undefined, values: [], error: undefined, raised: error.message }
  if (error instanceof RuntimeError) return { value: null, values: [null, error], error, raised: undefined }
  throw error
}

/** A call of a process that is nothing but its resources: `end()` closes what it owns and aborts what waits. */
export interface FakeCall extends Call {
  readonly owned: ReadonlySet<{ close(): void }>
  end(): void
}

export function fakeCall(): FakeCall {
  const controller = new AbortController()
  const owned = new Set<{ close(): void }>()
  return {
    // No module under test looks into its process; some keep state per process.
    process: {} as Process,
    frame: emptyFrame,
    definition: 'test:caller',
    signal: controller.signal,
    lifetime: controller.signal,
    owned,
    where: () => 'test:caller:1',
    channel: (capacity) => new FakeChannel(capacity),
    own(resource) {
      owned.add(resource)
      return { release: () => void owned.delete(resource) }
    },
    work(step, result) {
      while (!step());
      return result()
    },
    charge: () => {},
    end() {
      controller.abort()
      for (const resource of owned) resource.close()
      owned.clear()
    },
  }
}

/** A channel nobody waits on: what was queued can be looked at. */
export class FakeChannel implements LuaChannel {
  readonly queue: unknown[] = []
  readonly #capacity: number
  closed = false

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  push(value: unknown): boolean {
    if (this.closed) return false
    this.queue.push(value)
    return true
  }

  offer(value: unknown): boolean {
    return this.queue.length < this.#capacity && this.push(value)
  }

  close(): void {
    this.closed = true
  }

  readonly collected = undefined
  loosen(): void {}
}
