// A newcomer's path: from `wippy new` to a changed tool in a running agent, in two commands and one edit.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type ModelServer, startModelServer, text, toolCalls } from '../support/model-server.mjs'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { runWippy, startWippy, type WippyProcess } from '../support/wippy-process.ts'

let server: ModelServer | undefined
let running: WippyProcess | undefined
let folder = ''

afterEach(async () => {
  running?.child.kill('SIGKILL')
  await running?.exited
  await server?.close()
  removeFolder(folder)
  running = server = undefined
})

test('wippy new agent, wippy run agent, edit a tool: the next turn uses the change', async () => {
  folder = projectFolder({})
  const list = toolCalls({ name: 'registry_list', arguments: { namespace: 'app.tools' } })
  server = await startModelServer({ turns: [list, text('Before.'), list, text('After.')] })
  const env = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'sk-test-not-a-real-key' }

  expect(await runWippy(['new', 'agent', 'bot'], '', { cwd: folder })).toMatchObject({ code: 0, stderr: '' })
  const bot = join(folder, 'bot')
  running = startWippy(['run', 'agent'], { cwd: bot, env })
  await running.until(/> $/)
  running.write('which tools are there?\n')
  await running.until(/\[registry_list\] ok\nBefore\.\n\n> $/)

  const file = join(bot, 'src', 'tools', 'registry_list.lua')
  const source = readFileSync(file, 'utf8')
  const changed = source.replace(/^local function handler\(.*\)$/m, '$&\n  do return { error = "changed by hand" } end')
  expect(changed).not.toBe(source)
  writeFileSync(file, changed)
  // The running host is asked until it has the change: no time is assumed.
  await expect
    .poll(
      async () =>
        (await runWippy(['registry', 'show', 'app.tools:registry_list', '-f', 'data.source'], '', { cwd: bot })).stdout,
      {
        timeout: 10_000,
      },
    )
    .toContain('changed by hand')
  running.write('and now?\n')
  await running.until(/\[registry_list\] error: changed by hand\nAfter\.\n\n> $/)
  running.end()
  expect(await running.exited).toBe(0)
}, 40_000)
