// The kinds of Lua entries: function.lua, process.lua (and workflow.lua) and library.lua.

import type { Entry } from '../../core/entry.ts'
import { moduleError } from '../../core/error.ts'
import { asCount, asMap, asName, field } from '../../core/field.ts'
import type { Frame } from '../../core/frame.ts'
import type { SecurityBlock } from '../../core/security-block.ts'
import { isMap } from '../../core/value.ts'
import type { PoolDeps, PoolOptions } from '../../lua/function-pool.ts'
import type { Program } from '../../lua/program.ts'
import type { CallOptions } from '../../process/call-options.ts'
import { type FunctionHandler, type Functions, payloadFrom } from '../../process/functions.ts'
import type { Kernel } from '../../process/kernel.ts'
import type { Process, ProcessInit } from '../../process/process.ts'
import type { Kind } from '../../registry/kind.ts'
import { decodeSecurity, securer } from '../../security/declared.ts'
import type { Policies } from '../../security/policies.ts'
import { type CodeBase, decodeLua, type LuaConfig } from './code-base.ts'
import type { Programs } from './programs.ts'
import { entryCallOptions, repeated } from './repeated.ts'

/** What answers the calls of a function, whichever thread runs it. */
export interface ProgramPool extends FunctionHandler {
  replace(program: Program): void
  close(): void
}

export interface LuaKindDeps extends PoolDeps {
  readonly codeBase: CodeBase
  readonly programs: Programs
  /** Answers calls of a function with this program. */
  readonly pool: (program: Program, options: PoolOptions) => ProgramPool
  /** The thread that runs processes of this program on this host; undefined for this one. */
  readonly threadFor: (program: Program, host: string) => ProcessThread | undefined
  readonly functions: Functions
  readonly policies: Policies
  readonly kernel: Kernel
  /** 0 to 1, for the jitter of repeated calls. */
  readonly random: () => number
  /** Boots the engine a program needs. */
  readonly prepare: (program: Program) => Promise<unknown>
  /** No new process will use this program. */
  readonly retire: (program: Program) => void
}

/** Another thread that makes processes. */
export interface ProcessThread {
  create(program: Program, init: ProcessInit): Process
}

const LAZY_DEFAULT = 100
const TYPED_DEFAULT = 16
const STATIC_DEFAULT = 8
const poolTypes = ['inline', 'lazy', 'static', 'adaptive'] as const

/** A Lua entry that runs by itself. */
interface ProgramConfig extends LuaConfig {
  readonly security: SecurityBlock | undefined
}

interface FunctionConfig extends ProgramConfig {
  readonly maxSize: number
  readonly callOptions: CallOptions
}

/** How many workers a `pool` block allows at most (spec/lua-modules.md §4). */
function poolSize(entry: Entry): number {
  const pool = field(entry, 'pool', asMap, undefined)
  if (pool === undefined) return LAZY_DEFAULT
  const sized = { ...entry, data: pool }
  const count = (name: string): number =>
    field(sized, name, (value) => asCount(value, `entry ${entry.id}: pool.${name}`), 0)
  const [size, workers, maxSize] = [count('size'), count('workers'), count('max_size')] as const
  const type = field(sized, 'type', (value) => asName(value, `entry ${entry.id}: pool.type`), '')
  if (type !== '' && !(poolTypes as readonly string[]).includes(type)) {
    throw moduleError('Invalid', `entry ${entry.id}: unknown pool type: ${type}`)
  }
  if (type === 'inline') return 1
  if (type === 'static') return workers || size || STATIC_DEFAULT
  if (type === 'lazy' || type === 'adaptive') return maxSize || TYPED_DEFAULT
  if (workers > 0) {
    if (size === 0) throw moduleError('Invalid', `entry ${entry.id}: pool.size must be greater than 0 for worker pools`)
    return workers
  }
  if (maxSize > 0) return maxSize
  return size > 0 ? 1 : LAZY_DEFAULT
}

/** What an entry refers to: libraries, and the policies of its own. */
function needs({ imports, security }: ProgramConfig): string[] {
  return [...imports.values(), ...(security?.policies ?? [])]
}

/** Calls run under the security block of the entry. */
function secured(handler: FunctionHandler, secure: (frame: Frame) => Frame): FunctionHandler {
  return {
    call: async (args, frame, signal) => handler.call(args, secure(frame), signal),
    callPayload: async (args, frame, signal) => payloadFrom(handler, args, secure(frame), signal),
  }
}

