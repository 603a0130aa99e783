// The agent without a key and without a base URL: the rehearsal model plays the loop over the real tools, and says what it is.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { isMap } from '../../runtime/core/value.ts'
import type { Loaded } from '../../runtime/loader/load.ts'
import { Dialogue, loadRepository } from './dialogue.ts'

let loaded: Loaded
let dialogue: Dialogue

beforeAll(async () => {
  loaded = await loadRepository()
})

afterEach(() => dialogue?.close())

test('it writes a real tool for the time, loads it, calls it and answers from it', async () => {
  dialogue = await Dialogue.start({ loaded })
  expect(await dialogue.ask('what time is it?')).toMatch(
    /^ {2}\[doc_search] ok\n {2}\[create_tool] ok\n {2}\[load_tool] ok\n {2}\[\+] app\.generated:current_time_utc\n {2}\[current_time_utc] ok\nThe current UTC time is \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.\n\n$/,
  )
  // The second time it has the tool.
  expect(await dialogue.ask('and what time is it now?')).toMatch(
    /^ {2}\[current_time_utc] ok\nThe current UTC time is /,
  )
  expect(dialogue.host.registry.get('app.generated:current_time_utc')?.kind).toBe('function.lua')
})

test('it calculates with a tool of its own', async () => {
  dialogue = await Dialogue.start({ loaded })
  expect(await dialogue.ask('what is 12 * (3 + 4)?')).toMatch(/\[calculate] ok\n12 \* \(3 \+ 4\) = 84\.\n\n$/)
  expect(await dialogue.ask('and 1 / 0 + 2 ** 3')).toMatch(/\[calculate]/)
})

test('it says once, on standard error, that it is not an AI', async () => {
  dialogue = await Dialogue.start({ loaded })
  await dialogue.ask('hello')
  await dialogue.ask('hello')
  expect(dialogue.errors.match(/rehearsal model/g)).toHaveLength(1)
  expect(dialogue.output).not.toContain('neither OPENAI_API_KEY')
})

test('it says plainly what it cannot do', async () => {
  dialogue = await Dialogue.start({ loaded })
  const answer = await dialogue.ask('write a sonnet')
  expect(answer).toContain('I am the rehearsal model')
  expect(answer).toContain('OPENAI_API_KEY')
})

test('it tells what a tool could not do', async () => {
  dialogue = await Dialogue.start({ loaded })
  expect(await dialogue.ask('fetch http://127.0.0.1:9/')).toMatch(
    /\[http_get] error: not allowed: private IP 127\.0\.0\.1\nThe tool http_get failed: /,
  )
})

test.each([{ OPENAI_API_KEY: 'sk-x' }, { OPENAI_BASE_URL: 'http://127.0.0.1:9/v1' }])(
  'it keeps silent with %j',
  async (env) => {
    dialogue = await Dialogue.start({ loaded, env })
    expect(dialogue.errors).toBe('')
    const card = await dialogue.host.call('wippy.rehearsal:resolve', [{ model: 'gpt-5.1' }])
    expect(card).toBeNull()
  },
)

test('it stands in for models of the OpenAI provider alone, and its card says so', async () => {
  const other = {
    id: 'x:other',
    kind: 'registry.entry',
    meta: { type: 'llm.model', name: 'other' },
    data: { providers: [{ id: 'wippy.llm.openai_compat:provider', provider_model: 'm' }] },
  }
  dialogue = await Dialogue.start({ loaded, entries: [other] })
  const resolveModel = (model: string) => dialogue.host.call('wippy.rehearsal:resolve', [{ model }])
  expect(await resolveModel('gpt-5.1')).toMatchObject({ title: expect.stringContaining('Rehearsal'), name: 'gpt-5.1' })
  expect(await resolveModel('class:fast')).toMatchObject({ name: 'gpt-4.1-nano' })
  expect(await resolveModel('other')).toBeNull()
  expect(await resolveModel('unknown')).toBeNull()
})

test('the pages it looks up exist', () => {
  const entry = loaded.entries.find(({ id }) => id === 'wippy.rehearsal:recipes')
  const source = isMap(entry?.data) ? String(entry.data.source) : ''
  const paths = [...source.matchAll(/doc = "([^"]+)"/g)].map(([, path]) => String(path))
  expect(paths.length).toBeGreaterThan(3)
  for (const path of paths)
    expect(existsSync(resolve(import.meta.dirname, `../../components/docs/pages/en/${path}.md`)), path).toBe(true)
})
