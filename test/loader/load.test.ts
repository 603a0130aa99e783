// A project on disk becomes entries, origins, files and diagnostics.

import { symlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../runtime/core/entry.ts'
import { formatDiagnostic } from '../../runtime/loader/diagnostic.ts'
import { type Loaded, type LoadOptions, loadProject } from '../../runtime/loader/load.ts'
import { SourceCache } from '../../runtime/loader/source-cache.ts'
import { type Folder, folder, LOCK } from './project-folder.ts'

const load = (project: Folder, options: Partial<LoadOptions> = {}): Promise<Loaded> =>
  loadProject({ root: project.path, ...options })

const messages = (loaded: Loaded): string[] =>
  loaded.diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, loaded.project.root))

const get = (loaded: Loaded, id: string): Entry => {
  const found = loaded.entries.find((entry) => entry.id === id)
  if (found === undefined) throw new Error(`no ${id} among ${loaded.entries.map((entry) => entry.id)}`)
  return found
}

const index = (ns: string, entries: string): string => `version: "1.0"\nnamespace: ${ns}\nentries:\n${entries}`

describe('definition files', () => {
  test('both shapes in yaml, yml and json, at any depth, become entries in lexical order', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/_index.yaml': index('app', '  - {name: a, kind: registry.entry, meta: {x: 1}, field: [1, 2]}\n'),
      'src/deep/er/b.yml':
        'namespace: app.deep\nname: b\nkind: registry.entry\nmeta: {y: 2}\nfield: v\nversion: "1.0"\n',
      'src/c.json': '{\n\t"namespace": "app.c",\n\t"entries": [{"name": "c", "kind": "registry.entry", "data": 7}]\n}',
      'src/not-ours.yaml': 'services: {web: {image: x}}\n',
      'src/blank.yaml': 'namespace: "  "\nentries: [{}]\n',
      'src/upper.YAML': 'namespace: upper\nname: x\nkind: k\n',
      'src/node_modules/x/_index.yaml': 'namespace: nm\nname: x\nkind: k\n',
    })
    const loaded = await load(project)
    expect(messages(loaded)).toEqual([])
    expect(loaded.entries).toEqual([
      { id: 'app:a', kind: 'registry.entry', meta: { x: 1 }, data: { field: [1, 2] } },
      { id: 'app.c:c', kind: 'registry.entry', meta: {}, data: 7 },
      { id: 'app.deep:b', kind: 'registry.entry', meta: { y: 2 }, data: { field: 'v' } },
    ])
    expect([...loaded.origins.values()]).toEqual(['disk', 'disk', 'disk'])
    expect(loaded.files.get('app.deep:b')).toMatchObject({ file: project.at('src/deep/er/b.yml'), line: 1 })
  })

  test('the meta of a file is laid under that of its entries, key by key', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/_index.yaml':
        'namespace: app\nmeta: {a: 1, tags: [x]}\nentries:\n' +
        '  - {name: one, kind: k, meta: {tags: [y], b: 2}}\n  - {name: two, kind: k, meta: text}\n',
    })
    const loaded = await load(project)
    expect(get(loaded, 'app:one').meta).toEqual({ a: 1, tags: ['y'], b: 2 })
    expect(get(loaded, 'app:two').meta).toEqual({ a: 1, tags: ['x'] })
  })

  test('an entry that says data is that value and nothing else', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/_index.yaml': index(
        'app',
        '  - {name: a, kind: k, data: [1], other: 2}\n  - {name: b, kind: k, data: null}\n',
      ),
    })
    const loaded = await load(project)
    expect(get(loaded, 'app:a').data).toEqual([1])
    expect(get(loaded, 'app:b').data).toBe(null)
  })

  test.each([
    [
      'namespace: app\n',
      'src/bad.yaml:1:1: entries: either entries array or single entry (name/kind) must be provided',
    ],
    ['namespace: app\nentries: 3\n', 'src/bad.yaml:1:1: entries must be a list'],
    [
      index('app', '  - {kind: k}\n'),
      'src/bad.yaml:4:5: entry[0].name: name is required and must be a non-empty string',
    ],
    [
      index('app', '  - {name: a, kind: k}\n  - name: b\n    kind: ""\n'),
      'src/bad.yaml:5:5: entry[1].kind: kind is required and must be a non-empty string',
    ],
    [index('app', '  - text\n'), 'src/bad.yaml:4:5: entry[0] must be a map'],
    ['namespace: app\nname: x\n', 'src/bad.yaml:1:1: kind is required and must be a non-empty string'],
    [index('app', '  - {name: a, kind: k, name: b}\n'), 'src/bad.yaml:4:24: mapping key "name" already defined'],
    ['namespace: [app]\nname: x\nkind: k\n', 'src/bad.yaml:1:1: namespace app must be a string'],
    [
      index('app', '  - {name: a, kind: k, source: "file://gone.lua"}\n'),
      'src/bad.yaml:4:24: file://gone.lua: no such file',
    ],
    [index('app', '  - name: a\n   kind: k\n'), 'src/bad.yaml:5:'],
  ])('%j is skipped with its place and reason, and the rest loads', async (text, message) => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/bad.yaml': text,
      'src/good.yaml': 'namespace: good\nname: x\nkind: k\n',
    })
    const loaded = await load(project)
    expect(loaded.entries.map(({ id }) => id)).toEqual(['good:x'])
    expect(loaded.diagnostics).toHaveLength(1)
    expect(messages(loaded)[0]).toContain(message)
    expect(loaded.diagnostics[0]?.snippet).toMatch(/^\d+ \| .*\n +\^$/)
    expect(loaded.broken).toEqual(new Set([project.at('src/bad.yaml')]))
  })

  test('JSON that YAML would accept is still refused', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.json': '{"namespace": "app", // no\n"name": "x", "kind": "k"}',
    })
    expect(messages(await load(project))[0]).toMatch(/^src\/a\.json:1:22: json: /)
  })

  test('a file that is not text is skipped', async () => {
    const project = folder({ 'wippy.lock': LOCK })
    project.write({ 'src/keep.txt': '' })
    const { writeFileSync } = await import('node:fs')
    writeFileSync(project.at('src/a.yaml'), Buffer.from([0x6e, 0xff, 0xfe]))
    expect(messages(await load(project))).toEqual(['src/a.yaml: not UTF-8 text; the file is skipped'])
  })

  test('of a file with several documents the first is read, and the others are mentioned', async () => {
    const project = folder({ 'wippy.lock': LOCK, 'src/a.yaml': 'namespace: a\nname: x\nkind: k\n---\nnamespace: b\n' })
    const loaded = await load(project)
    expect(loaded.entries).toHaveLength(1)
    expect(messages(loaded)).toEqual(['src/a.yaml: only the first YAML document of the file is read'])
  })

  test('an id defined twice takes the last definition and names both places', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': index('app', '  - {name: x, kind: k, v: 1}\n'),
      'src/b.yaml': index('app', '  - {name: y, kind: k}\n  - {name: x, kind: k, v: 2}\n'),
    })
    const loaded = await load(project)
    expect(get(loaded, 'app:x').data).toEqual({ v: 2 })
    expect(loaded.entries).toHaveLength(2)
    expect(messages(loaded)).toEqual([
      'src/b.yaml:5:5: entry app:x is defined 2 times; this definition is used, not that of src/a.yaml:4',
    ])
  })

  test('folders named in SKIP_TEST_DIRS are passed over', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a/x.yaml': 'namespace: a\nname: x\nkind: k\n',
      'src/deep/spec/x.yaml': 'namespace: b\nname: x\nkind: k\n',
    })
    const loaded = await load(project, { env: { SKIP_TEST_DIRS: 'spec, other' } })
    expect(loaded.entries.map(({ id }) => id)).toEqual(['a:x'])
  })
})

