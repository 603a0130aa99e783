// createHost: the one place that constructs and wires everything. Reads top to bottom in the order of the pipe.

import { join } from 'node:path'
import { type Clock, systemClock } from './core/clock.ts'
import type { Entry, Origin } from './core/entry.ts'
import { RuntimeError } from './core/error.ts'
import { type Confinement, emptyFrame, type Frame } from './core/frame.ts'
import { cloneValue, isMap, type Value } from './core/value.ts'
import { Environment } from './features/env/environment.ts'
import { type BusEvent, type BusFilter, EventBus } from './features/events/bus.ts'
import { createKinds, createModules, createRegistryModules, type FeatureDeps, FeatureState } from './features/index.ts'
import { CodeBase, type CodeBaseDeps } from './features/lua/code-base.ts'
import { evalRunnerModule } from './features/lua/eval-runner-module.ts'
import type { LuaKindDeps } from './features/lua/kinds.ts'
import { Programs } from './features/lua/programs.ts'
import type { PrometheusEndpoint } from './features/metrics/prometheus.ts'
import { systemModule } from './features/system/system-module.ts'
import type { Config } from './loader/config.ts'
import type { Loaded } from './loader/load.ts'
import { resolvePlaceholders } from './loader/placeholders.ts'
import type { SourceChecks } from './loader/source-checks.ts'
import type { LuaEngine } from './lua/engine.ts'
import { Engines } from './lua/engines.ts'
import { FunctionPool } from './lua/function-pool.ts'
import { checkCeiling, decodeLimits, type LimitOptions, lowest } from './lua/limit-options.ts'
import type { LuaModule } from './lua/module.ts'
import { generatedLimits, type Program, trustedLimits } from './lua/program.ts'
import { type Erased, eraseTypes, mayBeMisread } from './lua/typed/erase.ts'
import { compileLua } from './lua/wasm.ts'
import { type Logger, silentLogger } from './observe/logger.ts'
import { Functions } from './process/functions.ts'
import { type HostView, inspectHosts, inspectProcesses, type ProcessView } from './process/inspection.ts'
import { Kernel } from './process/kernel.ts'
import { Listener, type Received } from './process/listener.ts'
import { type Process, payloadOf } from './process/process.ts'
import { Scheduler } from './process/scheduler.ts'
import type { Terminal } from './process/terminal.ts'
import type { History } from './registry/history.ts'
import type { AnyKind } from './registry/kind.ts'
import { type Problem, Registry } from './registry/registry.ts'
import { generatedConfinement } from './security/generated.ts'
import { Guard } from './security/guard.ts'
import { Policies } from './security/policies.ts'
import { Supervisor } from './supervisor/supervisor.ts'
import { CellTable } from './threads/cells.ts'
import { AllLuaMemory } from './threads/lua-memory.ts'
import { RemotePool } from './threads/remote-pool.ts'
import { Threads } from './threads/threads.ts'

