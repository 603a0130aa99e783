// Environment: storages, variables, lookup order, secrets, the kinds that open them and the module that reads them.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Entry } from '../../../runtime/core/entry.ts'
import { emptyFrame, type Scope } from '../../../runtime/core/frame.ts'
import type { ValueMap } from '../../../runtime/core/value.ts'
import { createHost } from '../../../runtime/create-host.ts'
import { envKinds } from '../../../runtime/features/env/env-kinds.ts'
import { envModule } from '../../../runtime/features/env/env-module.ts'
import { Environment } from '../../../runtime/features/env/environment.ts'
import type { ModuleTable } from '../../../runtime/lua/module.ts'
import type { Kind, Opened } from '../../../runtime/registry/kind.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, fakeCall, type Outcome } from '../../support/call-module.ts'

const folders: string[] = []
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'env-'))
  folders.push(path)
  return path
}
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true })
})

interface World {
  environment: Environment
  open(id: string, kind: string, data: ValueMap, meta?: ValueMap): Opened<unknown>
}

function world(os: Record<string, string> = {}, root = '/'): World {
  const environment = new Environment()
  const kinds = new Map(envKinds({ environment, os, root }).map((kind) => [kind.kind, kind as Kind<unknown>]))
  return {
    environment,
    open(id, kind, data, meta = {}) {
      const found = kinds.get(kind)
      if (found === undefined) throw new Error(`no kind ${kind}`)
      const entry: Entry = { id, kind, meta, data }
      return found.open(entry, found.decode(entry), { origin: 'disk' }) as Opened<unknown>
    },
  }
}

describe('variables', () => {
  test('are found by public name, by id, and by a bare name of the caller', () => {
    const { environment, open } = world({ PORT: '80', hidden: 'h' })
    open('app:os', 'env.storage.os', {})
    open('app:port_var', 'env.variable', { variable: 'PORT', storage: 'app:os' })
    open('app:hidden', 'env.variable', { storage: 'os' })
    expect(environment.get('PORT')).toBe('80')
    expect(environment.get('app:port_var')).toBe('80')
    expect(environment.get('port_var', 'app')).toBe('80')
    expect(environment.get('hidden', 'app')).toBe('h')
    expect(() => environment.get('hidden', 'other')).toThrow('environment variable not found')
  })

  test('give the value of the storage, then their default, then NotFound', () => {
    const { environment, open } = world()
    open('app:mem', 'env.storage.memory', {})
    open('app:a', 'env.variable', { variable: 'A', storage: 'app:mem', default: 8080 })
    open('app:b', 'env.variable', { variable: 'B', storage: 'app:mem' })
    expect(environment.get('A')).toBe('8080')
    environment.set('A', '')
    expect(environment.get('A')).toBe('')
    expect(environment.lookupForPlaceholders('B')).toBeUndefined()
    expect(() => environment.get('B')).toThrow('environment variable not found')
    expect([...environment.all()]).toEqual([['A', '']])
  })

  test('a raw OS variable is not visible without a variable entry', () => {
    const { environment, open } = world({ HOME: '/root' })
    open('app:os', 'env.storage.os', {})
    expect(environment.lookup('HOME')).toBeUndefined()
    expect(environment.lookup('constructor')).toBeUndefined()
  })

  test('the first to claim a public name keeps it until it goes', () => {
    const { environment, open } = world()
    open('app:s', 'env.storage.static', { values: { X: '1' } })
    open('app:t', 'env.storage.static', { values: { X: '2' } })
    const first = open('app:one', 'env.variable', { variable: 'X', storage: 'app:s' })
    open('app:two', 'env.variable', { variable: 'X', storage: 'app:t' })
    expect([environment.get('X'), environment.get('app:two')]).toEqual(['1', '2'])
    first.close()
    expect(environment.get('X')).toBe('2')
  })

  test.each([
    [{ variable: 'A-B', storage: 'app:s' }, /^entry app:v: variable "A-B" is not a variable name/],
    [{ variable: 'A' }, /^entry app:v: storage is required$/],
    [{ storage: 'app:missing' }, /^environment storage not found: app:missing$/],
  ])('%j is refused', (data, message) => {
    expect(() => world().open('app:v', 'env.variable', data)).toThrow(message)
  })
})

