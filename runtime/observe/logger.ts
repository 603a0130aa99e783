// Logs as records with a level, the name of who speaks and fields. What becomes of them is a sink's business.

import type { Clock } from '../core/clock.ts'
import { errorText, RuntimeError } from '../core/error.ts'
import { isMap } from '../core/value.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** Anything; errors are shown by their text, and with their stack where the sink is asked for stacks. */
export type LogFields = Readonly<Record<string, unknown>>

export interface LogRecord {
  readonly level: LogLevel
  /** Dotted names of the logger, empty for the root. */
  readonly name: string
  readonly message: string
  readonly fields: LogFields
  /** Nanoseconds since 1970. */
  readonly at: bigint
}

export type LogSink = (record: LogRecord) => void

export interface Logger {
  /** Lets callers skip making fields nobody sees. */
  enabled(level: LogLevel): boolean
  log(level: LogLevel, message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same logger with fields on every record. */
  with(fields: LogFields): Logger
  /** The same logger under a further name: `http` below `app` is `app.http`. */
  named(name: string): Logger
}

export interface LoggerOptions {
  readonly clock: Clock
  readonly sinks: readonly LogSink[]
  /** The least level that is kept; `silent` keeps none. */
  readonly level?: LogLevel | 'silent'
  /** Hides what must not be shown (design/PROMISES.md P12): applied to the message and to all texts of the fields. */
  readonly mask?: (text: string) => string
}

/** The root logger of a runtime. */
export function createLogger(options: LoggerOptions): Logger {
  return new TreeLogger(options, '', {})
}

/** A logger that keeps nothing. */
export function silentLogger(clock: Clock): Logger {
  return createLogger({ clock, sinks: [], level: 'silent' })
}

class TreeLogger implements Logger {
  readonly #options: LoggerOptions
  readonly #name: string
  readonly #fields: LogFields

  constructor(options: LoggerOptions, name: string, fields: LogFields) {
    this.#options = options
    this.#name = name
    this.#fields = fields
  }

  enabled(level: LogLevel): boolean {
    const least = this.#options.level ?? 'info'
    return least !== 'silent' && logLevels.indexOf(level) >= logLevels.indexOf(least)
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    if (!this.enabled(level)) return
    const { clock, mask, sinks } = this.#options
    const all = fields === undefined ? this.#fields : { ...this.#fields, ...fields }
    const record: LogRecord = {
      level,
      name: this.#name,
      message: mask === undefined ? message : mask(message),
      fields: mask === undefined ? all : maskedFields(all, mask),
      at: clock.wallNanos(),
    }
    for (const sink of sinks) sink(record)
  }

  debug(message: string, fields?: LogFields): void {
    this.log('debug', message, fields)
  }
  info(message: string, fields?: LogFields): void {
    this.log('info', message, fields)
  }
  warn(message: string, fields?: LogFields): void {
    this.log('warn', message, fields)
  }
  error(message: string, fields?: LogFields): void {
    this.log('error', message, fields)
  }

  with(fields: LogFields): Logger {
    return new TreeLogger(this.#options, this.#name, { ...this.#fields, ...fields })
  }
  named(name: string): Logger {
    return new TreeLogger(this.#options, this.#name === '' ? name : `${this.#name}.${name}`, this.#fields)
  }
}

function maskedFields(fields: LogFields, mask: (text: string) => string): LogFields {
  return Object.fromEntries(Object.keys(fields).map((key) => [key, masked(fields[key], mask)]))
}

function masked(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === 'string') return mask(value)
  if (value instanceof Error) return maskedError(value, mask)
  if (Array.isArray(value)) return value.map((item) => masked(item, mask))
  return isMap(value) ? maskedFields(value, mask) : value
}

/** The same error when it holds nothing to hide; otherwise one with only its texts, masked. */
function maskedError(error: Error, mask: (text: string) => string): Error {
  const stack = stackOf(error) ?? ''
  const text = errorText(error)
  if (mask(text) === text && mask(stack) === stack) return error
  const kind = error instanceof RuntimeError ? error.kind : 'Internal'
  const shown = new RuntimeError(kind, mask(text), { luaStack: mask(stack) })
  return shown
}

/** The trace a reader can use: Lua's for an error of an app, ours for a fault of the runtime. */
export function stackOf(error: Error): string | undefined {
  return error instanceof RuntimeError ? error.luaStack : error.stack
}