describe('file references', () => {
  test('any string at any depth, meta and namespace too, may be the content of a file', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/tools/_index.yaml':
        'namespace: file://ns.txt\nentries:\n  - name: a\n    kind: function.lua\n    source: file://a.lua\n' +
        '    list: [x, {deep: "file:///lib/b.txt"}]\n    meta: {schema: file://../lib/b.txt}\n' +
        '    note: see file://a.lua\n    "file://key": 1\n',
      'src/tools/ns.txt': 'app.tools',
      'src/tools/a.lua': 'return 1\n',
      'src/lib/b.txt': ' B \n',
    })
    const loaded = await load(project)
    expect(messages(loaded)).toEqual([])
    expect(get(loaded, 'app.tools:a')).toMatchObject({
      meta: { schema: ' B \n' },
      data: {
        source: 'return 1\n',
        list: ['x', { deep: ' B \n' }],
        note: 'see file://a.lua',
        'file://key': 1,
      },
    })
    expect(loaded.files.get('app.tools:a')?.sourceFile).toBe(project.at('src/tools/a.lua'))
    expect(loaded.files.get('app.tools:a')?.files.toSorted()).toEqual(
      ['src/lib/b.txt', 'src/tools/_index.yaml', 'src/tools/a.lua', 'src/tools/ns.txt'].map(project.at),
    )
  })

  test('an entry depends on the files whose content it has, and on no other', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml':
        'namespace: app\nmeta: {license: file://l.txt}\nentries:\n' +
        '  - {name: a, kind: k, data: {source: "file://a.lua"}}\n  - {name: b, kind: k, text: "file://b.txt"}\n',
      'src/one.yaml': 'namespace: one\nname: x\nkind: k\nsource: file://a.lua\n',
      'src/a.lua': 'a',
      'src/b.txt': 'b',
      'src/l.txt': 'MIT',
    })
    const { files } = await load(project)
    const shown = (id: string): unknown[] => [files.get(id)?.files, files.get(id)?.sourceFile]
    expect(shown('app:a')).toEqual([['src/a.yaml', 'src/l.txt', 'src/a.lua'].map(project.at), project.at('src/a.lua')])
    expect(shown('app:b')).toEqual([['src/a.yaml', 'src/l.txt', 'src/b.txt'].map(project.at), undefined])
    expect(shown('one:x')).toEqual([['src/one.yaml', 'src/a.lua'].map(project.at), project.at('src/a.lua')])
  })

  test('bytes that are not text arrive as bytes', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': index('app', '  - {name: a, kind: k, b: "file://b.bin"}\n'),
    })
    const { writeFileSync } = await import('node:fs')
    writeFileSync(project.at('src/b.bin'), Buffer.from([0, 255]))
    expect(get(await load(project), 'app:a').data).toEqual({ b: new Uint8Array([0, 255]) })
  })

  test.each([
    ['file://../../secret', 'leads out of'],
    ['file:///../secret', 'leads out of'],
    ['file://..', 'names no file'],
    ['file://', 'names no file'],
    ['file:///', 'names no file'],
    ['file://.', 'not a regular file'],
    ['file://../..', 'leads out of'],
    ['file://sub', 'not a regular file'],
    ['file://link.txt', 'the link leads out of'],
    ['file://linked/secret', 'the link leads out of'],
    ['file://loop', 'circle'],
  ])('%s is refused', async (reference, reason) => {
    const project = folder({
      'wippy.lock': LOCK,
      secret: 'secret',
      'outside/secret': 'secret',
      'src/in/sub/x.txt': 'x',
      'src/in/a.yaml': index('app', `  - {name: a, kind: k, b: "${reference}"}\n`),
    })
    symlinkSync(project.at('secret'), project.at('src/in/link.txt'))
    symlinkSync(project.at('outside'), project.at('src/in/linked'))
    symlinkSync(project.at('src/in/loop'), project.at('src/in/loop'))
    const loaded = await load(project)
    expect(loaded.entries).toEqual([])
    expect(messages(loaded)[0]).toMatch(new RegExp(reason))
    expect(JSON.stringify(loaded.entries)).not.toContain('secret')
  })

  test('a link inside the source folder is followed', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/real.txt': 'real',
      'src/a.yaml': index('app', '  - {name: a, kind: k, b: "file://link.txt"}\n'),
    })
    symlinkSync(project.at('src/real.txt'), project.at('src/link.txt'))
    expect(get(await load(project), 'app:a').data).toEqual({ b: 'real' })
  })

  test('a definition file that links to somewhere else is refused', async () => {
    const project = folder({ 'wippy.lock': LOCK, 'x.yaml': 'namespace: x\nname: x\nkind: k\n', 'src/y.txt': '' })
    symlinkSync(project.at('x.yaml'), project.at('src/x.yaml'))
    expect(messages(await load(project))[0]).toContain('src/x.yaml: the link leads out of')
  })
})

