// What the commands of the command line share: their common flags, and how a handler is attached to one.
// The only importer of commander.

import { type Command, Option } from 'commander'

export { Command, CommanderError, Option } from 'commander'

/** A handler gets the flags of the command and the global ones in one; its result is the exit code. */
export type Handler = (words: string[], flags: never) => Promise<number>

/** Attaches a handler that is loaded when the command is run. */
export type Handle = (command: Command, load: () => Promise<Handler>) => Command

/** Collects a flag that may be given again. */
export const repeatable = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

/** Flags that several commands take. */
export const described = {
  lockFile: new Option('-l, --lock-file <path>', 'lock file').default('wippy.lock'),
  registry: new Option('--registry <url>', 'registry URL'),
  set: new Option('--set <section.path=value>', 'override a configuration value (repeatable)').argParser(repeatable),
  profile: new Option('--profile <name>', 'apply a profile of .wippy.yaml (repeatable)').argParser(repeatable),
  override: new Option('-o, --override <ns:entry:field=value>', 'override a field of an entry (repeatable)').argParser(
    repeatable,
  ),
  host: new Option('--host <id>', 'terminal host, when there are several'),
}
