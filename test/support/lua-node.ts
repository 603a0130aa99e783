// A kernel with Lua engines and nothing else: for tests of the engine, the kernel and modules that need no registry.

import { type Clock, systemClock } from '../../runtime/core/clock.ts'
import type { RuntimeError } from '../../runtime/core/error.ts'
import { emptyFrame, type Frame } from '../../runtime/core/frame.ts'
import type { Value } from '../../runtime/core/value.ts'
import { errorsModule } from '../../runtime/features/errors.ts'
import { funcsModule } from '../../runtime/features/funcs/funcs-module.ts'
import { funcsFunctions } from '../../runtime/features/funcs/raw.ts'
import { decodeJson } from '../../runtime/features/json/decode.ts'
import { encodeJson } from '../../runtime/features/json/encode.ts'
import { osModule } from '../../runtime/features/os.ts'
import { payloadFunctions, payloadModule } from '../../runtime/features/payload.ts'
import { processModule } from '../../runtime/features/process/process-module.ts'
import { processFunctions } from '../../runtime/features/process/raw.ts'
import { Engines } from '../../runtime/lua/engines.ts'
import { FunctionPool } from '../../runtime/lua/function-pool.ts'
import type { LuaModule } from '../../runtime/lua/module.ts'
import { type Code, generatedLimits, type Limits, type Program, trustedLimits } from '../../runtime/lua/program.ts'
import { eraseTypes } from '../../runtime/lua/typed/erase.ts'
import { compileLua } from '../../runtime/lua/wasm.ts'
import { Functions } from '../../runtime/process/functions.ts'
import { Kernel } from '../../runtime/process/kernel.ts'
import { type Process, payloadOf } from '../../runtime/process/process.ts'
import { ProcessHost } from '../../runtime/process/process-host.ts'
import { Scheduler, type SchedulerOptions } from '../../runtime/process/scheduler.ts'
import { Guard } from '../../runtime/security/guard.ts'

export const HOST = 'app:processes'

export interface CodeOptions {
  readonly modules?: readonly string[]
  readonly imports?: Readonly<Record<string, Code>>
  readonly method?: string
  readonly generated?: boolean
  readonly limits?: Partial<Limits>
  /** Each process has a VM of its own. */
  readonly isolated?: boolean
}

export interface NodeOptions extends SchedulerOptions {
  readonly clock?: Clock
  readonly random?: () => number
  readonly strict?: boolean
}

export interface LuaNode {
  readonly kernel: Kernel
  readonly functions: Functions
  readonly engines: Engines
  readonly prints: string[]
  readonly failures: { definition: string; error: RuntimeError }[]
  library(id: string, source: string, options?: CodeOptions): Code
  process(id: string, source: string, options?: CodeOptions): void
  function(id: string, source: string, options?: CodeOptions & { maxSize?: number }): FunctionPool
  spawn(id: string, args?: Value[], frame?: Frame): Process
  /** Runs a process to its end and gives what it came to. */
  run(id: string, ...args: Value[]): Promise<{ value?: Value; error?: RuntimeError }>
  /** Runs Lua text as the body of a process and gives what it returns; an error rejects. */
  eval(body: string, options?: CodeOptions & { frame?: Frame }): Promise<Value>
  /** No more processes of this definition: its VMs close as they empty. */
  retire(id: string): void
  /** Adds a host, started. */
  host(id: string, kind?: 'process' | 'terminal'): ProcessHost
}

export async function luaNode(
  modules: readonly LuaModule[] | ((kernel: Kernel) => readonly LuaModule[]) = [],
  options: NodeOptions = {},
): Promise<LuaNode> {
  const scheduler = new Scheduler(options)
  const failures: LuaNode['failures'] = []
  const prints: string[] = []
  const clock = options.clock ?? systemClock()
  const failed = (process: Process, error: RuntimeError): void =>
    void failures.push({ definition: process.definition, error })
  const kernel = new Kernel(scheduler, '', failed, clock)
  const guard = new Guard({ strict: options.strict ?? false })
  const functions = new Functions()
  const added = typeof modules === 'function' ? modules(kernel) : modules
  const base = [processModule({ kernel, guard }), errorsModule, payloadModule, osModule({ clock, zoneAt: () => 'UTC' })]
  const all = [...base, funcsModule({ functions, guard, clock, random: options.random ?? Math.random }), ...added]
  const engines = new Engines(
    {
      scheduler,
      wasm: options.pick === undefined ? compileLua() : { ...compileLua(), seedTime: 0 },
      modules: new Map(all.map((module) => [module.name, module])),
      baseModules: base.map((module) => module.name),
      raw: (engine) => ({
        ...payloadFunctions({ json: { encode: encodeJson, decode: decodeJson } })(engine),
        ...processFunctions({ kernel, guard })(engine),
        ...funcsFunctions({ functions, guard })(engine),
      }),
      print: (_process, text) => prints.push(text),
      broken: (error) => {
        throw error
      },
    },
    kernel,
  )
  await engines.prepare({ generated: false })
  await engines.prepare({ generated: true })
  const addHost = (id: string, kind: 'process' | 'terminal' = 'process'): ProcessHost => {
    const host = new ProcessHost(id, kind, { clock })
    host.start()
    kernel.hosts.set(id, host)
    return host
  }
  addHost(HOST)

  const code = (id: string, source: string, options: CodeOptions): Code => ({
    id,
    ...eraseTypes(source, id),
    modules: new Map((options.modules ?? []).map((name) => [name, name])),
    imports: new Map(Object.entries(options.imports ?? {})),
  })
  const program = (id: string, source: string, options: CodeOptions): Program => ({
    code: code(id, source, options),
    method: options.method ?? 'main',
    limits: { ...(options.generated === true ? generatedLimits : trustedLimits), ...options.limits },
    generated: options.generated ?? false,
    isolated: options.isolated ?? false,
  })
  const programs = new Map<string, Program>()
  let evaluated = 0

  const node: LuaNode = {
    kernel,
    functions,
    engines,
    prints,
    failures,
    library: (id, source, options = {}) => code(id, source, options),
    process(id, source, options = {}) {
      const made = program(id, source, options)
      programs.set(id, made)
      kernel.factories.set(id, { create: (init) => engines.get(made).createProcess(made, init) })
    },
    function(id, source, options = {}) {
      const pool = new FunctionPool(
        program(id, source, { method: 'handler', ...options }),
        { maxSize: options.maxSize ?? 100 },
        {
          kernel,
          clock,
          engineFor: (made) => engines.get(made),
          confine: (_program, frame) => frame,
        },
      )
      functions.register(id, pool)
      return pool
    },
    spawn: (id, args = [], frame = emptyFrame) =>
      kernel.spawn({ definition: id, host: HOST, args: payloadOf(args), frame }),
    run(id, ...args) {
      const process = node.spawn(id, args)
      return new Promise((resolve) => kernel.watch(process, (exit) => resolve(Kernel.outcome(exit))))
    },
    async eval(body, options = {}) {
      const id = `test:eval${++evaluated}`
      node.process(id, `local function main(...) ${body}\nend return { main = main }`, options)
      const process = node.spawn(id, [], options.frame)
      return new Promise((resolve, reject) => {
        kernel.watch(process, (exit) => {
          if (exit.error === undefined) resolve(exit.result.values()[0] ?? null)
          else reject(exit.error)
        })
      })
    },
    retire(id) {
      const made = programs.get(id)
      if (made !== undefined) engines.get(made).retire(made)
      programs.delete(id)
      kernel.factories.delete(id)
    },
    host: addHost,
  }
  return node
}
