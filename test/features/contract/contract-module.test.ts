// Contracts: what can be opened, what a call carries to its function, what is refused.

import { describe, expect, test } from 'vitest'
import { manualClock } from '../../../runtime/core/clock.ts'
import type { Entry } from '../../../runtime/core/entry.ts'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { type Actor, emptyFrame, type Frame, type Scope, withContext } from '../../../runtime/core/frame.ts'
import type { Value, ValueMap } from '../../../runtime/core/value.ts'
import { parseBindingReference } from '../../../runtime/features/contract/binding-reference.ts'
import { contractBindingKind, contractDefinitionKind } from '../../../runtime/features/contract/contract-kinds.ts'
import { contractModule } from '../../../runtime/features/contract/contract-module.ts'
import { Contracts } from '../../../runtime/features/contract/contracts.ts'
import { type Call, LuaType, type ModuleTable } from '../../../runtime/lua/module.ts'
import { Functions } from '../../../runtime/process/functions.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, callMethod, fakeCall, type Outcome } from '../../support/call-module.ts'

const actorType = new LuaType<Actor>({ name: 'security.Actor' })
const scopeType = new LuaType<Scope>({ name: 'security.Scope' })

interface Seen {
  args: Value[]
  frame: Frame
}

function world() {
  const contracts = new Contracts()
  const functions = new Functions()
  const clock = manualClock()
  const seen: Seen[] = []
  const definition = contractDefinitionKind(contracts)
  const binding = contractBindingKind(contracts)
  const add = (id: string, data: ValueMap, kind: 'definition' | 'binding') => {
    const entry: Entry = { id, kind: `contract.${kind}`, meta: {}, data }
    if (kind === 'definition') return definition.open(entry, definition.decode(entry), { origin: 'disk' })
    return binding.open(entry, binding.decode(entry), { origin: 'disk' })
  }
  const answer = (id: string, run: (...args: Value[]) => Value | Promise<Value>) =>
    functions.register(id, {
      async call(args, frame) {
        seen.push({ args: args.values(), frame })
        return run(...args.values())
      },
    })
  const module = contractModule({
    contracts,
    functions,
    guard: new Guard({ strict: false }),
    clock,
    random: () => 0.5,
    actorType,
    scopeType,
    future: (_call, result) => ({ future: result }),
  }).open() as ModuleTable
  add(
    'app:greeter',
    { methods: [{ name: 'hello', description: 'Greets', input_schemas: [{ format: 'x', definition: {} }] }] },
    'definition',
  )
  add('app:other', { methods: [{ name: 'bye' }] }, 'definition')
  add(
    'app:impl',
    {
      contracts: [
        { contract: 'app:greeter', default: true, methods: { hello: 'app:hello_fn' } },
        { contract: 'other', methods: { bye: 'bye_fn' } },
      ],
    },
    'binding',
  )
  answer('app:hello_fn', (name) => `hello ${name}`)
  answer('app:bye_fn', () => 'bye')
  return { contracts, functions, clock, seen, add, answer, module }
}

const call = (module: ModuleTable, name: string, args: unknown[], by?: Call): Outcome =>
  callFunction(module, name, args, by) as Outcome
const method = (object: unknown, name: string, args: unknown[] = [], by?: Call): Promise<Outcome> | Outcome =>
  callMethod(object, name, args, by)
const denying = (allow: (action: string, resource: string) => boolean): Call => {
  const scope: Scope = { evaluate: (_actor, action, resource) => (allow(action, resource) ? 'allow' : 'deny') }
  return { ...fakeCall(), frame: { ...emptyFrame, actor: { id: 'a', meta: {} }, scope } }
}

