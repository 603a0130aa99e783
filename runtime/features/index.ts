// The table of features: every Lua module and every entry kind, built from what it needs. Adding one is a line here.

import type { Clock } from '../core/clock.ts'
import { environmentProxies } from '../external/proxies.ts'
import type { LuaEngine } from '../lua/engine.ts'
import type { RawFunctions } from '../lua/instance.ts'
import type { LuaModule } from '../lua/module.ts'
import type { Logger } from '../observe/logger.ts'
import { Offload } from '../offload/offload.ts'
import type { Functions } from '../process/functions.ts'
import { Groups } from '../process/groups.ts'
import type { Kernel } from '../process/kernel.ts'
import type { Process } from '../process/process.ts'
import type { Terminal } from '../process/terminal.ts'
import type { AnyKind } from '../registry/kind.ts'
import type { Registry } from '../registry/registry.ts'
import type { Guard } from '../security/guard.ts'
import type { Policies } from '../security/policies.ts'
import type { TokenStorage } from '../security/tokens.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { archiveModule } from './archive/archive-module.ts'
import { readZipFiles, writeZipFiles } from './archive/zip-files.ts'
import { Zstd } from './compress/zstd.ts'
import { contractBindingKind, contractDefinitionKind } from './contract/contract-kinds.ts'
import { contractModule } from './contract/contract-module.ts'
import { Contracts } from './contract/contracts.ts'
import { dataModules, globalDataModules } from './data-modules.ts'
import { docsIndexModule } from './docs/docs-index-module.ts'
import { envKinds } from './env/env-kinds.ts'
import { envModule } from './env/env-module.ts'
import type { Environment } from './env/environment.ts'
import type { EventBus } from './events/bus.ts'
import { eventsModule } from './events/events-module.ts'
import { excelModule } from './excel/excel-module.ts'
import { Executors, nativeExecKind } from './exec/exec-kinds.ts'
import { execModule } from './exec/exec-module.ts'
import { compileExpression } from './expr/expression.ts'
import { directoryKind, Volumes } from './fs/fs-kinds.ts'
import { fsModule } from './fs/fs-module.ts'
import { funcsModule, futureOf, futureType } from './funcs/funcs-module.ts'
import { funcsFunctions } from './funcs/raw.ts'
import { httpClientModule } from './http_client/module.ts'
import { type ByteSource, Scanner, splitOf } from './http_client/scanner.ts'
import { readOnlyMethods, scannerType } from './http_client/stream-type.ts'
import { ioModule } from './io/io-module.ts'
import { decodeJson } from './json/decode.ts'
import { encodeJson } from './json/encode.ts'
import { loggerModule } from './logger.ts'
import { functionKind, type LuaKindDeps, libraryKind, processKind } from './lua/kinds.ts'
import { Metrics } from './metrics/metrics.ts'
import { metricsModule } from './metrics/metrics-module.ts'
import { openaiModule } from './openai/module.ts'
import { payloadFunctions } from './payload.ts'
import { pgModule, pgScopeKind } from './pg.ts'
import { type HostThreads, hostKinds } from './process/host-kinds.ts'
import { processModule } from './process/process-module.ts'
import { processFunctions } from './process/raw.ts'
import { loaderModule } from './registry/loader-module.ts'
import { registryModule } from './registry/registry-module.ts'
import { stateKinds } from './registry/state-kinds.ts'
import { policyKinds } from './security/policy-kinds.ts'
import { securityModule } from './security/security-module.ts'
import { TokenStores, tokenStoreKind } from './security/token-store-kind.ts'
import { securityTypes } from './security/types.ts'
import { plainPut, Stores } from './store/store.ts'
import { memoryStoreKind } from './store/store-kinds.ts'
import { storeModule } from './store/store-module.ts'
import { jetKind, templateSetKind } from './template/template-kinds.ts'
import { TemplateSets } from './template/template-set.ts'
import { templatesModule } from './template/templates-module.ts'
import { ttyModule } from './tty/tty-module.ts'

export interface FeatureDeps {
  readonly kernel: Kernel
  readonly threads: HostThreads | undefined
  readonly guard: Guard
  readonly functions: Functions
  readonly supervisor: Supervisor
  readonly policies: Policies
  readonly environment: Environment
  readonly bus: EventBus
  readonly logger: Logger
  /** What processes on terminal hosts read and write. */
  readonly terminal: Terminal | undefined
  readonly clock: Clock
  readonly random: () => number
  /** Variables of the operating system. */
  readonly os: Readonly<Record<string, string | undefined>>
  /** Living processes on a host whose entry does not say. */
  readonly maxProcesses: number
  /** The project folder: relative paths start here. */
  readonly root: string
  /** Load root of the module that owns an entry; undefined for the app's own. */
  readonly moduleRoot: (entryId: string) => string | undefined
}

export interface Features {
  readonly modules: readonly LuaModule[]
  /** Names that need no grant (spec/lua-modules.md §2). */
  readonly baseModules: readonly string[]
  /** Only entries of components and of the host may be granted these (design DECISIONS, Provenance). */
  readonly guardedModules: ReadonlySet<string>
  readonly raw: (engine: LuaEngine) => RawFunctions
  readonly close: () => Promise<void>
}

/** What kinds open and modules reach. */
export class FeatureState {
  readonly volumes = new Volumes()
  readonly contracts = new Contracts()
  readonly tokenStores = new TokenStores()
  readonly stores = new Stores()
  readonly templateSets = new TemplateSets()
  readonly executors = new Executors()
  readonly metrics = new Metrics()
  readonly groups: Groups