export function functionKind(deps: LuaKindDeps): Kind<FunctionConfig> {
  return {
    kind: 'function.lua',
    decode(entry) {
      const config = decodeLua(entry, { requireSource: true })
      if (config.method === '') throw moduleError('Invalid', `entry ${entry.id}: method is required`)
      return {
        ...config,
        security: decodeSecurity(entry),
        maxSize: poolSize(entry),
        callOptions: entryCallOptions(entry),
      }
    },
    needs,
    async open(entry, config, { origin }) {
      const { codeBase, functions, programs } = deps
      let current = config
      let pool: ProgramPool | undefined
      let generated = false
      let release = (): void => undefined
      const use = (program: Program): void => {
        const { maxSize, callOptions } = current
        if (pool !== undefined && program.generated === generated) {
          pool.replace(program)
        } else {
          // An entry of the disk that was changed at run time, or the other way round: its code runs elsewhere from now on.
          pool?.close()
          pool = deps.pool(program, { maxSize })
          generated = program.generated
        }
        const { security } = current
        const handler = security === undefined ? pool : secured(pool, securer(entry.id, security, deps.policies))
        release = functions.register(entry.id, repeated(handler, callOptions, deps))
        // A pool of one is one state, and must stay so.
        const anywhere = !generated && callOptions.retry === undefined && security === undefined && maxSize > 1
        programs.setFunction(entry.id, anywhere ? { program, maxSize } : undefined)
      }
      const renew = async (): Promise<void> => {
        const program = codeBase.program(entry.id)
        await deps.prepare(program)
        use(program)
      }
      codeBase.set(entry, config, origin, use)
      await renew()
      return {
        update(next, changed, opening) {
          current = changed
          codeBase.set(next, changed, opening.origin, use)
          return renew()
        },
        close() {
          codeBase.remove(entry.id)
          programs.setFunction(entry.id, undefined)
          release()
          pool?.close()
        },
      }
    },
  }
}

export function processKind(deps: LuaKindDeps, kind: 'process.lua' | 'workflow.lua'): Kind<ProgramConfig> {
  return {
    kind,
    decode: (entry) => ({
      ...decodeLua(entry, { method: 'main', requireSource: false }),
      security: decodeSecurity(entry),
    }),
    needs,
    async open(entry, config, { origin }) {
      const { codeBase, kernel, programs } = deps
      let program: Program
      let { security } = config
      let secure = security && securer(entry.id, security, deps.policies)
      const use = (fresh: Program): void => {
        if (program !== undefined) deps.retire(program)
        program = fresh
        // Who such a process is, the main thread says.
        programs.setDefinition(entry.id, security === undefined ? fresh : undefined)
      }
      codeBase.set(entry, config, origin, use)
      const first = codeBase.program(entry.id)
      await deps.prepare(first)
      use(first)
      kernel.factories.set(entry.id, {
        create(init) {
          const frame = deps.confine(program, secure?.(init.frame) ?? init.frame)
          const confined = frame === init.frame ? init : { ...init, frame }
          const thread = deps.threadFor(program, init.host)
          return thread?.create(program, confined) ?? deps.engineFor(program).createProcess(program, confined)
        },
      })
      return {
        async update(next, changed, opening) {
          security = changed.security
          secure = security && securer(entry.id, security, deps.policies)
          codeBase.set(next, changed, opening.origin, use)
          const fresh = codeBase.program(next.id)
          await deps.prepare(fresh)
          use(fresh)
        },
        close() {
          codeBase.remove(entry.id)
          kernel.factories.delete(entry.id)
          programs.setDefinition(entry.id, undefined)
          deps.retire(program)
        },
      }
    },
  }
}

export function libraryKind({ codeBase }: Pick<LuaKindDeps, 'codeBase'>): Kind<LuaConfig> {
  return {
    kind: 'library.lua',
    decode(entry) {
      if (isMap(entry.data) && entry.data['options'] !== undefined) {
        throw moduleError(
          'Invalid',
          `entry ${entry.id}: options: a library runs under those of the entry that imports it`,
        )
      }
      return decodeLua(entry, { requireSource: true })
    },
    needs: (config) => [...config.imports.values()],
    open(entry, config, { origin }) {
      codeBase.set(entry, config, origin)
      return {
        update: (next, changed, opening) => codeBase.set(next, changed, opening.origin),
        close: () => codeBase.remove(entry.id),
      }
    },
  }
}

export type Confine = (program: Program, frame: Frame) => Frame
