// Random programs of a few processes (sends, links, monitors, cancel, terminate, upgrade, names, channels, timers) under random
// schedules, and the invariants they keep. Everything comes from the seed: programs, order of processes, ends of slices, time.

import { type ManualClock, manualClock } from '../../runtime/core/clock.ts'
import { emptyFrame } from '../../runtime/core/frame.ts'
import type { Value } from '../../runtime/core/value.ts'
import { timeModule } from '../../runtime/features/time/time-module.ts'
import type { LuaModule } from '../../runtime/lua/module.ts'
import { type Exit, type Process, payloadOf } from '../../runtime/process/process.ts'
import { HOST, type LuaNode, luaNode } from './lua-node.ts'

const ACTORS = 5
const LONGEST = 14
const LONGEST_SLEEP_MS = ACTORS * 10

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

type Op = readonly [verb: string, target: number]
/** One line of what happened: who, what, with whom, and a number. */
type Step = readonly [who: number, what: string, whom: number, n: number]

const verbs = [
  ...Array<string>(8).fill('send'),
  ...Array<string>(3).fill('monitor'),
  ...Array<string>(3).fill('link'),
  ...[
    'unmonitor',
    'unlink',
    'cancel',
    'cancel',
    'yield',
    'yield',
    'yield',
    'trap',
    'register',
    'register',
    'register',
    'channels',
    'listen',
    'sleep',
    'sleep',
  ],
  ...['upgrade', 'upgrade', 'upgrade'],
]
const rare = ['terminate', 'error', 'return']

function programOf(random: () => number): Op[] {
  const target = (): number => 1 + Math.floor(random() * ACTORS)
  const length = 3 + Math.floor(random() * (LONGEST - 2))
  return Array.from({ length }, () => {
    const from = random() < 0.05 ? rare : verbs
    return [from[Math.floor(random() * from.length)] as string, target()] as const
  })
}

/** Interprets a program; two coroutines read and report everything that arrives. Goes on after an upgrade where it was. */
const actor = `
local function report(what, whom, n) steps.add(me, what, whom or 0, n or 0) end

local function read_messages(ch)
  while true do
    local m, ok = ch:receive()
    if not ok then return end
    local v = m:payload():data()
    report("got", v.from, v.n)
  end
end

local function read_events()
  local events = process.events()
  while true do
    local e = events:receive()
    local whom = steps.who(e.from)
    if e.kind == process.event.EXIT then
      report(e.result.error and "exit error" or "exit", whom)
      if process.registry.lookup("name" .. whom) == e.from then report("name held", whom) end
    elseif e.kind == process.event.LINK_DOWN then report(e.result.error and "down" or "down without error", whom)
    else report("cancelled", whom) end
  end
end

-- Producers send on one channel and a consumer counts, while something else is selected on as well.
local function channels(n)
  local ch, other, done = channel.new(n % 3), channel.new(), channel.new(1)
  coroutine.spawn(function() for i = 1, 5 do ch:send(i) end ch:close() end)
  coroutine.spawn(function()
    local expected = 1
    while true do
      local r = channel.select { other:case_receive(), ch:case_receive() }
      if not r.ok then break end
      if r.value ~= expected then report("channel disorder", 0, r.value) end
      expected = expected + 1
    end
    if expected ~= 6 then report("channel lost", 0, expected) end
    done:send(true)
  end)
  done:receive()
end

local verbs = {}
function verbs.send(target)
  local n = steps.next(me, target)
  report("sends?", target, n)
  if process.send(steps.pid(target), n % 3 == 0 and "t" or "m", { from = me, n = n }) then report("sent", target, n) end
end
function verbs.monitor(target) if process.monitor(steps.pid(target)) then report("monitors", target) end end
function verbs.unmonitor(target) process.unmonitor(steps.pid(target)) report("unmonitors", target) end
function verbs.link(target) report("links?", target) if process.link(steps.pid(target)) then report("links", target) end end
function verbs.unlink(target) report("unlinks?", target) process.unlink(steps.pid(target)) report("unlinks", target) end
function verbs.cancel(target) report("cancels?", target) if process.cancel(steps.pid(target), "c") then report("cancels", target) end end
function verbs.terminate(target) report("terminates?", target) if process.terminate(steps.pid(target)) then report("terminates", target) end end
verbs["yield"] = function(n) for i = 1, n do coroutine.yield() end end
function verbs.trap(n) process.set_options { trap_links = n > 1 } end
function verbs.register() process.registry.register("name" .. me) end
function verbs.channels(n) channels(n) end
function verbs.sleep(n)
  local due = steps.now() + n * 10
  time.after(n * 10 .. "ms"):receive()
  if steps.now() < due then report("woke early", 0, n) end
end
function verbs.listen() end

local function main(id, program, position)
  me = id
  for i = 1, position - 1 do
    if program[i][1] == "register" and process.registry.lookup("name" .. id) ~= process.pid() then report("name lost") end
  end
  for i = 1, position - 1 do
    if program[i][1] == "listen" then coroutine.spawn(function() read_messages(process.listen("t", { message = true })) end) break end
  end
  coroutine.spawn(function() read_messages(process.inbox()) end)
  coroutine.spawn(read_events)
  for i = position, #program do
    local verb, target = program[i][1], program[i][2]
    if verb == "error" then report("fails") error("failed") end
    if verb == "return" then report("returns") return id end
    if verb == "upgrade" then report("upgrades") process.upgrade(nil, id, program, i + 1) end
    if verb == "listen" then coroutine.spawn(function() read_messages(process.listen("t", { message = true })) end) end
    verbs[verb](target)
  end
  channel.new():receive()
end
return { main = main }
`

