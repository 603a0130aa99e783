// The `contract` module: opens bindings and calls their methods, which are functions of the registry.

import type { Clock } from '../../core/clock.ts'
import { moduleError, RuntimeError } from '../../core/error.ts'
import { type Actor, type Scope, withContext } from '../../core/frame.ts'
import { emptyMap, isMap, type Value, type ValueMap } from '../../core/value.ts'
import {
  type Call,
  LuaFunctionRef,
  type LuaModule,
  LuaObject,
  LuaType,
  optionalTable,
  optionalText,
  table,
  text,
} from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import { callWithOptions, decodeCallOptions } from '../../process/call-options.ts'
import type { Functions } from '../../process/functions.ts'
import { payloadOf } from '../../process/process.ts'
import type { Guard } from '../../security/guard.ts'
import { parseBindingReference } from './binding-reference.ts'
import type { ContractBinding, ContractDefinition, ContractMethod, Contracts } from './contracts.ts'

export interface ContractDeps {
  readonly contracts: Contracts
  readonly functions: Functions
  readonly guard: Guard
  readonly clock: Clock
  readonly random: () => number
  /** The userdata of the security module. */
  readonly actorType: LuaType<Actor>
  readonly scopeType: LuaType<Scope>
  /** Makes the Future of a call that is under way; `abort` ends the callee. */
  readonly future: (call: Call, result: Promise<Value>, abort: () => void) => unknown
}

/** What an opened instance adds to every call. */
interface Terms {
  readonly context: ValueMap
  readonly actor: Actor | undefined
  readonly scope: Scope | undefined
  readonly options: ValueMap
}

interface ContractHandle {
  readonly definition: ContractDefinition
  readonly terms: Terms
}

interface Instance {
  readonly binding: ContractBinding
  readonly terms: Terms
}

const noTerms: Terms = { context: emptyMap(), actor: undefined, scope: undefined, options: emptyMap() }

/** `get`, `open`, `find_implementations`, `is`. */
export const contractModule = (deps: ContractDeps): LuaModule => ({
  name: 'contract',
  description: 'Opens contract bindings and calls their methods',
  traits: ['registry', 'process', 'nondeterministic'],
  open() {
    const { contracts, guard } = deps
    const types = contractTypes(deps)
    return {
      get(call, idArgument) {
        const id = text(idArgument, 1, 'get')
        if (!guard.allows(call.frame, 'contract.get', id)) throw denied(`get contract: ${id}`)
        return types.contract.wrap({ definition: contracts.definition(id), terms: noTerms })
      },
      open(call, reference, scope, options) {
        const { id, context } = parseBindingReference(text(reference, 1, 'open'))
        const terms: Terms = {
          ...noTerms,
          context: merged(context, plainTable(scope, 2, 'open')),
          options: plainTable(options, 3, 'open'),
        }
        return types.instance.wrap(openBinding(deps, call, id, () => contracts.binding(id), terms))
      },
      find_implementations: (call, idArgument) =>
        implementations(deps, call, text(idArgument, 1, 'find_implementations')),
      is(_call, instance, idArgument) {
        const id = text(idArgument, 2, 'is')
        return types.instance.is(instance) && instance.value.binding.contracts.some(({ contract }) => contract === id)
      },
    }
  },
})

function contractTypes(deps: ContractDeps): { contract: LuaType<ContractHandle>; instance: LuaType<Instance> } {
  const { contracts, guard, actorType, scopeType } = deps
  const instance: LuaType<Instance> = new LuaType<Instance>({
    name: 'contract.Instance',
    method: (self, name) => methodOf(deps, self, name),
    tostring: ({ binding }) => `contract.Instance{${binding.id}}`,
  })
  const secured = (call: Call): void => {
    if (!guard.allows(call.frame, 'contract.security', 'security')) throw denied('use a custom security context')
  }
  const contract: LuaType<ContractHandle> = new LuaType<ContractHandle>({
    name: 'contract.Contract',
    methods: {
      id: (_call, self) => self.definition.id,
      methods: (_call, self) => [...self.definition.methods.values()].map(methodTable),
      method(_call, self, nameArgument) {
        const name = text(nameArgument, 2, 'method')
        const method = self.definition.methods.get(name)
        if (method === undefined) throw moduleError('NotFound', `method not found: ${name}`)
        return methodTable(method)
      },
      implementations: (call, self) => implementations(deps, call, self.definition.id),
      open(call, self, reference, scope) {
        const { id, context } = parseBindingReference(optionalText(reference, 2, 'open') ?? '')
        const contractId = self.definition.id
        const find = (): ContractBinding => (id === '' ? contracts.defaultBinding(contractId) : contracts.binding(id))
        const opened = find()
        if (!opened.contracts.some((bound) => bound.contract === contractId)) {
          throw moduleError('Invalid', `binding ${opened.id} does not implement contract ${contractId}`)
        }
        const values = merged(merged(self.terms.context, context), plainTable(scope, 3, 'open'))
        return instance.wrap(openBinding(deps, call, opened.id, () => opened, { ...self.terms, context: values }))
      },
      with_context(call, self, values) {
        if (!guard.allows(call.frame, 'contract.context', 'context')) throw denied('use a custom context')
        const context = merged(self.terms.context, plainTable(table(values, 2, 'with_context'), 2, 'with_context'))
        return contract.wrap({ ...self, terms: { ...self.terms, context } })
      },
      with_actor(call, self, actor) {
        secured(call)
        return contract.wrap({ ...self, terms: { ...self.terms, actor: actorType.check(actor, 2, 'with_actor') } })
      },
      with_scope(call, self, scope) {
        secured(call)
        return contract.wrap({ ...self, terms: { ...self.terms, scope: scopeType.check(scope, 2, 'with_scope') } })
      },
      with_options(_call, self, options) {
        const changed = merged(self.terms.options, plainTable(table(options, 2, 'with_options'), 2, 'with_options'))
        decodeCallOptions(changed)
        return contract.wrap({ ...self, terms: { ...self.terms, options: changed } })
      },
    },
    tostring: ({ definition }) => `contract.Contract{${definition.id}}`,
  })
  return { contract, instance }
}

