// spec/process.md §13: process groups.

import { beforeEach, describe, expect, test } from 'vitest'
import { pgModule } from '../../runtime/features/pg.ts'
import { Groups } from '../../runtime/process/groups.ts'
import { Guard } from '../../runtime/security/guard.ts'
import { frameAllowing } from '../support/identities.ts'
import { HOST, type LuaNode, luaNode } from '../support/lua-node.ts'

let node: LuaNode
let groups: Groups
beforeEach(async () => {
  const guard = new Guard({ strict: false })
  node = await luaNode((kernel) => {
    groups = new Groups(kernel)
    return [pgModule({ groups, guard })]
  })
  node.process(
    'app:member',
    `return { main = function(group, to)
      pg.join(group)
      process.send(to, "joined")
      local inbox, log = process.inbox(), {}
      while true do
        local m = inbox:receive()
        if m:topic() == "stop" then return log end
        if m:topic() == "leave" then pg.leave(group) process.send(to, "left")
        else log[#log + 1] = m:topic() .. ":" .. tostring(m:payload():data().n) .. ":" .. tostring(m:from() == to) end
      end
    end }`,
    { modules: ['pg'] },
  )
})
const lua = (body: string, frame = undefined as ReturnType<typeof frameAllowing> | undefined) =>
  node.eval(
    `local me, inbox, events = process.pid(), process.inbox(), process.events()
    local function member(group) local pid = process.spawn_monitored("app:member", "${HOST}", group or "g", me) inbox:receive() return pid end
    ${body}`,
    { modules: ['pg'], ...(frame && { frame }) },
  )
const failure = (expression: string) =>
  lua(`local value, err = ${expression} return { tostring(value), err:kind(), tostring(err) }`)

describe('membership', () => {
  test('members are listed in the order they joined; empty groups are none', async () => {
    expect(
      await lua(`
        local a, b = member(), member()
        local ok = pg.join { "g", "h" }
        local members = pg.get_members("g")
        local names = pg.which_groups()
        table.sort(names)
        return { ok, members[1] == a, members[2] == b, members[3] == me, #pg.get_local_members("h"), names, #pg.get_members("none"), #pg.which_local_groups() }`),
    ).toEqual([true, true, true, true, 1, ['g', 'h'], 0, 2])
  })

  test('leaving takes back one join', async () => {
    expect(
      await lua(`
        pg.join("g") pg.join("g")
        local two = #pg.get_members("g")
        local ok = pg.leave("g")
        local one = #pg.get_members("g")
        pg.leave { "g" }
        return { two, ok, one, #pg.which_groups() }`),
    ).toEqual([2, true, 1, 0])
    expect(await failure('pg.leave("g")')).toEqual(['nil', 'Invalid', 'not a member of group: g'])
  })

  test('a list is joined as a whole, and left as far as one is in it', async () => {
    expect(
      await lua(
        'local _, empty = pg.join { "c", "" } pg.join { "a", "d" } return { tostring(empty), pg.leave { "a", "b" }, pg.which_groups() }',
      ),
    ).toEqual(['group name required', true, ['d']])
    expect(await failure('pg.leave { "a", "b" }')).toEqual(['nil', 'Invalid', 'not a member of group: a, b'])
    expect(await failure('pg.join("")')).toEqual(['nil', 'Invalid', 'group name required'])
  })

  test('a member that ends has left before its exit is seen', async () => {
    expect(
      await lua(`
        local pid = member()
        process.terminate(pid)
        events:receive()
        return { #pg.get_members("g"), #pg.which_groups() }`),
    ).toEqual([0, 0])
  })

  test('an upgraded member stays one', async () => {
    node.process(
      'app:upgrades',
      'return { main = function(to, again) if not again then pg.join("g") process.upgrade(nil, to, true) end process.send(to, "up") process.inbox():receive() return "end" end }',
      { modules: ['pg'] },
    )
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:upgrades", "${HOST}", me)
        inbox:receive()
        local reached = pg.broadcast("g", "x")
        local value = events:receive().result.value
        return { reached, value, #pg.get_members("g") }`),
    ).toEqual([true, 'end', 0])
  })
})

