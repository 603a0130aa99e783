// The command line as a user has it, each command with its mistakes, in folders of its own.

import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { projectFolder, removeFolder } from '../support/project-folder.ts'
import { runWippy, startWippy, type WippyProcess } from '../support/wippy-process.ts'

const folders: string[] = []
const running: WippyProcess[] = []
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) removeFolder(folder)
})

function folder(files: Record<string, string> = {}): string {
  const made = projectFolder(files)
  folders.push(made)
  return made
}

const lock = 'directories:\n  modules: .wippy\n  src: ./src\n'
const main = `local io = require("io")
return { main = function(mode, ...)
  io.print("args", #io.args(), mode, ...)
  if mode == "error" then error("boom") end
  if mode == "fail" then return nil, errors.new("went wrong") end
  if mode == "text" then return "a text" end
  if mode == "number" then return 7.9 end
  if mode == "no" then return false end
  if mode == "lines" then
    local count = 0
    while true do
      local line, err = io.readline()
      if not line then io.eprint(err) return count end
      io.print("[" .. line .. "]")
      count = count + 1
    end
  end
end }
`
const index = `version: "1.0"
namespace: app
entries:
  - name: main
    kind: process.lua
    meta: {command: {name: main, short: The main one}}
    source: file://main.lua
    method: main
    modules: [io]
`
const app = (more = '') => folder({ 'wippy.lock': lock, 'src/_index.yaml': index + more, 'src/main.lua': main })
const wippy = (cwd: string, args: string[], input = '') => runWippy(args, input, { cwd })

