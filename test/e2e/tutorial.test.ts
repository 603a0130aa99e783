// The Micro AGI tutorial followed in an empty folder: its own `src/` tree, `wippy init`, `wippy update`, `wippy run agent`. The
// entries and the tools whose code it shows in full are as it shows them; what it shows in fragments is the flagship's.

import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startModelServer, text, toolCalls } from '../support/model-server.mjs'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { repository, runWippy } from '../support/wippy-process.ts'

const index = `version: "1.0"
namespace: app

entries:
  - name: definition
    kind: ns.definition
    readme: file://README.md
    meta:
      title: Micro AGI
      description: Self-modifying development agent that builds its own tools at runtime
      depends_on: [wippy/llm, wippy/agent]

  - name: os_env
    kind: env.storage.os

  - name: processes
    kind: process.host
    lifecycle:
      auto_start: true

  - name: __dep.llm
    kind: ns.dependency
    component: wippy/llm
    version: "*"
    parameters:
      - name: env_storage
        value: app:os_env
      - name: process_host
        value: app:processes

  - name: __dep.agent
    kind: ns.dependency
    component: wippy/agent
    version: "*"
    parameters:
      - name: process_host
        value: app:processes

  - name: deny_core_ns
    kind: security.policy
    policy:
      actions: "*"
      resources: "app:*"
      effect: deny
    groups:
      - agent_security

  - name: deny_tools_ns
    kind: security.policy
    policy:
      actions: "*"
      resources: "app.tools:*"
      effect: deny
    groups:
      - agent_security

  - name: gpt-5.1
    kind: registry.entry
    meta:
      name: gpt-5.1
      type: llm.model
      title: GPT-5.1
      comment: Reasoning model
      capabilities: [generate, tool_use, structured_output, vision, thinking]
      class: [reasoning]
      priority: 210
    max_tokens: 128000
    output_tokens: 32768
    pricing:
      input: 2.5
      output: 10
    providers:
      - id: wippy.llm.openai:provider
        options:
          reasoning_model_request: true
        provider_model: gpt-5.1
    thinking_effort: 10

  - name: gpt-4.1-nano
    kind: registry.entry
    meta:
      name: gpt-4.1-nano
      type: llm.model
      title: GPT-4.1 Nano
      comment: Compression model
      capabilities: [generate, tool_use, structured_output]
      class: [fast]
      priority: 100
    max_tokens: 1047576
    output_tokens: 32768
    pricing:
      input: 0.1
      output: 0.4
    providers:
      - id: wippy.llm.openai:provider
        provider_model: gpt-4.1-nano

  - name: dev_assistant
    kind: registry.entry
    meta:
      type: agent.gen1
      name: dev_assistant
      title: Dev Assistant
      comment: Wippy development assistant
    prompt: |
      Self-modifying Wippy development agent. You run inside Wippy runtime
      with access to docs, registry, and dynamic tool creation.
    model: gpt-5.1
    max_tokens: 2048
    tools:
      - "app.tools:*"

  - name: agent
    kind: process.lua
    meta:
      command:
        name: agent
        short: Start dev assistant
    source: file://agent.lua
    method: main
    modules: [io, json, process, funcs, registry, time, security]
    imports:
      prompt: wippy.llm:prompt
      agent_context: wippy.agent:context
      compress: wippy.llm.util:compress
`

/** `src/agent.lua` out of the tutorial's fragments: streaming, tool execution, dynamic loading, compression. */
const agentLua = readFileSync(new URL('./tutorial/agent.lua', import.meta.url), 'utf8')
const docSearchLua = readFileSync(new URL('./tutorial/doc_search.lua', import.meta.url), 'utf8')
const loadToolLua = readFileSync(new URL('./tutorial/load_tool.lua', import.meta.url), 'utf8')

let root: string
beforeAll(async () => {
  root = projectFolder({
    '.wippy.yaml': 'version: "1.0"\nlogger:\n  encoding: console\n',
    'wippy.yaml': 'organization: wippy\nmodule: micro-agi\n',
    'src/_index.yaml': index,
    'src/README.md': '# Micro AGI\n',
    'src/agent.lua': agentLua,
  })
  cpSync(join(repository, 'app/tools'), join(root, 'src/tools'), { recursive: true })
  writeFileSync(join(root, 'src/tools/doc_search.lua'), docSearchLua)
  writeFileSync(join(root, 'src/tools/load_tool.lua'), loadToolLua)
  const tools = readFileSync(join(root, 'src/tools/_index.yaml'), 'utf8')
  writeFileSync(
    join(root, 'src/tools/_index.yaml'),
    tools.replace(/(name: doc_search[\s\S]*?modules: )\[[^\]]*\]/, '$1[http_client, json]'),
  )

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
