// `prometheus.enabled` in `.wippy.yaml` opens the endpoint with the host and closes it with it.

import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openProject } from '../../../runtime/open-project.ts'
import { projectFolder, removeFolder } from '../../support/project-folder.ts'

let root = ''
afterEach(() => removeFolder(root))

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

test('metrics of Lua are at the address of the configuration while the host runs', async () => {
  const port = await freePort()
  root = projectFolder({
    'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
    '.wippy.yaml': `version: "1.0"\nprometheus:\n  enabled: true\n  address: "127.0.0.1:${port}"\n`,
    'src/_index.yaml':
      'version: "1.0"\nnamespace: app\nentries:\n  - name: count\n    kind: function.lua\n    method: handler\n    modules: [metrics]\n    source: |\n      local metrics = require("metrics")\n      return function() return metrics.counter_inc("calls_total", { who = "test" }) end\n',
  })
  const project = await openProject({ root, watch: false })
  await project.host.start()
  await project.host.call('app:count')
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  expect(text).toContain('calls_total{who="test"} 1\n')
  await project.close()
  await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow()
})
