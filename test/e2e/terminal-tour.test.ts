// Every command of `wippy` in a terminal: used as meant, and got wrong. What is on the screen in the end is what a person reads;
// the exit code is what a script sees.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { type PtyProcess, startInPty } from '../support/pty-process.ts'
import { repository, runWippy } from '../support/wippy-process.ts'

const cli = join(repository, 'dist', 'cli', 'main.js')
const clean = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(?:OPENAI_|WIPPY_|NO_COLOR|FORCE_COLOR|CI$)/.test(name)),
)
const folders: string[] = []
let running: PtyProcess | undefined

afterEach(async () => {
  running?.close()
  await running?.exited
  running = undefined
})
afterAll(() => folders.forEach(removeFolder))

function folder(files: Record<string, string> = {}): string {
  const made = projectFolder(files)
  folders.push(made)
  return made
}

const app = (): string =>
  folder({
    'wippy.lock': 'directories:\n  modules: .wippy\n  src: ./src\n',
    'wippy.yaml': 'organization: acme\nmodule: tour\nversion: 1.0.0\n',
    'src/README.md': '# Tour\n',
    'src/_index.yaml': `version: "1.0"
namespace: app
entries:
  - {name: definition, kind: ns.definition, readme: "file://README.md", meta: {title: Tour}}
  - {name: __dep.test, kind: ns.dependency, component: wippy/test, version: "*"}
  - name: greet
    kind: process.lua
    meta: {command: {name: greet, short: Greets}}
    source: 'local io = require("io") return { main = function(name) io.print("hello " .. (name or "world")) end }'
    modules: [io]
  - name: make
    kind: process.lua
    meta: {command: {name: make, short: Makes an entry}}
    source: file://make.lua
    modules: [registry]
  - name: sum_test
    kind: function.lua
    meta: {type: test, suite: sums}
    source: file://sum_test.lua
    method: run
    imports: {test: "wippy.test:test"}
`,
    'src/make.lua': `-- Makes one entry.
local registry = require("registry")
return { main = function()
  local entry = { id = "made:one", kind = "registry.entry", meta = {}, data = { text = "first" } }
  local _, err = registry.snapshot():changes():create(entry):apply()
  if err then error(err) end
end }
`,
    'src/sum_test.lua': `-- One case.
local test = require("test")
return { run = test.run_cases(function()
  describe("sums", function() it("add up", function() test.eq(1 + 1, 2) end) end)
end) }
`,
  })

function inTerminal(args: readonly string[], cwd: string): PtyProcess {
  running = startInPty(process.execPath, [cli, ...args], { cwd, env: clean, columns: 160 })
  return running
}

interface Row {
  readonly args: readonly string[]
  /** Each has to be on the screen. */
  readonly shows: readonly (string | RegExp)[]
  /** 0 unless given. */
  readonly code?: number
  /** Commands that must have been run before, in the same folder. */
  readonly after?: readonly (readonly string[])[]
  /** In an empty folder instead of the application's. */
  readonly empty?: true
}

