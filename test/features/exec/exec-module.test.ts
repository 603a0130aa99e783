// Running commands: arguments, pipes, ends, limits, rights. Real programs, no shell unless one is named.

import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../runtime/core/clock.ts'
import { emptyFrame, type Scope } from '../../../runtime/core/frame.ts'
import type { ValueMap } from '../../../runtime/core/value.ts'
import type { ChildStream } from '../../../runtime/features/exec/child.ts'
import { splitCommand } from '../../../runtime/features/exec/command-line.ts'
import { Executors, nativeExecKind } from '../../../runtime/features/exec/exec-kinds.ts'
import { execModule } from '../../../runtime/features/exec/exec-module.ts'
import { readOnlyMethods } from '../../../runtime/features/http_client/stream-type.ts'
import { type Call, LuaType, type ModuleTable } from '../../../runtime/lua/module.ts'
import { Guard } from '../../../runtime/security/guard.ts'
import { callFunction, callMethod, type FakeCall, fakeCall, type Outcome } from '../../support/call-module.ts'

const scannerType = new LuaType<ChildStream>({ name: 'Scanner' })

function executor(data: ValueMap = {}, call?: Call): unknown {
  const executors = new Executors()
  const kind = nativeExecKind({ executors, root: tmpdir() })
  const entry = {
    id: 'app:exec',
    kind: 'exec.native',
    meta: {},
    data: { default_env: { PATH: process.env['PATH'] ?? '' }, ...data },
  }
  kind.open(entry, kind.decode(entry), { origin: 'disk' })
  const deps = {
    executors,
    guard: new Guard({ strict: false }),
    clock: systemClock(),
    scanner: (stream: ChildStream) => scannerType.wrap(stream),
    readOnly: readOnlyMethods,
  }
  const module = execModule(deps).open() as ModuleTable
  const got = callFunction(module, 'get', ['app:exec'], call) as Outcome
  if (got.error !== undefined) throw got.error
  return got.value
}
const on = async (object: unknown, name: string, ...args: unknown[]): Promise<Outcome> => callMethod(object, name, args)

async function all(stream: unknown): Promise<string> {
  const pieces: Uint8Array[] = []
  for (;;) {
    const { value, error } = await on(stream, 'read')
    if (error !== undefined) throw error
    if (!(value instanceof Uint8Array)) return Buffer.concat(pieces).toString()
    pieces.push(value)
  }
}

async function run(
  on_: unknown,
  command: string,
  options?: unknown,
): Promise<{ out: string; err: string; code: unknown }> {
  const { value: child, error } = await on(on_, 'exec', command, options)
  if (error !== undefined) throw error
  const out = (await on(child, 'stdout_stream')).value
  const err = (await on(child, 'stderr_stream')).value
  const started = await on(child, 'start')
  if (started.error !== undefined) throw started.error
  const texts = await Promise.all([all(out), all(err)])
  const { value: code, error: failed } = await on(child, 'wait')
  if (failed !== undefined) throw failed
  return { out: texts[0], err: texts[1], code }
}

describe('command lines', () => {
  test.each([
    ['ls -la', ['ls', '-la']],
    ["grep 'hello world' notes.txt", ['grep', 'hello world', 'notes.txt']],
    ['a "b \\"c\\"" \'d\\e\' f\\ g', ['a', 'b "c"', 'd\\e', 'f g']],
    ['x "" \'\'', ['x', '', '']],
    ['echo $HOME; rm *', ['echo', '$HOME;', 'rm', '*']],
  ])('%s', (line, words) => {
    expect(splitCommand(line)).toEqual(words)
  })

  test.each(["a 'b", 'a "b', 'a\\', '  ', '""', 'a\0b'])('%j is refused', (line) => {
    expect(() => splitCommand(line)).toThrow()
  })
})