describe('opening', () => {
  test('an instance has the methods of all contracts of its binding', async () => {
    const { module } = world()
    const { value: contract } = call(module, 'get', ['app:greeter'])
    const { value: instance } = (await method(contract, 'open')) as Outcome
    expect((await method(instance, 'hello', ['Ann'])).value).toBe('hello Ann')
    expect((await method(instance, 'bye')).value).toBe('bye')
    expect(() => method(instance, 'missing')).toThrow('has no method')
    expect(call(module, 'is', [instance, 'app:other']).value).toBe(true)
    expect(call(module, 'is', [instance, 'app:unknown']).value).toBe(false)
    expect(call(module, 'is', ['text', 'app:greeter']).value).toBe(false)
  })

  test('an unknown contract, binding, default or id is an error value', async () => {
    const { module } = world()
    expect(call(module, 'get', ['app:no']).error).toMatchObject({
      kind: 'NotFound',
      message: 'contract not found: app:no',
    })
    expect(call(module, 'open', ['app:no']).error).toMatchObject({
      kind: 'NotFound',
      message: 'binding not found: app:no',
    })
    expect(call(module, 'open', ['no']).error).toMatchObject({
      kind: 'Invalid',
      message: 'invalid binding ID format: no',
    })
    const { value: other } = call(module, 'get', ['app:other'])
    expect((await method(other, 'open')).error).toMatchObject({
      kind: 'NotFound',
      message: expect.stringMatching(/^no default binding/),
    })
  })

  test('a binding of another contract cannot be opened through this one', async () => {
    const { module, add } = world()
    add('app:x', { contracts: [{ contract: 'app:other', methods: {} }] }, 'binding')
    const { value: greeter } = call(module, 'get', ['app:greeter'])
    expect((await method(greeter, 'open', ['app:x'])).error?.message).toBe(
      'binding app:x does not implement contract app:greeter',
    )
  })

  test('a second default is refused, and the place is free again when the first goes', async () => {
    const { contracts, add } = world()
    const data = { contracts: [{ contract: 'app:other', default: true, methods: {} }] }
    const first = await add('app:one', data, 'binding')
    expect(() => add('app:two', data, 'binding')).toThrow('already has the default binding app:one')
    first.close()
    add('app:two', data, 'binding')
    expect(contracts.defaultBinding('app:other').id).toBe('app:two')
  })

  test('required context values must be there', async () => {
    const { module, add } = world()
    add(
      'app:t',
      { contracts: [{ contract: 'app:other', context_required: ['tenant'], methods: { bye: 'app:bye_fn' } }] },
      'binding',
    )
    expect(call(module, 'open', ['app:t']).error).toMatchObject({
      kind: 'Invalid',
      message: 'binding app:t requires context values: tenant',
    })
    expect(call(module, 'open', ['app:t?tenant=1']).error).toBeUndefined()
    const ambient = { ...fakeCall(), frame: withContext(emptyFrame, { tenant: 1 }) }
    expect(call(module, 'open', ['app:t'], ambient).error).toBeUndefined()
  })
})

describe('what a call carries', () => {
  test('context comes from the caller, the query, the scope table and with_context', async () => {
    const { module, seen } = world()
    const caller = { ...fakeCall(), frame: withContext(emptyFrame, { base: 1, n: 0 }) }
    const { value: opened } = call(
      module,
      'open',
      ['app:impl?n=5&flag=true&name=a%20b&pi=3.5', { name: 'scope' }],
      caller,
    )
    await method(opened, 'hello', ['x'], caller)
    expect(seen[0]?.frame.context).toEqual({ base: 1, n: 5, flag: true, name: 'scope', pi: 3.5 })
    const { value: contract } = call(module, 'get', ['app:greeter'])
    const { value: with1 } = (await method(contract, 'with_context', [{ a: 1, b: 1 }])) as Outcome
    const { value: instance } = (await method(with1, 'open', [null, { b: 2 }])) as Outcome
    await method(instance, 'hello', ['x'])
    expect(seen[1]?.frame.context).toEqual({ a: 1, b: 2 })
  })

  test('actor and scope are those given, else the caller’s', async () => {
    const { module, seen } = world()
    const by = denying(() => true)
    const { value: contract } = call(module, 'get', ['app:greeter'], by)
    const other: Scope = { evaluate: () => 'allow' }
    const { value: secured } = (await method(
      contract,
      'with_actor',
      [actorType.wrap({ id: 'b', meta: {} })],
      by,
    )) as Outcome
    const { value: scoped } = (await method(secured, 'with_scope', [scopeType.wrap(other)], by)) as Outcome
    await method(((await method(contract, 'open', [], by)) as Outcome).value, 'hello', ['x'], by)
    await method(((await method(scoped, 'open', [], by)) as Outcome).value, 'hello', ['x'], by)
    expect(seen.map(({ frame }) => frame.actor?.id)).toEqual(['a', 'b'])
    expect(seen[1]?.frame.scope).toBe(other)
    expect((await method(contract, 'with_actor', ['text'])).raised).toMatch(
      /bad argument #2 to with_actor \(security.Actor expected/,
    )
  })

  test('arguments are positional, errors stay errors, objects become nil', async () => {
    const { module, seen } = world()
    const { value: instance } = call(module, 'open', ['app:impl'])
    const problem = new RuntimeError('Timeout', 'late')
    await method(instance, 'hello', ['a', null, { list: [1, problem], object: instance }])
    expect(seen[0]?.args).toEqual(['a', null, { list: [1, problem], object: null }])
  })

  test('a method with _async gives what the future is made of', async () => {
    const { module } = world()
    const { value: instance } = call(module, 'open', ['app:impl'])
    const { value } = (await method(instance, 'hello_async', ['Bo'])) as Outcome
    await expect((value as { future: Promise<Value> }).future).resolves.toBe('hello Bo')
  })

  test('the error of a function keeps its kind, and a missing function is NotFound', async () => {
    const { module, add, answer } = world()
    answer('app:hello_fn', () => {
      throw new RuntimeError('RateLimited', 'slow down', { retryable: true })
    })
    const { value: instance } = call(module, 'open', ['app:impl'])
    expect((await method(instance, 'hello')).error).toMatchObject({ kind: 'RateLimited', retryable: true })
    add('app:gone', { contracts: [{ contract: 'app:other', methods: { bye: 'app:nowhere' } }] }, 'binding')
    const { value: gone } = call(module, 'open', ['app:gone'])
    expect((await method(gone, 'bye')).error).toMatchObject({ kind: 'NotFound' })
  })

  test('options repeat a failing call after growing delays', async () => {
    const { module, answer, clock } = world()
    let attempts = 0
    answer('app:hello_fn', () => {
      attempts++
      if (attempts < 3) throw new RuntimeError('Unavailable', 'not yet', { retryable: true })
      return 'at last'
    })
    const { value: instance } = call(module, 'open', [
      'app:impl',
      null,
      { retry: { max_attempts: 3, initial_delay: 100 } },
    ])
    const pending = method(instance, 'hello') as Promise<Outcome>
    const settle = async (): Promise<void> => {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    }
    await settle()
    clock.advance(99)
    await settle()
    expect(attempts).toBe(1)
    clock.advance(1)
    await settle()
    expect(attempts).toBe(2)
    clock.advance(200)
    expect((await pending).value).toBe('at last')
  })

  test('a wrong option is refused when it is given', async () => {
    const { module } = world()
    expect(call(module, 'open', ['app:impl', null, { retry: { max_attempts: 'x' } }]).error?.message).toBe(
      'option retry.max_attempts must be a non-negative number',
    )
  })
})