const noLock = /^Error: lock file not found: stat \S+\/wippy\.lock: no such file or directory$/m
const rows: readonly Row[] = [
  { args: [], shows: ['Adaptive Application Runtime https://wippy.ai', 'Usage: wippy [options] [command]'] },
  { args: ['rnu'], code: 1, shows: ['Error: unknown command "rnu" for "wippy"', 'Did you mean this?', /^\s+run$/m] },
  { args: ['--nope'], code: 1, shows: ['Error: unknown flag: --nope'] },
  { args: ['help', 'run'], shows: ['Usage: wippy run [options] [target] [args...]'] },
  { args: ['help', 'nope'], code: 1, shows: ['Error: unknown command "nope" for "wippy"'] },
  { args: ['version', '--short'], shows: [/^\d+\.\d+\.\d+$/m] },
  { args: ['version', 'now'], code: 1, shows: ["Error: too many arguments for 'version'"] },

  { args: ['init'], empty: true, shows: ['lock file initialized successfully'] },
  { args: ['init', '--src'], code: 1, shows: ['unknown flag: --src'] },

  {
    args: ['run', 'list'],
    shows: ['Available commands:', '  greet  Greets  (app:greet)', '  make  Makes an entry  (app:make)'],
  },
  { args: ['run', 'list'], empty: true, code: 1, shows: [noLock] },
  { args: ['run', 'greet', 'Ann'], shows: ['hello Ann'] },
  {
    args: ['run', 'gret'],
    code: 1,
    shows: [`Error: command "gret" not found. Use 'wippy run list' to see available commands`, 'Did you mean "greet"?'],
  },
  { args: ['run', 'greet', '--host', 'app:none'], code: 1, shows: ['Error: host app:none not found in supervisor'] },
  {
    args: ['run', 'greet', '-o', 'app:greet'],
    code: 1,
    shows: ["Error: invalid override: app:greet: missing separator '=', expected format: namespace:entry:field=value"],
  },
  {
    args: ['run', 'greet', '-o', 'app:none:x=1'],
    code: 1,
    shows: ['Error: override errors: [no entry found for app:none]'],
  },
  { args: ['run', 'greet', '--set', 'x'], code: 1, shows: ['Error: invalid --set "x": expected section.path=value'] },
  { args: ['run', 'greet', '--profile', 'big'], code: 1, shows: ['Error: unknown profile "big"'] },
  {
    args: ['--config', 'none.yaml', 'run', 'greet'],
    code: 1,
    shows: [/^Error: config file \S+none\.yaml does not exist$/m],
  },
  { args: ['-x'], code: 1, shows: ['Error: unknown flag: -x'] },
  { args: ['run', '-x', 'app:none'], code: 1, shows: ['Error: process app:none not found'] },
  { args: ['run', 'none.wapp'], code: 1, shows: [/^Error: pack file not found: \S+none\.wapp$/m] },
  {
    args: ['run', 'acme/none'],
    code: 1,
    shows: ['Error: module acme/none is not installed and there is no hub to download it from'],
  },

  { args: ['test'], shows: ['sums > add up', /PASSED .* 1 passed, 0 failed/] },
  { args: ['run', 'test'], shows: ['sums > add up', /PASSED .* 1 passed, 0 failed/] },
  {
    args: ['test', 'tour.wapp'],
    after: [['pack', 'tour.wapp']],
    shows: ['sums > add up', /PASSED .* 1 passed, 0 failed/],
  },
  { args: ['test', 'none.wapp'], code: 1, shows: [/^Error: pack file not found: \S+none\.wapp$/m] },
  { args: ['test', 'acme/none'], code: 1, shows: ['Error: module acme/none is not installed and there is no hub'] },
  {
    args: ['run', 'greet', '--loud'],
    code: 1,
    shows: ['Error: unknown flag: --loud', 'Flags of "greet" itself go after --'],
  },
  { args: ['test', 'nothing'], shows: ['No tests match: nothing'] },
  { args: ['test'], empty: true, code: 1, shows: ['no test entrypoint found', "or run 'wippy add wippy/test'"] },

  { args: ['add', 'wippy/terminal'], shows: ['Adding: wippy/terminal', /^Done! Added wippy\/terminal@v\S+$/m] },
  { args: ['add', 'wippy/terminla'], code: 1, shows: ['Did you mean "wippy/terminal"?'] },
  { args: ['install'], after: [['add', 'wippy/terminal']], shows: [/^Installed: wippy\/terminal@v\S+$/m] },
  {
    args: ['install', 'wippy/llm'],
    code: 1,
    shows: ['Error: module wippy/llm is not in wippy.lock', "Run 'wippy add wippy/llm' first."],
  },
  { args: ['update', 'acme/none'], code: 1, shows: ['Error: module acme/none is not a dependency of this project'] },

  { args: ['lint'], shows: [/^Checked \d+ entries$/m] },
  { args: ['lint'], empty: true, code: 1, shows: [noLock] },
  { args: ['lint', '--level', 'all'], code: 1, shows: ['Error: invalid --level "all": expected error, warning, hint'] },

  { args: ['registry'], shows: ['Usage: wippy registry [options] [command]'] },
  { args: ['registry', 'lst'], code: 1, shows: ['Error: unknown command "lst" for "wippy registry"', /^\s+list$/m] },
  { args: ['registry', 'list', '-n', 'app'], shows: [/^ID +KIND$/m, /^app:greet +process\.lua$/m, 'Total: 5 entries'] },
  { args: ['registry', 'list'], empty: true, code: 1, shows: [noLock] },
  { args: ['registry', 'find', 'meta.suite=sums'], shows: [/^app:sum_test +function\.lua$/m, 'Total: 1 entries'] },
  { args: ['registry', 'find', 'sums'], code: 1, shows: ['Error: invalid filter "sums"'] },
  { args: ['registry', 'show', 'app:greet'], shows: ['ID:   app:greet', 'Kind: process.lua', 'Origin: disk', 'Data:'] },
  {
    args: ['registry', 'show', 'app:gret'],
    code: 1,
    shows: ['Error: entry not found: app:gret', 'Did you mean "app:greet"?'],
  },
  {
    args: ['registry', 'show', 'app:greet', '-f', 'data.nope'],
    code: 1,
    shows: ['Error: entry app:greet has no field data.nope'],
  },
  {
    args: ['registry', 'history'],
    after: [['run', 'make']],
    shows: [/^\* v1 .* runtime$/m, 'created  made:one', /^ {2}v0 .* baseline$/m],
  },
  { args: ['registry', 'history', '1'], code: 1, shows: ["Error: too many arguments for 'history'"] },
  { args: ['registry', 'diff', '0', '1'], after: [['run', 'make']], shows: ['+ made:one', 'data.text: +first'] },
  {
    args: ['registry', 'diff', '3'],
    code: 1,
    shows: ['Error: version 3 not found', "'wippy registry history' lists the versions"],
  },
  {
    args: ['registry', 'rollback', 'v0'],
    after: [['run', 'make']],
    shows: ['Registry is at v0 from the next start on', '  changed  made:one'],
  },
  { args: ['registry', 'rollback', 'first'], code: 1, shows: ['Error: invalid version "first"'] },
  { args: ['registry', 'rollback'], code: 1, shows: ["Error: missing required argument 'version'"] },

  { args: ['pack', 'tour.wapp'], shows: [/tour\.wapp/] },
  { args: ['pack'], code: 1, shows: ['Error: missing output file: wippy pack <file.wapp>'] },
  {
    args: ['pack', 'tour.wapp', '--embed', 'app:greet'],
    code: 1,
    shows: ['Error: no fs.directory entry fits embed "app:greet"', "'wippy pack --list' shows"],
  },
  { args: ['run', 'tour.wapp', 'greet'], after: [['pack', 'tour.wapp']], shows: ['hello world'] },
  {
    args: ['run', 'tour.wapp', 'dog'],
    after: [['pack', 'tour.wapp']],
    code: 1,
    shows: ['command "dog" not found in pack'],
  },

  { args: ['new', 'hello', 'my-app'], empty: true, shows: ['Created hello in my-app', '  wippy run hello'] },
  {
    args: ['new', 'hallo', 'my-app'],
    empty: true,
    code: 1,
    shows: ['Error: unknown template "hallo"', 'Did you mean "hello"?'],
  },
  { args: ['new'], code: 1, shows: ["Error: missing required argument 'template'"] },

  { args: ['docs', 'lua/data/json'], shows: [/^# json$/m] },
  { args: ['docs', 'zzzqqqxxx'], code: 1, shows: [/zzzqqqxxx/] },
  { args: ['search', 'test'], shows: ['wippy/test'] },
  { args: ['search'], code: 1, shows: ["Error: missing required argument 'words'"] },
  { args: ['readme', 'wippy/llm'], shows: ['# wippy/llm'] },
  {
    args: ['readme', 'wippy/lmm'],
    code: 1,
    shows: ['Error: module wippy/lmm is neither in the project nor in this package', 'Did you mean "wippy/llm"?'],
  },
  // There is no hub here: what can be checked is checked, and the answer says what to do instead.
  {
    args: ['publish'],
    code: 1,
    shows: [/^acme\/tour@1\.0\.0: \d+ entries, ready to be published$/m, 'Error: wippy publish needs a hub'],
  },
  { args: ['auth', 'login'], code: 1, shows: ['Error: wippy auth needs a hub, and this runtime has none'] },
]

const titled = rows.map((row) => ({
  ...row,
  title: `${['wippy', ...row.args].join(' ')}${row.empty === true ? ', in an empty folder' : ''}`,
}))

test.each(titled)('$title', async ({ args, shows, code = 0, after = [], empty }) => {
  const cwd = empty === true ? folder() : app()
  for (const before of after) expect(await runWippy(before, '', { cwd })).toMatchObject({ code: 0 })
  const terminal = inTerminal(args, cwd)
  const exit = await terminal.exited
  const screen = (): string => terminal.lines().join('\n')
  await terminal.until(() =>
    shows.every((part) => (typeof part === 'string' ? screen().includes(part) : part.test(screen()))),
  )
  expect(exit, screen()).toBe(code)
  // An error is said once, without a trace, and usage is not printed after it.
  if (code !== 0) expect(screen()).not.toMatch(/^\s+at |Usage:/m)
  // The cursor that a program hides is back.
  expect(terminal.bytes().lastIndexOf('\x1b[?25h')).toBeGreaterThanOrEqual(terminal.bytes().lastIndexOf('\x1b[?25l'))
})

test('wippy run: is ready, and Ctrl-C stops it with code 0', async () => {
  const terminal = inTerminal(['run'], app())
  await terminal.until((lines) => lines.some((line) => line.includes('runtime ready')))
  terminal.type('\x03')
  expect(await terminal.exited).toBe(0)
  await terminal.until((lines) => lines.some((line) => line.includes('press Ctrl+C again to force exit')))
})

test('wippy update: asks, and n leaves everything as it was', async () => {
  const cwd = app()
  const terminal = inTerminal(['update'], cwd)
  await terminal.until((lines) => lines.at(-1) === 'Proceed with update? [Y/n]')
  terminal.type('n\r')
  expect(await terminal.exited).toBe(0)
  expect(existsSync(join(cwd, '.wippy', 'vendor'))).toBe(false)
})

test('no command is left out of the tour', async () => {
  const { stdout } = await runWippy(['help'])
  const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?: .*)? {2,}\S/gm)].map(([, name]) => name)
  expect(commands.length).toBeGreaterThan(12)
  const right = new Set(rows.filter(({ code }) => code === undefined).map(({ args }) => args[0]))
  const wrong = new Set(rows.filter(({ code }) => code !== undefined).map(({ args }) => args[0]))
  expect(commands.filter((name) => !right.has(name))).toEqual(['update', 'publish'])
  expect(commands.filter((name) => !wrong.has(name))).toEqual([])
})