describe('storages', () => {
  const worldOf = (text: string) => {
    const root = folder()
    const path = join(root, 'app.env')
    writeFileSync(path, text)
    const made = world({}, root)
    made.open('app:f', 'env.storage.file', { file_path: 'app.env' })
    for (const name of ['A', 'B']) made.open(`app:${name}`, 'env.variable', { variable: name, storage: 'app:f' })
    return { ...made, path }
  }

  test('a router asks in order and writes to the first', () => {
    const { environment, open } = world({ A: 'os', B: 'os' })
    open('app:mem', 'env.storage.memory', {})
    open('app:os', 'env.storage.os', {})
    open('app:all', 'env.storage.router', { storages: ['mem', 'app:os'] })
    open('app:a', 'env.variable', { variable: 'A', storage: 'app:all' })
    expect(environment.get('A')).toBe('os')
    environment.set('A', 'mem')
    expect(environment.get('A')).toBe('mem')
    expect(() => open('app:self', 'env.storage.router', { storages: ['app:self'] })).toThrow('contains itself')
  })

  test('routers in a circle find nothing instead of never ending', () => {
    const { environment, open } = world()
    open('app:b', 'env.storage.memory', {})
    open('app:a', 'env.storage.router', { storages: ['app:b'] })
    open('app:b', 'env.storage.router', { storages: ['app:a'] })
    open('app:v', 'env.variable', { variable: 'V', storage: 'app:a' })
    expect(environment.lookup('V')).toBeUndefined()
  })

  test.each([['env.storage.os'], ['env.storage.static']])('%s is read-only', (kind) => {
    const { environment, open } = world()
    open('app:s', kind, {})
    open('app:v', 'env.variable', { variable: 'V', storage: 'app:s' })
    expect(() => environment.set('V', 'x')).toThrow('storage is read-only')
  })

  test('a file of Windows lines has comments too', () => {
    const { open, environment } = worldOf('# x=1\r\nA=b # c\r\nB=d\r\n')
    open('app:x', 'env.variable', { variable: 'X', storage: 'app:f' })
    expect([environment.get('A'), environment.get('B'), environment.lookup('X')]).toEqual(['b', 'd', undefined])
  })

  test('a file with a key twice has the last, which is the one that is set', () => {
    const { environment, path } = worldOf('A=1\nB=0\nA=2\n')
    expect(environment.get('A')).toBe('2')
    environment.set('A', '3')
    expect(environment.get('A')).toBe('3')
    expect(readFileSync(path, 'utf8')).toBe('A=1\nB=0\nA=3\n')
  })

  test('a file keeps its comments and order, is replaced whole, and changes from outside are seen', () => {
    const root = folder()
    const path = join(root, 'conf', 'app.env')
    const { environment, open } = world({}, root)
    open('app:f', 'env.storage.file', { file_path: 'conf/app.env', auto_create: true, file_mode: 600 })
    open('app:a', 'env.variable', { variable: 'A', storage: 'app:f' })
    open('app:b', 'env.variable', { variable: 'B', storage: 'app:f' })
    environment.set('A', '1')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    writeFileSync(path, '# head\nB = two # why\n\nA=1\n')
    expect([environment.get('A'), environment.get('B')]).toEqual(['1', 'two'])
    environment.set('A', '3=4')
    environment.set('B', 'x')
    expect(readFileSync(path, 'utf8')).toBe('# head\nB=x\n\nA=3=4\n')
    expect(() => environment.set('A', 'a\nB=evil')).toThrow('cannot hold this value')
  })

  test('a missing file is refused unless it may be made', () => {
    expect(() => world({}, folder()).open('app:f', 'env.storage.file', { file_path: '.env' })).toThrow(
      'environment file not found',
    )
  })
})

describe('secrets', () => {
  test('values of secret variables are masked, by name or by meta, before anybody has read them', () => {
    const { environment, open } = world({ API_KEY: 'sk-123"4', PIN: '9876', MONKEY: 'banana', DB: 'postgres' })
    open('app:os', 'env.storage.os', {})
    open('app:key', 'env.variable', { variable: 'API_KEY', storage: 'app:os' })
    open('app:pin', 'env.variable', { variable: 'PIN', storage: 'app:os' }, { secret: true })
    open('app:monkey', 'env.variable', { variable: 'MONKEY', storage: 'app:os' }, { secret: false })
    open('app:db', 'env.variable', { variable: 'DB', storage: 'app:os' })
    expect(environment.maskSecrets('key sk-123"4 pin 9876 banana postgres')).toBe('key *** pin *** banana postgres')
    expect(environment.maskSecrets(JSON.stringify('sk-123"4'))).toBe('"***"')
    expect(environment.secrets.maskValue({ a: ['Bearer sk-123"4', 1] })).toEqual({ a: ['Bearer ***', 1] })
  })

  test('a value set later is hidden too, and the old one stays hidden', () => {
    const { environment, open } = world()
    open('app:mem', 'env.storage.memory', {})
    open('app:t', 'env.variable', { variable: 'APP_TOKEN', storage: 'app:mem', default: 'first-token' })
    environment.set('APP_TOKEN', 'second-token')
    expect(environment.maskSecrets('first-token second-token')).toBe('*** ***')
  })
})

