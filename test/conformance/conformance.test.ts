// Every folder beside this file is a small Wippy app about one topic. Each is opened as any project is, and its entries with
// `meta.type: test` are called; a case that fails is named with its error. `wippy test` in such a folder runs the same (io wants
// lines on its input, http_client and generated want CONFORMANCE_URL).

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isMap, type Value } from '../../runtime/core/value.ts'
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

test.each(topics)('%s', async (topic) => {
  const project = await openProject({
    root: join(import.meta.dirname, topic),
    watch: false,
    terminal: pipes(),
    env: { CONFORMANCE_URL: http.url, CONFORMANCE_WORD: 'from the system' },
  })
  try {
    expect(project.loaded.diagnostics, 'what the loader had to say').toEqual([])
    expect(project.host.problems, 'what the boot left out').toEqual([])
    await project.host.start()

    const entries = await project.host.registry.find({ 'meta.type': 'test' })
    expect(entries.length, 'test entries').toBeGreaterThan(0)
    const failures: string[] = []
    for (const { id } of entries) {
      const result = await project.host.call(id, [{}])
      if (passed(result) === 0) failures.push(`${id}: no case passed`)
      failures.push(...failed(result).map((text) => `${id} > ${text}`))
    }
    expect(failures).toEqual([])
  } finally {
    await project.close()
  }
})

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
