// The `expr` module: evaluates expr-lang expressions for Lua.

import { asRuntimeError, moduleError } from '../../core/error.ts'
import { type LuaModule, LuaType, luaTypeName, text } from '../../lua/module.ts'
import { plainValue } from '../../lua/plain.ts'
import { compileProgram, type Environment, type Program, ProgramCache } from './expression.ts'

export interface ExprDeps {
  /** Nanoseconds since 1970, for `now()` in expressions. */
  readonly now?: () => bigint
}

const programType: LuaType<Program> = new LuaType<Program>({
  name: 'expr.Program',
  methods: {
    run: (_call, program, environment) => program.run(environmentOf(environment)),
  },
  tostring: () => 'expr.Program',
})

/** `eval(text, env?)` and `compile(text, env?)`; eval keeps the last 1000 programs compiled. */
export const exprModule = ({ now }: ExprDeps = {}): LuaModule => ({
  name: 'expr',
  description: 'Evaluates expr-lang expressions',
  traits: ['deterministic'],
  open() {
    const cache = new ProgramCache(1000, now)
    return {
      eval(_call, source, environment) {
        const known = environmentOf(environment)
        return cache.get(sourceOf(source, 'eval'), known).run(known)
      },
      compile(_call, source, environment) {
        const options = { environment: environmentOf(environment), ...(now === undefined ? {} : { now }) }
        return programType.wrap(compileProgram(sourceOf(source, 'compile'), options))
      },
    }
  },
})

function sourceOf(argument: unknown, name: string): string {
  const source = text(argument, 1, name)
  if (source.trim() === '') throw moduleError('Invalid', 'expression is empty')
  return source
}

/** A Lua array as environment has no names; an empty table is an environment without names. */
function environmentOf(argument: unknown): Environment | undefined {
  if (argument === undefined || argument === null) return undefined
  if (Array.isArray(argument)) return Object.create(null)
  if (luaTypeName(argument) !== 'table') {
    throw asRuntimeError(moduleError('Invalid', `environment must be a table, got ${luaTypeName(argument)}`))
  }
  // Of a host object an expression sees its text, as every other reader of plain data does (spec/process.md §4).
  return plainValue(argument) as Environment // a map, as it was one
}
