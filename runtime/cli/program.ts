// The command line: which commands there are and what they take. What a command does is in commands/, loaded when it is run.

import { nearest } from '../core/nearest.ts'
import { applyProcessFlags, type GlobalFlags } from './options.ts'
import { Command, CommanderError, described, type Handle, Option, repeatable } from './program-options.ts'
import { addRegistryCommands } from './program-registry.ts'
import { ExitCode, failureText } from './report.ts'

/** Runs one command; resolves with the exit code. Errors are reported here, once. */
export async function runCommandLine(argv: readonly string[]): Promise<number> {
  let lost: NodeJS.ErrnoException | undefined
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    lost ??= error
  })
  const code = await runCommand(argv)
  // Streams tell of a failed write a moment later.
  await new Promise<void>((resolve) => setImmediate(resolve))
  // A reader that has seen enough is no failure; a full disk is.
  if (lost === undefined || lost.code === 'EPIPE' || code !== 0) return code
  process.stderr.write(
    `${failureText(new Error(`standard output: ${lost.message}`), { coloured: false, traces: false })}\n`,
  )
  return 1
}

async function runCommand(argv: readonly string[]): Promise<number> {
  let code = 0
  const program = build((exitCode) => {
    code = exitCode
  })
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof ExitCode) return error.code
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const { console: coloured = false, veryVerbose = false } = program.opts<GlobalFlags>()
    const shown = error instanceof CommanderError ? usageError(error, program, argv) : error
    process.stderr.write(`${failureText(shown, { coloured, traces: veryVerbose })}\n`)
    return 1
  }
}

