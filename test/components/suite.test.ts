// The components' own tests, written in Lua with wippy/test: each entry runs on a real host, and every case is named here
// when it fails.

import { resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isMap, type Value } from '../../runtime/core/value.ts'
import { createHost, type Host } from '../../runtime/create-host.ts'
import { loadProject } from '../../runtime/loader/load.ts'

const root = resolve(import.meta.dirname, '../..')
const entries = [
  'wippy.test:self_test',
  ...['prompt', 'output', 'llm', 'models', 'compress', 'client', 'mapper', 'responses', 'chat'].map(
    (name) => `wippy.llm.test:${name}`,
  ),
  ...['compiler', 'context', 'agent', 'discovery', 'caller', 'runtimes', 'real'].map(
    (name) => `wippy.agent.test:${name}`,
  ),
  ...['recipes', 'generate'].map((name) => `wippy.rehearsal.test:${name}`),
]

let host: Host

beforeAll(async () => {
  const loaded = await loadProject({ root, env: {}, tests: true })
  host = await createHost({ loaded, env: {} })
  await host.start()
})

afterAll(() => host.stop())

test('nothing was left out at boot', () => {
  expect(host.problems).toEqual([])
})

test.each(entries)('%s', async (id) => {
  const result = await host.call(id, [{}])
  expect(failures(result)).toEqual([])
  expect(isMap(result) && Number(result.passed_tests) > 0, 'some cases ran').toBe(true)
})

test('every test entry of the components is in the list above', async () => {
  const found = await host.registry.find({ 'meta.type': 'test' })
  const ids = found.map(({ id }) => id).filter((id) => !id.startsWith('wippy.docs'))
  expect(new Set(entries)).toEqual(new Set(ids))
})

/** `suite > case: error` of every case that failed. */
function failures(result: Value): string[] {
  const suites = isMap(result) && isMap(result.test_suites) ? result.test_suites : {}
  return Object.entries(suites).flatMap(([path, suite]) => {
    const tests = isMap(suite) && Array.isArray(suite.tests) ? suite.tests : []
    return tests
      .filter(isMap)
      .flatMap(({ name, status, error }) => (status === 'failed' ? [`${path} > ${name}: ${error}`] : []))
  })
}