describe('projects', () => {
  test('without a lock the folder src is read, or the folder itself when something says it is a project', async () => {
    const entry = 'namespace: app\nname: x\nkind: k\n'
    const withSource = await load(folder({ 'src/a.yaml': entry, 'other.yaml': 'namespace: no\nname: n\nkind: k\n' }))
    expect(withSource.entries.map(({ id }) => id)).toEqual(['app:x'])
    const bare = await load(
      folder({ '_index.yaml': entry, 'components/m/_index.yaml': 'namespace: m\nname: x\nkind: k\n' }),
    )
    expect(bare.entries.map(({ id }) => id)).toEqual(['app:x', 'm:x'])
    const none = await load(folder({ 'notes.yaml': entry }))
    expect(none.entries).toEqual([])
    expect(messages(none)).toEqual([
      'no lock file found, starting with empty registry (run "wippy init" to make this folder a project)',
    ])
  })

  test('a source folder that is not there is passed over with a warning', async () => {
    const project = folder({ 'wippy.lock': LOCK })
    expect(messages(await load(project))).toEqual(['src: path not found, skipping'])
  })

  test('every module in components is loaded unasked, with its name and version in the meta of its entries', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': index('app', '  - {name: a, kind: k}\n'),
      'components/named/wippy.yaml': 'organization: acme\nmodule: tool\nversion: 1.2.0\n',
      'components/named/src/_index.yaml': index('acme.tool', '  - {name: t, kind: k, meta: {module: liar}}\n'),
      'components/named/other/_index.yaml': 'namespace: outside\nname: x\nkind: k\n',
      'components/dropped/_index.yaml': 'namespace: dropped\nname: x\nkind: k\n',
      'components/unrelated/readme.md': 'no module',
      'components/.hidden/_index.yaml': 'namespace: hidden\nname: x\nkind: k\n',
      'more/extra/_index.yaml': 'namespace: extra\nname: x\nkind: k\n',
      '.wippy.yaml': 'version: "1.0"\ncomponents: [more]\n',
    })
    const loaded = await load(project)
    expect(messages(loaded)).toEqual([])
    expect(loaded.entries.map(({ id, meta }) => [id, meta['module'], meta['module_version']])).toEqual([
      ['app:a', undefined, undefined],
      ['dropped:x', 'local/dropped', undefined],
      ['acme.tool:t', 'acme/tool', '1.2.0'],
      ['extra:x', 'local/extra', undefined],
    ])
    expect(loaded.origins.get('acme.tool:t')).toBe('component')
    expect(loaded.files.get('acme.tool:t')?.module).toBe('acme/tool')
  })

  test('a module loses what its manifest excludes and its tests, unless tests are wanted', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': index('app', '  - {name: t, kind: k, meta: {type: test}}\n'),
      'components/m/wippy.yaml':
        'organization: o\nmodule: m\nexclude: ["o.m:private*", "o.m.**:dev", plain]\nexclude_meta: {stage: [draft]}\n',
      'components/m/src/_index.yaml': index(
        'o.m',
        ['a', 'private_x', 'dev', 'plain'].map((name) => `  - {name: ${name}, kind: k}\n`).join('') +
          '  - {name: d, kind: k, meta: {stage: draft}}\n  - {name: t, kind: k, meta: {type: test}}\n',
      ),
      'components/m/src/deep/_index.yaml': index('o.m.deep', '  - {name: dev, kind: k}\n  - {name: b, kind: k}\n'),
      'components/m/test/_index.yaml': index('o.m.test', '  - {name: more, kind: k}\n'),
    })
    const published = (await load(project)).entries.map(({ id }) => id)
    expect(published).toEqual(['app:t', 'o.m:a', 'o.m:plain', 'o.m.deep:b'])
    const all = (await load(project, { tests: true })).entries.map(({ id }) => id)
    expect(all).toHaveLength(10)
    expect(all).toContain('o.m.test:more')
  })

  test('replacements, locked modules and bundled ones come in that order, by what names them', async () => {
    const module = (name: string, version: string, dependency = ''): Record<string, string> => ({
      'wippy.yaml': `organization: wippy\nmodule: ${name}\nversion: ${version}\n`,
      'src/_index.yaml': index(
        `wippy.${name}`,
        `  - {name: x, kind: k}\n${dependency === '' ? '' : `  - {name: dep, kind: ns.dependency, component: wippy/${dependency}, version: ">=v1.0"}\n`}`,
      ),
    })
    const under = (prefix: string, files: Record<string, string>): Record<string, string> =>
      Object.fromEntries(Object.entries(files).map(([file, text]) => [`${prefix}/${file}`, text]))
    const project = folder({
      'wippy.lock':
        `${LOCK}modules:\n    - {name: wippy/locked, version: v1.0.0}\n    - {name: wippy/old, version: v1.0.0}\n` +
        '    - {name: wippy/gone, version: v1.0.0}\n    - {name: wippy/replaced, version: v1.0.0}\n' +
        'replacements:\n    - {from: wippy/replaced, to: ./elsewhere}\n',
      'src/a.yaml': index('app', '  - {name: dep.one, kind: ns.dependency, component: wippy/one, version: "*"}\n'),
      ...under('elsewhere', module('whatever', '0.0.1')),
      ...under('.wippy/vendor/wippy/locked', module('locked', '9.9.9')),
      ...under('.wippy/vendor/wippy/old-v1.0.0', module('old', '1.0.0')),
      ...under('bundle/one', module('one', '1.5.0', 'two')),
      ...under('bundle/two', module('two', '0.9.0', 'three')),
      ...under('bundle/unwanted', module('unwanted', '1.0.0')),
    })
    const loaded = await load(project, { bundle: { components: project.at('bundle') } })
    expect(loaded.modules.map(({ name, version, origin }) => `${origin} ${name} ${version}`)).toEqual([
      'replacement wippy/replaced 0.0.1',
      'vendor wippy/locked v1.0.0',
      'vendor wippy/old v1.0.0',
      'bundled wippy/one 1.5.0',
      'bundled wippy/two 0.9.0',
    ])
    expect(messages(loaded)).toEqual([
      'wippy.lock: module wippy/gone v1.0.0 is locked but not installed (run "wippy install")',
      'bundle/two/src/_index.yaml:5:5: entry wippy.two:dep: module wippy/three is not available (put it into components/, or run "wippy add wippy/three" and "wippy install")',
      'entry wippy.one:dep: needs wippy/two >=v1.0, but version 0.9.0 is installed (run "wippy update wippy/two")',
    ])
  })

  test('workspace.replacements put folders in the place of modules, before those of the lock', async () => {
    const module = (name: string): Record<string, string> => ({
      [`elsewhere/${name}/_index.yaml`]: index(`o.${name}`, `  - {name: x, kind: k}\n`),
    })
    const settings =
      'version: "1.0"\nworkspace:\n  replacements: {o/one: ../elsewhere/one, o/gone: ../nowhere, o/off: null}\n'
    const project = folder({
      'app/wippy.lock':
        `${LOCK}modules:\n    - {name: o/two, version: v1.0.0}\n    - {name: o/gone, version: v1.0.0}\n` +
        'replacements:\n    - {from: o/one, to: ../elsewhere/two}\n',
      'app/src/a.yaml': index('app', '  - {name: dep.one, kind: ns.dependency, component: o/one, version: "*"}\n'),
      'app/.wippy.yaml': settings,
      ...module('one'),
      ...module('two'),
    })
    const root = project.at('app')
    const loaded = await loadProject({ root, settings: { set: ['workspace.replacements.o/two=../elsewhere/two'] } })
    expect(loaded.modules.map(({ name, origin, folder }) => [name, origin, folder])).toEqual([
      ['o/one', 'replacement', project.at('elsewhere/one')],
      ['o/two', 'replacement', project.at('elsewhere/two')],
    ])
    expect(messages(loaded)).toEqual([
      `workspace replacement o/gone: folder ${project.at('nowhere')} does not exist`,
      'wippy.lock: module o/gone v1.0.0 is locked but not installed (run "wippy install")',
    ])
  })

  test('a bundled application runs from its own folder with the bundled modules', async () => {
    const bundle = folder({
      'app/_index.yaml': index('app', '  - {name: dep, kind: ns.dependency, component: wippy/m, version: "*"}\n'),
      'components/m/wippy.yaml': 'organization: wippy\nmodule: m\nversion: 1.0.0\n',
      'components/m/_index.yaml': index('wippy.m', '  - {name: x, kind: k}\n'),
    })
    const here = folder({ 'wippy.lock': LOCK, 'src/a.yaml': index('mine', '  - {name: a, kind: k}\n') })
    const options = { bundle: { components: bundle.at('components'), apps: { 'wippy/micro-agi': bundle.at('app') } } }
    const loaded = await load(here, { ...options, app: 'wippy/micro-agi' })
    expect(loaded.entries.map(({ id }) => id)).toEqual(['app:dep', 'wippy.m:x'])
    await expect(load(here, { ...options, app: 'wippy/nothing' })).rejects.toThrow(
      'module wippy/nothing is not bundled (bundled applications: wippy/micro-agi)',
    )
  })

  test('a pack is read by whoever knows packs', async () => {
    const project = folder({
      'wippy.lock': `${LOCK}modules:\n    - {name: o/m, version: v1.0.0}\n`,
      'src/a.yaml': index('app', '  - {name: a, kind: k}\n'),
      '.wippy/vendor/o/m-v1.0.0.wapp': 'bytes',
    })
    const readPack = async (): Promise<Entry[]> => [{ id: 'o.m:x', kind: 'k', meta: { a: 1 }, data: {} }]
    const loaded = await load(project, { readPack })
    expect(loaded.origins.get('o.m:x')).toBe('pack')
    expect(get(loaded, 'o.m:x').meta).toEqual({ a: 1, module: 'o/m', module_version: 'v1.0.0' })
    expect(messages(await load(project))[0]).toContain('packs cannot be read here')
  })

  test('a bad manifest is reported and its module goes by the name of its folder', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': '',
      'components/m/wippy.yaml': 'organization: Acme\nmodule: m\n',
      'components/m/_index.yaml': 'namespace: m\nname: x\nkind: k\n',
    })
    const loaded = await load(project)
    expect(loaded.modules.map(({ name }) => name)).toEqual(['local/m'])
    expect(messages(loaded)[0]).toContain('organization "Acme" must be lowercase letters, digits and inner hyphens')
  })
})

