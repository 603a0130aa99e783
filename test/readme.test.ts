// README.md does what it says: its commands are run as they stand, its example is compiled and run.

import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { repository } from './support/wippy-process.ts'

const readme = readFileSync(join(repository, 'README.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'readme-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The code blocks of a language below a heading. */
function blocks(heading: string, language: string): string[] {
  const [, section = ''] = readme.split(`\n## ${heading}\n`)
  const [body = ''] = section.split('\n## ')
  const fenced = body.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)
  return [...fenced].filter(([, named]) => named === language).map(([, , text = '']) => text)
}

/** A clone as `npm install` leaves it: the sources of the app are its own, what is built or installed is ours. */
function clone(): string {
  const root = join(folder, 'clone')
  mkdirSync(root)
  for (const name of ['package.json', 'app', 'components', 'wippy.lock', 'wippy.yaml', '.wippy.yaml']) {
    cpSync(join(repository, name), join(root, name), { recursive: true })
  }
  for (const name of ['dist', 'node_modules']) symlinkSync(join(repository, name), join(root, name))
  return root
}

/** What `npm install <this package>` does that matters here, without the network. */
function installed(project: string): void {
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  symlinkSync(repository, join(modules, 'wippy'))
  symlinkSync(join(repository, 'dist', 'cli', 'main.js'), join(modules, '.bin', 'wippy'))
}

const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:OPENAI_|WIPPY_|npm_)/.test(name)),
)

function shell(
  script: string,
  cwd: string,
  input = '',
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn('sh', ['-ec', script], { cwd, env: { ...environment, NO_COLOR: '1' } })
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
  }
  child.stdin.end(input)
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...output })))
}

const root = clone()

test('the agent line runs the agent, which answers what the README shows', async () => {
  const [line = ''] = blocks('Run the agent', 'sh')
  expect(line).toMatch(/^npm install && /)
  const { code, stdout } = await shell(line.replace('npm install && ', ''), root, 'what time is it?\nquit\n')
  expect(code).toBe(0)
  const [shown = ''] = blocks('Run the agent', '')
  // Times differ, and what is typed is not echoed into a pipe.
  const shape = (text: string): string[] =>
    text
      .replace(/^> (?:what time is it\?\n)?/gm, '')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'NOW')
      .split('\n')
      .filter((one) => one.trim() !== '' && one.trim() !== '>')
  expect(shape(stdout.slice(stdout.indexOf('dev assistant')))).toEqual(shape(shown))
})

test('the lines for an app of your own make one that runs and passes its tests', async () => {
  const [script = ''] = blocks('Your own app', 'sh')
  const install = 'npm install "$OLDPWD"'
  expect(script).toContain(install)
  const [create = '', rest = ''] = script.split(/^cd /m)
  expect((await shell(create, root)).code).toBe(0)
  installed(join(folder, 'my-app'))
  const { code, stdout, stderr } = await shell(`cd ${rest.replace(install, 'true')}`, root)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(stdout).toMatch(/^ {2}hello {2}Say hello/m)
  expect(stdout).toMatch(/^hello world$/m)
  expect(stdout).toMatch(/PASSED .* 0 failed/)
})

test('the example of embedding compiles and prints what its comment says', async () => {
  const [example = ''] = blocks('Embed it', 'ts')
  const project = join(folder, 'embedding')
  mkdirSync(project)
  installed(project)
  symlinkSync(join(repository, 'node_modules', '@types'), join(project, 'node_modules', '@types'))
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  writeFileSync(join(project, 'example.ts'), example)
  const tsc = join(repository, 'node_modules', 'typescript', 'bin', 'tsc')
  const options = '--module nodenext --target es2022 --strict --skipLibCheck --types node'
  const compiled = await shell(`node ${tsc} ${options} example.ts`, project)
  expect(compiled).toMatchObject({ code: 0, stdout: '' })
  const expected = [...example.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, said]) => `${said}\n`).join('')
  expect(expected).not.toBe('')
  expect(await shell('node example.js', project)).toEqual({ code: 0, stdout: expected, stderr: '' })
})

test('every file that it links to is there', () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = '']) => path)
  expect(links.length).toBeGreaterThan(3)
  expect(links.filter((path) => !existsSync(join(repository, path)))).toEqual([])
})

test('every npm script that it names is there', () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = [...readme.matchAll(/\bnpm (?:run )?(\w+)/g)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'install')
  expect(named).toContain('bench')
  for (const name of named) expect(Object.keys(scripts)).toContain(name)
})
