// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders are what is tested
import { describe, expect, test } from 'vitest'
import { errorText, RuntimeError } from '../../runtime/core/error.ts'
import { type Config, type ConfigSources, loadConfig } from '../../runtime/loader/config.ts'
import { readLock } from '../../runtime/loader/lockfile.ts'
import { folder } from './project-folder.ts'

const config = (text: string, more: Partial<ConfigSources> = {}): Config =>
  loadConfig({ root: folder({ '.wippy.yaml': `version: "1.0"\n${text}` }).path, ...more })

const failure = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return errorText(error)
  }
  throw new Error('accepted')
}

describe('reading', () => {
  test('sections become dotted keys over the defaults', () => {
    const read = config(
      'logger: {encoding: json}\nsupervisor: {host: {worker_count: 4}}\nx: {list: [1, 2], empty: {}}\n',
    )
    expect(read.text('logger.encoding')).toBe('json')
    expect(read.integer('supervisor.host.worker_count')).toBe(4)
    expect(read.integer('supervisor.host.buffer_size')).toBe(1024)
    expect(read.ms('shutdown.timeout')).toBe(30_000)
    expect(read.get('x.list')).toEqual([1, 2])
    expect(read.boolean('security.strict_mode')).toBe(false)
    expect(read.has('logger.encoding')).toBe(true)
    expect(read.has('registry.history_type')).toBe(false)
    expect(read.section('supervisor')).toEqual({ 'host.worker_count': 4, 'host.buffer_size': 1024 })
  })

  test('without a file there are only defaults', () => {
    const read = loadConfig({ root: folder().path })
    expect(read.files).toEqual([])
    expect(read.text('registry.history_type')).toBe('memory')
  })

  test.each([
    ['logger: {}', /config file .*\.wippy\.yaml: missing version field/],
    ['version: "2.0"', /unsupported version "2\.0", expected "1\.0"/],
    ['- 1', /must be a map/],
    ['version: "1.0"\nlogger: json', /config section "logger" must be a map/],
    ['version: "1.0"\na: {b: [}', /config file .*: yaml: line 2: /],
    ['version: "1.0"\ndisable: [x]', /config disable must be a map/],
    ['version: "1.0"\ndisable: {entries: x}', /disable\.entries must be a list of strings/],
    ['version: "1.0"\noverride: {"app:x": 1}', /invalid override: app:x: field cannot be empty/],
    ['version: "1.0"\ncomponents: [1]', /components must be a list of folders/],
  ])('%j is refused', (text, message) => {
    expect(failure(() => loadConfig({ root: folder({ '.wippy.yaml': text }).path }))).toMatch(message)
  })

  test('bad YAML keeps its line and caret for whoever shows it', () => {
    const { path } = folder({ '.wippy.yaml': 'version: "1.0"\nlogger: {a: [}\n', 'wippy.lock': 'a: [\n' })
    const details = (run: () => unknown): unknown => {
      try {
        return run()
      } catch (error) {
        return error instanceof RuntimeError ? error.details : error
      }
    }
    expect(details(() => loadConfig({ root: path }))).toMatchObject({ line: 2, snippet: expect.stringMatching(/\^$/) })
    expect(details(() => readLock(`${path}/wippy.lock`))).toMatchObject({ snippet: expect.stringMatching(/\^$/) })
  })

  test('the version may be written as a number', () => {
    expect(loadConfig({ root: folder({ '.wippy.yaml': 'version: 1.0\n' }).path }).files).toHaveLength(1)
  })

  test('a setting of the wrong type is named with its value', () => {
    const read = config('security: {strict_mode: "yes"}\nshutdown: {timeout: soon}\n')
    expect(failure(() => read.boolean('security.strict_mode'))).toBe(
      'config security.strict_mode: "yes" is not true or false',
    )
    expect(failure(() => read.ms('shutdown.timeout'))).toBe('config shutdown.timeout: "soon" is not a duration')
    expect(failure(() => read.choice('shutdown.timeout', ['now', 'later']))).toBe(
      'config shutdown.timeout: "soon" is not now or later',
    )
  })

  test('several files are merged left to right, map by map', () => {
    const { path } = folder({
      'a.yaml': 'version: "1.0"\na: {x: 1, y: {p: 1, q: [1]}}\n',
      'b.yaml': 'version: "1.0"\na: {y: {q: [2], r: 3}}\n',
      '.wippy.yaml': 'version: "1.0"\na: {x: ignored}\n',
    })
    const read = loadConfig({ root: path, files: ['a.yaml', 'b.yaml'] })
    expect(read.section('a')).toEqual({ x: 1, 'y.p': 1, 'y.q': [2], 'y.r': 3 })
    expect(failure(() => loadConfig({ root: path, files: ['c.yaml'] }))).toContain('c.yaml does not exist')
  })
})