describe('version and help', () => {
  test('version prints the banner, and with --short the version alone', async () => {
    const cwd = folder()
    const long = await wippy(cwd, ['version'])
    expect(long.stdout).toMatch(
      /^\n {2}╦ ╦╦╔═╗╔═╗╦ ╦ {2}Adaptive Application Runtime https:\/\/wippy\.ai\n.*\d+\.\d+\.\d+ \d{4}-\d\d-\d\d\n.*\n\n$/,
    )
    const short = await wippy(cwd, ['version', '--short'])
    expect(short).toMatchObject({ code: 0, stderr: '' })
    expect(short.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })

  test('wippy alone prints banner and help, help the help of a command', async () => {
    const cwd = folder()
    const alone = await wippy(cwd, [])
    expect(alone.code).toBe(0)
    expect(alone.stdout).toContain('╦ ╦╦')
    expect(alone.stdout).toMatch(/^ {2}run \[options\]/m)
    const help = await wippy(cwd, ['help', 'run'])
    expect(help.stdout).toContain('--override <ns:entry:field=value>')
  })

  test('an unknown command is named, with a suggestion; an unknown flag too; usage is not printed', async () => {
    const cwd = folder()
    expect(await wippy(cwd, ['rnu'])).toEqual({
      code: 1,
      stdout: '',
      stderr: 'Error: unknown command "rnu" for "wippy"\n\nDid you mean this?\n\trun\n\n',
    })
    expect(await wippy(cwd, ['run', '--foo'])).toEqual({ code: 1, stdout: '', stderr: 'Error: unknown flag: --foo\n' })
  })
})

describe('init', () => {
  test('writes the lock and nothing else, readable by its owner', async () => {
    const cwd = folder()
    const { code, stdout, stderr } = await wippy(cwd, ['init'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/INFO\tinitializing lock file.*\n.*INFO\tlock file initialized successfully/)
    expect(readFileSync(join(cwd, 'wippy.lock'), 'utf8')).toContain('src: ./src')
    expect(statSync(join(cwd, 'wippy.lock')).mode & 0o777).toBe(0o600)
    expect(existsSync(join(cwd, 'src'))).toBe(false)
  })

  test('keeps the modules of a lock that is there, and takes the folders from its flags', async () => {
    const cwd = folder({ 'wippy.lock': `${lock}modules:\n  - {name: acme/x, version: v1.0.0}\n` })
    await wippy(cwd, ['init', '-d', './code', '--modules-dir', 'mods'])
    const text = readFileSync(join(cwd, 'wippy.lock'), 'utf8')
    expect(text).toContain('src: ./code')
    expect(text).toContain('modules: mods')
    expect(text).toContain('acme/x')
  })
})

describe('run', () => {
  test.each([
    [[], 0, 'args\t0\tnil\n', ''],
    [['a', 'b'], 0, 'args\t2\ta\tb\n', ''],
    [['a', '--', '--flag', '-v'], 0, 'args\t3\ta\t--flag\t-v\n', ''],
    [['text'], 0, 'args\t1\ttext\na text\n', ''],
    [['number'], 7, 'args\t1\tnumber\n', ''],
    [['no'], 1, 'args\t1\tno\n', ''],
    [['error'], 1, 'args\t1\terror\n', 'app:main:4: boom\n'],
    [['fail'], 1, 'args\t1\tfail\n', 'went wrong\n'],
  ] as [string[], number, string, string][])('main %j ends with %d', async (args, code, stdout, stderr) => {
    expect(await wippy(app(), ['run', 'main', ...args])).toEqual({ code, stdout, stderr })
  })

  test('piped lines are read one by one and none is lost', async () => {
    const { code, stdout, stderr } = await wippy(app(), ['run', 'main', 'lines'], 'one\r\n\ntwo\nlast')
    expect(stdout).toBe('args\t1\tlines\n[one]\n[]\n[two]\n[last]\n')
    expect({ code, stderr }).toEqual({ code: 4, stderr: 'readline: EOF\n' })
  })

  test('-x runs a process by its id, with arguments', async () => {
    const cwd = app()
    expect(await wippy(cwd, ['run', '-x', 'app:main', 'number', 'z'])).toMatchObject({
      code: 7,
      stdout: 'args\t2\tnumber\tz\n',
    })
    expect((await wippy(cwd, ['run', '-x', 'app:mian'])).stderr).toBe(
      'Error: process app:mian not found\nDid you mean "app:main"?\n',
    )
    expect((await wippy(cwd, ['run', '-x', 'main'])).stderr).toContain('expected namespace:entry')
  })

  test('a command that is not there is named, with the nearest', async () => {
    const { code, stderr } = await wippy(app(), ['run', 'mian'])
    expect(code).toBe(1)
    expect(stderr).toBe(
      `Error: command "mian" not found. Use 'wippy run list' to see available commands\nDid you mean "main"?\n`,
    )
  })

  test('without a lock src is read all the same, and logs stay off standard output', async () => {
    const cwd = app()
    rmSync(join(cwd, 'wippy.lock'))
    expect(await wippy(cwd, ['run', 'main'])).toMatchObject({ code: 0, stderr: '' })
    const verbose = await wippy(cwd, ['run', 'main', '-v'])
    expect(verbose.stdout.replace(/^\n(?: {2}.*\n){3}\n/, '')).toBe('args\t0\tnil\n')
    expect(verbose.stderr).toContain('INFO\tsupervisor\t')
  })

  test.each([
    [
      'directories: [',
      /^Error: failed to load lock file: lock file .*wippy\.lock: failed to read lock file: failed to unmarshal yaml: /,
    ],
    [
      `${lock}modules: [{name: x, version: v1.0.0}]`,
      /invalid module "x": invalid format \(expected org\/module, got "x"\)/,
    ],
    [`${lock}modules: [{name: a/x}]`, /module "a\/x" has empty version/],
    [
      `${lock}replacements: [{from: a/x, to: ../nowhere}]`,
      /invalid replacements: replacement path "\.\.\/nowhere" does not exist/,
    ],
  ])('the lock %j is refused', async (text, message) => {
    const cwd = app()
    writeFileSync(join(cwd, 'wippy.lock'), text)
    const { code, stderr } = await wippy(cwd, ['run', 'main'])
    expect(code).toBe(1)
    expect(stderr).toMatch(message)
  })

  test.each([
    ['x', 'missing separator'],
    [':main:field=1', 'namespace cannot be empty'],
    ['app::field=1', 'entry name cannot be empty'],
    ['app:main:=1', 'field cannot be empty'],
    ['app:none:field=1', 'app:none'],
  ])('-o %s is refused', async (override, message) => {
    const { code, stderr } = await wippy(app(), ['run', 'main', '-o', override])
    expect(code).toBe(1)
    expect(stderr).toContain(message)
  })

  test('-o changes an entry, --set a setting', async () => {
    const cwd = app()
    expect(await wippy(cwd, ['run', 'other', '-o', 'app:main:meta.command.name=other'])).toMatchObject({ code: 0 })
    expect((await wippy(cwd, ['run', 'main', '--set', 'nothing'])).stderr).toBe(
      'Error: invalid --set "nothing": expected section.path=value\n',
    )
  })

  test('profiles and configuration files are composed, and mistakes in them named', async () => {
    const cwd = app()
    const config = 'version: "1.0"\nprofiles:\n  dev:\n    override:\n      "app:main:meta.command.name": dev_main\n'
    writeFileSync(join(cwd, '.wippy.yaml'), config)
    expect(await wippy(cwd, ['run', 'dev_main', '--profile', 'dev'])).toMatchObject({ code: 0 })
    expect((await wippy(cwd, ['run', 'main', '--profile', 'prod'])).stderr).toContain('unknown profile "prod"')
    expect((await wippy(cwd, ['run', 'main', '--config', 'none.yaml'])).stderr).toContain('none.yaml does not exist')
    writeFileSync(join(cwd, '.wippy.yaml'), 'logger: {}\n')
    expect((await wippy(cwd, ['run', 'main'])).stderr).toContain('missing version field')
  })

  test('a broken file is named with line and caret, and the rest runs', async () => {
    const cwd = app()
    writeFileSync(join(cwd, 'src', 'bad.yaml'), 'version: "1.0"\nnamespace: app\nentries: [a: b: c\n')
    const { code, stderr } = await wippy(cwd, ['run', 'main'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^error: src\/bad\.yaml:\d+:\d+: .*\n.*\n +\^/)
  })

  test('an entry that its kind rejects is named with its place, and the rest runs', async () => {
    const broken = '  - {name: broken, kind: function.lua, method: run, source: "return {"}\n'
    const { code, stderr } = await wippy(app(broken), ['run', 'main'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^error: src\/_index\.yaml:10:5: entry app:broken was left out: app:broken:1: .*<eof>/)
  })

  test('a terminal host is made when there is none; several must be chosen from', async () => {
    const host = (name: string) => `  - {name: ${name}, kind: terminal.host, lifecycle: {auto_start: true}}\n`
    const cwd = app(host('t1') + host('t2'))
    expect((await wippy(cwd, ['run', 'main'])).stderr).toBe(
      'Error: multiple terminal hosts found (app:t1, app:t2), use --host to specify\n',
    )
    expect(await wippy(cwd, ['run', 'main', '--host', 'app:t2'])).toMatchObject({ code: 0 })
    expect((await wippy(cwd, ['run', 'main', '--host', 'app:t3'])).stderr).toContain(
      'host app:t3 not found in supervisor',
    )
    const idle = app('  - {name: idle, kind: terminal.host}\n')
    expect((await wippy(idle, ['run', 'main'])).stderr).toContain('host app:idle not found in supervisor')
  })

  test('plain run is ready, then stops at a signal with code 0', async () => {
    const started = startWippy(['run'], { cwd: app() })
    running.push(started)
    await started.until(/INFO\truntime ready/, { stream: 'stderr' })
    started.child.kill('SIGINT')
    expect(await started.exited).toBe(0)
    expect(started.stderr).toMatch(
      /received shutdown signal[\s\S]*shutting down \(press Ctrl\+C again to force exit\)[\s\S]*supervisor control loop stopped[\s\S]*\tINFO\tstopped\n$/,
    )
    expect(started.stdout).toMatch(/^\n {2}╦/)
  })

  test('a second signal ends a program that will not stop', async () => {
    const cwd = app(`  - name: deaf
    kind: process.lua
    meta: {command: {name: deaf}}
    method: main
    modules: [io, time]
    source: |
      local io, time = require("io"), require("time")
      return { main = function() io.print("here") while true do time.sleep("1h") end end }
`)
    const started = startWippy(['run', 'deaf'], { cwd })
    running.push(started)
    await started.until(/here/)
    started.child.kill('SIGINT')
    started.child.kill('SIGTERM')
    expect(await started.exited).toBe(1)
  })

  test('a reader that goes away ends the program', async () => {
    const cwd = app(`  - name: chatter
    kind: process.lua
    meta: {command: {name: chatter}}
    method: main
    modules: [io, time]
    source: |
      local io, time = require("io"), require("time")
      return { main = function() while true do local ok = io.print("line") time.sleep("5ms") if not ok then return 3 end end end }
`)
    const started = startWippy(['run', 'chatter'], { cwd })
    running.push(started)
    await started.until(/line/)
    started.child.stdout.destroy()
    expect(await started.exited).not.toBe(-1)
  })
})

describe('run list', () => {
  test('shows name, short text and id', async () => {
    expect(await wippy(app(), ['run', 'list'])).toEqual({
      code: 0,
      stdout: 'Available commands:\n\n  main  The main one  (app:main)\n\nRun with: wippy run <command>\n',
      stderr: '',
    })
  })

  test('says how to make a command when there is none, and fails without a lock', async () => {
    const cwd = folder({ 'wippy.lock': lock, 'src/_index.yaml': 'version: "1.0"\nnamespace: app\nentries: []\n' })
    expect((await wippy(cwd, ['run', 'list'])).stdout).toMatch(/^No commands found\.\n\nTo define a command/)
    const none = folder()
    const { code, stderr } = await wippy(none, ['run', 'list'])
    expect(code).toBe(1)
    expect(stderr).toContain(`Error: lock file not found: stat ${join(none, 'wippy.lock')}: no such file or directory`)
  })
})

describe('modules', () => {
  const dependent = `  - {name: __dep.llm, kind: ns.dependency, component: wippy/llm, version: ">=0.1", parameters: [{name: env_storage, value: "app:os"}]}
  - {name: os, kind: env.storage.os}
`

  test('update resolves what the sources need, and a second time changes nothing', async () => {
    const cwd = app(dependent)
    const first = await wippy(cwd, ['update'])
    expect(first.stdout).toMatch(/\+ wippy\/llm {2}v\S+\n {2}\+ wippy\/terminal {2}v\S+\n[\s\S]*Done!/)
    const locked = readFileSync(join(cwd, 'wippy.lock'), 'utf8')
    expect(locked).toMatch(/name: wippy\/llm\n\s+version: v[\d.]+\n\s+hash: sha256:/)
    expect(existsSync(join(cwd, '.wippy', 'vendor', 'wippy', 'llm', 'src', '_index.yaml'))).toBe(true)
    expect((await wippy(cwd, ['update'])).stdout).toBe('All modules are up to date\n')
    expect(readFileSync(join(cwd, 'wippy.lock'), 'utf8')).toBe(locked)
    expect(await wippy(cwd, ['run', 'main'])).toEqual({ code: 0, stdout: 'args\t0\tnil\n', stderr: '' })
  })

  test('a dependency that is nowhere is named, and nothing is locked', async () => {
    const cwd = app('  - {name: __dep.x, kind: ns.dependency, component: acme/none, version: "*"}\n')
    const { code, stderr } = await wippy(cwd, ['update'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /src\/_index\.yaml:10:5: entry app:__dep\.x: module acme\/none is not available[\s\S]*Error: some dependencies could not be resolved/,
    )
    expect(readFileSync(join(cwd, 'wippy.lock'), 'utf8')).toBe(lock)
  })

  test('add edits the lock, install brings the files and notices changed ones', async () => {
    const cwd = app()
    const added = await wippy(cwd, ['add', 'wippy/terminal'])
    expect(added.stdout).toMatch(
      /^Adding: wippy\/terminal\nResolved: (v\S+)\nDone! Added wippy\/terminal@\1\nRun 'wippy install' to download the module\.\n$/,
    )
    expect((await wippy(cwd, ['add', 'wippy/terminal'])).stdout).toContain(
      'Up to date: wippy/terminal already at version v',
    )
    const locked = readFileSync(join(cwd, 'wippy.lock'), 'utf8')
    writeFileSync(join(cwd, 'wippy.lock'), locked.replace(/version: v\S+/, 'version: v0.0.1'))
    expect((await wippy(cwd, ['add', 'wippy/terminal'])).stdout).toMatch(/^Updating: v0\.0\.1 -> v\S+$/m)
    expect((await wippy(cwd, ['install'])).stdout).toMatch(
      /^Installed: wippy\/terminal@v\S+\nDone! 1 modules installed\n$/,
    )
    expect((await wippy(cwd, ['install'])).stdout).toBe('All modules are installed\n')
    expect((await wippy(cwd, ['install', 'wippy/llm'])).stderr).toContain('module wippy/llm is not in wippy.lock')
    expect((await wippy(cwd, ['add', 'wippy/terminla'])).stderr).toContain('Did you mean "wippy/terminal"?')
    expect((await wippy(cwd, ['add', 'wippy/terminal@>=99'])).stderr).toContain('has no version >=99 here')
    expect((await wippy(cwd, ['add', 'terminal'])).stderr).toContain('expected org/module')
  })

  test('a module whose content was changed after it was locked is refused', async () => {
    const cwd = app(dependent)
    await wippy(cwd, ['update'])
    writeFileSync(join(cwd, '.wippy', 'vendor', 'wippy', 'llm', 'README.md'), 'changed')
    const { code, stderr } = await wippy(cwd, ['install'])
    expect(code).toBe(1)
    expect(stderr).toContain('wippy/llm')
    expect(await wippy(cwd, ['install', '--repair'])).toMatchObject({ code: 0 })
    expect(await wippy(cwd, ['install'])).toMatchObject({ code: 0, stdout: 'All modules are installed\n' })
  })
})

describe('registry', () => {
  test('list, find and show on a project at rest', async () => {
    const cwd = app(
      '  - {name: tool, kind: function.lua, meta: {type: tool}, source: "return { run = function() end }", method: run}\n',
    )
    expect((await wippy(cwd, ['registry', 'list'])).stdout).toBe(
      'ID        KIND\n--------  ------------\napp:main  process.lua\napp:tool  function.lua\n\nTotal: 2 entries\n',
    )
    expect((await wippy(cwd, ['registry', 'list', '-n', 'none'])).stdout).toBe('No entries found\n')
    const found = await wippy(cwd, ['registry', 'find', 'meta.type=tool', '--json'])
    expect(JSON.parse(found.stdout)).toEqual([
      { id: 'app:tool', kind: 'function.lua', meta: { type: 'tool' }, origin: 'disk' },
    ])
    const shown = await wippy(cwd, ['registry', 'show', 'app:tool'])
    expect(shown.stdout).toMatch(
      /^ID: {3}app:tool\nKind: function\.lua\nOrigin: disk\nMetadata:\n {2}type: tool\nData:\n/,
    )
    expect((await wippy(cwd, ['registry', 'show', 'app:tool', '-f', 'data.source', '--raw'])).stdout).toBe(
      'return { run = function() end }\n',
    )
    expect((await wippy(cwd, ['registry', 'show', 'app:toll'])).stderr).toBe(
      'Error: entry not found: app:toll\nDid you mean "app:tool"?\n',
    )
    expect((await wippy(cwd, ['registry', 'find', 'nonsense'])).stderr).toContain('invalid filter "nonsense"')
  })

  test('history, diff and rollback, on a running host and at rest', async () => {
    const cwd = app(`  - name: editor
    kind: process.lua
    meta: {command: {name: edit}}
    method: main
    modules: [io, registry]
    source: |
      local io, registry = require("io"), require("registry")
      return { main = function()
        for i = 1, 2 do
          local changes = registry.snapshot():changes()
          local entry = { id = "made:one", kind = "registry.entry", meta = {}, data = { text = "first\\nline " .. i .. "\\n" } }
          if i == 1 then changes:create(entry) else changes:update(entry) end
          local _, err = changes:apply()
          if err then error(err) end
        end
        io.print("made")
        io.readline()
      end }
`)
    const started = startWippy(['run', 'edit'], { cwd })
    running.push(started)
    await started.until(/made/)
    await expect.poll(() => existsSync(join(cwd, '.wippy', 'control.sock')), { timeout: 5_000 }).toBe(true)
    const history = await wippy(cwd, ['registry', 'history'])
    expect(history.stdout).toMatch(
      /^\* v2 .* runtime\n {6}updated {2}made:one\n {2}v1 .*\n {6}created {2}made:one\n {2}v0 .* baseline\n$/,
    )
    expect((await wippy(cwd, ['registry', 'diff'])).stdout).toContain(
      '~ made:one\n    data.text:\n    @@ -1,3 +1,3 @@\n     first\n    -line 1\n    +line 2\n',
    )
    expect((await wippy(cwd, ['registry', 'rollback', 'v1'])).stdout).toBe('Registry is at v1\n  changed  made:one\n')
    expect((await wippy(cwd, ['registry', 'show', 'made:one', '-f', 'data.text'])).stdout).toBe('first\nline 1\n')
    expect((await wippy(cwd, ['registry', 'rollback', '9'])).stderr).toContain('version 9 not found')
    started.end()
    expect(await started.exited).toBe(0)
    expect((await wippy(cwd, ['registry', 'list', '-n', 'made'])).stdout).toContain('made:one')
    expect((await wippy(cwd, ['registry', 'rollback', '0'])).stdout).toBe(
      'Registry is at v0 from the next start on\n  changed  made:one\n',
    )
    expect((await wippy(cwd, ['registry', 'list', '-n', 'made'])).stdout).toBe('No entries found\n')
    expect((await wippy(cwd, ['registry', 'rollback', 'x'])).stderr).toContain('invalid version "x"')
  })
})

describe('lint, pack, new and docs', () => {
  test('lint passes a clean project and fails a wrong one with place and code', async () => {
    const cwd = app()
    expect(await wippy(cwd, ['lint'])).toEqual({ code: 0, stdout: 'Checked 1 entries\n', stderr: '' })
    writeFileSync(join(cwd, 'src', 'main.lua'), 'local x: number = "text"\nreturn { main = function() return x end }\n')
    const wrong = await wippy(cwd, ['lint'])
    expect(wrong.code).toBe(1)
    expect(wrong.stdout).toMatch(/src\/main\.lua:1:\d+: error E\d+: /)
    expect(wrong.stderr).toMatch(/^Error: lint failed: 1 errors, 0 warnings\n$/)
    const json = JSON.parse((await wippy(cwd, ['lint', '--json'])).stdout)
    expect(json).toMatchObject({ error_count: 1, total_entries: 1 })
    expect((await wippy(cwd, ['lint', '--level', 'all'])).stderr).toContain('invalid --level "all"')
  })

  test('a pack runs elsewhere with the embedded files, and only with its own commands', async () => {
    const cwd = app(`  - {name: files, kind: fs.directory, directory: ./assets}
  - name: cat
    kind: process.lua
    meta: {command: {name: cat}}
    method: main
    modules: [io, fs]
    source: |
      local io, fs = require("io"), require("fs")
      return { main = function() io.write(fs.get("app:files"):readfile("/hello.txt")) end }
`)
    await wippy(cwd, ['init', '-s'])
    const assets = projectFolder({ 'hello.txt': 'embedded\n' })
    folders.push(assets)
    renameSync(assets, join(cwd, 'assets'))
    expect((await wippy(cwd, ['pack', '--list'])).stdout).toContain('app:files')
    expect(await wippy(cwd, ['pack', 'out.wapp', '--embed', 'app:files', '--meta', 'a=b'])).toMatchObject({ code: 0 })
    const away = folder()
    copyFileSync(join(cwd, 'out.wapp'), join(away, 'out.wapp'))
    expect(await wippy(away, ['run', 'out.wapp', 'cat'])).toEqual({ code: 0, stdout: 'embedded\n', stderr: '' })
    expect(await wippy(away, ['run', 'out.wapp', 'main', 'number'])).toMatchObject({ code: 7 })
    expect((await wippy(away, ['run', 'out.wapp'])).stderr).toContain(
      'no command is marked as main; specify one of: main, cat',
    )
    expect((await wippy(away, ['run', 'out.wapp', 'dog'])).stderr).toContain('command "dog" not found in pack')
    expect((await wippy(away, ['run', 'none.wapp'])).stderr).toContain('pack file not found')
    expect((await wippy(cwd, ['pack', 'x.wapp', '--meta', 'registry=1'])).stderr).toContain('reserved')
    expect((await wippy(cwd, ['pack', 'x.wapp', '--embed', 'a', '--embed-all'])).stderr).toContain('cannot be combined')
  })

  test('a folder that no pack embeds is one of where the pack runs', async () => {
    const cwd = app(`  - {name: data, kind: fs.directory, directory: ./data, auto_init: true}
  - name: keep
    kind: process.lua
    meta: {command: {name: keep}}
    modules: [fs]
    source: return { main = function() return assert(fs.get("app:data")):writefile("/kept.txt", "kept") and 0 end }
`)
    await wippy(cwd, ['init', '-s'])
    expect(await wippy(cwd, ['pack', 'out.wapp'])).toMatchObject({ code: 0 })
    const away = folder()
    copyFileSync(join(cwd, 'out.wapp'), join(away, 'out.wapp'))
    expect(await wippy(away, ['run', 'out.wapp', 'keep'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(join(away, 'data', 'kept.txt'), 'utf8')).toBe('kept')
  })

  test('new, two steps, and a hello that runs, tests and lints', async () => {
    const cwd = folder()
    const made = await wippy(cwd, ['new', 'hello', 'my-app'])
    expect(made.stdout).toBe('Created hello in my-app\n\nNext:\n  cd my-app\n  wippy run hello\n  wippy test\n')
    const inside = join(cwd, 'my-app')
    // `npm install` is the next thing that the README does there.
    expect(readFileSync(join(inside, '.gitignore'), 'utf8')).toBe('.wippy/\nnode_modules/\n')
    expect(await wippy(inside, ['run', 'hello', 'Ann'])).toEqual({ code: 0, stdout: 'hello Ann\n', stderr: '' })
    const tested = await wippy(inside, ['test'])
    expect(tested.code).toBe(0)
    expect(tested.stdout).toContain('2 passed, 0 failed')
    expect(await wippy(inside, ['lint'])).toMatchObject({ code: 0 })
    expect((await wippy(cwd, ['new', 'hello', 'my-app'])).stderr).toContain('is not empty')
    expect((await wippy(cwd, ['new', 'hallo', 'x'])).stderr).toContain(
      'unknown template "hallo"\nDid you mean "hello"?',
    )
    expect((await wippy(cwd, ['new', 'hello', 'My App'])).stderr).toContain('invalid name "My App"')
  })

  test('a failing test fails the command', async () => {
    const cwd = folder()
    await wippy(cwd, ['new', 'hello', 'my-app'])
    const inside = join(cwd, 'my-app')
    const file = join(inside, 'src', 'greeting_test.lua')
    writeFileSync(file, readFileSync(file, 'utf8').replace('"hello Ann"', '"good bye"'))
    const { code, stdout } = await wippy(inside, ['test'])
    expect(code).not.toBe(0)
    expect(stdout).toContain('1 passed, 1 failed')
  })

  test('a test file that does not load fails the command, whatever else passed', async () => {
    const cwd = folder()
    await wippy(cwd, ['new', 'hello', 'my-app'])
    const inside = join(cwd, 'my-app')
    writeFileSync(join(inside, 'src', 'greeting_test.lua'), 'return {\n')
    const { code, stderr } = await wippy(inside, ['test'])
    expect(stderr).toMatch(/^error: src\/greeting_test\.lua:\d: /)
    expect(stderr).toMatch(/\nError: not all was tested: 1 errors in the sources\n$/)
    expect(code).toBe(1)
  })

  test('what is left out and is no test leaves the run as its tests left it', async () => {
    const cwd = folder()
    await wippy(cwd, ['new', 'hello', 'my-app'])
    const inside = join(cwd, 'my-app')
    mkdirSync(join(inside, 'src', 'more'))
    const text = 'version: "1.0"\nnamespace: app.more\nentries:\n  - name: bucket\n    kind: store.nowhere\n'
    writeFileSync(join(inside, 'src', 'more', '_index.yaml'), text)
    const { code, stderr } = await wippy(inside, ['test'])
    expect(stderr).toContain('app.more:bucket')
    expect(code).toBe(0)
  })

  test('a pack into a folder that is not there names it', async () => {
    const cwd = app()
    expect(await wippy(cwd, ['pack', 'nowhere/out.wapp'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Error: pack \S+\/nowhere\/out\.wapp: there is no folder \S+\/nowhere\n$/),
    })
  })

  test('a new component is found by the project it is in', async () => {
    const cwd = app()
    await wippy(cwd, ['new', 'component', 'acme/greeter'])
    expect((await wippy(cwd, ['registry', 'show', 'acme.greeter:settings', '-f', 'greeting'])).stdout).toBe('hello\n')
    expect(await wippy(cwd, ['lint'])).toMatchObject({ code: 0, stdout: 'Checked 2 entries\n' })
  })

  test('docs shows a page by path and finds pages by words', async () => {
    const cwd = folder()
    expect((await wippy(cwd, ['docs', 'lua/core/time'])).stdout).toMatch(/^# time\n/)
    expect((await wippy(cwd, ['docs', 'base64', 'encode'])).stdout).toContain('lua/data/base64')
    expect(await wippy(cwd, ['docs', 'zzzqqqxxx'])).toMatchObject({ code: 1 })
    expect((await wippy(cwd, ['docs', '../../../src/_index'])).stdout).not.toContain('namespace')
  })
})
