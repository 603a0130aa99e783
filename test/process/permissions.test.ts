// Every operation on processes and functions asks before it acts: refused without the right, done with it (spec/process.md,
// spec/security.md §6).

import { beforeAll, describe, expect, test } from 'vitest'
import type { Frame } from '../../runtime/core/frame.ts'
import { emptyFrame } from '../../runtime/core/frame.ts'
import { payloadOf } from '../../runtime/process/process.ts'
import { frameAllowing, identityModule } from '../support/identities.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
/** Pids of processes that live through all tests, by name. */
const pids: Record<string, string> = {}
beforeAll(async () => {
  node = await luaNode([identityModule])
  node.process('app:wait', 'return { main = function() channel.new():receive() end }')
  node.process('app:end', 'return { main = function() return 1 end }')
  node.function('app:f', 'return { handler = function() return 1 end }')
  node.function('app:new', 'return { handler = function() return 1 end }')
  for (const name of ['target', 'owned']) pids[name] = node.spawn('app:wait').pid
  node.kernel.names.register('owned', node.kernel.find(pids['owned'] as string))
})

/** `expression` of a process that may do just `rules`: "ok", or the kind and text of what stopped it. */
const attempt = (expression: string, frame: Frame): Promise<unknown> =>
  node.eval(
    `local target, owned, HOST = "${pids['target']}", "${pids['owned']}", "${HOST}"
    local done, value, err = pcall(function() return ${expression} end)
    if not done then return { "raised", (tostring(value):gsub("^[^:]*:[^:]*:%d+: ", "")) } end
    if err then return { err:kind(), tostring(err) } end
    return "ok"`,
    { frame, modules: ['funcs', 'identity'] },
  )
const denied = (text: string) => ['PermissionDenied', text]

interface Case {
  readonly name: string
  readonly expression: string
  /** What it takes, all of it. */
  readonly rules: readonly string[]
  /** The text when the last rule is missing; `$target` is a pid. */
  readonly text: string
  readonly raises?: boolean
}