describe('composition', () => {
  const text =
    'vars: {name: one, port: 80, url: "http://${name}:${port}"}\n' +
    'server: {address: "${url}/x", port: "${port}", home: "${env:HOME_DIR}", level: "${env:LEVEL|3}", raw: "$${name}"}\n' +
    'disable: {namespaces: [a, b], entries: ["x:y"]}\n' +
    'profiles:\n  dev:\n    vars: {name: two}\n    server: {level: 9}\n' +
    '    disable: {namespaces: {add: [c], remove: [a]}, entries: {add: ["p:q"]}}\n' +
    '  bad:\n    vars: {name: "${env:X}"}\n'
  const env = { HOME_DIR: '/home' }

  test('variables and the environment are filled in, numbers stay numbers', () => {
    const read = config(text, { env })
    expect(read.section('server')).toEqual({
      address: 'http://one:80/x',
      port: 80,
      home: '/home',
      level: 3,
      raw: '${name}',
    })
    expect(read.has('profiles.dev.server.level')).toBe(false)
  })

  test('a profile changes leaves, variables and the lists of disable', () => {
    const read = config(text, { env, profiles: ['dev'] })
    expect(read.text('server.address')).toBe('http://two:80/x')
    expect(read.integer('server.level')).toBe(9)
    expect(read.disable).toEqual({ namespaces: ['b', 'c'], entries: ['x:y', 'p:q'], meta: {} })
  })

  test('--set comes after profiles, with types', () => {
    const set = ['server.level=7', 'cluster.enabled=true', 'a.b=TRUE', 'a.c=1.5', 'a.d=x=y']
    const read = config(text, { env, profiles: ['dev'], set })
    expect(read.integer('server.level')).toBe(7)
    expect(read.boolean('cluster.enabled')).toBe(true)
    expect(read.section('a')).toEqual({ b: 'TRUE', c: 1.5, d: 'x=y' })
  })

  test('--set reaches overrides, variables and what is disabled too', () => {
    const set = ['override.app:db:pool.size=5', 'override.app:db:host=db', 'vars.port=90', 'disable.meta.type=test']
    const read = config(`override: {"app:db:host": file, "app:x:y": 1}\n${text}`, {
      env,
      set,
      overrides: ['app:x:y=2'],
    })
    expect(read.overrides.map(({ id, path, value }) => [id, path, value])).toEqual([
      ['app:db', 'host', 'db'],
      ['app:x', 'y', 1],
      ['app:db', 'pool.size', 5],
      ['app:x', 'y', 2],
    ])
    expect(read.text('server.address')).toBe('http://one:90/x')
    expect(read.disable).toEqual({ namespaces: ['a', 'b'], entries: ['x:y'], meta: { type: ['test'] } })
  })

  test.each([
    [{ set: ['components.x=y'] }, 'invalid --set "components.x=y": components cannot be set on the command line'],
    [{ set: ['disable.entries=x:y'] }, 'config disable.entries must be a list of strings'],
    [{ set: ['override.app:db=1'] }, 'invalid override: app:db: field cannot be empty'],
    [{ profiles: ['nope'] }, 'unknown profile "nope" (known: bad, dev)'],
    [{ profiles: ['bad'] }, 'profile "bad": vars cannot use ${env:...}'],
    [{ env: {} }, 'config server.home: environment variable "HOME_DIR" is not set'],
    [{ set: ['x'] }, 'invalid --set "x": expected section.path=value'],
    [{ set: ['x=1'] }, 'invalid --set "x=1": key must be section.path (e.g. cluster.enabled)'],
    [{ overrides: ['x'] }, "invalid override: x: missing separator '=', expected format: namespace:entry:field=value"],
    [{ overrides: [':e:f=1'] }, 'invalid override: :e:f=1: namespace cannot be empty'],
    [{ overrides: ['n::f=1'] }, 'invalid override: n::f=1: entry name cannot be empty'],
    [{ overrides: ['n:e=1'] }, 'invalid override: n:e=1: field cannot be empty'],
  ])('%j is refused', (more, message) => {
    expect(failure(() => config(text, { env, ...more }))).toBe(message)
  })

  test('a default is typed where it is the whole value, and as it stands within text', () => {
    const read = config('x: {whole: "${gone|1.50}", text: "v${gone|1.50}", quoted: "${gone|\'1.50\'}"}\n')
    expect([read.get('x.whole'), read.get('x.text'), read.get('x.quoted')]).toEqual([1.5, 'v1.50', '1.50'])
  })

  test('a variable that needs itself or is unknown is refused', () => {
    expect(failure(() => config('vars: {a: "${b}", b: "${a}"}\nx: {y: "${a}"}\n'))).toMatch(
      /refers to itself \(b -> a -> b\)/,
    )
    expect(failure(() => config('x: {y: "${nope}"}\n'))).toBe('config x.y: variable "nope" is not set')
  })

  test('overrides of the file come before those of the command line', () => {
    const read = config('override: {"app:x:port": 1, "app:x:meta.a": [1]}\n', {
      overrides: ['app:x:port=2,app:y:s=a,b'],
    })
    expect(read.overrides).toEqual([
      { id: 'app:x', path: 'port', value: 1 },
      { id: 'app:x', path: 'meta.a', value: [1] },
      { id: 'app:x', path: 'port', value: 2 },
      { id: 'app:y', path: 's', value: 'a,b' },
    ])
  })
})

test('two configurations differ in settings only', () => {
  const one = config('a: {b: [1]}\noverride: {"app:x:y": 1}\n')
  expect(one.differsFrom(config('a: {b: [1]}\n'))).toBe(false)
  expect(one.differsFrom(config('a: {b: [2]}\n'))).toBe(true)
})
