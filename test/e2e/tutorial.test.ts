// The Micro AGI tutorial followed in an empty folder: its own `src/` tree, `wippy init`, `wippy update`, `wippy run agent`. The
// entries and the tools whose code it shows in full are as it shows them; what it shows in fragments is the flagship's.

import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startModelServer, text, toolCalls } from '../support/model-server.mjs'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { tutorialProject } from '../support/tutorial-app.ts'
import { runWippy } from '../support/wippy-process.ts'

let root: string
beforeAll(async () => {
  root = tutorialProject()
  const init = await runWippy(['init'], '', { cwd: root })
  expect(init.code, init.stderr).toBe(0)
  const update = await runWippy(['update'], 'y\n', { cwd: root })
  expect(update.code, update.stderr).toBe(0)
})
afterAll(() => removeFolder(root))

test('without a key the first question says that one is required', async () => {
  const { stdout, stderr, code } = await runWippy(['run', 'agent'], 'what time is it?\nquit\n', { cwd: root })
  expect(stdout, `code ${code}\n${stderr}`).toMatch(/^dev assistant \(quit to exit\)\n\n> Error: .*API key is required/)
  expect(code).toBe(0)
})

test('its commands are listed', async () => {
  const { stdout } = await runWippy(['run', 'list'], '', { cwd: root })
  expect(stdout).toContain('agent  Start dev assistant  (app:agent)')
})

test('its two dialogues, the second with a tool that fetches', async () => {
  const site = createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ origin: '203.0.113.42', url: request.url }))
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  const { port } = site.address() as { port: number }
  // Tests reach loopback from generated tools by a policy, never by a back door.
  const policy = `version: "1.0"
namespace: test.policy
entries:
  - name: loopback
    kind: security.policy
    policy:
      actions: "http_client.private_ip"
      resources: "127.0.0.1"
      effect: allow
    groups: ["wippy:generated"]
`
  writeFileSync(join(root, 'src/loopback.yaml'), policy)
  const tool = (name: string, source: string, modules: string[], args: object) => [
    toolCalls({ name: 'create_tool', arguments: { name, description: name, source, modules } }),
    toolCalls({ name: 'load_tool', arguments: { id: `app.generated:${name}` } }),
    toolCalls({ name, arguments: args }),
  ]
  const server = await startModelServer({
    turns: [
      ...tool(
        'current_time_utc',
        'local time = require("time") return { handler = function() return { now = time.now():format(time.RFC3339) } end }',
        ['time'],
        {},
      ),
      text('The current UTC time is 2026-02-13T03:13:41Z.'),
      ...tool(
        'http_get',
        'local http = require("http_client") return { handler = function(i) local r, err = http.get(i.url) if err then return { error = tostring(err) } end return { body = r.body } end }',
        ['http_client'],
        { url: `http://127.0.0.1:${port}/get` },
      ),
      text('Your IP is 203.0.113.42.'),
    ],
  })
  try {
    const { stdout } = await runWippy(['run', 'agent'], 'what time is it?\nfetch it and show my ip\nquit\n', {
      cwd: root,
      env: { OPENAI_BASE_URL: server.url },
    })
    expect(stdout).toContain('  [current_time_utc] ok\nThe current UTC time is 2026-02-13T03:13:41Z.\n')
    expect(stdout).toContain('  [+] app.generated:http_get\n  [http_get] ok\nYour IP is 203.0.113.42.\n')
    expect(server.requests.at(-1)?.text).toContain('203.0.113.42')
  } finally {
    rmSync(join(root, 'src/loopback.yaml'))
    await server.close()
    site.close()
  }
})

test('the bundled application runs by its module name in any folder', async () => {
  const empty = projectFolder({})
  const { stdout, code } = await runWippy(['run', 'wippy/micro-agi', 'agent'], 'quit\n', { cwd: empty })
  expect(stdout).toContain('dev assistant (quit to exit)')
  expect(code).toBe(0)
  removeFolder(empty)
})
