// A host with worker threads, for tests of what crosses them: entries from Lua text, run where their origin and host say.

import type { Entry } from '../../runtime/core/entry.ts'
import type { Value, ValueMap } from '../../runtime/core/value.ts'
import { createHost, type Host, type HostOptions } from '../../runtime/create-host.ts'

/** One thread, that of the runtime. */
export const MAIN = 'app:main'
/** Two worker threads. */
export const WORKERS = 'app:workers'

export interface ThreadHost {
  readonly host: Host
  /** Adds a process definition; `main` takes what it is spawned with. */
  process(name: string, source: string, options?: CodeOptions): Promise<void>
  function(name: string, source: string, options?: CodeOptions): Promise<void>
  /** Runs Lua text as the body of a process on a host and gives what it returns; an error rejects. */
  eval(body: string, on?: string, modules?: readonly string[]): Promise<Value>
  stop(): Promise<void>
}

export interface CodeOptions {
  readonly modules?: readonly string[]
  /** Made at run time. */
  readonly generated?: boolean
  readonly data?: ValueMap
}

export async function threadHost(options: Partial<HostOptions> = {}): Promise<ThreadHost> {
  const host = await createHost({
    ...options,
    threads: true,
    entries: [
      { id: MAIN, kind: 'process.host', meta: {}, data: { lifecycle: { auto_start: true } } },
      {
        id: WORKERS,
        kind: 'process.host',
        meta: {},
        data: { host: { workers: 2 }, lifecycle: { auto_start: true } },
      },
      ...(options.entries ?? []),
    ],
  })
  await host.start()
  const add = async (entry: Entry, generated = false): Promise<void> => {
    const op = host.registry.get(entry.id) === undefined ? ('create' as const) : ('update' as const)
    await host.registry.apply([{ op, entry }], { origin: generated ? 'runtime' : 'host' })
  }
  const code = (name: string, kind: string, source: string, { modules = [], data = {} }: CodeOptions): Entry => ({
    id: `app:${name}`,
    kind,
    meta: {},
    data: { source, modules: [...modules], ...(kind === 'function.lua' ? { method: 'handler' } : {}), ...data },
  })
  let evaluated = 0
  return {
    host,
    process: (name, source, extra = {}) => add(code(name, 'process.lua', source, extra), extra.generated),
    function: (name, source, extra = {}) => add(code(name, 'function.lua', source, extra), extra.generated),
    async eval(body, on = WORKERS, modules = ['time', 'funcs']) {
      const name = `eval${++evaluated}`
      await add(code(name, 'process.lua', `return { main = function(...) ${body}\nend }`, { modules }))
      const { value, error } = await host.run(`app:${name}`, on)
      if (error !== undefined) throw error
      return value ?? null
    },
    stop: () => host.stop(),
  }
}
