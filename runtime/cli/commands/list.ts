// `wippy run list`: the commands that the project's entries declare.

import { join } from 'node:path'
import { packageBundle } from '../../index.ts'
import { loadProject, projectCache } from '../../loader/load.ts'
import { LOCK_FILE, requireLock } from '../../loader/lockfile.ts'
import { projectPacks } from '../../loader/pack.ts'
import { type AppCommand, appCommands } from '../app-commands.ts'
import { type SettingFlags, settingsOf } from '../options.ts'
import { type Paint, paintFor } from '../paint.ts'
import { diagnosticText, inert } from '../report.ts'

/** Prints the list; resolves with the exit code. */
export async function list(flags: SettingFlags): Promise<number> {
  const root = process.cwd()
  requireLock(join(root, LOCK_FILE))
  const loaded = await loadProject({
    root,
    env: process.env,
    settings: settingsOf(flags),
    bundle: packageBundle(),
    cache: projectCache(root),
    readPack: projectPacks(root),
  })
  for (const diagnostic of loaded.diagnostics) {
    if (diagnostic.level !== 'info') process.stderr.write(`${diagnosticText(diagnostic, root)}\n`)
  }
  process.stdout.write(listText(appCommands(loaded.entries).filter(({ useCase }) => useCase === 'run')))
  return 0
}

/** The list as the spec prints it; without commands, how to make one. */
export function listText(commands: readonly AppCommand[], paint: Paint = paintFor(process.stdout)): string {
  if (commands.length === 0) {
    return `No commands found.

To define a command, add 'command' to entry meta:
  meta:
    command:
      name: test
      short: Run tests
`
  }
  const lines = commands.map(({ name, short, entry }) => {
    const parts = [
      paint(['bold', 'green'], inert(name)),
      ...(short === '' ? [] : [inert(short)]),
      paint('dim', `(${inert(entry)})`),
    ]
    return `  ${parts.join('  ')}\n`
  })
  return `${paint(['bold', 'blue'], 'Available commands:')}\n\n${lines.join('')}\nRun with: wippy run <command>\n`
}