function build(done: (code: number) => void): Command {
  const program = new Command('wippy')
  program
    .description('Adaptive Application Runtime')
    .exitOverride()
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .helpCommand(true)
    .addOption(
      new Option('--config <file>', 'configuration file (repeatable, merged left to right)').argParser(repeatable),
    )
    .option('-v, --verbose', 'debug logging')
    .option('--very-verbose', 'debug logging with stack traces')
    .option('-c, --console', 'colourful console logging')
    .option('-s, --silent', 'no console logging')
    .option('-e, --event-streams', 'stream logs to the event bus')
    .option('-p, --profiler', 'profiler on localhost:6060 (the Node inspector)')
    .option('-m, --memory-limit <size>', 'memory limit, e.g. 512M or 1G')
    .option('--version', 'print the version')

  /** Loads the handler when the command is run. */
  const handle: Handle = (command, load) =>
    command.action(async (...all: unknown[]) => {
      // Commander passes operands, then options, then the command itself.
      const words = all
        .slice(0, -2)
        .flat()
        .filter((word): word is string => typeof word === 'string')
      const flags = command.optsWithGlobals<GlobalFlags>()
      await applyProcessFlags(flags, process.env)
      const handler = await load()
      done(await handler(words, flags as never))
    })

  program.action(async () => {
    const { banner, packageVersion } = await import('./banner.ts')
    const asked = program.opts<{ version?: boolean }>().version === true
    process.stdout.write(asked ? `${packageVersion()}\n` : `${banner()}${program.helpInformation()}`)
  })

  handle(
    program
      .command('init')
      .description('create wippy.lock, or set its directories')
      .option('-d, --src-dir <path>', 'source directory', './src')
      .option('--modules-dir <path>', 'modules directory', '.wippy')
      .addOption(described.lockFile),
    async () => {
      const { init } = await import('./commands/init.ts')
      return (_words, flags) => init(flags)
    },
  )
  handle(
    program
      .command('run')
      .description('start the runtime, or run a command, a process, a pack or a bundled application')
      .argument('[target]', 'command | list | file.wapp | org/module[@version]')
      .argument('[args...]', 'arguments of the command; flags of its own after --')
      .option('-x, --exec <ns:entry>', 'run one process and exit')
      .option('--no-watch', 'do not follow changes of the files')
      .addOption(described.override)
      .addOption(described.host)
      .addOption(described.registry)
      .addOption(described.set)
      .addOption(described.profile),
    async () => async (words, flags) => {
      if (words.length === 1 && words[0] === 'list') return (await import('./commands/list.ts')).list(flags)
      return (await import('./commands/run.ts')).run(words, flags)
    },
  )
  handle(
    program
      .command('test')
      .description('run the tests of the project, of a pack, or of a bundled application')
      .argument('[target]', 'org/module, or the first pattern')
      .argument('[patterns...]', 'which tests to run')
      .addOption(described.override)
      .addOption(described.host)
      .addOption(described.registry)
      .addOption(described.set)
      .addOption(described.profile),
    async () => {
      const { test } = await import('./commands/test.ts')
      return test
    },
  )
  handle(
    program
      .command('add')
      .description('add a module to the lock')
      .argument('<module>', 'org/module[@version]')
      .addOption(described.lockFile)
      .addOption(described.registry),
    async () => {
      const { add } = await import('./commands/add.ts')
      return ([reference = ''], flags) => add(reference, flags)
    },
  )
  handle(
    program
      .command('install')
      .description('install the modules of the lock')
      .argument('[modules...]', 'only these')
      .option('--refresh', 'install again what is there')
      .option('--force', 'alias of --refresh')
      .option('--repair', 'alias of --refresh')
      .addOption(described.lockFile)
      .addOption(described.registry)
      .addOption(described.set)
      .addOption(described.profile),
    async () => {
      const { install } = await import('./commands/install.ts')
      return install
    },
  )
  handle(
    program
      .command('update')
      .description('resolve the dependencies and write the lock')
      .argument('[modules...]', 'only these')
      .option('-d, --src-dir <path>', 'source directory')
      .option('--modules-dir <path>', 'modules directory')
      .option('-y, --yes', 'do not ask')
      .addOption(described.lockFile)
      .addOption(described.registry)
      .addOption(described.set)
      .addOption(described.profile),
    async () => {
      const { update } = await import('./commands/update.ts')
      return update
    },
  )
  handle(
    program
      .command('lint')
      .description('check the Lua of the project')
      .addOption(described.lockFile)
      .option('--level <severity>', 'least severity: error, warning or hint', 'warning')
      .addOption(
        new Option('--ns <pattern>', 'only these namespaces, e.g. app or lib.* (repeatable)').argParser(repeatable),
      )
      .addOption(new Option('--code <codes>', 'only these codes, e.g. E0001,E0004 (repeatable)').argParser(repeatable))
      .option('--rules', 'also rules of style')
      .option('--summary', 'counts by namespace and code')
      .option('--limit <n>', 'at most so many diagnostics, 0 for all', '0')
      .option('--json', 'as JSON')
      .option('--no-color', 'without colours')
      .option('--cache-reset', 'clear the caches first')
      .addOption(described.set)
      .addOption(described.profile),
    async () => {
      const { lint } = await import('./commands/lint.ts')
      return (_words, flags) => lint(flags)
    },
  )
  addRegistryCommands(
    program.command('registry').description('look at the registry, and go back in its history'),
    handle,
  )
  handle(
    program
      .command('pack')
      .description('put the project into one .wapp file')
      .argument('[output]', 'file.wapp')
      .addOption(described.lockFile)
      .option('-d, --description <text>', 'what it is')
      .option('-t, --tags <tags>', 'tags, with commas between')
      .addOption(new Option('--meta <key=value>', 'further metadata (repeatable)').argParser(repeatable))
      .addOption(new Option('--embed <pattern>', 'embed these fs.directory entries (repeatable)').argParser(repeatable))
      .option('--embed-all', 'embed all fs.directory entries')
      .option('--list', 'list the fs.directory entries and write nothing')
      .addOption(new Option('--exclude-ns <pattern>', 'leave namespaces out (repeatable)').argParser(repeatable))
      .addOption(new Option('--exclude <pattern>', 'leave entries out (repeatable)').argParser(repeatable))
      .option('--bytecode <pattern>', 'accepted, without effect: packs carry source')
      .addOption(described.override)
      .addOption(described.set)
      .addOption(described.profile),
    async () => {
      const { pack } = await import('./commands/pack.ts')
      return ([output], flags) => pack(output, flags)
    },
  )
  handle(
    program
      .command('new')
      .description('start from a template: hello, http, agent or component')
      .argument('<template>', 'hello | http | agent | component')
      .argument('[name]', 'folder of the project, or name of the component', '.'),
    async () => {
      const { createNew } = await import('./commands/new.ts')
      return ([template = '', name = '.']) => createNew(template, name)
    },
  )
  handle(
    program
      .command('docs')
      .description('read or search the documentation')
      .argument('[words...]', 'path, or what to look for'),
    async () => {
      const { docs } = await import('./commands/docs.ts')
      return docs
    },
  )
  handle(
    program
      .command('search')
      .description('find modules among those of the project and of this package')
      .argument('<words...>')
      .option('--json', 'as JSON')
      .option('--limit <n>', 'at most so many', '20')
      .addOption(described.registry),
    async () => (await import('./commands/modules.ts')).search,
  )
  handle(
    program
      .command('readme')
      .description('show the README of a module')
      .argument('<module>', 'org/module')
      .option('--json', 'as JSON')
      .addOption(described.registry),
    async () => {
      const { readme } = await import('./commands/modules.ts')
      return ([reference = ''], flags) => readme(reference, flags)
    },
  )
  handle(
    program
      .command('publish')
      .description('check that the folder is a module that can be published')
      .option('--dry-run', 'only check')
      .option('--version <version>', 'version to publish')
      .addOption(described.registry),
    async () => {
      const { publish } = await import('./commands/modules.ts')
      return (_words, flags) => publish(flags)
    },
  )
  handle(
    program
      .command('auth', { hidden: true })
      .description('log in to a hub')
      .argument('[words...]')
      .allowUnknownOption(),
    async () => {
      const { noHub } = await import('./commands/modules.ts')
      return () => Promise.reject(noHub('auth'))
    },
  )
  handle(
    program.command('version').description('print the version').option('--short', 'the version alone'),
    async () => {
      const { version } = await import('./commands/version.ts')
      return async (_words, flags) => version(flags)
    },
  )
  return program
}

