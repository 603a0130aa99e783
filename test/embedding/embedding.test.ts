// How a program embeds Wippy: an example to copy from, written against the public API alone.

import { expect, test } from 'vitest'
import {
  type BusEvent,
  createHost,
  type Entry,
  emptyFrame,
  type Frame,
  type Host,
  type HostOptions,
  type Kind,
  type LuaModule,
  manualClock,
  type Received,
  RuntimeError,
} from '../../runtime/index.ts'

/** A Lua module in TypeScript: `require("roman").from(4)` is "IV". What is thrown comes back in Lua as `nil, err`. */
const roman: LuaModule = {
  name: 'roman',
  description: 'Roman numerals',
  traits: ['deterministic'],
  open: () => ({
    from(_call, number: unknown) {
      if (typeof number !== 'number' || number < 1) {
        throw new RuntimeError('Invalid', `not a number from 1 on: ${String(number)}`)
      }
      const signs = [
        [10, 'X'],
        [9, 'IX'],
        [5, 'V'],
        [4, 'IV'],
        [1, 'I'],
      ] as const
      let rest = number
      return signs
        .map(([value, sign]) => {
          const times = Math.floor(rest / value)
          rest -= times * value
          return sign.repeat(times)
        })
        .join('')
    },
  }),
}

/** A kind in TypeScript: every entry `shop.shelf` is a shelf while it is in the registry. */
function shelfKind(shelves: Map<string, number>): Kind<{ places: number }> {
  return {
    kind: 'shop.shelf',
    decode({ id, data }) {
      const places = data !== null && typeof data === 'object' && 'places' in data ? data.places : undefined
      if (typeof places !== 'number') throw new RuntimeError('Invalid', `entry ${id}: places is required`)
      return { places }
    },
    open({ id }, { places }) {
      shelves.set(id, places)
      return { close: () => void shelves.delete(id) }
    },
  }
}

const entry = (name: string, kind: string, data: Entry['data']): Entry => ({ id: `app:${name}`, kind, meta: {}, data })
const fn = (name: string, body: string, modules: string[] = []): Entry =>
  entry(name, 'function.lua', { source: `return { handler = function(...) ${body} end }`, method: 'handler', modules })
const main = (name: string, body: string, modules: string[] = []): Entry =>
  entry(name, 'process.lua', { source: `return { main = function(...) ${body} end }`, modules })

const processes = entry('processes', 'process.host', { lifecycle: { auto_start: true } })

async function started(entries: Entry[], options: Omit<HostOptions, 'entries'> = {}): Promise<Host> {
  const host = await createHost({ entries: [processes, ...entries], env: {}, ...options })
  expect(host.problems).toEqual([])
  await host.start()
  return host
}

/** Resolves with the first thing given to `give`. */
function first<T>(): { give: (value: T) => void; value: Promise<T> } {
  let give: (value: T) => void = () => undefined
  const value = new Promise<T>((resolve) => {
    give = resolve
  })
  return { give: (found) => give(found), value }
}

test('functions are called, and what goes wrong is a rejection with its kind', async () => {
  const host = await started([fn('double', 'return (...) * 2'), fn('fail', 'error("no luck")')])
  expect(await host.call('app:double', [21])).toBe(42)
  await expect(host.call('app:fail')).rejects.toThrow('no luck')
  // Not thrown: a caller that only listens to the promise hears of it too.
  const call = host.call('app:nobody')
  await expect(call).rejects.toMatchObject({ kind: 'NotFound', message: expect.stringContaining('app:nobody') })
  await host.stop()
})

test('a process is spawned, talked to and answers', async () => {
  const host = await started([
    main('echo', 'local msg = process.inbox():receive(); process.send(msg:from(), "echo", msg:payload():data())'),
  ])
  const answer = first<Received>()
  const listener = host.listen(answer.give)
  const pid = host.spawn('app:echo', 'app:processes')
  listener.send(pid, 'say', { text: 'hello' })
  expect(await answer.value).toEqual({ topic: 'echo', from: pid, values: [{ text: 'hello' }] })
  listener.close()
  expect(() => host.send(listener.pid, 'late')).toThrow('process not found')
  await host.stop()
})

test('Lua finds a listener by name, and sees it end', async () => {
  const host = await started([
    main(
      'watcher',
      'process.monitor(process.registry.lookup("ear")); process.send("ear", "ready"); local e = process.events():receive(); return e.kind .. " " .. tostring(e.result.error or "normal")',
    ),
  ])
  const listener = host.listen(
    ({ topic }) => {
      if (topic === 'ready') throw new RuntimeError('Invalid', 'cannot hear that')
    },
    { name: 'ear' },
  )
  expect(() => host.listen(() => undefined, { name: 'ear' })).toThrow('name already registered')
  const { value } = await host.run('app:watcher', 'app:processes')
  expect(value).toMatch(/^pid\.exit .*cannot hear that/)
  expect(listener.ended).toBe(true)
  await host.stop()
})