export interface HostOptions {
  /** What the loader read of a project. */
  readonly loaded?: Loaded
  /** Entries in memory, instead of a project or on top of it; their origin is `host`. Ids are `namespace:name`, each once. */
  readonly entries?: readonly Entry[]
  /** Settings; those of `loaded` unless given. */
  readonly config?: Config
  readonly logger?: Logger
  /** The terminal of processes on terminal hosts. */
  readonly terminal?: Terminal
  readonly clock?: Clock
  /** Versions are kept here; in memory unless given. */
  readonly history?: History
  /** Sources that earlier runs found to be plain Lua; asked before one is compiled to see. */
  readonly checks?: Pick<SourceChecks, 'has' | 'add'>
  /** Lua modules of the embedding program, beside the runtime's own. */
  readonly modules?: readonly LuaModule[]
  /** Entry kinds of the embedding program. */
  readonly kinds?: readonly AnyKind[]
  /** Lua called `system.exit(code)`; unless given the host stops. */
  readonly onExit?: (code: number) => void
  /**
   * Run code made at run time, and hosts with several workers, in threads of their own. Default: yes, but for a runtime with a
   * clock of its own (other threads have their own time) and for one that runs from TypeScript sources.
   */
  readonly threads?: boolean
  /** Variables that `env.storage.os` shows; those of this process unless given. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** How a process that was run to its end came out. */
export interface Outcome {
  readonly value?: Value
  readonly error?: RuntimeError
}

export interface SpawnOptions {
  readonly frame?: Frame
  readonly name?: string
}

/** A running Wippy system. */
export interface Host {
  readonly registry: Registry
  readonly supervisor: Supervisor
  readonly kernel: Kernel
  readonly environment: Environment
  readonly bus: EventBus
  readonly policies: Policies
  /** What the boot had to leave out, and why. */
  readonly problems: readonly Problem[]
  /** The process hosts and how busy they are, at this moment. */
  hosts(): HostView[]
  /** The living processes of a host. Throws NotFound. */
  processes(host: string): ProcessView[]
  /** Starts the services that want it. Rejects when a required one cannot start. */
  start(): Promise<void>
  /** Stops services, dependants first, then what is left. */
  stop(reason?: string): Promise<void>
  /** Starts a process and gives its pid. Throws NotFound, Unavailable, or what loading its code throws. */
  spawn(definition: string, host: string, args?: readonly Value[], options?: SpawnOptions): string
  /** Starts a process and resolves when it has ended. */
  run(definition: string, host: string, args?: readonly Value[], options?: SpawnOptions): Promise<Outcome>
  /** Delivers a message from nobody. Throws NotFound or RateLimited. */
  send(target: string, topic: string, ...values: Value[]): void
  /** Receives messages in this program: others send to the pid or the name of the listener. Throws AlreadyExists. */
  listen(receive: (message: Received) => void, options?: { readonly name?: string }): Listener
  /** Receives events of the bus until the returned function is called. */
  subscribe(filter: BusFilter, receive: (event: BusEvent) => void): () => void
  /** Calls a function. Rejects with its RuntimeError. */
  call(
    id: string,
    args?: readonly Value[],
    options?: { readonly frame?: Frame; readonly signal?: AbortSignal },
  ): Promise<Value>
}

/** Builds a host and boots its registry; nothing is started yet. Throws Invalid for entries without an id of their own. */
export async function createHost(options: HostOptions = {}): Promise<Host> {
  checkEntries(options.entries ?? [])
  const clock = options.clock ?? systemClock()
  const logger = options.logger ?? silentLogger(clock)
  const config = options.config ?? options.loaded?.config
  const root = options.loaded?.project.root ?? process.cwd()
  const environment = new Environment()
  const bus = new EventBus({ failed: (error) => logger.error('event subscriber failed', { error }) })
  const policies = new Policies()
  const guard = new Guard({
    strict: config?.boolean('security.strict_mode') ?? false,
    denied: (frame, action, resource) =>
      logger.warn('permission denied', {
        action,
        resource,
        actor: (frame.confinement?.actor ?? frame.actor)?.id ?? '',
      }),
  })

  const scheduler = new Scheduler()
  const node = config?.has('relay.node_name') === true ? config.text('relay.node_name') : ''
  const failed = (ended: Process, error: RuntimeError): void => {
    logger.error('process failed', { pid: ended.pid, id: ended.definition, error })
  }
  const kernel = new Kernel(scheduler, node, failed, clock)
  const functions = new Functions()
  const supervisor = new Supervisor({
    clock,
    logger,
    publish: (id, view) => {
      if (bus.wanted('supervisor', 'service.update')) {
        bus.publish({
          system: 'supervisor',
          kind: 'service.update',
          path: id,
          data: { id, status: view.status, desired: view.desired, details: view.details },
        })
      }
    },
    dependenciesOf: (id) => registry.needs(id),
  })

  const wasm = compileLua()
  const programs = new Programs()
  const byName = new Map<string, LuaModule>()
  const threads =
    (options.threads ?? (clock.shared === true && import.meta.url.endsWith('.js')))
      ? new Threads({
          kernel,
          functions,
          modules: byName,
          wasm,
          cells: new CellTable(),
          clock,
          definition: (id) => programs.definition(id),
          functionProgram: (id) => programs.function(id),
          print: (pid, text, where) => logger.info(text, { pid, location: where }),
          denied: (frame, action, resource) => guard.report(frame, action, resource),
          broken: (error) => logger.error('internal error', { error }),
          lost: (thread, error) => logger.error('thread ended', { thread, error }),
          strict: config?.boolean('security.strict_mode') ?? false,
          entry: workerEntry(),
        })
      : undefined
  programs.changed = (retired) => {
    if (retired !== undefined) threads?.retire(retired)
    threads?.forget()
  }

  const deps: FeatureDeps = {
    kernel,
    threads,
    guard,
    functions,
    supervisor,
    policies,
    environment,
    bus,
    logger,
    terminal: options.terminal,
    clock,
    random: Math.random,
    maxProcesses: processLimit(config),
    os: options.env ?? process.env,
    root,
    moduleRoot: (id) => moduleRoot(options.loaded, id),
  }
  const state = new FeatureState(kernel)
  const modules = createModules(deps, state)
  for (const module of [...modules.modules, ...(options.modules ?? [])]) byName.set(module.name, module)

  const engines = new Engines(
    {
      scheduler,
      wasm,
      modules: byName,
      baseModules: modules.baseModules,
      raw: modules.raw,
      print: (from, text, where) => logger.info(text, { pid: from.pid, location: where }),
      broken: (error) => logger.error('internal error', { error }),
    },
    kernel,
  )
  await engines.prepare({ generated: false })

  const defaultLimits = codeLimits(config)
  const sandboxed = config?.choice('security.generated_code', ['sandboxed', 'inherit']) !== 'inherit'
  const generated = generatedConfinement(policies)
  const confine = confiner(generated)
  const baseNames = new Set(['string', 'table', 'math', 'coroutine', 'utf8', 'channel'])
  const codeBase = new CodeBase({
    erase: (source, id) => plainLua(engines.get({ generated: false }), source, id, options.checks),
    lint: await linter(config),
    knownModule: (name) => byName.has(name) || baseNames.has(name),
    guarded: modules.guardedModules,
    policy(id, origin, { limits, isolated }) {
      if (origin !== 'runtime' || !sandboxed) {
        return { limits: { ...trustedLimits, ...defaultLimits, ...limits }, isolated, generated: false }
      }
      checkCeiling(id, limits, generatedLimits)
      return { limits: lowest(lowest(generatedLimits, defaultLimits), limits), isolated, generated: true }
    },
    outdated(changes) {
      kernel.outdated(changes)
      if (!bus.wanted('lua', 'lua.reset_code')) return
      for (const [path, sources] of changes)
        bus.publish({ system: 'lua', kind: 'lua.reset_code', path, data: { sources: [...sources] } })
    },
  })
  const confined = (program: Program, frame: Frame): Frame => (program.generated ? confine(frame) : frame)
  const luaDeps: LuaKindDeps = {
    kernel,
    programs,
    pool: (program, pool) =>
      threads !== undefined && program.generated
        ? new RemotePool(program, pool.maxSize, { threads, confine: confined })
        : new FunctionPool(program, pool, luaDeps),
    threadFor: (program, on) => threads?.placeFor(program, on),
    clock,
    random: deps.random,
    functions,
    policies,
    codeBase,
    engineFor: (program) => engines.get(program),
    confine: confined,
    // Code for another thread is made ready there, when it first runs.
    prepare: async (program) =>
      void (program.generated && threads !== undefined ? undefined : await engines.prepare(program)),
    retire: (program) => {
      for (const engine of engines.all()) engine.retire(program)
    },
  }
  const kinds = createKinds(deps, luaDeps, state)

  const registry: Registry = new Registry({
    kinds: new Map([...kinds, ...(options.kinds ?? []).map((kind) => [kind.kind, kind] as const)]),
    participants: [codeBase, supervisor],
    guard,
    clock,
    ...(options.history === undefined ? {} : { history: options.history }),
    prepare: (entry) => resolvePlaceholders(entry, (name) => environment.lookupForPlaceholders(name)),
    publish: (system, kind, path, data) => bus.publish({ system, kind, path, data: withoutSecrets(environment, data) }),
    report: (problem) =>
      logger.log(problem.level, problem.message, problem.entry === undefined ? {} : { entry: problem.entry }),
    ...(config === undefined ? {} : { timeoutMs: config.ms('registry.event_wait_timeout') }),
  })
  for (const module of createRegistryModules(registry, deps, state)) byName.set(module.name, module)
  const system = systemModule({
    ...deps,
    lua: new AllLuaMemory(engines, threads),
    modules: () => byName.values(),
    exit: (code) => (options.onExit === undefined ? void host.stop(`system.exit(${code})`) : options.onExit(code)),
  })
  const evalRunner = evalRunnerModule({
    ...luaDeps,
    guard,
    module: (name) => (modules.guardedModules.has(name) ? undefined : byName.get(name)),
    generated: sandboxed ? generated : undefined,
  })
  for (const module of [system, evalRunner]) byName.set(module.name, module)
  const problems = await registry.boot(sources(options))

  const spawn = (definition: string, host: string, args: readonly Value[], extra: SpawnOptions): Process =>
    kernel.spawn({
      definition,
      host,
      args: payloadOf(args.map(cloneValue)),
      frame: extra.frame ?? emptyFrame,
      ...(extra.name === undefined ? {} : { name: extra.name }),
    })

  let prometheus: PrometheusEndpoint | undefined
  const host: Host = {
    registry,
    supervisor,
    kernel,
    environment,
    bus,
    policies,
    problems,
    hosts: () => inspectHosts(kernel),
    processes: (id) => inspectProcesses(kernel, id),
    async start() {
      if (config?.boolean('prometheus.enabled') === true) {
        const { servePrometheus } = await import('./features/metrics/prometheus.ts')
        prometheus = await servePrometheus(state.metrics, config.text('prometheus.address'))
      }
      await supervisor.startAll()
    },
    async stop(reason = 'shutting down') {
      await supervisor.stopAll(reason)
      await prometheus?.close()
      await threads?.close()
      await modules.close()
      await registry.close()
    },
    spawn: (definition, host, args = [], extra = {}) => spawn(definition, host, args, extra).pid,
    run(definition, host, args = [], extra = {}) {
      const started = spawn(definition, host, args, extra)
      return new Promise((resolve) => kernel.watch(started, (exit) => resolve(Kernel.outcome(exit))))
    },
    send: (target, topic, ...values) => kernel.find(target).deliver(topic, '', payloadOf(values)),
    listen: (receive, { name } = {}) => new Listener({ kernel, receive, failed }, name),
    subscribe: (filter, receive) => bus.subscribe(filter, receive),
    // async: what stops the call before it begins rejects too.
    call: async (id, args = [], { frame = emptyFrame, signal = new AbortController().signal } = {}) =>
      functions.call(id, payloadOf([...args]), frame, signal),
  }
  return host
}

/**
 * Checks the syntax and erases types. What Lua itself accepts has none and stays as it is: its parser is much faster than
 * that of the dialect, which has the better messages and goes second.
 */
function plainLua(engine: LuaEngine, source: string, id: string, checks: HostOptions['checks']): Erased {
  if (checks?.has(source) === true) return { source, needsTypes: false }
  if (!mayBeMisread(source) && compiles(engine, id, source)) {
    checks?.add(source)
    return { source, needsTypes: false }
  }
  const erased = eraseTypes(source, id)
  engine.checkSyntax(id, erased.source)
  return erased
}

/** Refuses what `wippy lint` refuses with `lua.type_system.enabled`; with `strict` warnings too. Read from disk when wanted. */
async function linter(config: Config | undefined): Promise<CodeBaseDeps['lint']> {
  if (config?.boolean('lua.type_system.enabled') !== true) return undefined
  const strict = config.boolean('lua.type_system.strict')
  const { lintEntry } = await import('./lua/typed/lint.ts')
  return (entry, libraries) => {
    const found = lintEntry(entry, libraries, strict).find(({ severity }) => severity !== 'hint')
    if (found === undefined) return
    const { code, line, column, message } = found
    throw new RuntimeError('Invalid', `${entry.id}:${line}: ${code}: ${message}`, {
      retryable: false,
      details: { code, line, column },
    })
  }
}

/** `process.limits` of the configuration but `processes`, which is of hosts. */
function codeLimits(config: Config | undefined): LimitOptions {
  const { processes: _processes, ...block } = config?.section('process.limits') ?? {}
  return decodeLimits(block, 'config process.limits')
}

function processLimit(config: Config | undefined): number {
  if (config?.has('process.limits.processes') !== true) return Number.POSITIVE_INFINITY
  const limit = config.integer('process.limits.processes')
  if (limit > 0) return limit
  throw new RuntimeError('Invalid', `config process.limits.processes: ${limit} is not a positive integer`)
}

function compiles(engine: LuaEngine, id: string, source: string): boolean {
  try {
    engine.checkSyntax(id, source)
    return true
  } catch (error) {
    if (!(error instanceof RuntimeError)) throw error
    return false
  }
}

/** Frames with the ceiling of code made at run time; one per frame, since calls come again and again with the same. */
function confiner(confinement: Confinement): (frame: Frame) => Frame {
  const known = new WeakMap<Frame, Frame>()
  return (frame) => {
    if (frame.confinement !== undefined) return frame
    let confined = known.get(frame)
    if (confined === undefined) {
      confined = Object.freeze({ ...frame, confinement })
      known.set(frame, confined)
    }
    return confined
  }
}

/** Compiled entry of worker threads: Node 20 loads no TypeScript in them. */
function workerEntry(): URL {
  const built = import.meta.url.endsWith('.js') ? '.' : '../dist'
  return new URL(`${built}/threads/worker/worker.js`, import.meta.url)
}

function sources({ loaded, entries = [] }: HostOptions): { entries: Entry[]; origins: Map<string, Origin> } {
  const origins = new Map(loaded?.origins ?? [])
  for (const entry of entries) origins.set(entry.id, 'host')
  return { entries: [...(loaded?.entries ?? []), ...entries], origins }
}

/** Entries given in memory have no file and line by which a mistake would be found later. */
function checkEntries(entries: readonly Entry[]): void {
  const invalid = (message: string) => new RuntimeError('Invalid', message, { retryable: false })
  const seen = new Set<unknown>()
  // Programs in JavaScript give anything.
  for (const { id, kind } of entries as readonly { id: unknown; kind: unknown }[]) {
    if (typeof id !== 'string' || !/^[^:]+:./s.test(id)) {
      throw invalid(`entry id ${JSON.stringify(id)} is not namespace:name`)
    }
    if (typeof kind !== 'string' || kind === '') throw invalid(`entry ${id}: kind is required`)
    if (seen.has(id)) throw invalid(`two entries have the id ${id}`)
    seen.add(id)
  }
}

/** Undefined for modules in a pack, which is no folder: what it embeds is not read as one. */
function moduleRoot(loaded: Loaded | undefined, id: string): string | undefined {
  const name = loaded?.files.get(id)?.module
  const module = name === undefined ? undefined : loaded?.modules.find((candidate) => candidate.name === name)
  return module?.origin === 'pack' ? undefined : module?.source
}

/** What an event may show: entries on the bus are seen by everybody who listens. */
function withoutSecrets(environment: Environment, data: Value): Value {
  if (!isMap(data) || typeof data['kind'] !== 'string' || data['data'] === undefined) return data
  const entry = {
    id: String(data['id']),
    kind: data['kind'],
    meta: isMap(data['meta']) ? data['meta'] : {},
    data: data['data'],
  }
  return { ...data, data: environment.withoutSecrets(entry).data }
}

/** Where a project keeps its registry history. */
export function historyPath(root: string): string {
  return join(root, '.wippy', 'registry.db')
}
