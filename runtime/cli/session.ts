// One run of a project from the command line: open, start, run the command if there is one, shut down. Ends in an exit code.

import { asRuntimeError, errorText, RuntimeError } from '../core/error.ts'
import { isMap } from '../core/value.ts'
import {
  type Frame,
  type Host,
  type OpenProject,
  type Outcome,
  openProject,
  type ProjectOptions,
  Terminal,
} from '../index.ts'
import { type Config, loadConfig } from '../loader/config.ts'
import type { Diagnostic } from '../loader/diagnostic.ts'
import { locateProblem } from '../loader/entry-problem.ts'
import { projectCache } from '../loader/load.ts'
import type { SourceCache } from '../loader/source-cache.ts'
import { type AppCommand, appCommands } from './app-commands.ts'
import { banner } from './banner.ts'
import { commandFrame } from './command-security.ts'
import { type Ending, endingOf } from './exit-code.ts'
import { streamLogs } from './host-logs.ts'
import { Interrupts } from './interrupts.ts'
import { asksForLogs, createLogging, type Logging } from './logging.ts'
import { type SettingFlags, settingsOf } from './options.ts'
import { wantsColours } from './paint.ts'
import { diagnosticText, failureText, inert } from './report.ts'
import {
  chooseTerminal,
  hidesLogs,
  interruptPrograms,
  requireProcess,
  terminalRunning,
  wantsInterrupts,
} from './terminal-programs.ts'

export interface RunFlags extends SettingFlags {
  /** Id of the terminal host. */
  readonly host?: string
  /** False for `--no-watch`. */
  readonly watch?: boolean
}

export interface SessionPlan {
  readonly root: string
  readonly flags: RunFlags
  /** Picks the process to run among those of the project; undefined runs the services alone. */
  readonly pick?: (commands: readonly AppCommand[], project: OpenProject) => string | undefined
  readonly args: readonly string[]
  /** A bundled application, `org/module`. */
  readonly app?: string
  readonly tests?: boolean
  /** Entries instead of a project, and what else `openProject` takes. */
  readonly project?: Partial<ProjectOptions>
}

const CONTROL_AFTER_MS = 200
/** What is longer would run out at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Resolves with the exit code. Rejects for what kept the command from running. */
export async function runSession(plan: SessionPlan): Promise<number> {
  const session = new Session(plan)
  try {
    const code = await session.run()
    if (code === 0 && plan.tests === true) session.refuseGaps()
    return code
  } catch (error) {
    throw session.masked(error)
  } finally {
    session.restore()
  }
}

class Session {
  readonly #plan: SessionPlan
  readonly #terminal: Terminal
  readonly #logging: Logging
  /** One for the settings here and for the project: the YAML reader is only loaded for what has changed. */
  readonly #cache: SourceCache
  readonly #config: Config
  /** Read at the start: the end is no time to find out that it is no duration. */
  readonly #shutdownMs: number
  readonly #stopped: Promise<string>
  #requestStop: (signal: string) => void = () => {}
  #project: OpenProject | undefined
  #terminalHost: string | undefined
  #signalled = false
  /** What `system.exit` asked for. */
  #exitCode: number | undefined
  readonly #releases: (() => void)[] = []
  readonly #closings: (() => Promise<void>)[] = []