const spawnRules = ['process.spawn app:end', `process.host ${HOST}`]
const cases: Case[] = [
  {
    name: 'spawn asks for the host',
    expression: 'process.spawn("app:end", HOST)',
    rules: spawnRules,
    text: `not allowed to spawn on host: ${HOST}`,
  },
  {
    name: 'spawn asks for the id',
    expression: 'process.spawn("app:end", HOST)',
    rules: [...spawnRules].reverse(),
    text: 'not allowed to spawn process: app:end',
  },
  {
    name: 'spawn_monitored asks for it',
    expression: 'process.spawn_monitored("app:end", HOST)',
    rules: [...spawnRules, 'process.spawn.monitored app:end'],
    text: 'not allowed to spawn monitored process: app:end',
  },
  {
    name: 'spawn_linked asks for it',
    expression: 'process.spawn_linked("app:end", HOST)',
    rules: [...spawnRules, 'process.spawn.linked app:end'],
    text: 'not allowed to spawn linked process: app:end',
  },
  {
    name: 'spawn_linked_monitored asks for the link',
    expression: 'process.spawn_linked_monitored("app:end", HOST)',
    rules: [...spawnRules, 'process.spawn.monitored app:end', 'process.spawn.linked app:end'],
    text: 'not allowed to spawn linked process: app:end',
  },
  {
    name: 'spawn_linked_monitored asks for the monitor',
    expression: 'process.spawn_linked_monitored("app:end", HOST)',
    rules: [...spawnRules, 'process.spawn.linked app:end', 'process.spawn.monitored app:end'],
    text: 'not allowed to spawn monitored process: app:end',
  },
  {
    name: 'spawn_monitored asks for the host',
    expression: 'process.spawn_monitored("app:end", HOST)',
    rules: ['process.spawn* app:end', `process.host ${HOST}`],
    text: `not allowed to spawn on host: ${HOST}`,
  },
  {
    name: 'exec asks for the id',
    expression: 'process.exec("app:end", HOST)',
    rules: [`process.host ${HOST}`, 'process.exec app:end'],
    text: 'not allowed to exec process: app:end',
  },
  {
    name: 'exec asks for the host',
    expression: 'process.exec("app:end", HOST)',
    rules: ['process.exec app:end', `process.host ${HOST}`],
    text: `not allowed to spawn on host: ${HOST}`,
  },
  {
    name: 'a spawner asks as spawn does',
    expression: 'process.with_options({}):spawn("app:end", HOST)',
    rules: ['process.context context', `process.host ${HOST}`, 'process.spawn app:end'],
    text: 'not allowed to spawn process: app:end',
  },
  {
    name: 'the exec of a spawner asks as exec does',
    expression: 'process.with_options({}):exec("app:end", HOST)',
    rules: ['process.context context', `process.host ${HOST}`, 'process.exec app:end'],
    text: 'not allowed to exec process: app:end',
  },
  {
    name: 'with_context asks',
    expression: 'process.with_context({})',
    rules: ['process.context context'],
    text: 'not allowed to spawn processes with custom context',
    raises: true,
  },
  {
    name: 'with_options asks',
    expression: 'process.with_options({})',
    rules: ['process.context context'],
    text: 'not allowed to spawn processes with custom options',
    raises: true,
  },
  {
    name: 'with_actor asks',
    expression: 'process.with_options({}):with_actor(identity.actor("a"))',
    rules: ['process.context context', 'process.security security'],
    text: 'not allowed to spawn processes with custom actor',
    raises: true,
  },
  {
    name: 'with_scope asks',
    expression: 'process.with_options({}):with_scope(identity.scope("a"))',
    rules: ['process.context context', 'process.security security'],
    text: 'not allowed to spawn processes with custom scope',
    raises: true,
  },
  ...['monitor', 'unmonitor', 'link', 'unlink', 'cancel'].map((verb) => ({
    name: `${verb} asks`,
    expression: `process.${verb}(target)`,
    rules: [`process.${verb} {*`],
    text: `not allowed to ${verb}: $target`,
  })),
  {
    name: 'send asks',
    expression: 'process.send(target, "t")',
    rules: ['process.send {*'],
    text: 'not allowed to send: $target',
  },
  {
    name: 'send by name asks for the name',
    expression: 'process.send("owned", "t")',
    rules: ['process.send owned'],
    text: 'not allowed to send: owned',
  },
  {
    name: 'terminate asks',
    expression: 'process.terminate(process.spawn("app:wait", HOST))',
    rules: ['process.spawn *', 'process.host *', 'process.terminate {*'],
    text: 'not allowed to terminate: $new',
  },
  {
    name: 'registering a name asks',
    expression: 'process.registry.register("n")',
    rules: ['process.registry.register n'],
    text: 'not allowed to register name: n',
  },
  {
    name: 'registering for somebody else asks again',
    expression: 'process.registry.register("m", target)',
    rules: ['process.registry.register m', 'process.registry.foreign {*'],
    text: 'not allowed to register foreign pid: $target',
  },
  {
    name: 'unregistering asks',
    expression: 'process.registry.unregister("none")',
    rules: ['process.registry.unregister none'],
    text: 'not allowed to unregister name: none',
  },
  {
    name: 'unregistering the name of somebody else asks again',
    expression: 'process.registry.unregister("owned")',
    rules: ['process.registry.unregister owned', 'process.registry.foreign {*'],
    text: 'not allowed to unregister foreign name: owned',
  },
  {
    name: 'funcs.call asks',
    expression: 'funcs.call("app:f")',
    rules: ['funcs.call app:f'],
    text: 'not allowed: app:f',
  },
  {
    name: 'funcs.async asks',
    expression: 'funcs.async("app:f")',
    rules: ['funcs.call app:f'],
    text: 'not allowed: app:f',
  },
  {
    name: 'an executor’s call asks',
    expression: 'funcs.new():call("app:f")',
    rules: ['funcs.call app:f'],
    text: 'not allowed: app:f',
  },
  {
    name: 'an executor’s async asks',
    expression: 'funcs.new():async("app:f")',
    rules: ['funcs.call app:f'],
    text: 'not allowed: app:f',
  },
  {
    name: 'an executor’s context asks',
    expression: 'funcs.new():with_context({})',
    rules: ['funcs.context context'],
    text: 'not allowed: funcs.context',
  },
  {
    name: 'an executor’s actor asks',
    expression: 'funcs.new():with_actor(identity.actor("a"))',
    rules: ['funcs.security security'],
    text: 'not allowed: funcs.security',
  },
  {
    name: 'an executor’s scope asks',
    expression: 'funcs.new():with_scope(identity.scope("a"))',
    rules: ['funcs.security security'],
    text: 'not allowed: funcs.security',
  },
]

