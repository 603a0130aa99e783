// Every folder beside this file is a small Wippy app about one topic. Each is opened as any project is, and its entries with
// `meta.type: test` are called; a case that fails is named with its error. `wippy test` in such a folder runs the same (io wants
// lines on its input, http_client and generated want CONFORMANCE_URL). All of it runs a second time across worker threads.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { isMap, type Value } from '../../runtime/core/value.ts'
import type { Host } from '../../runtime/create-host.ts'
import { decodeYaml } from '../../runtime/external/yaml.ts'
import { openProject } from '../../runtime/open-project.ts'
import { Terminal } from '../../runtime/process/terminal.ts'
import { type HttpFixture, startHttpFixture } from './http-fixture.ts'

const topics = readdirSync(import.meta.dirname).filter((name) =>
  existsSync(join(import.meta.dirname, name, 'wippy.lock')),
)

let http: HttpFixture

beforeAll(async () => {
  http = await startHttpFixture()
})

afterAll(() => http.close())

/** Everything again in a worker thread: processes there call the tests, and whatever these start runs in one of two threads. */
const inWorkers: readonly Entry[] = [
  {
    id: 'conformance:workers',
    kind: 'process.host',
    meta: {},
    data: { host: { workers: 2 }, lifecycle: { auto_start: true } },
  },
  {
    id: 'conformance:caller',
    kind: 'process.lua',
    meta: {},
    data: {
      modules: ['funcs'],
      source: `return { main = function(id)
        local result, err = funcs.call(id, {})
        return result, err
      end }`,
    },
  },
]

/** The terminal is the main thread's; in strict mode the calling process itself would need an identity. */
const mainThreadOnly = new Set(['io', 'tty', 'strict'])

describe.each([
  { place: 'in the main thread', threads: false, entries: [] },
  { place: 'in worker threads', threads: true, entries: inWorkers },
])('$place', ({ threads, entries: added }) => {
  const left = threads ? topics.filter((topic) => !mainThreadOnly.has(topic)) : topics
  test.each(left)('%s', async (topic) => {
    const project = await openProject({
      root: join(import.meta.dirname, topic),
      watch: false,
      terminal: pipes(),
      env: { CONFORMANCE_URL: http.url, CONFORMANCE_WORD: 'from the system' },
      threads,
      entries: added,
      settings: threads ? { overrides: workersEverywhere(topic) } : {},
    })
    try {
      expect(project.loaded.diagnostics, 'what the loader had to say').toEqual([])
      expect(project.host.problems, 'what the boot left out').toEqual([])
      await project.host.start()

      const entries = await project.host.registry.find({ 'meta.type': 'test' })
      expect(entries.length, 'test entries').toBeGreaterThan(0)
      const failures: string[] = []
      for (const { id } of entries) {
        const result = threads ? await inWorker(project.host, id) : await project.host.call(id, [{}])
        if (passed(result) === 0) failures.push(`${id}: no case passed`)
        failures.push(...failed(result).map((text) => `${id} > ${text}`))
      }
      expect(failures).toEqual([])
    } finally {
      await project.close()
    }
  })
})

/** Calls a test from a process of a worker thread, which runs it there. */
async function inWorker(host: Host, id: string): Promise<Value> {
  const { value, error } = await host.run('conformance:caller', 'conformance:workers', [id])
  if (error !== undefined) throw error
  return value ?? null
}

/** Every process host of the topic gets two threads. */
function workersEverywhere(topic: string): string[] {
  const file = decodeYaml(readFileSync(join(import.meta.dirname, topic, 'src', '_index.yaml'), 'utf8'))
  const entries = isMap(file) && Array.isArray(file['entries']) ? file['entries'].filter(isMap) : []
  return entries.filter(({ kind }) => kind === 'process.host').map(({ name }) => `app:${name}:host.workers=2`)
}

/** What terminal processes read and write here. */
function pipes(): Terminal {
  const nowhere = (): Writable => new Writable({ write: (_chunk, _encoding, done) => done() })
  const stdin = Readable.from([Buffer.from('first\nsecond\r\n\nlast')])
  return new Terminal({ stdin, stdout: nowhere(), stderr: nowhere(), args: ['one', 'two'] })
}

function passed(result: Value): number {
  return isMap(result) ? Number(result.passed_tests) : 0
}

/** `suite > case: error` of every case that did not pass; a skipped case counts, since none may be. */
function failed(result: Value): string[] {
  const suites = isMap(result) && isMap(result.test_suites) ? result.test_suites : {}
  return Object.entries(suites).flatMap(([path, suite]) => {
    const cases = isMap(suite) && Array.isArray(suite.tests) ? suite.tests : []
    return cases
      .filter(isMap)
      .filter(({ status }) => status !== 'passed')
      .map(({ name, status, error }) => `${path} > ${name}: ${error ?? status}`)
  })
}
