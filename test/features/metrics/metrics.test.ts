// Metrics: what is counted, how it is written for Prometheus, and its bounds.

import { describe, expect, test } from 'vitest'
import { Metrics } from '../../../runtime/features/metrics/metrics.ts'
import { metricsModule } from '../../../runtime/features/metrics/metrics-module.ts'
import { servePrometheus } from '../../../runtime/features/metrics/prometheus.ts'
import { callFunction, type Outcome } from '../../support/call-module.ts'

function world() {
  const metrics = new Metrics()
  const module = metricsModule(metrics).open()
  return { metrics, run: (name: string, ...args: unknown[]): Outcome => callFunction(module, name, args) as Outcome }
}

test('counters, gauges and histograms are written as Prometheus reads them', () => {
  const { metrics, run } = world()
  expect(run('counter_inc', 'requests_total', { method: 'POST', code: 200 }).value).toBe(true)
  run('counter_add', 'requests_total', 2, { code: 200, method: 'POST' })
  run('counter_inc', 'requests_total', { method: 'a"b\\c\nd' })
  run('gauge_set', 'depth', 5)
  run('gauge_inc', 'depth')
  run('gauge_dec', 'depth')
  run('gauge_dec', 'depth')
  run('histogram', 'seconds', 0.02, { path: '/' })
  run('histogram', 'seconds', 99, { path: '/' })
  expect(metrics.render()).toBe(`# TYPE depth gauge
depth 4
# TYPE requests_total counter
requests_total{code="200",method="POST"} 3
requests_total{method="a\\"b\\\\c\\nd"} 1
# TYPE seconds histogram
seconds_bucket{path="/",le="0.005"} 0
seconds_bucket{path="/",le="0.01"} 0
seconds_bucket{path="/",le="0.025"} 1
seconds_bucket{path="/",le="0.05"} 1
seconds_bucket{path="/",le="0.1"} 1
seconds_bucket{path="/",le="0.25"} 1
seconds_bucket{path="/",le="0.5"} 1
seconds_bucket{path="/",le="1"} 1
seconds_bucket{path="/",le="2.5"} 1
seconds_bucket{path="/",le="5"} 1
seconds_bucket{path="/",le="10"} 1
seconds_bucket{path="/",le="+Inf"} 2
seconds_sum{path="/"} 99.02
seconds_count{path="/"} 2
`)
  expect(new Metrics().render()).toBe('')
})

describe('refused', () => {
  test.each([
    [['counter_add', 'c', -1], 'counter c cannot be changed by -1'],
    [['counter_inc', 'bad name'], 'metric name "bad name" is not valid'],
    [['counter_inc', ''], 'metric name is required'],
    [['counter_inc', 'c', { 'a-b': 'x' }], 'label name "a-b" is not valid'],
    [['histogram', 'h', 1, { le: 'x' }], 'label name "le" is not valid'],
    [['counter_inc', 'c', { a: {} }], 'label a must be text, a number or a boolean'],
  ])('%j', (call, message) => {
    const [name, ...args] = call as [string, ...unknown[]]
    expect(world().run(name, ...args).error).toMatchObject({ kind: 'Invalid', message })
  })

  test('one name for two types, and labels without end', () => {
    const { run } = world()
    run('gauge_set', 'x', 1)
    expect(run('counter_inc', 'x').error?.message).toBe('metric x is a gauge, not a counter')
    let last: Outcome | undefined
    for (let at = 0; at <= 10_000; at++) last = run('counter_inc', 'y', { at })
    expect(last?.error).toMatchObject({ kind: 'LimitExceeded' })
    expect(run('counter_inc', 'y', { at: 1 }).value).toBe(true)
  })
})

test('the endpoint gives the text, and nothing else', async () => {
  const { metrics, run } = world()
  run('gauge_set', 'up', 1)
  const endpoint = await servePrometheus(metrics, '127.0.0.1:0')
  try {
    const response = await fetch(`http://${endpoint.address}/metrics`)
    expect(response.headers.get('content-type')).toContain('version=0.0.4')
    expect(await response.text()).toBe('# TYPE up gauge\nup 1\n')
    expect((await fetch(`http://${endpoint.address}/`)).status).toBe(404)
    expect((await fetch(`http://${endpoint.address}/metrics`, { method: 'POST' })).status).toBe(405)
    await expect(servePrometheus(metrics, endpoint.address)).rejects.toMatchObject({
      kind: 'Conflict',
      message: expect.stringContaining('port in use'),
    })
    await expect(servePrometheus(metrics, 'nonsense')).rejects.toMatchObject({ kind: 'Invalid' })
  } finally {
    await endpoint.close()
  }
})
