// `wippy run`: the whole runtime, one of its commands, one process, an archive, or a bundled application.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { packageBundle } from '../../index.ts'
import { findCommand, mainCommand } from '../app-commands.ts'
import { type RunFlags, runSession, type SessionPlan } from '../session.ts'

export interface RunCommandFlags extends RunFlags {
  /** `-x`: the process to run. */
  readonly exec?: string
}

/** Resolves with the exit code. */
export async function run(words: readonly string[], flags: RunCommandFlags): Promise<number> {
  const root = process.cwd()
  const [target, ...rest] = words
  if (flags.exec !== undefined) {
    const entry = processId(flags.exec)
    return runSession({ root, flags, args: words, pick: () => entry })
  }
  if (target === undefined) return runSession({ root, flags, args: [] })
  if (target.endsWith('.wapp')) return runSession(await packPlan(resolve(root, target), rest, root, flags))
  if (target.includes('/')) return runSession(modulePlan(target, rest, root, flags))
  return runSession({ root, flags, args: rest, pick: (commands) => findCommand(commands, target).entry })
}

function processId(text: string): string {
  const parts = /^([^:]+):(.+)$/.exec(text)
  if (parts === null) {
    throw new RuntimeError('Invalid', `invalid --exec ${JSON.stringify(text)}: expected namespace:entry`)
  }
  return text
}

/** `org/module[@version] [command]`: the applications that come with this package; there is no hub to ask. */
function modulePlan(reference: string, words: readonly string[], root: string, flags: RunFlags): SessionPlan {
  const [name = '', wanted] = reference.split('@')
  const apps = packageBundle().apps ?? {}
  if (!Object.hasOwn(apps, name)) {
    const known = Object.keys(apps)
    const hint = known.length === 0 ? undefined : `Bundled applications: ${known.join(', ')}`
    throw new RuntimeError('NotFound', `module ${name} is not installed and there is no hub to download it from`, {
      details: hint === undefined ? undefined : { hint },
    })
  }
  void wanted
  const [command, ...args] = words
  return {
    root,
    flags,
    app: name,
    args,
    // Modules of the application are not asked: only the root module's commands are exposed.
    pick: (commands, { loaded }) => {
      const own = commands.filter(({ entry }) => loaded.files.get(entry)?.module === undefined)
      if (command !== undefined) return findCommand(own, command).entry
      return mainCommand(own)?.entry
    },
  }
}

async function packPlan(file: string, words: readonly string[], root: string, flags: RunFlags): Promise<SessionPlan> {
  if (!existsSync(file)) throw new RuntimeError('NotFound', `pack file not found: ${file}`)
  void words
  void root
  void flags
  throw new RuntimeError('Unavailable', 'packs')
}
