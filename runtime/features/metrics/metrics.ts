// Counters, gauges and histograms of a runtime, and their text for Prometheus. Bounded: labels of users cannot eat the memory.

import { moduleError } from '../../core/error.ts'

export type MetricType = 'counter' | 'gauge' | 'histogram'
export type Labels = Readonly<Record<string, string>>

interface Family {
  readonly type: MetricType
  readonly series: Map<string, Series>
}

interface Series {
  /** `{a="b"}` or nothing. */
  readonly labels: string
  value: number
  readonly buckets: number[]
  count: number
}

/** Upper bounds of histogram buckets, as Prometheus' own clients have them. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const MAX_SERIES = 10_000

export class Metrics {
  readonly #families = new Map<string, Family>()
  #series = 0

  /** Adds to a counter. Throws Invalid for less than zero. */
  add(name: string, amount: number, labels: Labels): void {
    if (!(amount >= 0)) throw moduleError('Invalid', `counter ${name} cannot be changed by ${amount}`)
    this.#at(name, 'counter', labels).value += amount
  }

  set(name: string, value: number, labels: Labels): void {
    this.#at(name, 'gauge', labels).value = value
  }

  change(name: string, amount: number, labels: Labels): void {
    this.#at(name, 'gauge', labels).value += amount
  }

  /** Counts a value in the buckets of a histogram. */
  observe(name: string, value: number, labels: Labels): void {
    const series = this.#at(name, 'histogram', labels)
    series.value += value
    series.count++
    bounds.forEach((bound, at) => {
      if (value <= bound) series.buckets[at] = (series.buckets[at] ?? 0) + 1
    })
  }

  /** The text that Prometheus reads; families and series in order of their names. */
  render(): string {
    const lines: string[] = []
    for (const [name, { type, series }] of [...this.#families].sort(([a], [b]) => (a < b ? -1 : 1))) {
      lines.push(`# TYPE ${name} ${type}`)
      for (const one of [...series.values()].sort((a, b) => (a.labels < b.labels ? -1 : 1))) {
        if (type === 'histogram') lines.push(...histogramLines(name, one))
        else lines.push(`${name}${one.labels} ${shown(one.value)}`)
      }
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`
  }

  #at(name: string, type: MetricType, labels: Labels): Series {
    const family = this.#family(name, type)
    const key = labelText(labels)
    const known = family.series.get(key)
    if (known !== undefined) return known
    if (this.#series >= MAX_SERIES) {
      throw moduleError('LimitExceeded', `metric ${name}: more than ${MAX_SERIES} combinations of names and labels`)
    }
    this.#series++
    const series: Series = { labels: key, value: 0, buckets: type === 'histogram' ? bounds.map(() => 0) : [], count: 0 }
    family.series.set(key, series)
    return series
  }

  #family(name: string, type: MetricType): Family {
    const known = this.#families.get(name)
    if (known === undefined) {
      if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name))
        throw moduleError('Invalid', `metric name ${JSON.stringify(name)} is not valid`)
      const family: Family = { type, series: new Map() }
      this.#families.set(name, family)
      return family
    }
    if (known.type !== type) throw moduleError('Invalid', `metric ${name} is a ${known.type}, not a ${type}`)
    return known
  }
}

function histogramLines(name: string, { labels, buckets, value, count }: Series): string[] {
  const inner = labels.slice(1, -1)
  const bucket = (bound: string): string => `${name}_bucket{${inner === '' ? '' : `${inner},`}le="${bound}"}`
  return [
    ...bounds.map((bound, at) => `${bucket(String(bound))} ${buckets[at] ?? 0}`),
    `${bucket('+Inf')} ${count}`,
    `${name}_sum${labels} ${shown(value)}`,
    `${name}_count${labels} ${count}`,
  ]
}

function labelText(labels: Labels): string {
  const names = Object.keys(labels).sort()
  if (names.length === 0) return ''
  const pairs = names.map((name) => {
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name === 'le') {
      throw moduleError('Invalid', `label name ${JSON.stringify(name)} is not valid`)
    }
    return `${name}="${(labels[name] ?? '').replace(/[\\"\n]/g, (one) => (one === '\n' ? '\\n' : `\\${one}`))}"`
  })
  return `{${pairs.join(',')}}`
}

function shown(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  return String(value)
}
