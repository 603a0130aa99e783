// Many processes for a long time: nothing lost to the living, order kept, and memory back where it was.
// WIPPY_SOAK_MESSAGES, WIPPY_SOAK_PROCESSES, WIPPY_SOAK_RESTARTS and WIPPY_SOAK_IDLE bound it; WIPPY_SEED replays a run.

import { beforeAll, expect, test } from 'vitest'
import { emptyFrame } from '../../runtime/core/frame.ts'
import type { LuaModule } from '../../runtime/lua/module.ts'
import { noPayload, type Process, payloadOf } from '../../runtime/process/process.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

const bound = (name: string, fallback: number): number => Number(process.env[name] ?? fallback)
const MESSAGES = bound('WIPPY_SOAK_MESSAGES', 1_000_000)
const PROCESSES = bound('WIPPY_SOAK_PROCESSES', 10_000)
const RESTARTS = bound('WIPPY_SOAK_RESTARTS', 10_000)
const IDLE = bound('WIPPY_SOAK_IDLE', 100_000)
const SEED = bound('WIPPY_SEED', Date.now() % 2 ** 31)

let state = SEED
/** A number below `n`, from the seed. */
function random(n: number): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
  return Math.floor((state / 2 ** 32) * n)
}

const sentTo = new Map<number, number>()
const receivedBy = new Map<number, number>()
const violations: string[] = []
let workers: Process[] = []
let total = 0

const count = (map: Map<number, number>, key: number): void => void map.set(key, (map.get(key) ?? 0) + 1)

const soakModule: LuaModule = {
  name: 'soak',
  description: 'who to send to, and what came of it',
  traits: ['nondeterministic'],
  open: () => ({
    // A receiver, dead perhaps.
    pick: () => (workers[random(workers.length)] as Process).pid,
    sent: (_call, pid: string) => {
      total++
      count(sentTo, Number.parseInt(pid.slice(pid.lastIndexOf('x') + 1), 16))
    },
    got: (call) => count(receivedBy, call.process.serial),
    wrong: (call, what: string) => void violations.push(`${call.process.pid}: ${what}`),
  }),
}

const worker = `
local function main(messages)
  local inbox, last, me = process.inbox(), {}, process.pid()
  coroutine.spawn(function()
    for n = 1, messages do
      local to = soak.pick()
      if process.send(to, "n", { from = me, n = n, text = "some text to copy" }) then soak.sent(to) end
      if n % 10 == 0 then coroutine.yield() end
    end
  end)
  while true do
    local m = inbox:receive()
    if m:topic() == "stop" then return end
    local v = m:payload():data()
    if v.n <= (last[v.from] or 0) then soak.wrong("order") end
    if m:from() ~= v.from then soak.wrong("sender") end
    last[v.from] = v.n
    soak.got()
  end
end
return { main = main }`

interface Held {
  readonly processes: number
  readonly handles: number
  readonly parked: number
  readonly vmBytes: number
  readonly vms: number
  readonly heap: number
}

let node: LuaNode
beforeAll(async () => {
  console.log(`seed ${SEED}`)
  node = await luaNode([soakModule])
  node.process('soak:worker', worker, { modules: ['soak'] })
  node.process(
    'soak:crash',
    'return { main = function(n) if n % 2 == 0 then error("crash " .. n) end return nil, "failed" end }',
  )
  node.process(
    'soak:idle',
    'return { main = function() local m = process.inbox():receive() process.send(m:from(), "here") end }',
  )
  node.process(
    'soak:supervisor',
    `return { main = function(times)
      local events = process.events()
      process.set_options { trap_links = true }
      for n = 1, times do
        local pid = process.spawn_linked_monitored("soak:crash", "${HOST}", n)
        local exit, down = events:receive(), events:receive()
        if exit.kind ~= "pid.exit" or down.kind ~= "pid.link.down" or exit.from ~= pid or down.from ~= pid then return n end
      end
      return "done"
    end }`,
  )
})

const spawn = (definition: string, ...args: number[]): Process =>
  node.kernel.spawn({
    definition,
    host: HOST,
    args: args.length === 0 ? noPayload : payloadOf(args),
    frame: emptyFrame,
  })

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
async function quiet(): Promise<void> {
  do await turn()
  while (node.kernel.scheduler.readyCount > 0)
}