test('a contract tells its methods and implementations', async () => {
  const { module } = world()
  const { value: contract } = call(module, 'get', ['app:greeter'])
  expect((await method(contract, 'id')).value).toBe('app:greeter')
  expect((await method(contract, 'methods')).value).toEqual([
    { name: 'hello', description: 'Greets', input_schemas: [{ format: 'x', definition: {} }] },
  ])
  expect((await method(contract, 'method', ['no'])).error).toMatchObject({ kind: 'NotFound' })
  expect((await method(contract, 'implementations')).value).toEqual(['app:impl'])
  expect(call(module, 'find_implementations', ['app:other']).value).toEqual(['app:impl'])
})

test.each([
  [
    'contract.get',
    'app:greeter',
    'not allowed to get contract: app:greeter',
    (m: ModuleTable, by: Call) => call(m, 'get', ['app:greeter'], by),
  ],
  [
    'contract.open',
    'app:impl',
    'not allowed to open binding: app:impl',
    (m: ModuleTable, by: Call) => call(m, 'open', ['app:impl'], by),
  ],
  [
    'contract.call',
    'hello',
    'not allowed to call method: hello',
    (m: ModuleTable, by: Call) => method(call(m, 'open', ['app:impl']).value, 'hello', [], by),
  ],
  [
    'contract.implementations',
    'app:greeter',
    'not allowed to find implementations of contract: app:greeter',
    (m: ModuleTable, by: Call) => call(m, 'find_implementations', ['app:greeter'], by),
  ],
  [
    'contract.context',
    'context',
    'not allowed to use a custom context',
    (m: ModuleTable, by: Call) => method(call(m, 'get', ['app:greeter']).value, 'with_context', [{}], by),
  ],
  [
    'contract.security',
    'security',
    'not allowed to use a custom security context',
    (m: ModuleTable, by: Call) =>
      method(call(m, 'get', ['app:greeter']).value, 'with_actor', [actorType.wrap({ id: 'b', meta: {} })], by),
  ],
] as const)('%s on %s is asked for', async (action, resource, message, run) => {
  const { module } = world()
  const refused = await run(
    module,
    denying((asked, on) => asked !== action || on !== resource),
  )
  expect(refused.error).toMatchObject({ kind: 'PermissionDenied', message })
  const allowed = await run(
    module,
    denying((asked, on) => asked === action && on === resource),
  )
  expect(allowed.error).toBeUndefined()
})

test.each([
  ['app:x', 'app:x', {}],
  ['app:x?a=1&b=-2.5&c=true&d=x+y&e=', 'app:x', { a: 1, b: -2.5, c: true, d: 'x y', e: '' }],
  ['?__proto__=1', '', { ['__proto__']: 1 }],
])('the reference %s', (reference, id, context) => {
  expect(parseBindingReference(reference)).toEqual({ id, context: Object.assign(Object.create(null), context) })
})

test.each([
  [{ contracts: [] }, 'entry app:b: contracts is empty'],
  [{}, 'entry app:b: contracts is required'],
  [{ contracts: [{ methods: {} }] }, 'entry app:b: contracts[0].contract is required'],
  [
    { contracts: [{ contract: 'a:b', methods: { x: 1 } }] },
    'entry app:b: contracts[0].methods.x 1 is not a non-empty string',
  ],
])('a binding %j is refused', (data, message) => {
  expect(() => world().add('app:b', data as ValueMap, 'binding')).toThrow(message)
})