export class Run {
  readonly node: LuaNode
  readonly steps: Step[] = []
  readonly clock: ManualClock
  readonly #pids: string[] = []
  readonly #sent = new Map<string, number>()
  random: () => number = () => 0
  /** Every other schedule also ends slices at random. */
  preempts = false

  /** Called at every step: where a test makes the machine slow. */
  readonly atStep: () => void

  constructor(node: LuaNode, clock: ManualClock, atStep: () => void) {
    this.node = node
    this.clock = clock
    this.atStep = atStep
  }

  get module(): LuaModule {
    return {
      name: 'steps',
      description: 'what happens in a schedule',
      traits: ['deterministic'],
      open: () => ({
        add: (_call, who: number, what: string, whom: number, n: number) => {
          this.steps.push([who, what, whom, n])
          this.atStep()
          if (this.random() < 0.1) this.clock.advance(5)
        },
        now: () => this.clock.now(),
        pid: (_call, id: number) => this.#pids[id] ?? null,
        who: (_call, pid: string) => this.#pids.indexOf(pid),
        next: (_call, from: number, to: number) => {
          const key = `${from} ${to}`
          const n = (this.#sent.get(key) ?? 0) + 1
          this.#sent.set(key, n)
          return n
        },
      }),
    }
  }

  /** Runs the programs of a seed until nothing is ready; gives what is wrong, or undefined. */
  async play(seed: number): Promise<string | undefined> {
    const { node, steps } = this
    const { kernel } = node
    this.random = randomOf(seed)
    this.preempts = seed % 2 === 0
    steps.length = 0
    this.#sent.clear()
    this.#pids.length = 1
    const exits: Exit['error'][][] = []
    const ended: number[] = []
    const programs = Array.from({ length: ACTORS }, () => programOf(this.random))
    programs.forEach((program, i) => {
      const args = payloadOf([i + 1, program.map(([verb, target]) => [verb, target] as Value[]), 1])
      const definition = this.random() < 0.1 ? 'app:alone' : 'app:actor'
      const spawned = kernel.spawn({ definition, host: HOST, args, frame: emptyFrame })
      this.#pids[i + 1] = spawned.pid
      exits[i + 1] = []
      kernel.watch(spawned, (exit) => {
        exits[i + 1]?.push(exit.error)
        ended[i + 1] = steps.length
      })
    })
    await this.#quiet()
    const alive = new Set<number>()
    const left: Process[] = []
    for (let id = 1; id <= ACTORS; id++) {
      const living = kernel.byPid(this.#pids[id] as string)
      if (living === undefined) continue
      alive.add(id)
      left.push(living)
    }
    const wrong = check(steps, alive, exits, ended, this.preempts)
    for (const living of left) kernel.terminate(living)
    await this.#quiet()
    const listing = programs.map((program, i) => `${i + 1}: ${JSON.stringify(program)}`)
    if (wrong !== undefined) return [wrong, ...listing, ...steps].join('\n')
    if (kernel.processCount !== 0) return `${kernel.processCount} processes are left`
    if (kernel.hosts.get(HOST)?.processes.size !== 0) return 'the host still has processes'
    if (exits.some((each) => each.length !== 1)) return 'a process did not exit once'
    return undefined
  }

  /** What is left when everything that can be collected is. */
  held(): { handles: number; parked: number } {
    const engines = this.node.engines.all()
    for (let i = 0; i < 2; i++) for (const engine of engines) engine.collect()
    const sum = (of: (engine: (typeof engines)[number]) => number): number => engines.reduce((n, e) => n + of(e), 0)
    return { handles: sum((engine) => engine.lua.liveHandles), parked: sum((engine) => engine.parkedValues) }
  }

  /** Until nothing is ready, however long one waits. */
  async #quiet(): Promise<void> {
    for (let waited = 0; waited <= LONGEST_SLEEP_MS; waited += 5) {
      do await new Promise((resolve) => setImmediate(resolve))
      while (this.node.kernel.scheduler.readyCount > 0)
      this.clock.advance(5)
      if (this.node.kernel.scheduler.readyCount > 0) waited = 0
    }
  }
}

/** The invariants, over everything that happened until nothing moved any more. */
function check(
  steps: readonly Step[],
  alive: ReadonlySet<number>,
  exits: readonly (readonly Exit['error'][])[],
  ended: readonly number[],
  preempts: boolean,
): string | undefined {
  const ids = Array.from({ length: ACTORS }, (_, i) => i + 1)
  const find = (who: number, what: string, whom: number): number[] =>
    steps.flatMap(([a, b, c], at) => (a === who && b === what && c === whom ? [at] : []))
  const impossible = steps.find(([, what]) =>
    ['name held', 'name lost', 'down without error', 'channel disorder', 'channel lost', 'woke early'].includes(what),
  )
  if (impossible !== undefined) return `happened: ${impossible}`
  for (const from of ids) {
    const lastStep = steps.findLastIndex(([who]) => who === from)
    if (ended[from] !== undefined && lastStep >= (ended[from] as number)) return `${from} went on after its end`
    for (const to of ids) {
      const numbers = (who: number, what: string, whom: number): number[] =>
        steps.filter(([a, b, c]) => a === who && b === what && c === whom).map(([, , , n]) => n)
      const sent = numbers(from, 'sent', to)
      // A process may end between an act and its report.
      const tried = numbers(from, 'sends?', to)
      const got = numbers(to, 'got', from)
      if (new Set(got).size !== got.length) return `${to} got a message of ${from} twice: ${got}`
      if (got.some((n) => !tried.includes(n))) return `${to} got what ${from} did not send: ${got}`
      // Two readers of one process may report in any order: within a topic the order holds.
      for (const topic of [0, 1]) {
        const mine = got.filter((n) => Number(n % 3 === 0) === topic)
        if (mine.some((n, i) => i > 0 && n < (mine[i - 1] as number)))
          return `${to} got messages of ${from} out of order: ${got}`
      }
      // A reader cut off between the receive and its report has taken the message: an upgrade loses that one.
      const mayLose = preempts && steps.some(([who, what]) => who === to && what === 'upgrades')
      if (alive.has(to) && !mayLose && sent.some((n) => !got.includes(n)))
        return `${to} lives and lost messages of ${from}: ${sent} / ${got}`
      const cancels = find(from, 'cancels', to).length
      const cancelTries = find(from, 'cancels?', to).length
      const cancelled = find(to, 'cancelled', from).length
      if ((alive.has(to) && !mayLose && cancelled < cancels) || cancelled > cancelTries)
        return `${from} cancelled ${to} ${cancels} times, seen ${cancelled}`

      // who watches whom: `to` is the watched one
      const keeps = !(preempts && steps.some(([who, what]) => who === from && what === 'upgrades'))
      const exitsSeen = [...find(from, 'exit', to), ...find(from, 'exit error', to)]
      const downs = find(from, 'down', to)
      if (exitsSeen.length > 1) return `${from} saw the exit of ${to} ${exitsSeen.length} times`
      if (downs.length > 1) return `${from} saw the link to ${to} go down ${downs.length} times`
      const error = exits[to]?.[0]
      const dead = exits[to]?.length === 1
      if (exitsSeen.length > 0 && !dead) return `${from} saw an exit of ${to}, which lives`
      if (find(from, 'exit', to).length > 0 && error !== undefined)
        return `${from} saw a normal exit of ${to}, which failed`
      if (downs.length > 0 && error === undefined) return `${from} saw a link to ${to} go down that did not fail`
      const monitors = lastOf(steps, from, ['monitors', 'unmonitors'], to) === 'monitors'
      if (from !== to && alive.has(from) && keeps && dead && monitors && exitsSeen.length !== 1)
        return `${from} monitors ${to} and did not see its exit`
      if (!monitors && exitsSeen.length > 0 && find(from, 'unmonitors', to).every((at) => at < (ended[to] ?? 0)))
        return `${from} does not monitor ${to} and saw its exit`
      const linked = isLinked(steps, from, to)
      if (from !== to && alive.has(from) && keeps && dead && error !== undefined && linked && downs.length !== 1)
        return `${from} is linked to ${to}, which failed, and lives without knowing`
    }
  }
  for (const id of ids) {
    if (alive.has(id)) continue
    const message = exits[id]?.[0]?.message ?? 'normal'
    const last = steps.findLast(([who, what]) => who === id && ['fails', 'returns'].includes(what))?.[1]
    if (message === 'normal' && last !== 'returns') return `${id} ended normally without returning`
    if (message === 'linked process failed' && !ids.some((peer) => peer !== id && exits[peer]?.[0] !== undefined))
      return `${id} was taken down by nobody`
    if (message === 'process terminated' && !ids.some((by) => find(by, 'terminates?', id).length > 0))
      return `${id} was terminated by nobody`
  }
  return undefined
}

function lastOf(steps: readonly Step[], who: number, whats: readonly string[], whom: number): string | undefined {
  return steps.findLast(([a, b, c]) => a === who && c === whom && whats.includes(b))?.[1]
}

/** Links are of both: the last word of either counts, unless the other spoke at the same time. */
function isLinked(steps: readonly Step[], a: number, b: number): boolean {
  const ofPair = ([who, , whom]: Step): boolean => (who === a && whom === b) || (who === b && whom === a)
  const said = steps.filter((step) => ofPair(step) && /^(un)?links/.test(step[1]))
  const [before, last] = said.slice(-2)
  return last?.[1] === 'links' && before?.[1] === 'links?' && before[0] === last[0]
}

/** A node serves this many schedules: what it counted before is part of what decides. */
export const BATCH = 50

/** What the schedules of a batch run on. */
export async function freshRun(atStep: () => void = () => undefined): Promise<Run> {
  let run: Run | undefined
  const recorder: LuaModule = {
    name: 'steps',
    description: 'what happens in a schedule',
    traits: ['deterministic'],
    open: () => (run as Run).module.open(),
  }
  const clock = manualClock()
  const node = await luaNode([recorder, timeModule({ clock })], {
    clock,
    pick: (count) => Math.floor((run as Run).random() * count),
    preempt: () => (run as Run).preempts && (run as Run).random() < 0.5,
  })
  run = new Run(node, clock, atStep)
  node.process('app:actor', actor, { modules: ['steps', 'time'] })
  // The same with a VM each: opened and closed in the middle of everything.
  node.process('app:alone', actor, { modules: ['steps', 'time'], isolated: true })
  return run
}