test('a process runs to its end', async () => {
  const host = await started([main('add', 'local a, b = ... return a + b'), main('fail', 'error("down")')])
  expect(await host.run('app:add', 'app:processes', [1, 2])).toEqual({ value: 3 })
  expect((await host.run('app:fail', 'app:processes')).error?.message).toContain('down')
  await host.stop()
})

test('events of the bus arrive, those of Lua and those of the registry', async () => {
  const host = await started([fn('tell', 'require("events").send("shop", "sold", "book", { n = 1 })', ['events'])])
  const sold = first<BusEvent>()
  const made = first<BusEvent>()
  host.subscribe({ system: 'shop' }, sold.give)
  const leave = host.subscribe({ system: 'registry', kind: 'entry.create' }, made.give)
  await host.call('app:tell')
  await host.registry.apply([{ op: 'create', entry: fn('more', 'return 1') }])
  expect(await sold.value).toMatchObject({ system: 'shop', kind: 'sold', path: 'book', data: { n: 1 } })
  expect(await made.value).toMatchObject({ path: 'app:more' })
  leave()
  await host.stop()
})

test.each([
  [[fn('a', ''), fn('b', ''), fn('a', 'return 2')], 'two entries have the id app:a'],
  [[{ ...fn('a', ''), id: 'a' }], 'entry id "a" is not namespace:name'],
  [[{ ...fn('a', ''), id: ':a' }], 'entry id ":a" is not namespace:name'],
  [[{ ...fn('a', ''), id: 'app:' }], 'entry id "app:" is not namespace:name'],
  [[{ kind: 'registry.entry', meta: {}, data: null }], 'entry id undefined is not namespace:name'],
  [[{ id: 'app:a', meta: {}, data: null }], 'entry app:a: kind is required'],
] as [Entry[], string][])('entries nobody can tell apart or name are refused, %#', async (entries, message) => {
  await expect(createHost({ entries, env: {} })).rejects.toMatchObject({ kind: 'Invalid', message })
})

test('the registry changes a running system, and takes it back', async () => {
  const host = await started([fn('greet', 'return "hello"')])
  const { id } = host.registry.version
  await host.registry.apply([{ op: 'update', entry: fn('greet', 'return "good evening"') }])
  expect(await host.call('app:greet')).toBe('good evening')
  await host.registry.applyVersion(id)
  expect(await host.call('app:greet')).toBe('hello')
  await host.stop()
})

test('Lua modules in TypeScript', async () => {
  const source = 'local text, err = require("roman").from(...) return text or err:kind()'
  const host = await started([fn('roman', source, ['roman'])], { modules: [roman] })
  expect(await host.call('app:roman', [14])).toBe('XIV')
  expect(await host.call('app:roman', [0])).toBe('Invalid')
  await host.stop()
})

test('entry kinds in TypeScript live and die with their entries', async () => {
  const shelves = new Map<string, number>()
  const host = await started([entry('books', 'shop.shelf', { places: 40 })], { kinds: [shelfKind(shelves)] })
  expect([...shelves]).toEqual([['app:books', 40]])
  await expect(
    host.registry.apply([
      { op: 'delete', id: 'app:books' },
      { op: 'create', entry: entry('toys', 'shop.shelf', {}) },
    ]),
  ).rejects.toThrow('entry app:toys: places is required')
  expect([...shelves]).toEqual([['app:books', 40]])
  await host.registry.apply([{ op: 'delete', id: 'app:books' }])
  expect(shelves.size).toBe(0)
  await host.stop()
})

test("time is the test's", async () => {
  const clock = manualClock()
  const host = await started([fn('nap', 'require("time").sleep("1h") return "awake"', ['time'])], { clock })
  const nap = host.call('app:nap')
  await new Promise(setImmediate)
  clock.advance(3_600_000)
  expect(await nap).toBe('awake')
  await host.stop()
})

test('a call may do what its frame allows', async () => {
  const host = await started([
    fn('read', 'local v, err = require("env").get("HOME") return err and err:kind()', ['env']),
  ])
  const nothing: Frame = {
    ...emptyFrame,
    actor: { id: 'guest', meta: {} },
    scope: { evaluate: () => 'undefined' },
  }
  expect(await host.call('app:read', [], { frame: nothing })).toBe('PermissionDenied')
  await host.stop()
})
