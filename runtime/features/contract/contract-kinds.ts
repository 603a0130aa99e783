// The kinds `contract.definition` and `contract.binding`.

import type { Entry } from '../../core/entry.ts'
import { RuntimeError } from '../../core/error.ts'
import { asBoolean, asList, asMap, asName, asText, type Decoder, field, requiredField } from '../../core/field.ts'
import { parseId, resolveId } from '../../core/id.ts'
import { emptyMap, type Value, type ValueMap } from '../../core/value.ts'
import type { Kind } from '../../registry/kind.ts'
import type { BoundContract, ContractBinding, ContractDefinition, ContractMethod, Contracts } from './contracts.ts'

/** `contract.definition`: names methods and their schemas. */
export const contractDefinitionKind = (contracts: Contracts): Kind<ContractDefinition> => ({
  kind: 'contract.definition',
  decode: (entry) => ({
    id: entry.id,
    methods: new Map(field(entry, 'methods', asList(asMethod), []).map((method) => [method.name, method])),
  }),
  open: (_entry, definition) => ({ close: contracts.define(definition) }),
})

/** `contract.binding`: functions that answer the methods of contracts. */
export const contractBindingKind = (contracts: Contracts): Kind<ContractBinding> => ({
  kind: 'contract.binding',
  decode: decodeBinding,
  needs: ({ contracts: bound }) => bound.flatMap(({ contract, methods }) => [contract, ...methods.values()]),
  open: (_entry, binding) => ({ close: contracts.bind(binding) }),
})

const asAnything: Decoder<Value> = (value) => value

const asMethod: Decoder<ContractMethod> = (value, what) => {
  const method = asMap(value, what)
  return {
    name: member(method, 'name', asName, what),
    description: optionalMember(method, 'description', asText, what, ''),
    inputSchemas: optionalMember(method, 'input_schemas', asList(asAnything), what, []),
    outputSchemas: optionalMember(method, 'output_schemas', asList(asAnything), what, []),
  }
}

function decodeBinding(entry: Entry): ContractBinding {
  const { ns } = parseId(entry.id)
  const contracts = requiredField(entry, 'contracts', asList(asBound(ns)))
  if (contracts.length === 0) throw new RuntimeError('Invalid', `entry ${entry.id}: contracts is empty`)
  return { id: entry.id, contracts, methods: new Map(contracts.flatMap(({ methods }) => [...methods])) }
}

function asBound(ns: string): Decoder<BoundContract> {
  return (value, what) => {
    const bound = asMap(value, what)
    const methods = optionalMember(bound, 'methods', asMap, what, emptyMap())
    return {
      contract: resolveId(member(bound, 'contract', asName, what), ns),
      isDefault: optionalMember(bound, 'default', asBoolean, what, false),
      methods: new Map(
        Object.keys(methods).map((name) => [name, resolveId(member(methods, name, asName, `${what}.methods`), ns)]),
      ),
      contextRequired: optionalMember(bound, 'context_required', asList(asName), what, []),
      contextValues: optionalMember(bound, 'context_values', asMap, what, emptyMap()),
    }
  }
}

function member<T>(map: ValueMap, name: string, decode: Decoder<T>, what: string): T {
  const value = map[name]
  if (value === undefined || value === null) throw new RuntimeError('Invalid', `${what}.${name} is required`)
  return decode(value, `${what}.${name}`)
}

function optionalMember<T>(map: ValueMap, name: string, decode: Decoder<T>, what: string, fallback: T): T {
  const value = map[name]
  return value === undefined || value === null ? fallback : decode(value, `${what}.${name}`)
}
