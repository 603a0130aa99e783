// Host functions that wait: what they come to is seen where they were called, as if they had answered at once.

import { expect, test } from 'vitest'
import { moduleError, RuntimeError } from '../../runtime/core/error.ts'
import { type LuaModule, raise, results } from '../../runtime/lua/module.ts'
import { luaNode } from '../support/lua-node.ts'

const late: LuaModule = {
  name: 'late',
  open: () => ({
    async value(_call, value: unknown) {
      await new Promise((resolve) => setImmediate(resolve))
      return results(value, 'second')
    },
    async fails() {
      await new Promise((resolve) => setImmediate(resolve))
      throw moduleError('NotFound', 'not there')
    },
    async raises() {
      await new Promise((resolve) => setImmediate(resolve))
      raise('it cannot be')
    },
    // An argument refused before anything is waited for is a rejection too.
    async refuses() {
      raise(new RuntimeError('PermissionDenied', 'not allowed'))
    },
  }),
}

const eval_ = async (body: string): Promise<unknown> => {
  const node = await luaNode([late])
  return node.eval(`local late = require("late") ${body}`, { modules: ['late'] })
}

test('values come back, arguments do not', async () => {
  expect(await eval_('return { select("#", late.value(5)), late.value(5) }')).toEqual([2, 5, 'second'])
})

test('a failure is nil and the error', async () => {
  expect(await eval_('local v, err = late.fails() return { v == nil, err:kind() }')).toEqual([true, 'NotFound'])
})

test('what it raises is raised where it was called, with the place', async () => {
  expect(
    await eval_('local ok, err = pcall(function() late.raises() return 1 end) return { ok, tostring(err) }'),
  ).toEqual([false, expect.stringMatching(/^test:\w+:\d+: it cannot be$/)])
  expect(await eval_('return { pcall(late.raises) }')).toEqual([false, expect.stringContaining('it cannot be')])
  expect(await eval_('local ok, err = pcall(late.refuses) return { ok, err:kind() }')).toEqual([
    false,
    'PermissionDenied',
  ])
  await expect(eval_('late.raises()')).rejects.toThrow('it cannot be')
})

test('all of it inside coroutines of the program too', async () => {
  expect(
    await eval_(`
      local co = coroutine.wrap(function()
        coroutine.yield((late.value(1)))
        coroutine.yield((pcall(late.raises)))
        late.refuses()
      end)
      local a, b = co(), co()
      local ok, err = pcall(co)
      return { a, b, ok, err:kind() }`),
  ).toEqual([1, false, false, 'PermissionDenied'])
})

test('again and again, by many at once', async () => {
  expect(
    await eval_(`
      local done, sum = channel.new(50), 0
      for i = 1, 50 do
        coroutine.spawn(function()
          local own = 0
          for _ = 1, 10 do
            own = own + late.value(i)
            if not pcall(late.raises) then own = own + 1 end
          end
          done:send(own)
        end)
      end
      for _ = 1, 50 do sum = sum + done:receive() end
      return sum`),
  ).toBe(50 * 51 * 5 + 500)
})

test('code that loads cannot wait, and what it asked for is given up without a trace', async () => {
  const unseen: unknown[] = []
  const see = (reason: unknown): void => void unseen.push(reason)
  process.on('unhandledRejection', see)
  try {
    let ended: unknown
    const asks: LuaModule = {
      name: 'asks',
      description: 'waits for its call to end',
      traits: [],
      open: () => ({
        wait: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => {
              ended = signal.reason
              reject(signal.reason)
            })
          }),
      }),
    }
    const node = await luaNode([late, asks])
    for (const call of ['late.fails()', 'late.refuses()', 'asks.wait()']) {
      node.process('test:loads', `local late, asks = require("late"), require("asks") ${call}`, {
        modules: ['late', 'asks'],
      })
      expect(() => node.spawn('test:loads')).toThrow('attempt to yield across a C-call boundary')
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(ended).toBeDefined()
    expect(unseen).toEqual([])
  } finally {
    process.off('unhandledRejection', see)
  }
})
