// The `metrics` module: applications count, measure and observe.

import { moduleError } from '../../core/error.ts'
import { type Call, type LuaModule, number, optionalTable, text } from '../../lua/module.ts'
import type { Labels, Metrics } from './metrics.ts'

/** Functions of counters, gauges and histograms; all return true. */
export const metricsModule = (metrics: Metrics): LuaModule => ({
  name: 'metrics',
  description: 'Counters, gauges and histograms',
  traits: ['system', 'nondeterministic'],
  open: () => ({
    counter_inc: recording('counter_inc', 0, (name, _value, labels) => metrics.add(name, 1, labels)),
    counter_add: recording('counter_add', 1, (name, value, labels) => metrics.add(name, value, labels)),
    gauge_set: recording('gauge_set', 1, (name, value, labels) => metrics.set(name, value, labels)),
    gauge_inc: recording('gauge_inc', 0, (name, _value, labels) => metrics.change(name, 1, labels)),
    gauge_dec: recording('gauge_dec', 0, (name, _value, labels) => metrics.change(name, -1, labels)),
    histogram: recording('histogram', 1, (name, value, labels) => metrics.observe(name, value, labels)),
  }),
})

/** A function of a metric's name, perhaps a value, and labels. */
function recording(
  name: string,
  values: 0 | 1,
  record: (metric: string, value: number, labels: Labels) => void,
): (call: Call, ...args: unknown[]) => true {
  return (_call, metric, ...args) => {
    const value = values === 0 ? 0 : number(args[0], 2, name)
    record(nameOf(metric, name), value, labelsOf(args[values], values + 2, name))
    return true
  }
}

function nameOf(argument: unknown, name: string): string {
  const metric = text(argument, 1, name)
  if (metric === '') throw moduleError('Invalid', 'metric name is required')
  return metric
}

/** Label values are text; numbers and booleans are written as such. */
function labelsOf(argument: unknown, position: number, name: string): Labels {
  const labels: Record<string, string> = Object.create(null)
  for (const [key, value] of Object.entries(optionalTable(argument, position, name) ?? {})) {
    if (!['string', 'number', 'bigint', 'boolean'].includes(typeof value)) {
      throw moduleError('Invalid', `label ${key} must be text, a number or a boolean`)
    }
    labels[key] = String(value)
  }
  return labels
}
