// The commands an app declares in the `meta.command` of its processes.

import type { Entry } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { parseId } from '../core/id.ts'
import { nearest } from '../core/nearest.ts'
import { isMap } from '../core/value.ts'

export interface AppCommand {
  readonly name: string
  readonly short: string
  readonly main: boolean
  /** `run` unless the entry says otherwise; `test` belongs to `wippy test`. */
  readonly useCase: string
  readonly entry: string
}

/** Commands in load order; of several with one name the first is the one that runs. */
export function appCommands(entries: readonly Entry[]): AppCommand[] {
  return entries.flatMap((entry) => {
    const command = entry.meta['command']
    if (!entry.kind.startsWith('process.') || !isMap(command)) return []
    const { name, short, main, use_case: useCase } = command
    if (typeof name !== 'string' || name === '') return []
    return [
      {
        name,
        short: typeof short === 'string' ? short : '',
        main: main === true,
        useCase: typeof useCase === 'string' && useCase !== '' ? useCase : 'run',
        entry: entry.id,
      },
    ]
  })
}

/** The command of that name; the one that runs tests only when no other has it. Throws NotFound with the nearest name. */
export function findCommand(commands: readonly AppCommand[], name: string): AppCommand {
  const named = commands.filter((command) => command.name === name)
  const found = named.find(({ useCase }) => useCase === 'run') ?? named.find(({ useCase }) => useCase === 'test')
  if (found !== undefined) return found
  const near = nearest(
    name,
    commands.filter(({ useCase }) => useCase === 'run').map((command) => command.name),
  )
  const hint = near && `Did you mean "${near}"?`
  throw new RuntimeError('NotFound', `command "${name}" not found. Use 'wippy run list' to see available commands`, {
    details: hint === undefined ? undefined : { hint },
  })
}

/** The command that stands for a whole module: marked as main, or the only one. Undefined when it has none. */
export function mainCommand(commands: readonly AppCommand[]): AppCommand | undefined {
  const run = commands.filter(({ useCase }) => useCase === 'run')
  const marked = run.filter(({ main }) => main)
  const names = (list: readonly AppCommand[]): string => list.map(({ name }) => name).join(', ')
  if (marked.length > 1) throw new RuntimeError('Invalid', `multiple commands marked as main in pack: ${names(marked)}`)
  if (marked.length === 0 && run.length > 1) {
    throw new RuntimeError('Invalid', `no command is marked as main; specify one of: ${names(run)}`)
  }
  return marked[0] ?? run[0]
}

/** The process that `wippy test` runs. Throws NotFound, or Invalid when several say they are it. */
export function testCommand(commands: readonly AppCommand[]): AppCommand {
  const tests = commands.filter(({ useCase }) => useCase === 'test')
  const [first, second] = tests
  if (first === undefined) {
    throw new RuntimeError('NotFound', 'no test entrypoint found: no process entry has meta.command.use_case "test"', {
      details: { hint: "Add an ns.dependency on wippy/test, or run 'wippy add wippy/test'" },
    })
  }
  // The app's own is meant where the test component brings another.
  const own = tests.filter(({ entry }) => !parseId(entry).ns.startsWith('wippy.'))
  if (second === undefined) return first
  if (own.length === 1 && own[0] !== undefined) return own[0]
  throw new RuntimeError('Invalid', `several test entrypoints found: ${tests.map(({ entry }) => entry).join(', ')}`)
}
