// The `eval_runner` module: Lua text that a program made or was given, run in a state of its own with what it is granted.

import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Confinement, Frame } from '../../core/frame.ts'
import { emptyMap, isMap, type Value, type ValueMap } from '../../core/value.ts'
import { type Call, type LuaModule, LuaType, list, optionalTable, optionalText, table, text } from '../../lua/module.ts'
import type { Code, Program } from '../../lua/program.ts'
import { payloadOf } from '../../process/process.ts'
import type { Guard } from '../../security/guard.ts'
import { type CodeBase, noLuaOptions } from './code-base.ts'
import { evalCeiling } from './eval-ceiling.ts'
import type { LuaKindDeps } from './kinds.ts'
import { luaLiteral } from './lua-literal.ts'

export interface EvalDeps extends Pick<LuaKindDeps, 'pool'> {
  readonly guard: Guard
  readonly codeBase: CodeBase
  /** A module by name; undefined when there is none. */
  readonly module: (name: string) => LuaModule | undefined
  readonly prepare: (program: Program) => Promise<unknown>
  /** The ceiling of code made at run time; undefined when the configuration does not restrict it. */
  readonly generated: Confinement | undefined
}

/** Classes that need no permission of their own (spec/lua-modules.md §21). */
const defaultClasses: readonly string[] = ['deterministic', 'encoding', 'time', 'nondeterministic']
/** Chunk name in messages: `eval:3: ...`. */
const CHUNK = 'eval'

interface Compiled {
  readonly method: string
  readonly modules: readonly string[]
}

const programType = new LuaType<Compiled>({
  name: 'eval_runner.Program',
  methods: {
    method: (_call, { method }) => method,
    modules: (_call, { modules }) => [...modules],
  },
})

/** What one evaluation was granted, checked. */
interface Plan {
  readonly program: Program
  readonly modules: readonly string[]
  readonly confinement: Confinement
}

export const evalRunnerModule = (deps: EvalDeps): LuaModule => {
  const { guard, codeBase, prepare, generated } = deps
  const allow = (call: Call, action: string, resource = ''): void => {
    if (guard.allows(call.frame, action, resource)) return
    throw moduleError('PermissionDenied', `permission denied: ${action}${resource === '' ? '' : ` ${resource}`}`)
  }

  /** The modules asked for, each permitted and of classes that are allowed. */
  const grant = (call: Call, names: readonly string[], classes: ReadonlySet<string>): string[] => {
    const opened: string[] = []
    for (const name of names) {
      const module = deps.module(name)
      if (module === undefined) throw moduleError('NotFound', `module not found: ${name}`)
      allow(call, 'eval.module', name)
      const refused = module.traits.find((trait) => !classes.has(trait))
      if (refused !== undefined) {
        throw moduleError('PermissionDenied', `module ${name} is of class ${refused}, which is not allowed`)
      }
      if (module.traits.some((trait) => !defaultClasses.includes(trait))) opened.push(name)
    }
    return opened
  }

  const plan = (call: Call, source: string, method: string, options: { [key: string]: unknown }): Plan => {
    if (source === '') throw moduleError('Invalid', 'source is required')
    const extra = texts(options['allow_classes'], 'allow_classes')
    for (const name of extra) allow(call, 'eval.class', name)
    const modules = texts(options['modules'], 'modules')
    const opened = grant(call, modules, new Set([...defaultClasses, ...extra]))
    const imports = new Map<string, string>()
    for (const [alias, id] of Object.entries(optionalTable(options['imports'], 1, "'imports'") ?? {})) {
      imports.set(alias, text(id, 1, "'imports'"))
      allow(call, 'eval.import', text(id, 1, "'imports'"))
    }
    const granted = new Map(modules.map((name) => [name, name]))
    if (options['context'] !== undefined) granted.set('ctx', 'ctx')
    const given = customModules(optionalTable(options['custom_modules'], 1, "'custom_modules'") ?? {})
    return {
      program: codeBase.loose(CHUNK, { source, method, modules: granted, imports, options: noLuaOptions }, given),
      modules,
      confinement: evalCeiling(call.frame, { generated, opened, processes: extra.includes('process') }),
    }
  }

  return {
    name: 'eval_runner',
    description: 'Runs Lua source in a sandbox of its own',
    traits: ['process'],
    open: () => ({
      compile(call: Call, sourceArgument: unknown, methodArgument: unknown, optionsArgument: unknown) {
        const source = text(sourceArgument ?? '', 1, "'compile'")
        const method = optionalText(methodArgument, 2, "'compile'") ?? ''
        const options = optionalTable(optionsArgument, 3, "'compile'") ?? {}
        allow(call, 'eval.compile')
        const { modules } = plan(call, source, method, options)
        return programType.wrap({ method, modules })
      },

      async run(call: Call, optionsArgument: unknown) {
        const options = table(optionsArgument, 1, "'run'")
        const source = text(options['source'] ?? '', 1, "'run'")
        const method = optionalText(options['method'], 1, "'run'") ?? ''
        allow(call, 'eval.run')
        const { program, confinement } = plan(call, source, method, options)
        const args = options['args'] === undefined ? [] : list(options['args'], 1, "'args'")
        const values = args.map((value, i) => plain(value, `args[${i + 1}]`))
        const context = plain(optionalTable(options['context'], 1, "'context'") ?? emptyMap(), 'context') as ValueMap
        const frame: Frame = { ...call.frame, context: Object.freeze(context), confinement }
        await prepare(program)
        // A pool of one that is closed at once: the state lasts as long as the call.
        const pool = deps.pool(program, { maxSize: 1 })
        const result = pool.call(payloadOf(values), frame, call.signal)
        pool.close()
        return await result
      },
    }),
  }
}

/** Tables of the caller as libraries whose source is the table. */
function customModules(tables: { readonly [name: string]: unknown }): Map<string, Code> {
  return new Map(
    Object.entries(tables).map(([name, value]) => {
      if (!isMap(value) && !Array.isArray(value)) throw moduleError('Invalid', `custom_modules.${name} is not a table`)
      const source = `return ${luaLiteral(plain(value, `custom_modules.${name}`))}`
      const code: Code = { id: `${CHUNK}:${name}`, source, needsTypes: false, modules: new Map(), imports: new Map() }
      return [name, code] as const
    }),
  )
}

/** Data alone crosses into another state: throws Invalid for functions, channels and other things that live in this one. */
function plain(value: unknown, where: string): Value {
  if (value === undefined || value === null) return null
  if (typeof value !== 'object') return value as Value // numbers, text and booleans: the engine makes nothing else
  if (value instanceof Uint8Array) return value
  if (Array.isArray(value)) return value.map((item, i) => plain(item, `${where}[${i + 1}]`))
  if (
    value instanceof RuntimeError ||
    !isMap(value) ||
    ![null, Object.prototype].includes(Object.getPrototypeOf(value))
  ) {
    throw moduleError('Invalid', `${where} cannot be passed to evaluated code: it is not plain data`)
  }
  const copy = emptyMap()
  for (const [key, item] of Object.entries(value)) copy[key] = plain(item, `${where}.${key}`)
  return copy
}

function texts(argument: unknown, what: string): string[] {
  if (argument === undefined || argument === null) return []
  return list(argument, 1, `'${what}'`).map((name) => text(name, 1, `'${what}'`))
}