/** `id` is asked for before the binding is looked up: a denial tells nothing about what exists. */
function openBinding(
  { guard }: ContractDeps,
  call: Call,
  id: string,
  find: () => ContractBinding,
  terms: Terms,
): Instance {
  if (!guard.allows(call.frame, 'contract.open', id)) throw denied(`open binding: ${id}`)
  const binding = find()
  decodeCallOptions(terms.options)
  const context = binding.contracts.reduce((values, bound) => merged(values, bound.contextValues), emptyMap())
  const full = { ...terms, context: merged(context, terms.context) }
  const given = { ...call.frame.context, ...full.context }
  const missing = binding.contracts
    .flatMap(({ contextRequired }) => contextRequired)
    .filter((name) => !Object.hasOwn(given, name))
  if (missing.length > 0) {
    throw moduleError('Invalid', `binding ${id} requires context values: ${[...new Set(missing)].join(', ')}`)
  }
  return { binding, terms: full }
}

const ASYNC = '_async'

/** The function behind `instance:name(...)`; `name_async` gives a Future. Undefined for what the binding does not have. */
function methodOf(deps: ContractDeps, instance: Instance, name: string) {
  const { methods } = instance.binding
  if (methods.has(name))
    return (call: Call, _self: unknown, ...args: unknown[]) => callMethod(deps, call, instance, name, args, call.signal)
  const base = name.endsWith(ASYNC) ? name.slice(0, -ASYNC.length) : ''
  if (!methods.has(base)) return undefined
  return (call: Call, _self: unknown, ...args: unknown[]) => {
    const abort = new AbortController()
    const ended = (): void => abort.abort()
    call.lifetime.addEventListener('abort', ended)
    const result = callMethod(deps, call, instance, base, args, abort.signal).finally(() => {
      call.lifetime.removeEventListener('abort', ended)
    })
    return deps.future(call, result, ended)
  }
}

/** Throws at once what can be known before the call; the promise carries the rest. */
function callMethod(
  deps: ContractDeps,
  call: Call,
  instance: Instance,
  name: string,
  args: unknown[],
  signal: AbortSignal,
): Promise<Value> {
  const { functions, guard, clock, random } = deps
  const { terms, binding } = instance
  if (!guard.allows(call.frame, 'contract.call', name)) throw denied(`call method: ${name}`)
  const id = binding.methods.get(name) ?? ''
  const frame = {
    ...withContext(call.frame, terms.context),
    actor: terms.actor ?? call.frame.actor,
    scope: terms.scope ?? call.frame.scope,
  }
  const payload = payloadOf(args.map(argument))
  const attempt = (ends: AbortSignal): Promise<Value> => functions.call(id, payload, frame, ends)
  return callWithOptions(attempt, decodeCallOptions(terms.options), signal, { clock, random })
}

function implementations({ contracts, guard }: ContractDeps, call: Call, id: string): string[] {
  if (!guard.allows(call.frame, 'contract.implementations', id)) throw denied(`find implementations of contract: ${id}`)
  return contracts.implementations(id)
}

function methodTable({ name, description, inputSchemas, outputSchemas }: ContractMethod): ValueMap {
  return {
    name,
    description,
    ...(inputSchemas.length === 0 ? {} : { input_schemas: [...inputSchemas] }),
    ...(outputSchemas.length === 0 ? {} : { output_schemas: [...outputSchemas] }),
  }
}

function merged(under: ValueMap, over: ValueMap): ValueMap {
  return Object.assign(emptyMap(), under, over)
}

function plainTable(argument: unknown, position: number, name: string): ValueMap {
  const given = optionalTable(argument, position, name)
  if (given === undefined) return emptyMap()
  const plain = plainValue(given)
  return isMap(plain) ? plain : emptyMap()
}

/** What crosses to another state: data and errors; functions and objects do not. */
function argument(value: unknown): Value {
  if (value instanceof LuaObject || value instanceof LuaFunctionRef) return null
  // An error is passed by reference, as between processes; engines know it where it stands in a Value.
  if (value instanceof RuntimeError) return value as unknown as Value
  if (Array.isArray(value)) return value.map(argument)
  if (!isMap(value)) return (value ?? null) as Value
  const copy = emptyMap()
  for (const key of Object.keys(value)) copy[key] = argument(value[key])
  return copy
}

function denied(what: string): RuntimeError {
  return moduleError('PermissionDenied', `not allowed to ${what}`)
}