describe('a program', () => {
  test('gives its output, its errors and its exit code', async () => {
    expect(await run(executor(), "/bin/sh -c 'echo out; echo err >&2; exit 3'")).toEqual({
      out: 'out\n',
      err: 'err\n',
      code: 3,
    })
  })

  test('sees its arguments as they are and no environment but the declared', async () => {
    expect(await run(executor(), "printf %s '$HOME *'")).toMatchObject({ out: '$HOME *' })
    const { out } = await run(executor({ default_env: { A: '1', PATH: process.env['PATH'] ?? '' } }), 'env', {
      env: { B: 2 },
    })
    expect(out.split('\n').filter((line) => !/^(PATH|_|PWD|SHLVL)=/.test(line))).toEqual(['A=1', 'B=2', ''])
  })

  test('runs in the folder it was given', async () => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'exec-')))
    try {
      expect(await run(executor({ default_work_dir: folder }), 'pwd')).toMatchObject({ out: `${folder}\n` })
      expect(await run(executor(), 'pwd', { work_dir: folder })).toMatchObject({ out: `${folder}\n` })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('reads what is written to it, to the end', async () => {
    const { value: child } = await on(executor(), 'exec', 'sort')
    const { value: out } = await on(child, 'stdout_stream')
    await on(child, 'start')
    await on(child, 'write_stdin', 'banana\napple\n')
    await on(child, 'close_stdin')
    expect(await all(out)).toBe('apple\nbanana\n')
    expect((await on(child, 'wait')).value).toBe(0)
  })

  test('writes a lot without being held up by nobody reading', async () => {
    const { value: child } = await on(executor(), 'exec', "/bin/sh -c 'head -c 3000000 /dev/zero'")
    await on(child, 'start')
    expect((await on(child, 'wait')).value).toBe(0)
    const { out } = await run(executor(), "/bin/sh -c 'head -c 3000000 /dev/zero'")
    expect(out.length).toBe(3_000_000)
  })

  test('that has ended still has its output for who asked for it', async () => {
    const child = (await on(executor(), 'exec', 'echo kept')).value
    const out = (await on(child, 'stdout_stream')).value
    await on(child, 'start')
    expect((await on(child, 'wait')).value).toBe(0)
    expect(await all(out)).toBe('kept\n')
  })

  test('that does not exist, or is used out of order, is an error', async () => {
    const { value: missing } = await on(executor(), 'exec', 'no-such-program-here')
    expect((await on(missing, 'start')).error).toMatchObject({
      kind: 'NotFound',
      message: expect.stringContaining('no-such-program-here'),
    })
    const { value: child } = await on(executor(), 'exec', 'true')
    expect((await on(child, 'wait')).error).toMatchObject({ kind: 'Invalid', message: 'process not started' })
    await on(child, 'start')
    expect((await on(child, 'start')).error).toMatchObject({ message: 'process already started' })
    await on(child, 'wait')
    expect((await on(child, 'close')).value).toBe(true)
    expect((await on(child, 'close')).value).toBe(true)
    expect((await on(child, 'wait')).error).toMatchObject({ kind: 'Invalid', message: 'process closed' })
    expect((await on(executor(), 'exec', 'true', { pty: {} })).error?.kind).toBe('Unavailable')
  })

  test('can be signalled; minus the signal is its code', async () => {
    const { value: child } = await on(executor(), 'exec', 'sleep 100')
    await on(child, 'start')
    expect((await on(child, 'signal', 2)).value).toBe(true)
    expect((await on(child, 'wait')).value).toBe(-2)
    expect((await on(child, 'signal', 99)).error?.kind).toBe('Invalid')
  })

  test('ends with the process that started it, and what it started too', async () => {
    const call: FakeCall = fakeCall()
    const { value: child } = (await callMethod(
      executor(),
      'exec',
      ["/bin/sh -c 'sleep 100 & echo $!; wait'"],
      call,
    )) as Outcome
    const { value: out } = await on(child, 'stdout_stream')
    await on(child, 'start')
    const pid = Number(Buffer.from((await on(out, 'read')).value as Uint8Array).toString())
    call.end()
    await expect.poll(() => alive(pid)).toBe(false)
  })
})

/** A zombie that nobody waits for still answers to signal 0: where there is /proc, its state tells. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !existsSync('/proc/self') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('limits', () => {
  test('a program that takes too long is killed', async () => {
    await expect(run(executor({ timeout: '100ms' }), 'sleep 100')).rejects.toMatchObject({
      kind: 'Timeout',
      message: 'command took longer than 100 ms: sleep',
    })
  })

  test('a program that writes too much is killed', async () => {
    await expect(run(executor({ max_output: 10_000 }), 'cat /dev/zero')).rejects.toMatchObject({
      kind: 'LimitExceeded',
    })
    const { value: child } = await on(executor({ max_output: 10_000 }), 'exec', 'cat /dev/zero')
    await on(child, 'start')
    expect((await on(child, 'wait')).error).toMatchObject({ kind: 'LimitExceeded' })
  })
})

describe('rights', () => {
  test('a whitelist names command lines exactly', async () => {
    const only = executor({ command_whitelist: ['echo hi'] })
    expect(await run(only, 'echo hi')).toMatchObject({ out: 'hi\n' })
    expect((await on(only, 'exec', 'echo hi ')).error).toMatchObject({
      kind: 'Invalid',
      message: 'command not allowed: echo hi ',
    })
  })

  test('the executor and each command are asked for, with what was requested', async () => {
    const asked: string[] = []
    const scope: Scope = {
      evaluate(_actor, action, resource, attributes) {
        asked.push(`${action} ${resource} ${JSON.stringify(attributes ?? {})}`)
        return action === 'exec.get' ? 'allow' : 'deny'
      },
    }
    const call = { ...fakeCall(), frame: { ...emptyFrame, actor: { id: 'a', meta: {} }, scope } }
    const refused = (await callMethod(
      executor({}, call),
      'exec',
      ['ls', { work_dir: '/', env: { B: 'x', A: 'secret' } }],
      call,
    )) as Outcome
    expect(refused.error).toMatchObject({ kind: 'Invalid', message: 'not allowed to run command: ls' })
    expect(asked).toEqual([
      'exec.get app:exec {}',
      'exec.run ls {"work_dir":"/","env_names":["A","B"],"pty":{"requested":false}}',
    ])
    const nobody = { ...call, frame: { ...call.frame, scope: { evaluate: () => 'deny' as const } } }
    expect(() => executor({}, nobody)).toThrow('not allowed to access executor: app:exec')
  })

  test('a released executor runs nothing', async () => {
    const one = executor()
    await on(one, 'release')
    expect((await on(one, 'exec', 'true')).error).toMatchObject({ message: 'executor is released' })
  })
})