  constructor(plan: SessionPlan) {
    const { root, flags, args, pick } = plan
    this.#plan = plan
    const { stdin, stdout, stderr } = process
    this.#terminal = new Terminal({
      stdin,
      stdout,
      stderr,
      args,
      colours: wantsColours(stdout),
      editing: process.env['TERM'] !== 'dumb',
    })
    this.#cache = projectCache(root)
    this.#config = loadConfig({ ...settingsOf(flags), root, env: process.env, read: this.#cache.yaml })
    this.#shutdownMs = Math.min(this.#config.ms('shutdown.timeout'), LONGEST_TIMER_MS)
    this.#logging = createLogging({
      flags,
      forCommand: pick !== undefined,
      encoding: this.#config.choice('logger.encoding', ['console', 'json']),
      stdout: (line) => void process.stdout.write(line),
      stderr: (line) => void this.#terminal.writeError(line),
    })
    this.#stopped = new Promise((resolve) => {
      this.#requestStop = resolve
    })
    this.#listen()
  }

  async run(): Promise<number> {
    const { flags, pick } = this.#plan
    if (flags.silent !== true && (pick === undefined || asksForLogs(flags))) process.stdout.write(banner())
    const project = await this.#open()
    const { host } = project
    try {
      const entry = pick?.(appCommands(project.loaded.entries), project)
      let frame: Frame | undefined
      if (entry !== undefined) {
        frame = commandFrame(requireProcess(host, entry), host)
        this.#terminalHost = chooseTerminal(host, flags.host)
      }
      const quiet = this.#tellFailedStarts(host)
      const started = await Promise.race([host.start().then(() => undefined), this.#stopped])
      quiet()
      if (started !== undefined) return await this.#close(undefined)
      if (entry === undefined || this.#terminalHost === undefined) {
        this.#logging.logger.info('runtime ready')
        await this.#stopped
        return await this.#close(undefined)
      }
      await terminalRunning(host, this.#terminalHost, this.#logging.clock)
      const outcome = host.run(entry, this.#terminalHost, this.#plan.args, frame === undefined ? {} : { frame })
      const first = await Promise.race([outcome, this.#stopped])
      return await this.#close(typeof first === 'string' ? outcome : first)
    } catch (error) {
      await this.#close(undefined)
      throw error
    }
  }

  /** A run that passed without a test that was left out has not passed. What else was left out is for its tests to miss. */
  refuseGaps(): void {
    const { loaded, host } = this.#project ?? {}
    const types = new Map(loaded?.entries.map(({ id, meta }) => [id, meta['type']]))
    const mayBeTest = (entry: string | undefined) =>
      entry === undefined || !types.has(entry) || types.get(entry) === 'test'
    const said = [...(loaded?.diagnostics ?? []), ...(host?.problems ?? [])]
    const errors = said.filter(({ level, entry }) => level === 'error' && mayBeTest(entry)).length
    if (errors > 0) throw new RuntimeError('Invalid', `not all was tested: ${errors} errors in the sources`)
  }

  /** The error as it may be shown: without the values of secret variables. */
  masked(error: unknown): unknown {
    const text = errorText(error)
    const shown = this.#logging.mask(text)
    return shown === text ? error : new RuntimeError(asRuntimeError(error).kind, shown)
  }

  /** Gives the terminal back and lets go of the signals. */
  restore(): void {
    this.#terminal.restore()
    for (const release of this.#releases) release()
  }

  async #open(): Promise<OpenProject> {
    const { root, flags, app, tests, pick, project: extra } = this.#plan
    const { logger, clock } = this.#logging
    const project = await openProject({
      root,
      settings: settingsOf(flags),
      cache: this.#cache,
      logger,
      clock,
      terminal: this.#terminal,
      onExit: (code) => {
        this.#signalled = true
        this.#exitCode ??= code
        logger.info('exit requested', { code })
        this.#requestStop('exit')
      },
      watch: flags.watch !== false,
      keepHistory: tests !== true,
      needsTerminal: pick !== undefined,
      keep: (id) => (id === this.#terminalHost ? 'the running command has its terminal there' : undefined),
      report: ({ level, message }) => {
        if (level === 'info') logger.info(message)
        else this.#say(`${level === 'error' ? 'error' : 'warning'}: ${inert(message)}\n`)
      },
      ...(app === undefined ? {} : { app }),
      ...(tests === undefined ? {} : { tests }),
      ...extra,
    })
    this.#project = project
    const { host, loaded } = project
    this.#logging.mask = host.environment.maskSecrets
    this.#logging.hidden = () => this.#terminal.interactive && hidesLogs(host)
    if (flags.eventStreams === true || this.#config.boolean('logmanager.stream_to_events'))
      streamLogs(this.#logging, host)
    this.#tell(loaded.diagnostics)
    if (loaded.project.lock !== undefined) this.#serveControl(host, root)
    return project
  }

  /** Lets `wippy registry` and the like reach this host, once the app has had its start. */
  #serveControl(host: Host, root: string): void {
    const serve = async (): Promise<void> => {
      const [{ serveControl }, { controlPath }, { registryMethods }] = await Promise.all([
        import('../control/control-server.ts'),
        import('../control/protocol.ts'),
        import('./registry/registry-access.ts'),
      ])
      const server = await serveControl(controlPath(root), registryMethods(host.registry))
      this.#closings.push(() => server.close())
    }
    const later = setTimeout(() => {
      serve().catch((error: unknown) => this.#logging.logger.debug('no control socket', { error }))
    }, CONTROL_AFTER_MS)
    this.#releases.push(() => clearTimeout(later))
  }

  /** What was left out is said also when logs are quiet: nothing is skipped in silence. */
  #tell(diagnostics: readonly Diagnostic[]): void {
    const { root } = this.#plan
    for (const diagnostic of diagnostics) {
      if (diagnostic.level === 'info') this.#logging.logger.info(diagnostic.message)
      else this.#say(`${diagnosticText(diagnostic, root)}\n`)
    }
    // With logs on, the registry has logged its problems already.
    if (this.#logging.logger.enabled('error')) return
    const project = this.#project
    for (const problem of project?.host.problems ?? []) {
      const located = locateProblem(problem, project?.loaded.files ?? new Map())
      this.#say(`${diagnosticText(located, root)}\n`)
    }
  }

  /** A command waits for the services it needs: with logs off, somebody has to say why it does not begin. */
  #tellFailedStarts(host: Host): () => void {
    if (this.#logging.logger.enabled('error')) return () => {}
    const told = new Set<string>()
    return host.bus.subscribe({ system: 'supervisor', kind: 'service.update' }, ({ path, data }) => {
      if (!isMap(data) || data['status'] !== 'failed') return
      const text = `warning: service ${path} does not start: ${String(data['details'])}\n`
      if (!told.has(text)) this.#say(inert(text))
      told.add(text)
    })
  }

  #say(text: string): void {
    if (this.#plan.flags.silent !== true) void this.#terminal.writeError(this.#logging.mask(text))
  }

  /** Stops everything within the time allowed, and says how the command ended. */
  async #close(outcome: Outcome | Promise<Outcome> | undefined): Promise<number> {
    const { logger } = this.#logging
    logger.info('shutting down')
    // Programs that wait for input see its end and leave by themselves.
    this.#terminal.endInput()
    await Promise.all(this.#closings.map((close) => close()))
    const closed = this.#project?.close('shutting down') ?? Promise.resolve()
    const inTime = await Promise.race([closed.then(() => true), delay(this.#shutdownMs).then(() => false)])
    if (!inTime) logger.error('shutdown timed out', { timeout: this.#shutdownMs })
    logger.info('stopped')
    const ended = await Promise.race([Promise.resolve(outcome), nextTurn()])
    const code = ended === undefined ? 0 : await this.#show(endingOf(ended), ended)
    return this.#exitCode ?? code
  }

  async #show({ code, stdout, stderr }: Ending, { error }: Outcome): Promise<number> {
    // A program that died with the screen to itself would take its last words along.
    this.#terminal.restore()
    // Who asked it to stop knows that it was cancelled.
    if (error?.kind === 'Canceled' && this.#signalled) return 0
    if (stderr !== undefined) await this.#terminal.writeError(`${this.#logging.mask(stderr)}\n`)
    if (stdout !== undefined) await this.#terminal.write(stdout)
    await this.#terminal.flush().catch(() => {}) // nobody reads any more
    return code
  }

  #listen(): void {
    const { logger, clock } = this.#logging
    const interrupts = new Interrupts({
      now: () => clock.now(),
      clearLine: () => this.#terminal.clearLine(),
      reading: () => this.#terminal.reading,
      listened: () => this.#project !== undefined && wantsInterrupts(this.#project.host),
      tell: () => this.#project !== undefined && interruptPrograms(this.#project.host),
      shutDown: (signal) => {
        this.#signalled = true
        logger.info('received shutdown signal', { signal })
        logger.info('shutting down (press Ctrl+C again to force exit)')
        this.#requestStop(signal)
      },
      force: () => {
        logger.error('force exit')
        this.#terminal.restore()
        process.exit(1)
      },
    })
    const on = (signal: NodeJS.Signals, react: () => void): void => {
      process.on(signal, react)
      this.#releases.push(() => process.off(signal, react))
    }
    on('SIGINT', () => interrupts.interrupt())
    on('SIGTERM', () => interrupts.end('terminated'))
    on('SIGHUP', () => interrupts.end('hangup'))
    this.#terminal.onInterrupt = () => interrupts.interrupt()
    this.#terminal.onBroken = () => interrupts.end('broken pipe')
    // A fault of the runtime itself: said once, the terminal given back, the trace for who asks.
    const fault = (error: unknown): void => {
      this.#terminal.restore()
      const { console: coloured = false, veryVerbose: traces = false } = this.#plan.flags
      const shown = this.masked(error instanceof Error ? error : new Error(String(error)))
      process.stderr.write(`${failureText(shown, { coloured, traces })} (internal error)\n`)
      process.exit(1)
    }
    process.on('uncaughtException', fault)
    this.#releases.push(() => process.off('uncaughtException', fault))
    const restore = (): void => this.#terminal.restore()
    process.on('exit', restore)
    this.#releases.push(() => process.off('exit', restore))
    // Timers and sockets of the runtime do not keep Node alive; that the session runs does.
    const alive = setInterval(() => {}, 2 ** 30)
    this.#releases.push(() => clearInterval(alive))
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}

function nextTurn(): Promise<undefined> {
  return new Promise((resolve) => setImmediate(() => resolve(undefined)))
}