describe('overrides, disable and linking', () => {
  const entries = index(
    'app',
    '  - {name: host, kind: process.host, workers: 1, host: {size: 2}}\n  - {name: off, kind: k, meta: {tags: [slow]}}\n' +
      '  - {name: need, kind: ns.requirement, default: d, targets: [{entry: host, path: .link}]}\n',
  )

  test('overrides come before and after linking', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': entries,
      '.wippy.yaml': 'version: "1.0"\noverride: {"app:host:host.size": 8, "app:host:kind": other.host}\n',
    })
    const settings = { overrides: ['app:host:workers=4,app:host:meta.note=hi', 'app:host:link=mine'] }
    const loaded = await load(project, { settings })
    expect(get(loaded, 'app:host')).toEqual({
      id: 'app:host',
      kind: 'other.host',
      meta: { note: 'hi' },
      data: { workers: 4, host: { size: 8 }, link: 'mine' },
    })
  })

  test('an override of the default of a requirement is what its targets get', async () => {
    const project = folder({ 'wippy.lock': LOCK, 'src/a.yaml': entries })
    const loaded = await load(project, { settings: { overrides: ['app:need:default=app:other'] } })
    expect(get(loaded, 'app:host').data).toMatchObject({ link: 'app:other' })
  })

  test('overrides of entries that are not there stop the load, all of them named', async () => {
    const project = folder({ 'wippy.lock': LOCK, 'src/a.yaml': entries })
    const settings = { overrides: ['app:nope:x=1,app:none:y=2', 'app:host:workers.deep=1'] }
    await expect(load(project, { settings })).rejects.toThrow(
      'override errors: [no entry found for app:nope, no entry found for app:none, ' +
        'entry app:host: data.workers is not a map, cannot set data.workers.deep]',
    )
  })

  test('disabled entries are gone, overrides of them are no error', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': entries,
      'src/b.yaml': index('app.x.y', '  - {name: b, kind: k}\n'),
      '.wippy.yaml':
        'version: "1.0"\ndisable: {meta: {tags: [slow]}, namespaces: ["app.*.(y|z)"], entries: ["app:ne*"]}\n',
    })
    const loaded = await load(project, { settings: { overrides: ['app:off:x=1'] } })
    expect(loaded.entries.map(({ id }) => id)).toEqual(['app:host'])
  })

  test('a disabled dependency asks for no module', async () => {
    const dep = (name: string, component: string): string =>
      `  - {name: ${name}, kind: ns.dependency, component: ${component}, version: "*"}\n`
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': index('app', `${dep('dep.gone', 'acme/gone')}${dep('dep.one', 'wippy/one')}`),
      'bundle/one/wippy.yaml': 'organization: wippy\nmodule: one\nversion: 1.0.0\n',
      'bundle/one/src/_index.yaml': index('wippy.one', '  - {name: e, kind: k}\n'),
      '.wippy.yaml': 'version: "1.0"\ndisable: {entries: ["app:dep.*"]}\n',
    })
    const loaded = await load(project, { bundle: { components: project.at('bundle') } })
    expect(messages(loaded)).toEqual([])
    expect(loaded.modules).toEqual([])
  })

  test('an unresolved requirement is a warning at its place, with what to add', async () => {
    const project = folder({
      'wippy.lock': LOCK,
      'src/a.yaml': index('app', '  - {name: a, kind: k}\n'),
      'components/m/wippy.yaml': 'organization: o\nmodule: m\n',
      'components/m/_index.yaml': index(
        'o.m',
        '  - {name: need, kind: ns.requirement, targets: [{entry: t, path: .x}]}\n  - {name: t, kind: k, x: placeholder}\n',
      ),
    })
    const loaded = await load(project)
    expect(messages(loaded)).toEqual([
      'components/m/_index.yaml:4:5: unresolved requirement o.m:need: no parameter gives it a value and it has no default ' +
        '(add {name: need, value: ...} to the parameters of the ns.dependency on o/m)',
    ])
    expect(get(loaded, 'o.m:t').data).toEqual({ x: 'placeholder' })
  })
})

