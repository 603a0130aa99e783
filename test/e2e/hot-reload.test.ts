// Files change while the agent runs: the next call sees it, a broken file changes nothing but a line on stderr.

import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ModelServer, type RecordedRequest, startModelServer, text, toolCalls } from '../support/model-server.mjs'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { repository, startWippy, type WippyProcess } from '../support/wippy-process.ts'

const greeting = (words: string): string => `return { handler = function() return { greeting = "${words}" } end }\n`

const greetEntry = `
  - name: greet
    kind: function.lua
    meta:
      type: tool
      llm_alias: greet
      llm_description: Greets
    source: file://greet.lua
    method: handler
`

let root: string
let server: ModelServer
let wippy: WippyProcess
let turns = 0

/** The user names a tool, the model calls it, and says what came of it. */
function answer({ body }: RecordedRequest) {
  const last = body.input.at(-1)
  if (last.type === 'function_call_output') return text(`Turn ${turns}: ${last.output}`)
  turns++
  const [name, argument] = last.content[0].text.split(' ')
  return toolCalls({
    name,
    arguments: argument === undefined ? {} : { [name === 'registry_list' ? 'namespace' : 'id']: argument },
  })
}

/** One turn; what the model said of the tool's result. */
async function turn(words: string): Promise<string> {
  const number = turns + 1
  wippy.write(`${words}\n`)
  const match = await wippy.until(new RegExp(`Turn ${number}: (.*)\\n\\n> $`))
  return match[1] ?? ''
}

/** Repeats a turn until its result fits: a reload has no other trace in a quiet terminal. */
async function untilTurn(words: string, fits: (result: string) => boolean): Promise<string> {
  for (let tries = 0; tries < 60; tries++) {
    const result = await turn(words)
    if (fits(result)) return result
  }
  throw new Error(`no turn of ${JSON.stringify(words)} fitted\n${wippy.stdout}\n${wippy.stderr}`)
}

beforeEach(async () => {
  turns = 0
  root = projectFolder({ 'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n' })
  cpSync(join(repository, 'app'), join(root, 'src'), { recursive: true })
  writeFileSync(join(root, 'src/tools/greet.lua'), greeting('hello'))
  writeFileSync(join(root, 'src/tools/greet.yaml'), `version: "1.0"\nnamespace: app.tools\nentries:${greetEntry}`)
  server = await startModelServer({ always: answer })
  wippy = startWippy(['run', 'agent'], { cwd: root, env: { OPENAI_BASE_URL: server.url } })
  await wippy.until(/> $/)
})

afterEach(async () => {
  wippy.child.kill('SIGKILL')
  await wippy.exited
  await server.close()
  removeFolder(root)
})

test('an edited tool is the next call, also when the editor renames over it', async () => {
  expect(await turn('greet')).toContain('hello')
  writeFileSync(join(root, 'src/tools/greet.lua'), greeting('good morning'))
  await untilTurn('greet', (result) => result.includes('good morning'))
  writeFileSync(join(root, 'src/tools/greet.lua.tmp'), greeting('good evening'))
  renameSync(join(root, 'src/tools/greet.lua.tmp'), join(root, 'src/tools/greet.lua'))
  await untilTurn('greet', (result) => result.includes('good evening'))
})

test('a broken file is told once and its last good entry stays, until it is repaired', async () => {
  expect(await turn('greet')).toContain('hello')
  writeFileSync(
    join(root, 'src/tools/greet.yaml'),
    'version: "1.0"\nnamespace: app.tools\nentries:\n  - name: greet\n   kind: oops\n',
  )
  await wippy.until(/greet\.yaml:\d+/, { stream: 'stderr' })
  expect(await turn('greet')).toContain('hello')
  writeFileSync(join(root, 'src/tools/greet.lua'), 'return {{{')
  writeFileSync(join(root, 'src/tools/greet.yaml'), `version: "1.0"\nnamespace: app.tools\nentries:${greetEntry}`)
  await wippy.until(/greet\.lua|app\.tools:greet/, { stream: 'stderr' })
  expect(await turn('greet')).toContain('hello')
  writeFileSync(join(root, 'src/tools/greet.lua'), greeting('repaired'))
  await untilTurn('greet', (result) => result.includes('repaired'))
})

test('a component dropped in is there, and gone when it is removed', async () => {
  expect(await turn('registry_list extra')).toContain('"count":0')
  mkdirSync(join(root, 'components/extra/src'), { recursive: true })
  writeFileSync(
    join(root, 'components/extra/src/_index.yaml'),
    'version: "1.0"\nnamespace: extra\nentries:\n  - name: thing\n    kind: registry.entry\n',
  )
  await untilTurn('registry_list extra', (result) => result.includes('extra:thing'))
  rmSync(join(root, 'components/extra'), { recursive: true })
  await untilTurn('registry_list extra', (result) => result.includes('"count":0'))
})
