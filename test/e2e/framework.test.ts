// The modules of the public framework in place of the ones that come along, by replacements in wippy.lock: they load, boot, run
// the tutorial's dialogue, and pass their own tests. WIPPY_FRAMEWORK names a checkout of github.com/wippyai/framework; without one
// that part is skipped. Our own components, laid out as the framework lays out its modules, go the same way in every run.

import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { isMap, type Value } from '../../runtime/core/value.ts'
import { type OpenProject, openProject } from '../../runtime/open-project.ts'
import { type ModelServer, startModelServer, text, toolCalls } from '../support/model-server.mjs'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { tutorialProject } from '../support/tutorial-app.ts'
import { repository, runWippy } from '../support/wippy-process.ts'

/** Modules of the framework that the tutorial needs, and that have tests beside their sources (`src/<name>/test`). */
const replaced = ['llm', 'agent', 'test', 'terminal'] as const
const tested = ['llm', 'agent'] as const

const folders: string[] = []
afterAll(() => folders.forEach(removeFolder))
const kept = (folder: string): string => {
  folders.push(folder)
  return folder
}

/** Our components as the framework lays out its own: `src/llm/src/_index.yaml` and `src/llm/src/wippy.yaml`, but `src/test/_index.yaml`. */
function ownCheckout(): string {
  const checkout = kept(realpathSync(mkdtempSync(join(tmpdir(), 'wippy-framework-'))))
  for (const name of replaced) {
    const nested = name === 'llm' || name === 'agent'
    const target = join(checkout, 'src', name, nested ? 'src' : '')
    mkdirSync(target, { recursive: true })
    cpSync(join(repository, 'components', name, 'src'), target, { recursive: true })
    cpSync(join(repository, 'components', name, 'wippy.yaml'), join(target, 'wippy.yaml'))
    if (nested)
      cpSync(join(repository, 'components', name, 'test'), join(checkout, 'src', name, 'test'), { recursive: true })
  }
  return checkout
}

function lockFile(checkout: string, src = './src'): string {
  const lines = replaced.map(
    (name) => `  - {from: wippy/${name}, to: ${JSON.stringify(join(checkout, 'src', name))}}\n`,
  )
  return `directories:\n  modules: .wippy\n  src: ${JSON.stringify(src)}\nreplacements:\n${lines.join('')}`
}

const given = process.env['WIPPY_FRAMEWORK']
const reason = 'WIPPY_FRAMEWORK names no checkout of github.com/wippyai/framework'

describe.each([
  { whose: 'our own, laid out alike', checkout: ownCheckout },
  { whose: 'the public framework', checkout: given === undefined ? undefined : () => given },
])('$whose', ({ checkout }) => {
  /** What every test here begins with. */
  const path = (context: { skip(condition: boolean, note: string): void }): string => {
    context.skip(checkout === undefined, reason)
    const found = checkout?.() ?? ''
    for (const name of replaced) expect(existsSync(join(found, 'src', name)), `${found}/src/${name}`).toBe(true)
    return found
  }

  async function opened(root: string): Promise<OpenProject> {
    const project = await openProject({ root, watch: false, env: {}, needsTerminal: true })
    expect(project.loaded.diagnostics.filter(({ level }) => level === 'error')).toEqual([])
    expect(project.host.problems.filter(({ level }) => level === 'error')).toEqual([])
    return project
  }

  test('takes the place of what comes along, and boots', async (context) => {
    const found = path(context)
    const root = kept(tutorialProject({ 'wippy.lock': lockFile(found) }))
    const project = await opened(root)
    try {
      const modules = replaced.map((name) => `wippy/${name}`)
      const sources = project.loaded.entries
        .filter(({ meta }) => modules.includes(String(meta['module'])))
        .map(({ id }) => project.loaded.files.get(id)?.file ?? id)
      expect(sources.length).toBeGreaterThan(20)
      expect(sources.filter((file) => !file.startsWith(join(found, 'src')))).toEqual([])
      await project.host.start()
    } finally {
      await project.close()
    }
  })

  test("plays the tutorial's dialogue", async (context) => {
    const root = kept(tutorialProject({ 'wippy.lock': lockFile(path(context)) }))
    const source =
      'local time = require("time") return { handler = function() return { now = time.now():format(time.RFC3339) } end }'
    const server: ModelServer = await startModelServer({
      turns: [
        toolCalls({
          name: 'create_tool',
          arguments: { name: 'clock', description: 'tells the time', source, modules: ['time'] },
        }),
        toolCalls({ name: 'load_tool', arguments: { id: 'app.generated:clock' } }),
        toolCalls({ name: 'clock', arguments: {} }),
        text('It is late.'),
      ],
    })
    try {
      const { stdout, stderr } = await runWippy(['run', 'agent'], 'what time is it?\nquit\n', {
        cwd: root,
        env: { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: 'sk-test-not-a-real-key' },
      })
      expect(stdout, stderr).toContain('  [+] app.generated:clock\n  [clock] ok\nIt is late.\n')
    } finally {
      await server.close()
    }
  })

  test.for(tested)('the tests of %s pass', async (name, context) => {
    const found = path(context)
    const root = kept(projectFolder({ 'wippy.lock': lockFile(found, join(found, 'src', name, 'test')) }))
    const project = await opened(root)
    try {
      await project.host.start()
      const entries = project.host.registry.find({ 'meta.type': 'test' })
      expect(entries.length).toBeGreaterThan(0)
      const failures: string[] = []
      for (const { id } of entries) failures.push(...failed(id, await project.host.call(id, [{}])))
      expect(failures).toEqual([])
    } finally {
      await project.close()
    }
  })
})

/** `id: suite > case: error` of every case that failed. */
function failed(id: string, result: Value): string[] {
  const suites = isMap(result) && isMap(result['test_suites']) ? result['test_suites'] : {}
  return Object.entries(suites).flatMap(([path, suite]) => {
    const cases = isMap(suite) && Array.isArray(suite['tests']) ? suite['tests'] : []
    return cases
      .filter(isMap)
      .filter(({ status }) => status === 'failed')
      .map(({ name, error }) => `${id}: ${path} > ${name}: ${error}`)
  })
}
