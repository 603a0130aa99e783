// How a command ends: `system.exit` from any process, services stopped first, and within the time allowed.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { repository, runWippy, startWippy } from '../support/wippy-process.ts'

const index = `version: "1.0"
namespace: app
entries:
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - name: worker
    kind: process.lua
    modules: [system]
    source: |
      return { main = function(code)
        system.exit(code)
        process.events():receive()
      end }
  - name: main
    kind: process.lua
    meta: { command: { name: work } }
    modules: [io]
    source: |
      return { main = function(code)
        process.spawn("app:worker", "app:processes", tonumber(code))
        local event = process.events():receive()
        io.print(event.kind)
      end }
`

let folder: string
afterEach(() => removeFolder(folder))

test.each([0, 7])('exit code %i', async (wanted) => {
  folder = projectFolder({ 'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n', 'src/_index.yaml': index })
  const { code, stdout, stderr } = await runWippy(['run', 'work', String(wanted)], '', { cwd: folder })
  expect(stderr).toBe('')
  expect(stdout).toBe('pid.cancel\n')
  expect(code).toBe(wanted)
})

test('a service that will not stop does not hold the end longer than shutdown.timeout', async () => {
  folder = projectFolder({
    'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
    'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - {name: processes, kind: process.host, lifecycle: {auto_start: true, stop_timeout: 10m}}
  - name: deaf
    kind: process.lua
    source: 'return { main = function() channel.new():receive() end }'
  - {name: deaf_service, kind: process.service, process: deaf, host: app:processes, lifecycle: {auto_start: true, stop_timeout: 10m}}
`,
  })
  const started = startWippy(['run', '--set', 'shutdown.timeout=200ms'], { cwd: folder })
  try {
    await started.until(/INFO\truntime ready/, { stream: 'stderr' })
    started.child.kill('SIGTERM')
    expect(await started.exited).toBe(0)
    expect(started.stderr).toContain('shutdown timed out')
  } finally {
    started.child.kill('SIGKILL')
  }
})

test.each([
  ['shutdown.timeout=soon', '"soon" is not a duration'],
  ['logger.encoding=xml', '"xml" is not console or json'],
  ['security.generated_code=inhert', '"inhert" is not sandboxed or inherit'],
])('%s is refused before anything runs', async (setting, why) => {
  folder = projectFolder({ 'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n', 'src/_index.yaml': index })
  expect(await runWippy(['run', '--set', setting, 'work', '0'], '', { cwd: folder })).toEqual({
    code: 1,
    stdout: '',
    stderr: `Error: config ${setting.replace(/=.*/, '')}: ${why}\n`,
  })
})

test('a shutdown.timeout of months is a long time, not none', async () => {
  folder = projectFolder({ 'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n', 'src/_index.yaml': index })
  const { stderr } = await runWippy(['run', '--set', 'shutdown.timeout=10000h', 'work', '0'], '', { cwd: folder })
  expect(stderr).toBe('')
})

test.skipIf(!existsSync('/dev/full'))('output that a full disk swallowed is a failure', () => {
  const command = `"${process.execPath}" "${join(repository, 'dist/cli/main.js')}" docs lua/core/time > /dev/full`
  const { status, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8' })
  expect(stderr).toMatch(/^Error: standard output: .*no space left on device/)
  expect(status).toBe(1)
})
