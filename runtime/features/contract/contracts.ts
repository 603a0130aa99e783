// Contracts and the bindings that implement them, as declared by entries. Knows ids only: nothing is called here.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Value, ValueMap } from '../../core/value.ts'

export interface ContractMethod {
  readonly name: string
  readonly description: string
  readonly inputSchemas: readonly Value[]
  readonly outputSchemas: readonly Value[]
}

export interface ContractDefinition {
  readonly id: string
  readonly methods: ReadonlyMap<string, ContractMethod>
}

/** One contract a binding implements. */
export interface BoundContract {
  readonly contract: string
  readonly isDefault: boolean
  /** Method name to the id of its function. */
  readonly methods: ReadonlyMap<string, string>
  /** Context values without which it cannot be opened. */
  readonly contextRequired: readonly string[]
  /** Context values every call gets unless the opener gives others. */
  readonly contextValues: ValueMap
}

export interface ContractBinding {
  readonly id: string
  readonly contracts: readonly BoundContract[]
  /** The methods of all its contracts together. */
  readonly methods: ReadonlyMap<string, string>
}

export class Contracts {
  readonly #definitions = new Map<string, ContractDefinition>()
  readonly #bindings = new Map<string, ContractBinding>()
  readonly #defaults = new Map<string, string>()

  define(definition: ContractDefinition): () => void {
    this.#definitions.set(definition.id, definition)
    return () => {
      if (this.#definitions.get(definition.id) === definition) this.#definitions.delete(definition.id)
    }
  }

  /** Throws Conflict when another binding is the default of one of its contracts already. */
  bind(binding: ContractBinding): () => void {
    const claimed = binding.contracts.filter(({ isDefault }) => isDefault).map(({ contract }) => contract)
    for (const contract of claimed) {
      const holder = this.#defaults.get(contract)
      if (holder !== undefined && holder !== binding.id) {
        throw new RuntimeError(
          'Conflict',
          `entry ${binding.id}: contract ${contract} already has the default binding ${holder}`,
          { retryable: false },
        )
      }
    }
    this.#bindings.set(binding.id, binding)
    for (const contract of claimed) this.#defaults.set(contract, binding.id)
    return () => {
      if (this.#bindings.get(binding.id) !== binding) return
      this.#bindings.delete(binding.id)
      for (const contract of claimed) this.#defaults.delete(contract)
    }
  }

  /** Throws NotFound. */
  definition(id: string): ContractDefinition {
    const definition = this.#definitions.get(id)
    if (definition === undefined) throw moduleError('NotFound', `contract not found: ${id}`)
    return definition
  }

  /** Throws Invalid for what cannot be an id, NotFound for an unknown one. */
  binding(id: string): ContractBinding {
    const colon = id.indexOf(':')
    if (colon <= 0 || colon === id.length - 1) throw moduleError('Invalid', `invalid binding ID format: ${id}`)
    const binding = this.#bindings.get(id)
    if (binding === undefined) throw moduleError('NotFound', `binding not found: ${id}`)
    return binding
  }

  /** Throws NotFound when no binding is marked as the contract's default. */
  defaultBinding(contract: string): ContractBinding {
    const id = this.#defaults.get(contract)
    if (id === undefined) throw moduleError('NotFound', `no default binding for contract: ${contract}`)
    return this.binding(id)
  }

  /** Ids of the bindings of a contract, sorted. */
  implementations(contract: string): string[] {
    return [...this.#bindings.values()]
      .filter(({ contracts }) => contracts.some((bound) => bound.contract === contract))
      .map(({ id }) => id)
      .sort()
  }
}