/** Commander's complaint in the words of the original, with the nearest command or flag. */
function usageError(error: CommanderError, program: Command, argv: readonly string[]): Error {
  const { command, path, rest } = addressed(program, argv)
  const [, name] = /^error: (?:unknown command|unknown option) '([^']*)'/.exec(error.message) ?? []
  if (error.code === 'commander.unknownOption') {
    const own = command.name() === 'run' && rest.length > 0
    const hint = own ? `\nFlags of ${JSON.stringify(rest[0])} itself go after --` : ''
    return new Error(`unknown flag: ${name ?? ''}${hint}`)
  }
  const isGroup = command.commands.length > 0
  // `commander.help` with an exit code: help of a command that there is not.
  if (isGroup && ['commander.unknownCommand', 'commander.excessArguments', 'commander.help'].includes(error.code)) {
    const word = name ?? rest[0] ?? ''
    const near = nearest(
      word,
      command.commands.map((known) => known.name()),
    )
    const suggestion = near === undefined ? `\n${seeHelp(path)}` : `\n\nDid you mean this?\n\t${near}\n`
    return new Error(`unknown command ${JSON.stringify(word)} for ${JSON.stringify(path)}${suggestion}`)
  }
  return new Error(`${error.message.replace(/^error: /, '')}\n${seeHelp(path)}`)
}

const seeHelp = (path: string): string => `See '${path} --help'`

/** The command that the words name, as far as they name one, and the words behind its name. */
function addressed(program: Command, argv: readonly string[]): { command: Command; path: string; rest: string[] } {
  let command = program
  const path = [program.name()]
  const words = argv.filter((word) => !word.startsWith('-'))
  if (words[0] === 'help') words.shift()
  while (words.length > 0) {
    const next = command.commands.find((known) => known.name() === words[0])
    if (next === undefined) break
    command = next
    path.push(next.name())
    words.shift()
  }
  return { command, path: path.join(' '), rest: words }
}
