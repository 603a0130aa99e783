// Which entries a condition means, and how entries and their differences are shown.

import { expect, test } from 'vitest'
import { tableText } from '../../runtime/cli/commands/registry.ts'
import { renderMarkdown } from '../../runtime/cli/markdown.ts'
import { entryDiff } from '../../runtime/cli/registry/entry-diff.ts'
import type { ShownEntry } from '../../runtime/cli/registry/registry-access.ts'
import { type Selection, selector } from '../../runtime/cli/registry/select.ts'

const entries: ShownEntry[] = [
  {
    id: 'app:a',
    kind: 'function.lua',
    meta: { type: 'tool', tags: ['fast', 'small'] },
    data: { pool: { size: 4 } },
    origin: 'disk',
  },
  { id: 'app.sub:b', kind: 'function.lua.bc', meta: { type: 'tool', title: 'My B' }, data: null, origin: 'component' },
  { id: 'lib:c', kind: 'library.lua', meta: {}, data: { source: 'x' }, origin: 'runtime' },
]
const chosen = (selection: Selection): string[] => entries.filter(selector(selection)).map(({ id }) => id)
const plain = (_style: unknown, text: string): string => text

test.each([
  [{}, ['app:a', 'app.sub:b', 'lib:c']],
  [{ kind: 'function.lua' }, ['app:a']],
  [{ kind: 'function.lua*' }, ['app:a', 'app.sub:b']],
  [{ kind: 'function.lua.*' }, ['app.sub:b']],
  [{ ns: 'app' }, ['app:a']],
  [{ ns: 'app*' }, ['app:a', 'app.sub:b']],
  [{ name: '?' }, ['app:a', 'app.sub:b', 'lib:c']],
  [{ name: 'ab' }, []],
  [{ meta: ['type=tool'] }, ['app:a', 'app.sub:b']],
  [{ meta: ['type=tool', 'title^My'] }, ['app.sub:b']],
  [{ meta: ['tags=fast'] }, ['app:a']],
  [{ meta: ['tags*mal'] }, ['app:a']],
  [{ meta: ['title$B'] }, ['app.sub:b']],
  [{ meta: ['title~^My [A-C]$'] }, ['app.sub:b']],
  [{ fields: ['data.pool.size=4'] }, ['app:a']],
  [{ fields: ['pool.size=4'] }, ['app:a']],
  [{ fields: ['kind=library.lua', 'ns=lib'] }, ['lib:c']],
  [{ fields: ['id^app.'] }, ['app.sub:b']],
  [{ fields: ['__proto__=x'] }, []],
] as [Selection, string[]][])('%j chooses %j', (selection, ids) => {
  expect(chosen(selection)).toEqual(ids)
})

test('a condition that is none is refused', () => {
  expect(() => selector({ fields: ['nonsense'] })).toThrow('invalid filter "nonsense": expected field=value')
  expect(() => selector({ meta: ['a~['] })).toThrow('is not a regular expression')
})

test('the table has two columns, rules and a total', () => {
  expect(tableText(entries)).toBe(
    'ID         KIND\n---------  ---------------\napp:a      function.lua\napp.sub:b  function.lua.bc\nlib:c      library.lua\n\nTotal: 3 entries\n',
  )
  expect(tableText([])).toBe('No entries found\n')
})

test('a difference names what came, went and changed, by field, texts line by line', () => {
  const [a, b, c] = entries as [ShownEntry, ShownEntry, ShownEntry]
  const changed: ShownEntry = {
    ...a,
    meta: { ...a.meta, type: 'test' },
    data: { pool: { size: 8 }, source: 'one\ntwo\n' },
  }
  expect(entryDiff([a, b], [changed, c], plain)).toBe(
    [
      '- app.sub:b  (function.lua.bc)',
      '~ app:a',
      '    meta.type:',
      '      -tool',
      '      +test',
      '    data.pool.size:',
      '      -4',
      '      +8',
      '    data.source:',
      '      +one',
      '      +two',
      '+ lib:c  (library.lua, runtime)',
      '    kind: +library.lua',
      '    data.source: +x',
    ].join('\n'),
  )
  expect(entryDiff([a], [a], plain)).toBe('')
})

test('what an entry holds cannot control the screen', () => {
  const hostile: ShownEntry = {
    id: 'app:x\x1b[2J',
    kind: 'k',
    meta: { t: '\x1b]0;x\x07' },
    data: null,
    origin: 'runtime',
  }
  expect(entryDiff([], [hostile], plain)).not.toMatch(/[\x1b\x07]/)
  expect(tableText([hostile])).not.toMatch(/\x1b/)
  expect(renderMarkdown('# a\x1b[2J', plain)).not.toMatch(/\x1b/)
})

test('Markdown keeps its text; styles are laid over it', () => {
  const mark = (style: unknown, text: string): string => `<${String(style)}>${text}</>`
  expect(renderMarkdown('# Title\n\nA `code` and **bold** [link](x/y).\n\n```lua\n# no heading\n```', mark)).toBe(
    '<bold,underline># Title</>\n\nA <cyan>`code`</> and <bold>**bold**</> <underline>link</> <dim>(x/y)</>.\n\n<dim>```lua</>\n<cyan># no heading</>\n<dim>```</>',
  )
})
