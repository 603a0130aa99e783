// The `io` module: a terminal process talks to whoever started it.

import type { RuntimeError } from '../../core/error.ts'
import { moduleError } from '../../core/error.ts'
import { type Call, type LuaModule, optionalNumber } from '../../lua/module.ts'
import type { Process } from '../../process/process.ts'
import type { Terminal } from '../../process/terminal.ts'
import { joinText, shownText } from './shown-text.ts'

export interface IoDeps {
  /** The terminal of a process that runs on a terminal host; others have none. */
  readonly terminalOf: (process: Process) => Terminal | undefined
}

const DEFAULT_READ = 1024

export function ioModule({ terminalOf }: IoDeps): LuaModule {
  const terminal = (call: Call): Terminal => {
    const found = terminalOf(call.process)
    if (found === undefined) throw moduleError('Unavailable', 'no terminal context')
    return found
  }
  // Output that the system takes at once costs no wait.
  const done = (written: void | Promise<void>): true | Promise<true> =>
    written === undefined ? true : written.then(() => true)

  return {
    name: 'io',
    description: 'Standard input and output of terminal processes',
    traits: ['io', 'nondeterministic'],
    open: () => ({
      write: (call: Call, ...values: unknown[]) => done(terminal(call).write(joinText(values.map(shownText), '', ''))),
      print: (call: Call, ...values: unknown[]) =>
        done(terminal(call).write(joinText(values.map(shownText), '\t', '\n'))),
      eprint: (call: Call, ...values: unknown[]) =>
        done(terminal(call).writeError(joinText(values.map(shownText), '\t', '\n'))),
      readline: async (call: Call) => (await terminal(call).readline(call.signal)) ?? endOf('readline'),
      read: async (call: Call, count?: unknown) => {
        const wanted = Math.trunc(optionalNumber(count, 1, "'read'") ?? DEFAULT_READ)
        return (await terminal(call).read(wanted > 0 ? wanted : DEFAULT_READ, call.signal)) ?? endOf('read')
      },
      raw: (call: Call, on?: unknown) => {
        terminal(call).raw(on !== false)
        return true
      },
      flush: async (call: Call) => {
        await terminal(call).flush()
        return true
      },
      args: (call: Call) => [...(terminalOf(call.process)?.args ?? [])],
      // Ours: whether somebody types and sees, so that a program can leave colours out of pipes.
      is_terminal: (call: Call) => terminalOf(call.process)?.interactive ?? false,
    }),
  }
}

function endOf(operation: string): never {
  const end: RuntimeError = moduleError('Internal', `${operation}: EOF`)
  throw end
}
