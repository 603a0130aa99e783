// `wippy run`: the whole runtime, one of its commands, one process, an archive, or a bundled application.

import { resolve } from 'node:path'
import { RuntimeError } from '../../core/error.ts'
import { packageBundle } from '../../index.ts'
import { findCommand, mainCommand } from '../app-commands.ts'
import { type RunFlags, runSession, type SessionPlan } from '../session.ts'
import { requireBundled, requirePack } from '../targets.ts'

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
  if (target.endsWith('.wapp')) return runSession(packPlan(resolve(root, target), rest, root, flags))
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
  const name = requireBundled(reference, packageBundle())
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

/** `file.wapp [command]`: an archive, with the configuration of the folder it is run in. */
function packPlan(file: string, words: readonly string[], root: string, flags: RunFlags): SessionPlan {
  const [command, ...args] = words
  return {
    root,
    flags: { ...flags, watch: false },
    args,
    project: { pack: requirePack(file) },
    pick: (commands) => {
      if (command === undefined) return mainCommand(commands)?.entry
      const found = commands.find(({ name, useCase }) => name === command && useCase === 'run')
      if (found !== undefined) return found.entry
      const names = commands.flatMap(({ name, useCase }) => (useCase === 'run' ? [name] : [])).join(', ')
      throw new RuntimeError('NotFound', `command ${JSON.stringify(command)} not found in pack`, {
        details: { hint: names === '' ? 'The pack has no commands.' : `It has: ${names}` },
      })
    },
  }
}
