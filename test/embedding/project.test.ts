// How a program embeds a whole project: opened from its folder, run without a terminal, followed while it is edited, and looked
// at when it is at rest. Written against the public API alone, to copy from.

import { afterEach, expect, test } from 'vitest'
import { type OpenProject, openProject, openRegistry } from '../../runtime/index.ts'
import { type Folder, folder } from '../loader/project-folder.ts'

const files = {
  'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
  'src/_index.yaml': `version: "1.0"
namespace: shop
entries:
  - {name: processes, kind: process.host, lifecycle: {auto_start: true}}
  - {name: price, kind: function.lua, source: file://price.lua, method: handler}
  - {name: clerk, kind: process.lua, source: file://clerk.lua, modules: [funcs]}
`,
  'src/price.lua': '-- What a thing costs.\nreturn { handler = function(thing) return #thing end }\n',
  'src/clerk.lua':
    '-- Asks for the price.\nlocal funcs = require("funcs")\nreturn { main = function(thing) return funcs.call("shop:price", thing) end }\n',
}

let project: OpenProject | undefined
afterEach(() => project?.close())

/** Opens the project; `line` resolves when it has said something that contains the text. */
async function open(at: Folder) {
  const said: string[] = []
  const waiting = new Set<() => void>()
  project = await openProject({
    root: at.path,
    env: {},
    keepHistory: true,
    report({ message }) {
      said.push(message)
      for (const look of waiting) look()
    },
  })
  const line = (text: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!said.some((message) => message.includes(text))) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  return { ...project, line }
}

test('a project runs headless, and its files are followed', async () => {
  const shop = folder(files)
  const { host, line } = await open(shop)
  expect(host.problems).toEqual([])
  await host.start()
  expect(await host.call('shop:price', ['bread'])).toBe(5)
  expect(await host.run('shop:clerk', 'shop:processes', ['tea'])).toEqual({ value: 3 })

  shop.write({ 'src/price.lua': '-- Dearer now.\nreturn { handler = function(thing) return 2 * #thing end }\n' })
  await line('reloaded: updated shop:price')
  expect(await host.call('shop:price', ['bread'])).toBe(10)
  expect(host.registry.version).toMatchObject({ id: 1, origin: 'disk' })
})

test('what was changed at run time is there the next time, and is taken back at rest', async () => {
  const shop = folder(files)
  const free = {
    id: 'shop:price',
    kind: 'function.lua',
    meta: {},
    data: { source: 'return { handler = function() return 0 end }', method: 'handler' },
  }
  const first = await open(shop)
  await first.host.registry.apply([{ op: 'update', entry: free }], { origin: 'runtime', label: 'sale' })
  await first.close()

  const second = await open(shop)
  expect(await second.host.call('shop:price', ['bread'])).toBe(0)
  expect(second.host.registry.origin('shop:price')).toBe('runtime')
  await second.close()

  const rest = await openRegistry({ root: shop.path, env: {} })
  expect(rest.registry.versions().map(({ id, label }) => [id, label])).toEqual([
    [0, undefined],
    [1, 'sale'],
  ])
  expect(rest.registry.diff(0, 1).map(({ id }) => id)).toEqual(['shop:price'])
  expect(await rest.registry.applyVersion(0)).toMatchObject({ changed: ['shop:price'] })
  await rest.close()

  const third = await open(shop)
  expect(await third.host.call('shop:price', ['bread'])).toBe(5)
  expect(third.host.registry.snapshotAt(1).get('shop:price')?.data).toEqual(free.data)
})

test('a folder that is not there is no empty project', async () => {
  const root = '/nowhere/at/all'
  await expect(openProject({ root })).rejects.toMatchObject({
    kind: 'NotFound',
    message: `project folder ${root} is no folder`,
  })
})
