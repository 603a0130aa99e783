// Jet templates: what they write, what they refuse, that none can hold the thread; the kinds and the module.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RuntimeError } from '../../../runtime/core/error.ts'
import { emptyFrame } from '../../../runtime/core/frame.ts'
import { jetKind, templateSetKind } from '../../../runtime/features/template/template-kinds.ts'
import { TemplateSet, TemplateSets } from '../../../runtime/features/template/template-set.ts'
import { templatesModule } from '../../../runtime/features/template/templates-module.ts'
import { LuaType, type ModuleTable } from '../../../runtime/lua/module.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, callMethod, fakeCall, type Outcome } from '../../support/call-module.ts'

function rendered(source: string, data: Record<string, unknown> = {}, others: Record<string, string> = {}): string {
  const set = new TemplateSet()
  for (const [name, text] of Object.entries(others)) set.add(name, text)
  set.add('main', source)
  return set.render('main', data)
}

function failure(run: () => unknown): RuntimeError {
  try {
    run()
  } catch (error) {
    if (error instanceof RuntimeError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

const users = [
  { name: 'Ann', age: 30 },
  { name: '<Bo>', age: 5 },
]

describe('actions', () => {
  const table: [string, string, Record<string, unknown>?][] = [
    ['Hello {{ user.name }}!', 'Hello Ann!', { user: { name: 'Ann' } }],
    ['{{ .user["name"] }}', 'Ann', { user: { name: 'Ann' } }],
    ['{{ items[0].price }}', '5', { items: [{ price: 5 }] }],
    ['{{ "<a href=\'x\'>&" }}', '&lt;a href=&#39;x&#39;&gt;&amp;'],
    ['{{ "<b>" | raw }}{{ raw: "<i>" }}{{ unsafe("<u>") }}', '<b><i><u>'],
    ['{{ "</script>" | safeJs }}', '\\u003C/script\\u003E'],
    ['a{* comment {{ x }} *}b', 'ab'],
    ['foo {{- "bar" -}} baz', 'foobarbaz'],
    ['{{ foo := "a" }}{{ foo = foo + 1 }}{{ foo }}{{ _ := foo }}', 'a1'],
    ['{{ 1 + 2 * 3 - 4 }} {{ (1 + 2) * 3 - 4.1 }} {{ 7 / 2 }} {{ 7 % 3 }} {{ -2 }}', '3 4.9 3 1 -2'],
    ['{{ 1 < 2 && !(2 < 1) || false }}', 'true'],
    ['{{ .missing ? "yes" : "no" }}|{{ missing2.x }}', 'no|', { missing2: {} }],
    ['{{ len("abc") }} {{ len: list }} {{ "FOO" | lower | len }}', '3 2 3', { list: [1, 2] }],
    ['{{ 2 | repeat("foo", _) | repeat: 2 }}', 'foofoofoofoo'],
    ['{{ "hello"[1:3] }} {{ list[1:] }}', 'el [2 3]', { list: [1, 2, 3] }],
    ['{{ m := map("a", 1, "b", slice(2, 3)) }}{{ m.b[1] }}{{ m | json }}', '3{&#34;a&#34;:1,&#34;b&#34;:[2,3]}'],
    ['{{ m | writeJson }}', '{"a":"\\u003c"}', { m: { a: '<' } }],
    ['{{ isset(a) }} {{ isset(a.b.c) }} {{ isset(zzz) }}', 'true false false', { a: { b: {} } }],
    ['{{ url("a b&c") }} {{ replace("aaa", "a", "b", 2) }} {{ split("a,b", ",")[1] }}', 'a+b%26c bba b'],
    ['{{ if a > 1 }}big{{ else if a == 1 }}one{{ else }}small{{ end }}', 'one', { a: 1 }],
    ['{{ if x := a + 1; x > 1 }}{{ x }}{{ end }}', '2', { a: 1 }],
    ['{{ range users }}{{ .name }} {{ end }}', 'Ann &lt;Bo&gt; ', { users }],
    ['{{ range i, u := users }}{{ i }}:{{ u.age }}/{{ .title }} {{ end }}', '0:30/T 1:5/T ', { users, title: 'T' }],
    ['{{ range i := users }}{{ i }}{{ .age }} {{ end }}', '030 15 ', { users }],
    ['{{ range k, v := m }}{{ k }}={{ v }};{{ end }}', 'a=1;b=2;', { m: { b: 2, a: 1 } }],
    ['{{ range none }}x{{ else }}empty{{ end }}', 'empty', { none: [] }],
    ['{{ range ints(1, 4) }}{{ . }}{{ end }}', '123'],
    [
      '{{ try }}a{{ zzz }}b{{ catch err }}[{{ err.Error() }}]{{ end }}',
      '[template main:1: identifier zzz is not defined]',
    ],
    ['x{{ try }}a{{ nothing.here }}{{ end }}y', 'xy'],
    ["{{ 'single' }} {{ `raw` }}", 'single raw'],
  ]
  test.each(table)('%s', (source, expected, data) => {
    expect(rendered(source, data)).toBe(expected)
  })
})

describe('several templates', () => {
  test('a page fills the blocks of its layout, in two steps', () => {
    const others = {
      base: '<t>{{ yield title() }}</t>{{ block body() }}nothing{{ end }}',
      layout: '{{ extends "base" }}{{ block body() }}<main>{{ yield inner() }}</main>{{ end }}',
    }
    const page =
      '{{ extends "./layout.jet" }}\ndropped {{ block title() }}My {{ name }}{{ end }}{{ block inner() }}text{{ end }}'
    expect(rendered(page, { name: 'Page' }, others)).toBe('<t>My Page</t><main>text</main>')
  })

  test('blocks take arguments, defaults, a context and content', () => {
    const source = [
      '{{ block field(type="text", label) }}<{{ type }} {{ label }} {{ . }}>{{ yield content }}</>{{ content }}none{{ end }}',
      '{{ yield field(label="L", type="x") 5 }}',
      '{{ n := "N" }}{{ yield field(label="M") content }}<b>{{ n }}</b>{{ end }}',
    ].join('')
    expect(rendered(source, {})).toBe('<text  map[]>none</><x L 5></><text M map[]><b>N</b></>')
  })

  test('imports bring blocks, includes bring text and may get a context', () => {
    const others = {
      'lib.jet': '{{ block greet(who) }}hi {{ who }}{{ end }}ignored',
      'user.jet': '[{{ .name }}{{ shared }}]',
    }
    expect(rendered('{{ import "lib" }}{{ yield greet(who="Ann") }}', {}, others)).toBe('hi Ann')
    expect(
      rendered(
        '{{ shared := "!" }}{{ range users }}{{ include "user" }}{{ end }}{{ include "./user.jet" users[0] }}',
        { users },
        others,
      ),
    ).toBe('[Ann!][&lt;Bo&gt;!][Ann!]')
    expect(
      rendered('{{ includeIfExists("user", users[0]) }}{{ includeIfExists("nope") }}', { users, shared: '' }, others),
    ).toBe('[Ann]')
  })

  test('a template can be run for what it returns', () => {
    expect(rendered('{{ exec("sum", 4) + 1 }}', {}, { sum: 'noise{{ return . * 2 }}' })).toBe('9')
  })

  test('a block can use itself', () => {
    const menu =
      '{{ block menu() }}<{{ range . }}{{ .text }}{{ if .children }}{{ yield menu() .children }}{{ end }}{{ end }}>{{ end }}'
    const tree = [{ text: 'a', children: [{ text: 'b' }] }, { text: 'c' }]
    expect(rendered(`{{ import "m" }}{{ yield menu() tree }}`, { tree }, { m: menu })).toBe('<a<b>c>')
  })
})

describe('what is refused', () => {
  test.each([
    ['{{ if x }}', 'template main:1: if is not ended'],
    ['a\n{{ end }}', 'template main:2: unexpected end'],
    ['{{ 1 + }}', 'template main:1: an expression is missing'],
    ['{{ foo bar }}', 'template main:1: unexpected "bar"'],
    ['{{ "abc', 'template main:1: unexpected "\\"" in action'],
    ['{{ a ', 'template main:1: unclosed action'],
    ['{* a', 'template main:1: unclosed comment'],
    ['x{{ extends "y" }}', 'template main:1: unexpected extends'],
    ['{{ block yield() }}{{ end }}', 'template main:1: a block cannot be named yield'],
  ])('%s as it is added', (source, message) => {
    expect(failure(() => new TemplateSet().add('main', source))).toMatchObject({ kind: 'Invalid', message })
  })

  test.each([
    ['\n{{ nothing }}', 'template main:2: identifier nothing is not defined', 'Internal'],
    ['{{ nothing() }}', 'template main:1: identifier nothing is not defined', 'Internal'],
    ['{{ x = 1 }}', 'template main:1: variable x is not declared: use x := …', 'Internal'],
    ['{{ yield none() }}', 'template main:1: block none is not defined', 'Internal'],
    ['{{ a.b.c }}', 'template main:1: cannot get c of nil', 'Internal'],
    ['{{ a.constructor.name }}', 'template main:1: cannot get name of nil', 'Internal'],
    ['{{ constructor }}', 'template main:1: identifier constructor is not defined', 'Internal'],
    ['{{ include "none" }}', 'template not found: none (in main)', 'NotFound'],
    ['{{ list[9] }}', 'template main:1: index 9 is out of range (length 1)', 'Internal'],
    ['{{ 1 / 0 }}', 'template main:1: division by zero', 'Internal'],
  ])('%s as it runs', (source, message, kind) => {
    expect(failure(() => rendered(source, { a: {}, list: [1] }))).toMatchObject({ kind, message, retryable: false })
  })
})

describe('hostile templates end soon with an error', () => {
  test.each([
    ['a template that includes itself', '{{ include "main" }}'],
    ['a block that yields itself', '{{ block a() }}{{ yield a() }}{{ end }}'],
    [
      'nested loops',
      '{{ range ints(0, 10000) }}{{ range ints(0, 10000) }}{{ range ints(0, 10000) }}x{{ end }}{{ end }}{{ end }}',
    ],
    ['a huge range', '{{ range ints(0, 100000000000) }}{{ end }}'],
    ['doubling text', `{{ x := "aaaaaaaaaaaaaaaa" }}{{ range ints(0, 100) }}{{ x = x + x }}{{ end }}`],
    ['a huge repeat', '{{ repeat("abc", 100000000000) }}'],
    ['repeated writing', '{{ x := repeat("a", 1000000) }}{{ range ints(0, 1000) }}{{ x }}{{ end }}'],
    ['try around it all', '{{ range ints(0, 100000) }}{{ try }}{{ range ints(0, 100000) }}{{ end }}{{ end }}{{ end }}'],
    ['deep parentheses', `{{ ${'('.repeat(5000)}1 }}`],
    ['deep ifs', '{{ if true }}'.repeat(5000)],
    ['many else ifs', `{{ if false }}${'{{ else if false }}'.repeat(5000)}{{ end }}`],
  ])('%s', (_name, source) => {
    const started = performance.now()
    expect(['LimitExceeded', 'Internal', 'Invalid']).toContain(failure(() => rendered(source)).kind)
    expect(performance.now() - started).toBeLessThan(1500)
  })
})

test('any text is a template or a RuntimeError, and what it prints is escaped', () => {
  const pieces = [
    '{{',
    '}}',
    'x',
    '.',
    'end',
    'if',
    'range',
    'block',
    'yield',
    'a()',
    '"<"',
    ' ',
    '|',
    'raw',
    ':=',
    '{*',
    '*}',
    '-',
    'try',
    'else',
    '1',
    '(',
    ')',
  ]
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 15 }), (parts) => {
      try {
        rendered(parts.join(''), { x: '<' })
      } catch (error) {
        if (!(error instanceof RuntimeError)) throw error
      }
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(rendered('{{ x }}', { x: text })).not.toMatch(/[<>"']/)
    }),
  )
})

describe('kinds and module', () => {
  const world = () => {
    const sets = new TemplateSets()
    const setKind = templateSetKind(sets)
    const jet = jetKind(sets)
    const set = {
      id: 'app:views',
      kind: 'template.set',
      meta: {},
      data: { engine: { delimiters: { left: '[[', right: ']]' }, globals: { site: 'S' } } },
    }
    setKind.open(set, setKind.decode(set), { origin: 'disk' })
    const add = (name: string, source: unknown, meta = {}) => {
      const entry = { id: `app:${name}`, kind: 'template.jet', meta, data: { set: 'views', source: source as string } }
      return jet.open(entry, jet.decode(entry), { origin: 'disk' })
    }
    return { sets, add, module: templatesModule({ sets, guard: new Guard({ strict: false }) }).open() as ModuleTable }
  }
  const on = (object: unknown, name: string, ...args: unknown[]): Outcome => callMethod(object, name, args) as Outcome

  test('templates are found by entry name or meta.name, with the delimiters and globals of their set', () => {
    const { add, module } = world()
    add('email-v2', '[[ include "head" ]]Hello [[ user ]] from [[ site ]]', { name: 'email' })
    add('head', '* ')
    const { value: set } = callFunction(module, 'get', ['app:views']) as Outcome
    expect(on(set, 'render', 'email', { user: '<Ann>' }).value).toBe('* Hello &lt;Ann&gt; from S')
    expect(on(set, 'render', 'none').error).toMatchObject({ kind: 'NotFound' })
    expect(on(set, 'render', '').error).toMatchObject({ kind: 'Invalid' })
    expect(on(set, 'release').value).toBe(true)
    expect(on(set, 'render', 'email').error).toMatchObject({ kind: 'Internal', message: 'template set is released' })
  })

  test('of a host object a template sees the text, and nothing inside', () => {
    const { add, module } = world()
    add('text', '[[ thing ]] [[ list[0] ]]')
    add('inside', '[[ thing.value.inside ]]')
    add('range', '[[ range k, v := thing ]][[ k ]][[ end ]]')
    const { value: set } = callFunction(module, 'get', ['app:views']) as Outcome
    const thing = new LuaType<object>({ name: 'app.Thing', tostring: () => 'a thing' }).wrap({ inside: 1 })
    expect(on(set, 'render', 'text', { thing, list: [thing] }).value).toBe('a thing a thing')
    expect(on(set, 'render', 'inside', { thing }).error?.message).toMatch(/string has no field value/)
    expect(on(set, 'render', 'range', { thing }).error?.message).toMatch(/cannot range over a thing/)
  })

  test('a deleted template is gone, a broken one is refused with its line', async () => {
    const { add, sets } = world()
    const opened = await add('a', 'x')
    await opened.close()
    expect(() => sets.require('app:views').render('a', {})).toThrow('template not found: a')
    expect(() => add('b', '\n[[ if ]]')).toThrow('template b:2: an expression is missing')
    expect(() => add('c', undefined)).toThrow('entry app:c: source is required')
  })

  test('a set that changes keeps its templates, or its settings when they no longer fit', () => {
    const set = new TemplateSet()
    set.add('a', '{{ x }} [[ x ]]')
    set.configure({ delimiters: { left: '[[', right: ']]' }, globals: { x: 1 } })
    expect(set.render('a', {})).toBe('{{ x }} 1')
    set.add('b', '<% if %>')
    expect(() => set.configure({ delimiters: { left: '<%', right: '%>' }, globals: {} })).toThrow('template b:1')
    expect(set.render('a', {})).toBe('{{ x }} 1')
  })

  test('a set is there and may be used, or it is an error', () => {
    const { module } = world()
    expect((callFunction(module, 'get', ['app:no']) as Outcome).error).toMatchObject({
      kind: 'NotFound',
      message: 'template set not found: app:no',
    })
    const call = {
      ...fakeCall(),
      frame: { ...emptyFrame, actor: { id: 'a', meta: {} }, scope: { evaluate: () => 'deny' as const } },
    }
    expect((callFunction(module, 'get', ['app:views'], call) as Outcome).error?.kind).toBe('PermissionDenied')
  })
})
