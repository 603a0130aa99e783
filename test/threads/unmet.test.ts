// Processes that a worker thread starts and nobody outside of it has met: the main thread is not told of them, and whoever looks
// for one finds it all the same.

import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../runtime/core/clock.ts'
import { RuntimeError } from '../../runtime/core/error.ts'
import { createLogger, type LogRecord } from '../../runtime/observe/logger.ts'
import { Living, SERIALS_AT_ONCE } from '../../runtime/threads/living.ts'
import { RemoteProcess } from '../../runtime/threads/remote-process.ts'
import { MAIN, type ThreadHost, threadHost, WORKERS } from '../support/thread-host.ts'

let node: ThreadHost
const log: LogRecord[] = []
beforeAll(async () => {
  const clock = systemClock()
  node = await threadHost({
    clock,
    threads: true,
    logger: createLogger({ clock, sinks: [(record) => void log.push(record)] }),
  })
  await node.process('sleeps', 'return { main = function() channel.new():receive() end }')
  await node.process('echoes', 'return { main = function() return process.inbox():receive():payload():data() end }')
  await node.process('fails', 'return { main = function(why) error(why, 0) end }')
  await node.process('returns', 'return { main = function() return 1 end }')
  await node.process(
    'parent',
    `local json = require("json")
    return { main = function(to, definition, count, stay)
      local pids = {}
      for i = 1, count do pids[i] = assert(process.spawn(definition, "app:workers", "on purpose " .. i)) end
      process.send(to, "pids", json.encode({ pids = pids, me = process.pid() }))
      if stay then channel.new():receive() end
    end }`,
    { modules: ['json'] },
  )
})
afterAll(() => {
  // They do not listen to a host that stops.
  for (const { pid } of node.host.processes(WORKERS)) {
    node.host.kernel.byPid(pid)?.terminate(new RuntimeError('Canceled', 'over'))
  }
  return node.stop()
})

/** Children that a parent in a worker has started, their pids told as text that nobody else has seen. */
async function family(definition: string, count: number, stay = true): Promise<{ pids: string[]; me: string }> {
  let told = (_text: string): void => undefined
  const telling = new Promise<string>((resolve) => (told = resolve))
  const listener = node.host.listen(({ values }) => told(String(values[0])))
  node.host.spawn('app:parent', WORKERS, [listener.pid, definition, count, stay])
  const text = await telling
  listener.close()
  return JSON.parse(text)
}

const serialOf = (pid: string): number => Number.parseInt(pid.slice(pid.lastIndexOf('0x') + 2, -1), 16)
const known = (pid: string): boolean => node.host.kernel.bySerial(serialOf(pid)) !== undefined
const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 2))
}

test('are not known to the main thread, and found by their pids', async () => {
  const { pids, me } = await family('app:sleeps', 3)
  expect(pids.map(known)).toEqual([false, false, false])
  const found = node.host.kernel.byPid(pids[1] as string)
  expect(found).toBeInstanceOf(RemoteProcess)
  expect(found).toMatchObject({ definition: 'app:sleeps', host: WORKERS, ended: false })
  // Its thread tells the rest.
  await until(() => (found as RemoteProcess).parent !== undefined)
  expect((found as RemoteProcess).parent).toEqual({ serial: serialOf(me), host: WORKERS })
  expect(pids.map(known)).toEqual([false, true, false])
})

test('a pid with another host, or of nobody, finds none', async () => {
  const { pids } = await family('app:sleeps', 1)
  const [pid] = pids as [string]
  expect(node.host.kernel.byPid(pid.replace(WORKERS, MAIN))).toBeUndefined()
  expect(node.host.kernel.byPid(pid.replace(/0x[0-9a-f]+/, '0xfffffff'))).toBeUndefined()
  expect(node.host.kernel.byPid(pid)).toBeDefined()
})

test('are sent to, monitored and ended by who has the pid', async () => {
  const { pids } = await family('app:echoes', 2)
  const [first, second] = pids
  const body = `local events = process.events()
    process.monitor("${first}")
    process.send("${first}", "say", { word = "hello" })
    local e = events:receive()
    process.monitor("${second}")
    process.terminate("${second}")
    local f = events:receive()
    return { e.from == "${first}", e.result.value.word, f.from == "${second}", f.result.error:message() }`
  expect(await node.eval(body, MAIN)).toEqual([true, 'hello', true, 'process terminated'])
  expect(known(first as string) || known(second as string)).toBe(false)
})

