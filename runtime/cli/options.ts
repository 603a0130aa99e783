// What the flags of every command come to.

import { RuntimeError } from '../core/error.ts'
import { parseSize } from '../core/size.ts'
import type { ProjectOptions } from '../index.ts'

/** Flags that every command takes (spec/cli.md §1). */
export interface GlobalFlags {
  readonly config?: readonly string[]
  readonly verbose?: boolean
  readonly veryVerbose?: boolean
  readonly console?: boolean
  readonly silent?: boolean
  readonly eventStreams?: boolean
  readonly profiler?: boolean
  readonly memoryLimit?: string
}

/** Flags of commands that compose the configuration. */
export interface SettingFlags extends GlobalFlags {
  readonly profile?: readonly string[]
  readonly set?: readonly string[]
  readonly override?: readonly string[]
}

export function settingsOf(flags: SettingFlags): NonNullable<ProjectOptions['settings']> {
  return {
    ...(flags.config === undefined ? {} : { files: flags.config }),
    ...(flags.profile === undefined ? {} : { profiles: flags.profile }),
    ...(flags.set === undefined ? {} : { set: flags.set }),
    ...(flags.override === undefined ? {} : { overrides: flags.override }),
  }
}

/** Bytes of `512M`, `1G`, `2GiB`. Throws Invalid. */
export function parseMemory(text: string): number {
  const bytes = parseSize(text)
  if (bytes === undefined || bytes === 0) {
    throw new RuntimeError(
      'Invalid',
      `invalid --memory-limit ${JSON.stringify(text)}: expected a size such as 512M or 1G`,
    )
  }
  return bytes
}

/** `-m` and `-p`: settings of the OS process, applied before anything is loaded. */
export async function applyProcessFlags(flags: GlobalFlags, env: NodeJS.ProcessEnv): Promise<void> {
  const limit = flags.memoryLimit ?? env['GOMEMLIMIT']
  if (limit !== undefined && limit !== '' && limit !== 'off') {
    const { setFlagsFromString } = await import('node:v8')
    setFlagsFromString(`--max-old-space-size=${Math.max(16, Math.floor(parseMemory(limit) / 2 ** 20))}`)
  }
  if (flags.profiler === true) {
    // Node's own inspector stands in for pprof: CPU and heap profiles through chrome://inspect.
    const { open } = await import('node:inspector')
    open(6060, 'localhost')
  }
}
