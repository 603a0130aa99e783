// The flagship application and the components as they lie in the repository: every file loads, every dependency is there,
// every import and every module an entry names exists, and the Lua of each entry parses.

import { readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { isMap, type Value } from '../../runtime/core/value.ts'
import { type Loaded, loadProject } from '../../runtime/loader/load.ts'
import { eraseTypes } from '../../runtime/lua/typed/erase.ts'

const root = resolve(import.meta.dirname, '../..')

let loaded: Loaded
let byId: Map<string, Entry>

beforeAll(async () => {
  loaded = await loadProject({ root, env: {}, tests: true })
  byId = new Map(loaded.entries.map((entry) => [entry.id, entry]))
})

function field(id: string, name: string): Value | undefined {
  const data = byId.get(id)?.data
  return isMap(data) ? data[name] : undefined
}

function luaEntries(): Entry[] {
  return loaded.entries.filter(({ kind }) => /^(?:function|process|library)\.lua$/.test(kind))
}

describe('the repository as a project', () => {
  test('loads without a complaint', () => {
    expect(loaded.diagnostics).toEqual([])
  })

  test('has the entries of the tutorial', () => {
    const ids = [
      'app:gpt-5.1',
      'app:gpt-4.1-nano',
      'app:dev_assistant',
      'app:agent',
      'app:deny_core_ns',
      'app:deny_tools_ns',
      ...['doc_search', 'registry_list', 'registry_read', 'create_tool', 'load_tool'].map(
        (name) => `app.tools:${name}`,
      ),
    ]
    for (const id of ids) expect(byId.has(id), id).toBe(true)
  })

  test('gives the drivers their environment through the application', () => {
    for (const name of ['api_key', 'base_url', 'organization', 'timeout', 'api', 'model'])
      expect(field(`wippy.llm.openai:${name}`, 'storage'), name).toBe('app:os_env')
  })

  test('has exactly one terminal host, which starts by itself and hides logs', () => {
    const hosts = loaded.entries.filter(({ kind }) => kind === 'terminal.host')
    expect(hosts.map(({ id }) => id)).toEqual(['wippy.terminal:host'])
    expect(field('wippy.terminal:host', 'hide_logs')).toBe(true)
    expect(field('wippy.terminal:host', 'lifecycle')).toEqual({ auto_start: true })
  })

  test('keeps the order of the tutorial in what create_tool allows', () => {
    const source = String(field('app.tools:create_tool', 'source'))
    for (const name of [
      'time',
      'json',
      'http_client',
      'expr',
      'text',
      'base64',
      'yaml',
      'crypto',
      'hash',
      'uuid',
      'url',
    ])
      expect(source).toContain(`${name} = true`)
    expect(source).toContain('MAX_SOURCE_LEN = 16000')
    expect(source).toContain('MAX_NAME_LEN = 64')
  })
})

describe('Lua entries', () => {
  test('parse', () => {
    for (const entry of luaEntries()) {
      const source = isMap(entry.data) ? entry.data.source : undefined
      expect(typeof source, entry.id).toBe('string')
      expect(() => eraseTypes(String(source), entry.id), entry.id).not.toThrow()
    }
  })

  test('import only what exists', () => {
    for (const entry of luaEntries()) {
      const imports = isMap(entry.data) && isMap(entry.data.imports) ? entry.data.imports : {}
      for (const [alias, target] of Object.entries(imports)) {
        const id = String(target)
        if (!id.includes(':') || id.startsWith(':')) continue
        expect(byId.has(id), `${entry.id} imports ${alias}: ${id}`).toBe(true)
      }
    }
  })

  test('require only what they import or are granted', () => {
    for (const entry of luaEntries()) {
      const data = isMap(entry.data) ? entry.data : {}
      const granted = new Set([
        ...(Array.isArray(data.modules) ? data.modules.map(String) : []),
        ...(isMap(data.imports) ? Object.keys(data.imports) : []),
      ])
      // Long strings hold the sources of other tools.
      const source = String(data.source).replaceAll(/\[\[[\s\S]*?\]\]/g, '')
      for (const [, name] of source.matchAll(/^local \w+ = require\("([^"]+)"\)/gm))
        expect(granted.has(String(name)), `${entry.id} requires ${name}`).toBe(true)
    }
  })

  test('are all listed: no Lua file of a component lies about unused', () => {
    const used = new Set([...loaded.files.values()].flatMap(({ files }) => files))
    for (const path of luaFiles()) expect(used.has(path), path).toBe(true)
  })
})

describe('contracts', () => {
  test('are bound to functions that exist', () => {
    for (const entry of loaded.entries.filter(({ kind }) => kind === 'contract.binding')) {
      const contracts = isMap(entry.data) && Array.isArray(entry.data.contracts) ? entry.data.contracts : []
      expect(contracts.length, entry.id).toBeGreaterThan(0)
      for (const contract of contracts.filter(isMap)) {
        expect(byId.get(String(contract.contract))?.kind, `${entry.id}: ${contract.contract}`).toBe(
          'contract.definition',
        )
        for (const target of Object.values(isMap(contract.methods) ? contract.methods : {}))
          expect(byId.get(String(target))?.kind, `${entry.id}: ${target}`).toBe('function.lua')
      }
    }
  })
})

const folders = ['app', 'components'].map((name) => join(root, name))

function luaFiles(): string[] {
  return folders.flatMap(walk).filter((path) => path.endsWith('.lua'))
}

function walk(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path).flatMap((name) => walk(join(path, name)))
}