test('of another worker are met too', async () => {
  const { pids } = await family('app:echoes', 2)
  const ask = (pid: string | undefined) => `local events = process.events()
    process.monitor("${pid}")
    process.send("${pid}", "say", 42)
    return events:receive().result.value`
  // One asker in each of the two threads.
  expect(await Promise.all([node.eval(ask(pids[0])), node.eval(ask(pids[1]))])).toEqual([42, 42])
})

test('are known before anything is done to them by pid, though they end at once', async () => {
  const body = `local events, wrong = process.events(), 0
    for i = 1, 100 do
      local pid = process.spawn("app:returns", "app:workers")
      if not process.monitor(pid) then return "monitor " .. i end
      local e = events:receive()
      if e.from ~= pid or not e.result or e.result.value ~= 1 then wrong = wrong + 1 end
    end
    return wrong`
  expect(await node.eval(body)).toBe(0)
})

test('met at the very moment they end, they still end as they did', async () => {
  await node.process(
    'brief',
    `return { main = function(i)
      require("time").sleep(math.random(40) .. "ms")
      return "over"
    end }`,
    { modules: ['time'] },
  )
  const body = `local json, events, wrong, met = require("json"), process.events(), {}, 0
    for round = 1, 4 do
      process.spawn("app:parent", "app:workers", process.pid(), "app:brief", 400, true)
      local family = json.decode(process.listen("pids"):receive())
      local watched = 0
      while #family.pids > 0 do
        -- One after the other, again and again: each is met sooner or later.
        for i = #family.pids, 1, -math.random(7) do
          local pid = table.remove(family.pids, i)
          if process.monitor(pid) then watched = watched + 1 end
        end
        require("time").sleep("1ms")
      end
      for _ = 1, watched do
        local result = events:receive().result
        if result.value ~= "over" then wrong[#wrong + 1] = tostring(result.error) end
      end
      met = met + watched
      process.terminate(family.me)
    end
    return { met > 0, wrong }`
  expect(await node.eval(body, MAIN, ['json', 'time'])).toEqual([true, {}])
})

test('end without a word, and their slices count', async () => {
  const executed = () => node.host.hosts().find(({ id }) => id === WORKERS)?.executed as number
  const before = executed()
  const { pids } = await family('app:returns', 500)
  // Gone as soon as they have ended: nobody has to be told.
  await until(() => pids.every((pid) => node.host.kernel.byPid(pid) === undefined))
  await node.eval('return require("system").gc.collect()', MAIN, ['system'])
  expect(executed() - before).toBeGreaterThanOrEqual(500)
})

test('their failures are in the log', async () => {
  const { pids } = await family('app:fails', 3)
  const failures = () => log.filter(({ fields }) => pids.includes(String(fields.pid)))
  await until(() => failures().length === 3)
  expect(failures()[0]).toMatchObject({ level: 'error', message: 'process failed', fields: { id: 'app:fails' } })
})

test('become known when the one the main thread knew ends before them', async () => {
  const { pids, me } = await family('app:sleeps', 20, false)
  await until(() => node.host.kernel.byPid(me) === undefined)
  expect(pids.every(known)).toBe(true)
  for (const pid of pids) node.host.kernel.byPid(pid)?.terminate(new RuntimeError('Canceled', 'over'))
})

test('are seen by who looks at the host', async () => {
  const { pids } = await family('app:sleeps', 5)
  const views = node.host.processes(WORKERS).filter(({ pid }) => pids.includes(pid))
  expect(views.map(({ source }) => source)).toEqual(Array(5).fill('app:sleeps'))
})

