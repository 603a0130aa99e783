// Sinks for people and for collectors: lines as zap's development console writes them, a coloured form, and JSON.
// A sink gets the finished line's writer and does not own it.

import { errorText } from '../core/error.ts'
import { isMap } from '../core/value.ts'
import { type LogFields, type LogLevel, type LogRecord, type LogSink, stackOf } from './logger.ts'

export interface ConsoleOptions {
  readonly write: (line: string) => void
  /** Shows the traces of errors below the line (`--very-verbose`). */
  readonly stacks?: boolean
}

/** `2026-01-02 15:04:05	INFO	supervisor	service registered	{"serviceID": "app:host"}` */
export function consoleSink({ write, stacks = false }: ConsoleOptions): LogSink {
  return (record) => {
    const parts = [localTime(record.at), record.level.toUpperCase()]
    if (record.name !== '') parts.push(record.name)
    parts.push(visible(record.message))
    const fields = spacedJson(plainFields(record.fields))
    if (fields !== '{}') parts.push(fields)
    write(`${parts.join('\t')}\n${stacks ? traces(record) : ''}`)
  }
}

export interface ColourOptions extends ConsoleOptions {
  /** Nanoseconds since 1970 at which the command began. */
  readonly startedAt: bigint
}

const colours: Record<LogLevel, string> = {
  debug: '\x1b[35m',
  info: '\x1b[34m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
}
const NAME = '\x1b[36m'
const DIM = '\x1b[2m'
const RESET = '\x1b[0m'

/** `  0.01s INFO  supervisor   service registered {"serviceID":"app:host"}`, coloured (`-c`). */
export function colourSink({ write, stacks = false, startedAt }: ColourOptions): LogSink {
  return (record) => {
    const seconds = (Number(record.at - startedAt) / 1e9).toFixed(2).padStart(6)
    const level = `${colours[record.level]}${record.level.toUpperCase().padEnd(5)}${RESET}`
    const name = `${NAME}${record.name.padEnd(12)}${RESET}`
    const fields = JSON.stringify(plainFields(record.fields))
    const tail = fields === '{}' ? '' : ` ${DIM}${fields}${RESET}`
    write(
      `${DIM}${seconds}s${RESET} ${level} ${name} ${visible(record.message)}${tail}\n${stacks ? traces(record) : ''}`,
    )
  }
}

/** One JSON object a line: `level ts logger msg`, then the fields (`logger.encoding: json`). */
export function jsonSink({ write, stacks = false }: ConsoleOptions): LogSink {
  return (record) => {
    const line: Record<string, unknown> = { level: record.level, ts: isoTime(record.at) }
    if (record.name !== '') line['logger'] = record.name
    line['msg'] = record.message
    Object.assign(line, plainFields(record.fields))
    const trace = stacks ? traces(record) : ''
    if (trace !== '') line['stacktrace'] = trace.trimEnd()
    write(`${JSON.stringify(line)}\n`)
  }
}

/** A field's value as JSON shows it: errors by their text, integers whole, bytes in base64. */
function plain(value: unknown): unknown {
  if (value === undefined) return null
  if (value instanceof Error) return errorText(value)
  if (typeof value === 'bigint') {
    const number = Number(value)
    return Number.isSafeInteger(number) ? number : value.toString()
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(plain)
  return isMap(value) ? plainFields(value) : typeof value === 'function' ? '[function]' : value
}

function plainFields(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(Object.keys(fields).map((key) => [key, plain(fields[key])]))
}

/** JSON with a space after each colon and comma, as zap's console encoder writes fields. */
function spacedJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spacedJson).join(', ')}]`
  if (!isMap(value)) return JSON.stringify(value) ?? 'null'
  return `{${Object.entries(value)
    .map(([key, item]) => `${JSON.stringify(key)}: ${spacedJson(item)}`)
    .join(', ')}}`
}

function traces({ fields }: LogRecord): string {
  return Object.values(fields)
    .filter((value) => value instanceof Error)
    .map((error) => stackOf(error))
    .filter((stack) => stack !== undefined && stack !== '')
    .map((stack) => `${stack}\n`)
    .join('')
}

/** A log line never drives the terminal: what is not printable is shown as an escape. */
function visible(message: string): string {
  return message.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (char) => {
    return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
}

function localTime(at: bigint): string {
  const date = new Date(Number(at / 1_000_000n))
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** `2026-01-02T15:04:05.000+0100`, zap's ISO8601. */
function isoTime(at: bigint): string {
  const date = new Date(Number(at / 1_000_000n))
  const offset = -date.getTimezoneOffset()
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1)
  if (offset === 0) return `${local}Z`
  const two = (value: number): string => String(value).padStart(2, '0')
  const minutes = Math.abs(offset)
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}${two(minutes % 60)}`
}