describe('with a scope', () => {
  test.each(cases)('$name', async ({ expression, rules, text, raises }) => {
    const without = (await attempt(expression, frameAllowing(...rules.slice(0, -1)))) as string[]
    const expected = text.replace('$target', pids['target'] as string)
    if (expected.includes('$new')) expect(without[1]).toMatch(new RegExp(`^${expected.replace('$new', '\\{.*\\}')}$`))
    else expect(without).toEqual(raises === true ? ['raised', expected] : denied(expected))
    expect(await attempt(expression, frameAllowing(...rules))).toBe('ok')
  })

  test('a spawner with an identity needs that right for more context', async () => {
    const expression = 'process.with_options({}):with_actor(identity.actor("a")):with_context({})'
    expect(await attempt(expression, frameAllowing('process.security', 'process.context'))).toBe('ok')
    const frame = frameAllowing('process.context')
    expect(await attempt('process.with_context({}):with_context({})', frame)).toBe('ok')
  })

  test('a spawner asks for every further change, with the caller’s pid', async () => {
    const seen: unknown[] = []
    const frame: Frame = {
      ...emptyFrame,
      actor: { id: 'tester', meta: {} },
      scope: {
        evaluate(_actor, action, resource, attributes) {
          seen.push(`${action} ${resource} ${typeof attributes?.['pid']}`)
          return 'allow'
        },
      },
    }
    const expression =
      'process.with_context({}):with_options({}):with_context({}):with_actor(identity.actor("a")):with_context({})'
    expect(await attempt(expression, frame)).toBe('ok')
    const context = 'process.context context string'
    const security = 'process.security security string'
    expect(seen).toEqual([context, context, context, security, security])
  })

  test('an upgrade to another definition asks as a spawn does, one to the same does not', async () => {
    const body = `if upgraded then return upgraded end`
    node.process(
      'app:upgrades',
      `return { main = function(id, upgraded) ${body} local _, err = process.upgrade(id, id, "done") return { err:kind(), tostring(err) } end }`,
    )
    node.process('app:other', 'return { main = function() return "other" end }')
    const run = (id: string | null, frame: Frame) =>
      new Promise((resolve) => {
        const process = node.kernel.spawn({ definition: 'app:upgrades', host: HOST, args: payloadOf([id]), frame })
        node.kernel.watch(process, (exit) => resolve(exit.result?.values()[0]))
      })
    expect(await run('app:other', frameAllowing('nothing'))).toEqual(denied('not allowed to spawn process: app:other'))
    expect(await run('app:other', frameAllowing('process.spawn app:other'))).toBe('other')
    expect(await run(null, frameAllowing('nothing'))).toBe('done')
  })

  test('a refused send reaches nobody, and its target stays hidden', async () => {
    const known = await attempt('process.send(target, "t")', frameAllowing('nothing'))
    const unknown = await attempt('process.send("nobody", "t")', frameAllowing('nothing'))
    expect(known).toEqual(denied(`not allowed to send: ${pids['target']}`))
    expect(unknown).toEqual(denied('not allowed to send: nobody'))
  })
})

describe('without a scope', () => {
  test('nothing is refused, unless the mode is strict', async () => {
    expect(await attempt('process.spawn("app:end", HOST)', emptyFrame)).toBe('ok')
    const strict = await luaNode([], { strict: true })
    strict.process('app:end', 'return { main = function() return 1 end }')
    expect(await strict.eval(`local _, err = process.spawn("app:end", "${HOST}") return tostring(err)`)).toBe(
      'not allowed to spawn process: app:end',
    )
    expect(await strict.eval('return { (select(2, process.send(process.pid(), "t"))):kind() }')).toEqual([
      'PermissionDenied',
    ])
  })
})