describe('loading again', () => {
  const project = (): Folder =>
    folder({
      'wippy.lock': LOCK,
      'src/a.yaml': index('app', '  - {name: a, kind: k, source: "file://a.lua"}\n'),
      'src/a.lua': 'one',
      'src/b.yaml': index('app', '  - {name: b, kind: k}\n'),
    })

  test('a broken file keeps its last good entries, also when the file it takes content from is gone', async () => {
    const app = project()
    const cache = new SourceCache()
    await load(app, { cache })
    app.write({ 'src/b.yaml': 'namespace: app\nentries: [' })
    app.remove('src/a.lua')
    const loaded = await load(app, { cache })
    expect(loaded.entries.map(({ id }) => id)).toEqual(['app:a', 'app:b'])
    expect(get(loaded, 'app:a').data).toEqual({ source: 'one' })
    expect(messages(loaded)).toEqual([
      'src/a.yaml:4:24: file://a.lua: no such file; its last good entries stay',
      expect.stringMatching(/^src\/b\.yaml:\d+:\d+: .*; its last good entries stay$/),
    ])
    app.write({ 'src/a.lua': 'two', 'src/b.yaml': index('app', '  - {name: c, kind: k}\n') })
    const repaired = await load(app, { cache })
    expect(messages(repaired)).toEqual([])
    expect(repaired.entries.map(({ id }) => id)).toEqual(['app:a', 'app:c'])
    expect(get(repaired, 'app:a').data).toEqual({ source: 'two' })
  })

  test('a file emptied by an editor keeps its entries; a deleted one loses them', async () => {
    const app = project()
    const cache = new SourceCache()
    await load(app, { cache })
    app.write({ 'src/b.yaml': '' })
    const emptied = await load(app, { cache })
    expect(emptied.entries).toHaveLength(2)
    expect(messages(emptied)).toEqual([
      'src/b.yaml: has no namespace any more; its last good entries stay (delete the file to remove its entries)',
    ])
    app.remove('src/b.yaml')
    const deleted = await load(app, { cache })
    expect(deleted.entries).toHaveLength(1)
    app.write({ 'src/b.yaml': '' })
    expect((await load(app, { cache })).diagnostics).toEqual([])
  })

  test('hashes are equal where entries are equal', async () => {
    const app = project()
    const first = await load(app)
    app.write({ 'src/a.lua': 'two', 'src/b.yaml': `# moved\n${index('app', '  - kind: k\n    name: b\n')}` })
    const second = await load(app)
    expect(second.hash('app:b')).toBe(first.hash('app:b'))
    expect(second.hash('app:a')).not.toBe(first.hash('app:a'))
    expect(second.hash('app:none')).toBe(undefined)
  })
})
