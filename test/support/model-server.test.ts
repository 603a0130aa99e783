// The scripted model server as a process of its own, as e2e tests use it; within a process it is shown by test/features/openai.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('it plays a script from a file, is steered by stdin and reports its requests on stdout', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wippy-model-'))
  const script = join(folder, 'script.json')
  await writeFile(script, JSON.stringify({ turns: [{ parts: [{ text: 'one' }, { gate: 'more' }, { text: 'two' }] }] }))
  const server = spawn(process.execPath, [fileURLToPath(new URL('model-server.mjs', import.meta.url)), script])
  try {
    const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]()
    const line = async () => JSON.parse((await lines.next()).value)
    const { url } = await line()
    const post = () =>
      fetch(`${url}/chat/completions`, { method: 'POST', body: JSON.stringify({ model: 'm', stream: true }) })
    const answer = await post()
    expect((await line()).request).toMatchObject({ method: 'POST', path: '/v1/chat/completions', body: { model: 'm' } })
    const reader = answer.body!.getReader()
    let seen = ''
    while (!seen.includes('one')) seen += Buffer.from((await reader.read()).value!).toString()
    expect(seen).not.toContain('two')
    server.stdin.write('{"release":"more"}\n')
    while (!seen.includes('[DONE]')) seen += Buffer.from((await reader.read()).value!).toString()
    expect(seen).toContain('two')
    server.stdin.write('{"add":[{"parts":[{"text":"three"}]}]}\n{"release":"done"}\n')
    // The script is at its end until the added turn has been read: ask until it has.
    let next = ''
    while (!next.includes('three')) next = await (await post()).text()
    expect(next).toContain('[DONE]')
  } finally {
    server.kill()
    await once(server, 'exit')
    await rm(folder, { recursive: true })
  }
})
