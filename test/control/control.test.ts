// The control socket: calls and errors cross it, only the owner may open it, and what a dead host left is no obstacle.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { ControlClient } from '../../runtime/control/control-client.ts'
import { type ControlServer, serveControl } from '../../runtime/control/control-server.ts'
import { controlPath, LONGEST_REQUEST } from '../../runtime/control/protocol.ts'
import { RuntimeError } from '../../runtime/core/error.ts'

const servers: ControlServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function serve(path = join(mkdtempSync(join(tmpdir(), 'ctl-')), 'c.sock')) {
  const server = await serveControl(path, {
    echo: (params: unknown) => params,
    late: async (params: number) => {
      await Promise.resolve()
      return params
    },
    nothing: () => undefined,
    fail: () => {
      throw new RuntimeError('Conflict', 'stale').wrap('apply')
    },
  })
  servers.push(server)
  const client = await ControlClient.connect(path)
  if (client === undefined) throw new Error('no connection')
  return { path, client, server }
}

test('a call gives its result, several at once theirs', async () => {
  const { client } = await serve()
  const results = await Promise.all([
    client.call('late', 1),
    client.call('echo', { a: ['ü', null] }),
    client.call('nothing'),
  ])
  expect(results).toEqual([1, { a: ['ü', null] }, null])
  client.close()
})

test('an error arrives with its kind and text, an unknown method is one', async () => {
  const { client } = await serve()
  await expect(client.call('fail')).rejects.toMatchObject({ kind: 'Conflict', message: 'apply: stale' })
  await expect(client.call('toString')).rejects.toMatchObject({ kind: 'NotFound' })
  client.close()
})

test('a large result arrives whole', async () => {
  const { client } = await serve()
  const big = 'x'.repeat(500_000)
  expect(await client.call('echo', big)).toBe(big)
  client.close()
})

test('only the owner may open the socket', async () => {
  const { path, client } = await serve()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  client.close()
})

test('a second host is refused, one after a dead host is not', async () => {
  const { path, client } = await serve()
  await expect(serveControl(path, {})).rejects.toMatchObject({ kind: 'AlreadyExists' })
  client.close()
  const stale = join(mkdtempSync(join(tmpdir(), 'ctl-')), 'c.sock')
  // A host that was killed leaves its socket behind.
  const script = `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script])
  expect(statSync(stale).isSocket()).toBe(true)
  await serve(stale).then(({ client: next }) => next.close())
})

test('what is no socket is not touched', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ctl-'))
  const path = join(folder, 'c.sock')
  writeFileSync(path, 'mine')
  await expect(serveControl(path, {})).rejects.toThrow('something else is there')
  expect(statSync(path).size).toBe(4)
})

test('nobody there is no error, and a host that goes away fails the calls under way', async () => {
  expect(await ControlClient.connect(join(tmpdir(), 'no-such.sock'))).toBeUndefined()
  const path = join(mkdtempSync(join(tmpdir(), 'ctl-')), 'c.sock')
  const rude = createServer((socket) => socket.once('data', () => socket.destroy()))
  await new Promise<void>((resolve) => rude.listen(path, resolve))
  const client = await ControlClient.connect(path)
  await expect(client?.call('echo')).rejects.toMatchObject({ kind: 'Unavailable' })
  await new Promise((resolve) => rude.close(resolve))
})

test('noise and endless lines end the connection, not the host', async () => {
  const { path, client } = await serve()
  for (const noise of ['GET / HTTP/1.1\r\n\r\n', '{"id":"x"}\n', 'y'.repeat(LONGEST_REQUEST + 10)]) {
    const socket = createConnection(path)
    socket.on('error', () => {}) // the host may close while we write
    socket.write(noise)
    await new Promise((resolve) => socket.on('close', resolve))
  }
  expect(await client.call('echo', 1)).toBe(1)
  client.close()
})

test('the socket lies in the project, or in the temporary folder when that path is too long', () => {
  expect(controlPath('/p')).toBe('/p/.wippy/control.sock')
  const long = `/${'x'.repeat(120)}`
  expect(controlPath(long)).toMatch(/^.{1,100}$/)
  expect(controlPath(long)).not.toBe(controlPath(`${long}y`))
})
