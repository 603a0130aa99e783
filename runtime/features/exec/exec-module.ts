// The `exec` module: runs commands through the executors an app declares.

import { isAbsolute, resolve } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { moduleError, type RuntimeError } from '../../core/error.ts'
import { isMap, type ValueMap } from '../../core/value.ts'
import {
  bytes,
  type Call,
  type LuaModule,
  LuaType,
  type LuaTypeSpec,
  number,
  optionalTable,
  optionalText,
  pieceSize,
  text,
} from '../../lua/module.ts'
import type { Guard } from '../../security/guard.ts'
import { Child, type ChildPlan, type ChildStream } from './child.ts'
import { splitCommand } from './command-line.ts'
import type { Executor, Executors } from './exec-kinds.ts'

export interface ExecDeps {
  readonly executors: Executors
  readonly guard: Guard
  readonly clock: Clock
  /** Makes the Scanner userdata over a stream. */
  readonly scanner: (source: ChildStream, split: string) => unknown
  /** How streams answer what only others can. */
  readonly readOnly: NonNullable<LuaTypeSpec<unknown>['methods']>
}

interface ExecutorHandle {
  readonly id: string
  executor: Executor | undefined
}

/** `get(id)`. */
export const execModule = (deps: ExecDeps): LuaModule => ({
  name: 'exec',
  description: 'Runs commands of the operating system',
  traits: ['system', 'io', 'nondeterministic'],
  open() {
    const executorType = execTypes(deps)
    return {
      get(call, idArgument) {
        const id = text(idArgument, 1, 'get')
        if (id === '') throw moduleError('Invalid', 'executor ID required')
        if (!deps.guard.allows(call.frame, 'exec.get', id)) throw denied(`not allowed to access executor: ${id}`)
        return executorType.wrap({ id, executor: deps.executors.require(id) })
      },
    }
  },
})

function execTypes({ guard, clock, scanner, readOnly }: ExecDeps): LuaType<ExecutorHandle> {
  const streamType: LuaType<ChildStream> = new LuaType<ChildStream>({
    name: 'exec.Stream',
    methods: {
      ...readOnly,
      stat: (_call, { position, closed }) => ({
        size: -1,
        position,
        readable: !closed,
        writable: false,
        seekable: false,
      }),
      read: (_call, self, size) => self.read(pieceSize(size, 2, 'read')),
      scanner: (_call, self, split) => scanner(self, optionalText(split, 2, 'scanner') ?? 'lines'),
      close(_call, self) {
        self.close()
        return true
      },
    },
  })
  const processType: LuaType<Child> = new LuaType<Child>({
    name: 'exec.Process',
    methods: {
      async start(_call, self) {
        await self.start()
        return true
      },
      wait: (_call, self) => self.wait(),
      stdout_stream: (_call, self) => streamType.wrap(self.output('stdout').take()),
      stderr_stream: (_call, self) => streamType.wrap(self.output('stderr').take()),
      async write_stdin(_call, self, data) {
        await self.write(bytes(data, 2, 'write_stdin'))
        return true
      },
      close_stdin(_call, self) {
        self.closeInput()
        return true
      },
      signal(_call, self, signal) {
        const wanted = number(signal, 2, 'signal')
        if (!Number.isInteger(wanted) || wanted < 1 || wanted > 31)
          throw moduleError('Invalid', `signal ${wanted} is not between 1 and 31`)
        self.signal(wanted)
        return true
      },
      close(_call, self, force) {
        self.close(force === true)
        return true
      },
    },
  })
  return new LuaType<ExecutorHandle>({
    name: 'exec.Executor',
    methods: {
      exec(call, self, commandArgument, optionsArgument) {
        if (self.executor === undefined) throw moduleError('Invalid', 'executor is released')
        const plan = childPlan(
          call,
          guard,
          self.executor,
          text(commandArgument, 2, 'exec'),
          optionalTable(optionsArgument, 3, 'exec') ?? {},
        )
        const child: Child = new Child(plan, clock, () => owned.release())
        const owned = call.own({ close: () => child.close(true) })
        return processType.wrap(child)
      },
      release(_call, self) {
        self.executor = undefined
        return true
      },
    },
    tostring: ({ id }) => `exec.Executor{${id}}`,
  })
}

/** What will run, once it may. The permission is asked for the command line as it was given. */
function childPlan(
  call: Call,
  guard: Guard,
  executor: Executor,
  command: string,
  options: { [key: string]: unknown },
): ChildPlan {
  const argv = splitCommand(command)
  const workDir = optionalText(options['work_dir'], 3, 'exec') ?? ''
  const env = environmentOf(options['env'])
  const attributes: ValueMap = {
    work_dir: workDir,
    env_names: Object.keys(env).sort(),
    pty: { requested: options['pty'] !== undefined },
  }
  if (executor.whitelist !== undefined && !executor.whitelist.has(command))
    throw denied(`command not allowed: ${command}`)
  if (!guard.allows(call.frame, 'exec.run', command, attributes)) throw denied(`not allowed to run command: ${command}`)
  if (options['pty'] !== undefined)
    throw moduleError('Unavailable', 'commands with a pseudo-terminal are not supported')
  return {
    command,
    argv,
    workDir:
      workDir === '' ? executor.workDir : isAbsolute(workDir) ? workDir : resolve(executor.workDir ?? '.', workDir),
    env: { ...executor.env, ...env },
    timeout: executor.timeout,
    maxOutput: executor.maxOutput,
  }
}

function environmentOf(option: unknown): Record<string, string> {
  if (option === undefined || option === null) return {}
  if (!isMap(option)) throw moduleError('Invalid', 'env must be a table of text')
  const env: Record<string, string> = {}
  for (const name of Object.keys(option)) {
    const value = option[name]
    if (typeof value !== 'string' && typeof value !== 'number') throw moduleError('Invalid', `env.${name} must be text`)
    if (!/^[^=\0]+$/.test(name) || String(value).includes('\0'))
      throw moduleError('Invalid', `env.${name} is not a valid variable`)
    env[name] = String(value)
  }
  return env
}

/** The original reports denials of this module as Invalid. */
function denied(message: string): RuntimeError {
  return moduleError('Invalid', message)
}
