// Where the logs of a command go, and how they look (spec/cli.md §6).

import { type Clock, systemClock } from '../core/clock.ts'
import { colourSink, consoleSink, jsonSink } from '../observe/log-console.ts'
import {
  createLogger,
  type Logger,
  type LogLevel,
  type LogRecord,
  type LogSink,
  silentLogger,
} from '../observe/logger.ts'
import type { GlobalFlags } from './options.ts'

export interface LogPlan {
  readonly flags: GlobalFlags
  /** A command runs: it owns standard output, and is quiet unless a flag asks for logs. */
  readonly forCommand: boolean
  readonly encoding: string
  readonly stdout: (line: string) => void
  readonly stderr: (line: string) => void
}

export interface Logging {
  readonly logger: Logger
  readonly clock: Clock
  /** Set once the host knows the secrets. */
  mask: (text: string) => string
  /** Puts a further sink beside the console. */
  add(sink: LogSink): void
  /** Asked for each record: while true the console gets none. */
  hidden: () => boolean
}

/** True when flags ask for logs: then also a command shows them. */
export function asksForLogs({ silent, verbose, veryVerbose, console }: GlobalFlags): boolean {
  return silent !== true && (verbose === true || veryVerbose === true || console === true)
}

export function createLogging(plan: LogPlan): Logging {
  const { flags, forCommand } = plan
  const clock = systemClock()
  const sinks: LogSink[] = []
  const logging: Logging = {
    logger: silentLogger(clock),
    clock,
    mask: (text) => text,
    add: (sink) => void sinks.push(sink),
    hidden: () => false,
  }
  const level: LogLevel = flags.verbose === true || flags.veryVerbose === true ? 'debug' : 'info'
  const quiet = flags.silent === true || (forCommand && !asksForLogs(flags))
  if (!quiet) {
    const show = consoleOf(plan, clock)
    sinks.push((record: LogRecord) => {
      if (!logging.hidden()) show(record)
    })
  }
  // A sink on the bus wants records also when the console is quiet.
  const wanted = !quiet || flags.eventStreams === true
  const logger = createLogger({ clock, sinks, level: wanted ? level : 'silent', mask: (text) => logging.mask(text) })
  return Object.assign(logging, { logger })
}

function consoleOf({ flags, forCommand, encoding, stdout, stderr }: LogPlan, clock: Clock): LogSink {
  const stacks = flags.veryVerbose === true
  // Standard output belongs to the command that runs.
  const out = forCommand ? stderr : stdout
  if (flags.console === true) return colourSink({ write: out, stacks, startedAt: clock.wallNanos() })
  return encoding === 'json' ? jsonSink({ write: out, stacks }) : consoleSink({ write: stderr, stacks })
}
