// The agent follows its registry while it runs: what is taken back by hand is no longer offered, what is edited is used.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type ModelServer, type Script, startModelServer, text, toolCalls } from '../support/model-server.mjs'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { runWippy, startWippy, type WippyProcess } from '../support/wippy-process.ts'

let server: ModelServer | undefined
let running: WippyProcess | undefined
let folder = ''
let bot = ''

afterEach(async () => {
  running?.child.kill('SIGKILL')
  await running?.exited
  await server?.close()
  removeFolder(folder)
  running = server = undefined
})

async function agent(script: Script): Promise<WippyProcess> {
  folder = projectFolder({})
  server = await startModelServer(script)
  await runWippy(['new', 'agent', 'bot'], '', { cwd: folder })
  bot = join(folder, 'bot')
  const env = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'sk-test-not-a-real-key' }
  running = startWippy(['run', 'agent'], { cwd: bot, env })
  await running.until(/> $/)
  return running
}

const offered = (): string[] =>
  (server?.requests.at(-1)?.body.tools ?? []).map((tool: { name: string }) => tool.name).sort()
const own = ['create_tool', 'doc_search', 'load_tool', 'registry_list', 'registry_read']

test('a rollback takes a tool from the running agent, and going forward gives it back', async () => {
  const source = 'return { handler = function() return { ok = true } end }'
  const wippy = await agent({
    turns: [
      toolCalls({ name: 'create_tool', arguments: { name: 'ping', description: 'answers', source } }),
      toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:ping' } }),
      text('Made.'),
      text('Gone.'),
      text('Back.'),
    ],
  })
  wippy.write('make a tool\n')
  await wippy.until(/ {2}\[\+\] app\.generated:ping\nMade\.\n\n> $/)
  expect(offered()).toEqual([...own, 'ping'].sort())
  await runWippy(['registry', 'rollback', '0'], '', { cwd: bot })
  wippy.write('and now?\n')
  await wippy.until(/> {3}\[-\] app\.generated:ping\nGone\.\n\n> $/)
  expect(offered()).toEqual(own)
  await runWippy(['registry', 'rollback', '1'], '', { cwd: bot })
  wippy.write('and now?\n')
  await wippy.until(/> {3}\[\+\] app\.generated:ping\nBack\.\n\n> $/)
  expect(offered()).toEqual([...own, 'ping'].sort())
  wippy.end()
  expect(await wippy.exited).toBe(0)
}, 40_000)

test('a prompt edited on disk is the prompt of the next turn', async () => {
  const wippy = await agent({ turns: [text('One.'), text('Two.')] })
  wippy.write('hello\n')
  await wippy.until(/One\.\n\n> $/)
  const file = join(bot, 'src', '_index.yaml')
  const definition = readFileSync(file, 'utf8')
  const edited = definition.replace(/( +)prompt: \|\n/, '$&$1  Speak like a pirate.\n')
  expect(edited).not.toBe(definition)
  writeFileSync(file, edited)
  const shown = async () =>
    (await runWippy(['registry', 'show', 'app:dev_assistant', '-f', 'data.prompt'], '', { cwd: bot })).stdout
  await expect.poll(shown, { timeout: 10_000 }).toContain('pirate')
  wippy.write('again\n')
  await wippy.until(/Two\.\n\n> $/)
  expect(JSON.stringify(server?.requests.at(0)?.body)).not.toContain('pirate')
  expect(JSON.stringify(server?.requests.at(1)?.body)).toContain('Speak like a pirate.')
  wippy.end()
  expect(await wippy.exited).toBe(0)
}, 40_000)
