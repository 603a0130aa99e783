// The `logger` module: what an app has to say, with the process and the line that said it.

import { RuntimeError } from '../core/error.ts'
import { type Call, type LuaModule, LuaType, optionalTable, raise, table, text } from '../lua/module.ts'
import { plainValue } from '../lua/plain.ts'
import type { LogFields, Logger, LogLevel } from '../observe/logger.ts'

export interface LoggerDeps {
  readonly logger: Logger
}

export function loggerModule({ logger }: LoggerDeps): LuaModule {
  return {
    name: 'logger',
    description: 'Structured logging',
    traits: ['io'],
    open: () => loggerType.wrap(logger),
  }
}

const write =
  (level: LogLevel) =>
  (call: Call, logger: Logger, message: unknown, fields?: unknown): void => {
    const said = text(message, 1, `'${level}'`)
    const given = optionalTable(fields, 2, `'${level}'`)
    if (!logger.enabled(level)) return
    logger.log(level, said, { pid: call.process.pid, location: call.where(), ...shown(given) })
  }

const loggerType: LuaType<Logger> = new LuaType<Logger>({
  name: 'logger.Logger',
  methods: {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (_call, logger, fields: unknown) => loggerType.wrap(logger.with(shown(table(fields, 1, "'with'")))),
    named: (_call, logger, name: unknown) => {
      const given = text(name, 1, "'named'")
      if (given === '') raise(new RuntimeError('Invalid', 'logger name cannot be empty', { retryable: false }))
      return loggerType.wrap(logger.named(given))
    },
  },
  tostring: () => 'logger.Logger',
})

/** Fields as a log can show them: what is no data by its text, at any depth; of an error a sink may want more. */
function shown(fields: { [key: string]: unknown } | undefined): LogFields {
  if (fields === undefined) return {}
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, shownField(value)]))
}

function shownField(value: unknown): unknown {
  return value instanceof RuntimeError ? value : plainValue(value)
}
