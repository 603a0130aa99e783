// Puts the log on the event bus of a host, where apps can listen to it (`-e`, `logmanager.stream_to_events`).

import { errorText } from '../core/error.ts'
import type { Value } from '../core/value.ts'
import type { Host } from '../index.ts'
import type { Logging } from './logging.ts'

/** Records become events of the system `logs`: the level as kind, the name of the logger as path. */
export function streamLogs(logging: Pick<Logging, 'add'>, host: Pick<Host, 'bus'>): void {
  logging.add(({ level, name, message, fields }) => {
    if (!host.bus.wanted('logs', level)) return
    const data = JSON.parse(JSON.stringify({ level, logger: name, message, fields }, plain)) as Value // JSON holds only values
    host.bus.publish({ system: 'logs', kind: level, path: name, data })
  })
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return errorText(value)
  return typeof value === 'bigint' ? value.toString() : value
}
