// `wippy test`: boots the project, an archive or a bundled application with its tests, and runs its test entrypoint.

import { resolve } from 'node:path'
import { packageBundle } from '../../index.ts'
import { testCommand } from '../app-commands.ts'
import { isReference } from '../modules/resolve.ts'
import { type RunFlags, runSession, type SessionPlan } from '../session.ts'
import { requireBundled, requirePack } from '../targets.ts'

/** Words are what to test, where the first names something else than the project, and patterns. Resolves with the exit code. */
export async function test(words: readonly string[], flags: RunFlags): Promise<number> {
  const [target = '', ...rest] = words
  const plan: SessionPlan = {
    root: process.cwd(),
    flags: { ...flags, watch: false },
    tests: true,
    args: words,
    pick: (commands) => testCommand(commands).entry,
  }
  if (target.endsWith('.wapp'))
    return runSession({ ...plan, args: rest, project: { pack: requirePack(resolve(target)) } })
  // Ids of entries have no slash: no pattern is mistaken for a module.
  if (isReference(target)) return runSession({ ...plan, args: rest, app: requireBundled(target, packageBundle()) })
  return runSession(plan)
}