  constructor(kernel: Kernel) {
    this.groups = new Groups(kernel)
  }
}

/** Every Lua module but those over the registry. */
export function createModules(
  deps: FeatureDeps,
  { volumes, contracts, tokenStores, stores, templateSets, executors, metrics, groups }: FeatureState,
): Features {
  const { kernel, guard, functions, clock, random, environment, bus, policies, logger } = deps
  const types = securityTypes({ guard })
  const proxies = environmentProxies(deps.os)
  const http = httpClientModule({ guard, clock, proxies })
  const openai = openaiModule({ clock, proxies })
  const offload = new Offload({ clock })
  const zstd = new Zstd()
  const scanner = (source: ByteSource, split: string): unknown => scannerType.wrap(new Scanner(source, splitOf(split)))
  // Only what runs on a terminal host has the terminal, not its children elsewhere.
  const terminalOf = ({ host }: Process): Terminal | undefined =>
    kernel.hosts.get(host)?.kind === 'terminal' ? deps.terminal : undefined
  const base = [processModule({ kernel, guard }), ...globalDataModules({ clock })]
  return {
    modules: [
      ...base,
      ...dataModules({ clock, offload }),
      pgModule({ groups, guard }),
      funcsModule({ functions, guard, clock, random }),
      envModule({ environment, guard }),
      eventsModule({ bus, guard }),
      contractModule({
        contracts,
        functions,
        guard,
        clock,
        random,
        actorType: types.actorType,
        scopeType: types.scopeType,
        future: (call, result, abort) => futureType.wrap(futureOf(call, result, abort)),
      }),
      securityModule({ guard, policies, tokenStores, types }),
      storeModule({ stores, guard }),
      fsModule({ volumes, guard, scanner }),
      execModule({ executors, guard, clock, scanner, readOnly: readOnlyMethods }),
      metricsModule(metrics),
      loggerModule({ logger }),
      ioModule({ terminalOf }),
      ttyModule({ terminalOf, clock }),
      docsIndexModule({ volumes, guard }),
      // Reads files of the fs module: it is where they are.
      excelModule({ zip: { read: readZipFiles, write: writeZipFiles } }),
      archiveModule({
        guard,
        now: () => Number(clock.wallNanos() / 1_000_000_000n),
        zstd: {
          encode: (data) => zstd.encode(data, { level: 3, dictionary: undefined }),
          decode: (data, maxSize) => zstd.decode(data, { maxSize, dictionary: undefined }),
        },
        scanner,
        readOnly: readOnlyMethods,
      }),
      templatesModule({ sets: templateSets, guard }),
      http,
      openai,
    ],
    baseModules: base.map((module) => module.name),
    guardedModules: new Set(['openai']),
    raw: (engine) => ({
      ...payloadFunctions({ json: { encode: encodeJson, decode: decodeJson } })(engine),
      ...processFunctions({ kernel, guard })(engine),
      ...funcsFunctions({ functions, guard })(engine),
    }),
    async close() {
      await Promise.all([http.close(), openai.close(), offload.close()])
    },
  }
}

/** The modules over the registry itself, which exists only after the kinds do. */
export function createRegistryModules(
  registry: Registry,
  { guard, logger, environment }: FeatureDeps,
  { volumes }: FeatureState,
): LuaModule[] {
  const warn = (message: string, where: string): void => logger.warn(message, { location: where })
  return [
    registryModule({ registry, guard, warn, shown: environment.withoutSecrets }),
    loaderModule({ guard, folderOf: (id) => volumes.require(id).root, warn }),
  ]
}

/** Every entry kind, by name. */
export function createKinds(
  deps: FeatureDeps,
  lua: LuaKindDeps,
  { volumes, contracts, stores, tokenStores, templateSets, executors, groups }: FeatureState,
): ReadonlyMap<string, AnyKind> {
  const kinds: AnyKind[] = [
    ...stateKinds,
    functionKind(lua),
    processKind(lua, 'process.lua'),
    processKind(lua, 'workflow.lua'),
    libraryKind(lua),
    ...hostKinds(deps),
    ...envKinds({ environment: deps.environment, os: deps.os, root: deps.root }),
    ...policyKinds({ policies: deps.policies, compileExpression }),
    memoryStoreKind({ stores, clock: deps.clock, supervisor: deps.supervisor }),
    tokenStoreKind({
      tokenStores,
      policies: deps.policies,
      clock: deps.clock,
      storage: (id) => tokenStorage(stores, id),
      variable: (name, ns) => deps.environment.lookup(name, ns),
    }),
    contractDefinitionKind(contracts),
    contractBindingKind(contracts),
    directoryKind({ volumes, root: deps.root, moduleRoot: deps.moduleRoot }),
    templateSetKind(templateSets),
    jetKind(templateSets),
    pgScopeKind(groups),
    nativeExecKind({ executors, root: deps.root }),
  ]
  return new Map(kinds.map((kind) => [kind.kind, kind]))
}

/** Tokens in a key-value store, looked up at each use: its entry may be replaced meanwhile. */
function tokenStorage(stores: Stores, id: string): TokenStorage {
  stores.require(id)
  return {
    get: async (key) => (await stores.require(id).entry(key))?.value,
    async set(key, value, ttl) {
      await stores.require(id).put(key, value, { ...plainPut, ttl })
    },
    delete: (key) => stores.require(id).delete(key),
  }
}