describe('broadcast', () => {
  test('reaches every member with its own copy', async () => {
    expect(
      await lua(`
        local a, b = member(), member()
        local reached, none = pg.broadcast("g", "t", { n = 1 }), pg.broadcast_local("nobody", "t")
        process.send(a, "leave")
        inbox:receive()
        local second = pg.broadcast_local("g", "u", { n = 2 })
        process.send(a, "stop")
        local first = events:receive().result.value
        process.send(b, "stop")
        return { reached, none, second, first, events:receive().result.value }`),
    ).toEqual([true, true, true, ['t:1:true'], ['t:1:true', 'u:2:true']])
  })

  test('topics are checked', async () => {
    expect(await failure('pg.broadcast("g", "@x")')).toEqual(['nil', 'Invalid', 'cannot send to @ topics'])
    expect(await failure('pg.broadcast("g", "")')).toEqual(['nil', 'Invalid', 'topic cannot be empty'])
    expect(await failure('pg.broadcast("", "t")')).toEqual(['nil', 'Invalid', 'group name required'])
  })
})

describe('watching', () => {
  test('events tells of every group, monitor of one, until closed', async () => {
    expect(
      await lua(`
        local all, one = pg.events(), pg.monitor("g")
        local pid = member()
        pg.join("h")
        process.terminate(pid)
        events:receive()
        local log = {}
        for i = 1, 3 do
          local e = all:channel():receive()
          log[i] = e.system .. " " .. e.kind .. " " .. e.path .. " " .. e.data.Group .. " " .. tostring(e.data.PIDs[1] == (e.path == "g" and pid or me))
        end
        local a, b = one:channel():receive(), one:channel():receive()
        local closed = one:close()
        pg.join("g")
        local v, ok = one:channel():receive()
        return { log, a.kind, b.kind, closed, v == nil, ok }`),
    ).toEqual([
      ['pg member.joined g g true', 'pg member.joined h h true', 'pg member.left g g true'],
      'member.joined',
      'member.left',
      true,
      true,
      false,
    ])
  })

  test('who is there already comes with the subscription', async () => {
    expect(
      await lua(`
        local a, b = member(), member("h")
        pg.join { "h", "h" }
        local _, members, err = pg.monitor("g")
        local _, snapshot, err2 = pg.events()
        local none = select(2, pg.monitor("nobody"))
        return { #members, members[1] == a, err == nil, #snapshot.g, #snapshot.h, snapshot.h[1] == b, err2 == nil, #none }`),
    ).toEqual([1, true, true, 1, 3, true, true, 0])
    expect(
      await lua('local sub, members, err = pg.monitor("") return { sub == nil, members == nil, err:kind() }'),
    ).toEqual([true, true, 'Invalid'])
  })

  test('an end is told once, with the pid as often as it had joined', async () => {
    node.process(
      'app:twice',
      'return { main = function(to) pg.join { "g", "g", "h" } process.send(to, "in") process.inbox():receive() end }',
      { modules: ['pg'] },
    )
    expect(
      await lua(`
        local pid = process.spawn_monitored("app:twice", "${HOST}", me)
        inbox:receive()
        local sub = pg.events()
        process.send(pid, "go")
        events:receive()
        local first, second = sub:channel():receive(), sub:channel():receive()
        return { first.path, #first.data.PIDs, second.path, #second.data.PIDs }`),
    ).toEqual(['g', 2, 'h', 1])
  })
})