test('are cancelled with their host', async () => {
  const own = await threadHost()
  await own.process(
    'tidies',
    `return { main = function(to)
      local reason = process.events():receive().reason
      process.send(to, "down", reason)
    end }`,
  )
  await own.process(
    'family',
    `return { main = function(to)
      for i = 1, 3 do assert(process.spawn("app:tidies", "app:workers", to)) end
      process.send(to, "up")
      process.events():receive()
    end }`,
  )
  const seen: string[] = []
  const listener = own.host.listen(({ topic, values }) => void seen.push(topic === 'up' ? 'up' : String(values[0])))
  own.host.spawn('app:family', WORKERS, [listener.pid])
  await until(() => seen.length === 1)
  await own.host.stop()
  expect(seen).toEqual(['up', ...Array(3).fill('scheduler shutdown')])
})

test('one that outlives all serials its thread remembers is found still', async () => {
  await node.process(
    'breeds',
    `return { main = function(to, count)
      local old = assert(process.spawn("app:sleeps", "app:workers"))
      for i = 1, count do
        assert(process.spawn("app:returns", "app:workers"))
        if i % 500 == 0 then require("time").sleep("1ms") end
      end
      process.send(to, "old", old)
      channel.new():receive()
    end }`,
    { modules: ['time'] },
  )
  let told = (_pid: string): void => undefined
  const telling = new Promise<string>((resolve) => (told = resolve))
  const listener = node.host.listen(({ values }) => told(String(values[0])))
  node.host.spawn('app:breeds', WORKERS, [listener.pid, 65 * SERIALS_AT_ONCE])
  const old = await telling
  listener.close()
  // The main thread was told of it before its run was forgotten.
  expect(known(old)).toBe(true)
  expect(node.host.kernel.byPid(old)).toMatchObject({ definition: 'app:sleeps', ended: false })
}, 60_000)

test('a serial is told from those of other runs, and a run is forgotten for the one that needs its place', () => {
  const main = new Living()
  const worker = new Living(main.memory)
  const grant = (run: number) => {
    main.grant(run * SERIALS_AT_ONCE)
    worker.grant(run * SERIALS_AT_ONCE)
  }
  for (let run = 1; run <= 64; run++) grant(run * 3)
  expect(worker.oldest).toBe(3 * SERIALS_AT_ONCE)
  const [early, late] = [3 * SERIALS_AT_ONCE + 7, 6 * SERIALS_AT_ONCE + 7]
  worker.add(early, 5)
  worker.add(late, 6)
  expect([early, late, late + 1, 4 * SERIALS_AT_ONCE].map((serial) => main.program(serial))).toEqual([5, 6, 0, 0])
  expect([...main.serials()]).toEqual([early, late])
  worker.delete(early)
  grant(1000)
  expect(worker.oldest).toBe(6 * SERIALS_AT_ONCE)
  worker.add(1000 * SERIALS_AT_ONCE + 7, 9)
  expect([...main.serials()]).toEqual([late, 1000 * SERIALS_AT_ONCE + 7])
  // Of a run that is forgotten nothing is found, and nothing that came in its place is touched.
  worker.delete(early)
  expect(main.program(early)).toBe(0)
  expect(main.program(1000 * SERIALS_AT_ONCE + 7)).toBe(9)
})

test('one is met or has ended, never both', () => {
  const main = new Living()
  const worker = new Living(main.memory)
  for (const side of [main, worker]) side.grant(0)
  for (const serial of [1, 2]) worker.add(serial, 5)
  expect(main.meet(1)).toBe(5)
  expect(main.meet(1)).toBe(5)
  expect(main.program(1)).toBe(5)
  expect([worker.delete(1), worker.delete(1)]).toEqual([true, false])
  expect(worker.delete(2)).toBe(false)
  expect([main.meet(1), main.meet(2), main.meet(3), main.meet(SERIALS_AT_ONCE)]).toEqual([0, 0, 0, 0])
})

test('what lives of a run that is forgotten does not pass for one of the next', () => {
  const main = new Living()
  const worker = new Living(main.memory)
  for (let run = 0; run <= 64; run++) {
    if (run === 64) worker.add(7, 5)
    for (const side of [main, worker]) side.grant(run * SERIALS_AT_ONCE)
  }
  expect([...main.serials()]).toEqual([])
  expect(main.meet(64 * SERIALS_AT_ONCE + 7)).toBe(0)
})