/** What is held when everything that can be collected is. */
async function held(): Promise<Held> {
  await quiet()
  for (let i = 0; i < 3; i++) for (const engine of node.engines.all()) engine.collect()
  const gc = (globalThis as { gc?: () => void }).gc
  if (gc === undefined) throw new Error('run with --expose-gc')
  gc()
  const engines = node.engines.all()
  const sum = (of: (engine: (typeof engines)[number]) => number): number => engines.reduce((n, e) => n + of(e), 0)
  return {
    processes: node.kernel.processCount,
    handles: sum((engine) => engine.lua.liveHandles),
    parked: sum((engine) => engine.parkedValues),
    vmBytes: sum((engine) => engine.memoryUsed),
    vms: sum((engine) => engine.vmCount),
    heap: process.memoryUsage().heapUsed,
  }
}

/** The same work twice: what the first round leaves is what caches keep; the second must add nothing. */
async function twice(round: () => Promise<void>): Promise<{ first: Held; second: Held }> {
  await round()
  const first = await held()
  await round()
  const second = await held()
  console.log(JSON.stringify({ first, second }))
  expect(second.processes).toBe(0)
  expect(second.handles).toBeLessThanOrEqual(first.handles + 10)
  expect(second.parked).toBeLessThanOrEqual(first.parked)
  expect(second.vms).toBe(first.vms)
  // Each round may leave another VM: a full one keeps 4096 threads for reuse. Three bytes a message would be seen.
  expect(second.vmBytes).toBeLessThan(first.vmBytes * 1.05 + (6 << 20))
  expect(second.heap).toBeLessThan(first.heap * 1.1 + (4 << 20))
  return { first, second }
}

test(`${MESSAGES} messages among ${PROCESSES} processes that are killed at random`, async () => {
  const each = Math.ceil(MESSAGES / PROCESSES)
  await twice(async () => {
    sentTo.clear()
    receivedBy.clear()
    violations.length = 0
    total = 0
    workers = Array.from({ length: PROCESSES }, () => spawn('soak:worker', each))
    let kills = 0
    while (node.kernel.scheduler.readyCount > 0) {
      await turn()
      if (random(4) > 0) continue
      const at = random(PROCESSES)
      node.kernel.terminate(workers[at] as Process)
      workers[at] = spawn('soak:worker', each)
      kills++
    }
    expect(violations).toEqual([])
    expect(kills).toBeGreaterThan(PROCESSES / 1000)
    expect(total).toBeGreaterThan(MESSAGES * 0.9)
    // More than was counted as sent is possible: a sender may have been killed between the two.
    const lost = workers.filter(({ serial }) => (receivedBy.get(serial) ?? 0) < (sentTo.get(serial) ?? 0))
    expect(lost.map(({ pid }) => pid)).toEqual([])
    for (const each of workers) each.deliver('stop', '', noPayload)
    workers = []
    await quiet()
    sentTo.clear()
    receivedBy.clear()
  })
})

test(`${RESTARTS} crashes and restarts`, async () => {
  await twice(async () => {
    const supervisor = spawn('soak:supervisor', RESTARTS)
    const value = await new Promise((resolve) =>
      node.kernel.watch(supervisor, (exit) => resolve(exit.result?.values()[0] ?? exit.error)),
    )
    expect(value).toBe('done')
    node.failures.length = 0
  })
})

test(`${IDLE} idle processes`, async () => {
  await twice(async () => {
    const before = await held()
    const idle = Array.from({ length: IDLE }, () => spawn('soak:idle'))
    await quiet()
    const during = await held()
    expect(during.processes).toBe(IDLE)
    const lua = (during.vmBytes - before.vmBytes) / IDLE
    const js = (during.heap - before.heap) / IDLE
    console.log(`${Math.round(lua)} + ${Math.round(js)} bytes per idle process`)
    expect(lua + js).toBeLessThan(4096)
    // all are alive and answer
    node.process(
      'soak:asks',
      'return { main = function(n) local inbox = process.inbox() for i = 1, n do inbox:receive() end return n end }',
    )
    const asks = spawn('soak:asks', IDLE)
    const answered = new Promise((resolve) =>
      node.kernel.watch(asks, (exit) => resolve(exit.result?.values()[0] ?? exit.error)),
    )
    for (const one of idle) one.deliver('ask', asks.pid, noPayload)
    expect(await answered).toBe(IDLE)
    node.retire('soak:asks')
    await quiet()
  })
})