describe('the module', () => {
  const opened = (): { table: ModuleTable; environment: Environment } => {
    const { environment, open } = world({ A: 'a', B: 'b' })
    open('app:os', 'env.storage.os', {})
    open('app:mem', 'env.storage.memory', {})
    open('app:a', 'env.variable', { variable: 'A', storage: 'app:os' })
    open('app:b', 'env.variable', { variable: 'B', storage: 'app:mem' })
    const guard = new Guard({ strict: false })
    return { environment, table: envModule({ environment, guard }).open() as ModuleTable }
  }
  const onlyA: Scope = {
    evaluate: (_actor, action, resource) => (action === 'env.get' && resource === 'A' ? 'allow' : 'deny'),
  }
  const restricted = { ...fakeCall(), frame: { ...emptyFrame, actor: { id: 'x', meta: {} }, scope: onlyA } }

  test('reads, sets and lists', () => {
    const { table } = opened()
    expect((callFunction(table, 'get', ['A']) as Outcome).value).toBe('a')
    expect((callFunction(table, 'get', ['B']) as Outcome).error).toMatchObject({
      kind: 'NotFound',
      message: 'environment variable not found',
    })
    expect((callFunction(table, 'set', ['B', 'x']) as Outcome).value).toBe(true)
    expect((callFunction(table, 'get_all', []) as Outcome).value).toEqual({ A: 'a', B: 'x' })
    expect((callFunction(table, 'get', ['']) as Outcome).error).toMatchObject({ kind: 'Invalid', message: 'empty key' })
    expect((callFunction(table, 'set', ['A', 'x']) as Outcome).error?.kind).toBe('PermissionDenied')
  })

  test('a bare name is looked up in the namespace of the code that runs', () => {
    const { table } = opened()
    const call = { ...fakeCall(), definition: 'app:worker' }
    expect((callFunction(table, 'get', ['a'], call) as Outcome).value).toBe('a')
  })

  test('rights are asked for the key as it was passed', () => {
    const { table } = opened()
    expect((callFunction(table, 'get', ['A'], restricted) as Outcome).value).toBe('a')
    expect((callFunction(table, 'get', ['app:a'], restricted) as Outcome).error).toMatchObject({
      kind: 'PermissionDenied',
      message: 'not allowed to access environment variable: app:a',
    })
    expect((callFunction(table, 'set', ['B', 'x'], restricted) as Outcome).error).toMatchObject({
      kind: 'PermissionDenied',
      message: 'not allowed to set environment variable: B',
    })
    expect((callFunction(table, 'get_all', [], restricted) as Outcome).value).toEqual({ A: 'a' })
  })
})

test('a secret does not show in what Lua reads of the registry, and still works', async () => {
  const entries: Entry[] = [
    { id: 'app:mem', kind: 'env.storage.memory', meta: {}, data: {} },
    { id: 'app:static', kind: 'env.storage.static', meta: {}, data: { values: { DB_PASSWORD: 'hunter2hunter2' } } },
    {
      id: 'app:key',
      kind: 'env.variable',
      meta: {},
      data: { variable: 'API_KEY', storage: 'app:mem', default: 'sk-default' },
    },
    { id: 'app:pw', kind: 'env.variable', meta: {}, data: { variable: 'DB_PASSWORD', storage: 'app:static' } },
    {
      id: 'app:reader',
      kind: 'function.lua',
      meta: {},
      data: {
        method: 'handler',
        modules: ['registry', 'env', 'json', 'events'],
        source: `
          local registry, env, json, events = require("registry"), require("env"), require("json"), require("events")
          return function()
            local sub = events.subscribe("registry", "entry.update")
            local key = registry.get("app:key")
            key.meta.touched = true
            local all = json.encode(registry.find({ [".kind"] = "env.*" })) .. json.encode(registry.snapshot():entries())
            registry.snapshot():changes():update({ id = "app:mem2", kind = "env.variable", meta = {},
              data = { variable = "OTHER_TOKEN", storage = "app:mem", default = "tok-" .. "default" } }):apply()
            local event = sub:channel():receive()
            return { key.data.default, all, json.encode(event), env.get("API_KEY"), env.get("DB_PASSWORD"), env.get("OTHER_TOKEN") }
          end`,
      },
    },
    {
      id: 'app:mem2',
      kind: 'env.variable',
      meta: {},
      data: { variable: 'OTHER_TOKEN', storage: 'app:mem', default: 'old-token-1' },
    },
  ]
  const host = await createHost({ entries })
  await host.start()
  const [shown, all, event, ...real] = (await host.call('app:reader')) as string[]
  expect(shown).toBe('***')
  for (const secret of ['sk-default', 'hunter2hunter2', 'old-token-1', 'tok-default']) {
    expect(all).not.toContain(secret)
    expect(event).not.toContain(secret)
  }
  expect(real).toEqual(['sk-default', 'hunter2hunter2', 'tok-default'])
  await host.stop()
})
