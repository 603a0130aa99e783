// `wippy registry …` on the command line.

import { type Command, described, type Handle, Option, repeatable } from './program-options.ts'

/** On a host that runs in this folder, else on the project at rest. */
export function addRegistryCommands(registry: Command, handle: Handle): void {
  registry.action(() => void process.stdout.write(registry.helpInformation()))
  const common = (command: Command): Command =>
    command.addOption(described.lockFile).addOption(described.set).addOption(described.profile)
  const formats = (command: Command): Command => command.option('--json', 'as JSON').option('--yaml', 'as YAML')
  const filters = (command: Command): Command =>
    command
      .option('-k, --kind <glob>', 'kind, e.g. function.lua*')
      .option('-n, --ns <glob>', 'namespace, e.g. app.*')
      .option('--name <glob>', 'name')
      .addOption(
        new Option('--meta <condition>', 'field=value, ~regex, *part, ^start, $end (repeatable)').argParser(repeatable),
      )
  handle(formats(filters(common(registry.command('list').description('list entries')))), async () => {
    const commands = await import('./commands/registry.ts')
    return (_words, flags) => commands.list([], flags)
  })
  handle(
    formats(
      filters(
        common(
          registry
            .command('find')
            .description('entries that fit conditions on any field')
            .argument('<conditions...>', 'kind=function.lua meta.type=tool data.host^app:'),
        ),
      ),
    ),
    async () => (await import('./commands/registry.ts')).list,
  )
  handle(
    formats(common(registry.command('show').description('show an entry').argument('<id>', 'namespace:name')))
      .option('-f, --field <path>', 'one field, e.g. meta.type or data.source')
      .option('--raw', 'as it is, for other programs'),
    async () => {
      const commands = await import('./commands/registry.ts')
      return ([id = ''], flags) => commands.show(id, flags)
    },
  )
  handle(
    common(registry.command('history').description('versions, newest first').option('--json', 'as JSON')),
    async () => {
      const commands = await import('./commands/registry.ts')
      return (_words, flags) => commands.history(flags)
    },
  )
  handle(
    common(
      registry
        .command('diff')
        .description('what changed from one version to another')
        .argument('[from]', 'version; the one before the current')
        .argument('[to]', 'version; the current'),
    ),
    async () => (await import('./commands/registry.ts')).diff,
  )
  handle(
    common(registry.command('rollback').description('go to a version').argument('<version>', 'as in history')),
    async () => {
      const commands = await import('./commands/registry.ts')
      return ([version = ''], flags) => commands.rollback(version, flags)
    },
  )
}
