// A whole `wippy run` killed with -9 while its program changes the registry: what it was told has landed is there the next time,
// nothing is there by half, and nothing stands in the way of the next run. WIPPY_SEED sets the moments. The registry alone is
// killed more often in test/registry/crash.test.ts.

import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { runWippy, startWippy } from '../support/wippy-process.ts'

const KILLS = 3
const seed = Number(process.env['WIPPY_SEED'] ?? Date.now() % 1_000_000)

const cwd = projectFolder({
  'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
  'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - {name: counter, kind: registry.entry, n: 0}
  - name: churn
    kind: process.lua
    meta: {command: {name: churn}}
    source: file://churn.lua
    modules: [io, registry]
`,
  // Every changeset makes a pair, removes the one before and counts: a half of one would be seen.
  'src/churn.lua': `-- Changes the registry for ever.
local io, registry = require("io"), require("registry")
return { main = function()
  local n = registry.get("app:counter").data.n
  while true do
    n = n + 1
    local changes = registry.snapshot():changes()
    for _, side in ipairs({ "left", "right" }) do
      local source = "return { handler = function() return " .. n .. " end }"
      changes:create({ id = "made:" .. side .. n, kind = "function.lua", meta = {}, data = { source = source, method = "handler" } })
      if registry.get("made:" .. side .. (n - 1)) then changes:delete("made:" .. side .. (n - 1)) end
    end
    changes:update({ id = "app:counter", kind = "registry.entry", meta = {}, data = { n = n } })
    local version, err = changes:apply()
    if err then error(err) end
    io.print(n)
  end
end }
`,
})
afterAll(() => removeFolder(cwd))

test(`${KILLS} times kill -9 of a running program loses nothing it was told has landed`, {
  timeout: KILLS * 20_000,
}, async () => {
  let random = seed
  let reached = 0
  for (let kill = 0; kill < KILLS; kill++) {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648
    const hint = `seed ${seed}, kill ${kill}`
    const program = startWippy(['run', 'churn'], { cwd })
    await program.until(/^\d+\n/, { ms: 15_000 })
    await delay(random % 150)
    program.child.kill('SIGKILL')
    await program.exited
    const told = Number(program.stdout.slice(0, program.stdout.lastIndexOf('\n')).split('\n').at(-1))
    expect(told, hint).toBeGreaterThan(reached)

    const shown = await runWippy(['registry', 'show', 'app:counter', '-f', 'data.n'], '', { cwd })
    expect(shown.stderr, hint).toBe('')
    reached = Number(shown.stdout)
    expect([told, told + 1], hint).toContain(reached)
    const made = await runWippy(['registry', 'list', '-n', 'made', '--json'], '', { cwd })
    expect(
      JSON.parse(made.stdout).map(({ id }: { id: string }) => id),
      hint,
    ).toEqual([`made:left${reached}`, `made:right${reached}`])
  }
})
