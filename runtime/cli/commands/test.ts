// `wippy test`: boots the project with its tests and runs its test entrypoint.

import { packageBundle } from '../../index.ts'
import { testCommand } from '../app-commands.ts'
import { type RunFlags, runSession } from '../session.ts'

/** Words are patterns for the entrypoint, or the bundled application to test. Resolves with the exit code. */
export async function test(words: readonly string[], flags: RunFlags): Promise<number> {
  const root = process.cwd()
  const [target = '', ...rest] = words
  const apps = packageBundle().apps ?? {}
  const app = Object.hasOwn(apps, target) ? target : undefined
  return runSession({
    root,
    flags: { ...flags, watch: false },
    tests: true,
    args: app === undefined ? words : rest,
    pick: (commands) => testCommand(commands).entry,
    ...(app === undefined ? {} : { app }),
  })
}