describe('scopes', () => {
  beforeEach(() => {
    groups.declare('app:scope', { groups: 0, members: 0 })
    groups.declare('app:small', { groups: 2, members: 2 })
  })

  test('have groups of their own', async () => {
    expect(
      await lua(`
        local scope = assert(pg.open("app:scope"))
        scope:join("g")
        local reached = scope:broadcast("g", "t", { n = 1 })
        return { #scope:get_members("g"), #pg.get_members("g"), reached, inbox:receive():payload():data().n, scope:which_groups(), tostring(scope) }`),
    ).toEqual([1, 0, true, 1, ['g'], 'pg.Scope{app:scope}'])
    expect(await failure('pg.open("")')).toEqual(['nil', 'Invalid', 'scope ID required'])
    expect(await failure('pg.open("app:none")')).toEqual(['nil', 'Internal', 'process group scope not found: app:none'])
  })

  test('answer nothing any more once released', async () => {
    expect(
      await lua(`
        local scope = pg.open("app:scope")
        scope:join("g")
        local released = { scope:release(), scope:release() }
        local kinds = {}
        for i, name in ipairs { "join", "leave", "get_members", "get_local_members", "which_groups", "which_local_groups", "broadcast", "broadcast_local" } do
          local value, err = scope[name](scope, "g", "t")
          kinds[i] = tostring(value) .. err:kind()
        end
        for _, name in ipairs { "events", "monitor" } do
          local value, members, err = scope[name](scope, "g")
          kinds[#kinds + 1] = tostring(value or members) .. err:kind()
        end
        local again = pg.open("app:scope")
        return { released, kinds, #again:get_members("g") }`),
    ).toEqual([[true, true], Array(10).fill('nilInvalid'), 1])
  })

  test('hold as much as they may', async () => {
    expect(
      await lua(`
        local scope = pg.open("app:small")
        local _, three = scope:join { "a", "b", "c" }
        local two = scope:join { "a", "b" }
        local _, more = scope:join("c")
        local again = scope:join("a")
        local _, full = scope:join("a")
        return { tostring(three), three:kind(), two, tostring(more), again, tostring(full), #scope:get_members("a") }`),
    ).toEqual([
      'groups of app:small: more than the limit of 2',
      'LimitExceeded',
      true,
      'groups of app:small: more than the limit of 2',
      true,
      'members of group a: more than the limit of 2',
      2,
    ])
  })
})

describe('permissions', () => {
  test.each([
    ['join', 'pg.join("g")', 'g'],
    ['leave', 'pg.leave("g")', 'g'],
    ['get_members', 'pg.get_members("g")', 'g'],
    ['get_local_members', 'pg.get_local_members("g")', 'g'],
    ['which_groups', 'pg.which_groups()', 'groups'],
    ['which_local_groups', 'pg.which_local_groups()', 'groups'],
    ['broadcast', 'pg.broadcast("g", "t")', 'g'],
    ['broadcast_local', 'pg.broadcast_local("g", "t")', 'g'],
    ['events', 'pg.events()', 'groups'],
    ['monitor', 'pg.monitor("g")', 'g'],
    ['open', 'pg.open("app:scope")', 'app:scope'],
    ['which_groups', 'pg.open("app:scope"):which_groups()', 'app:scope'],
    ['events', 'pg.open("app:scope"):events()', 'app:scope'],
  ])('pg.%s is refused without, and allowed with the right', async (operation, expression, resource) => {
    groups.declare('app:scope', { groups: 0, members: 0 })
    const body = `local value, err, third = ${expression}
      if value == nil and err == nil then err = third elseif value then err = nil end
      return err and { err:kind(), tostring(err) } or "ok"`
    const others = expression.includes(':') && operation !== 'open' ? ['pg.open app:scope'] : []
    expect(await lua(body, frameAllowing('process.*', ...others))).toEqual([
      'PermissionDenied',
      `not allowed: pg.${operation} ${resource}`,
    ])
    const allowed = await lua(body, frameAllowing('process.*', ...others, `pg.${operation} ${resource}`))
    expect(allowed).toEqual(operation === 'leave' ? ['Invalid', 'not a member of group: g'] : 'ok')
  })
})
