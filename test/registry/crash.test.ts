// kill -9 at random moments: no acknowledged version is lost and none is ever half there (design/PROMISES.md P10).
// WIPPY_KILL_POINTS sets how many times, WIPPY_SEED the moments.

import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { SqliteHistory } from '../../runtime/registry/sqlite-history.ts'
import { afterRound, crashRegistry, targets } from './crash-rounds.ts'

const root = resolve(import.meta.dirname, '../..')
const points = Number(process.env['WIPPY_KILL_POINTS'] ?? 20)
const seed = Number(process.env['WIPPY_SEED'] ?? Date.now() % 1_000_000)
let built = ''
let folder = ''

beforeAll(() => {
  // Under node_modules, where the packages of the sources are found.
  const cache = join(root, 'node_modules', '.cache')
  mkdirSync(cache, { recursive: true })
  built = mkdtempSync(join(cache, 'crash-'))
  writeFileSync(join(built, 'package.json'), '{"type":"module"}')
  const flags = ['--module', 'NodeNext', '--target', 'ES2023', '--rewriteRelativeImportExtensions', '--skipLibCheck']
  const places = ['--rootDir', root, '--outDir', built, '--types', 'node']
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const source = join(root, 'test/registry/crash-child.ts')
  execFileSync(process.execPath, [tsc, '--ignoreConfig', ...flags, ...places, source], { cwd: root, stdio: 'inherit' })
  folder = mkdtempSync(join(tmpdir(), 'wippy-crash-'))
})

afterAll(() => {
  rmSync(built, { recursive: true, force: true })
  rmSync(folder, { recursive: true, force: true })
})

/** Lets the child work for so many ms, kills it, and gives the versions that it was told it is at. */
async function killAfter(path: string, ms: number, afterFirst: boolean): Promise<number[]> {
  const child = spawn(process.execPath, [join(built, 'test/registry/crash-child.js'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.setEncoding('utf8')
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  const awaited = afterFirst ? /ready\n\d+\n/ : /ready\n/
  const ready = new Promise<void>((done) => {
    child.stdout.on('data', (text: string) => {
      said += text
      if (awaited.test(said)) done()
    })
  })
  await Promise.race([ready, ended])
  await delay(ms)
  child.kill('SIGKILL')
  await ended
  expect(child.signalCode, `seed ${seed}`).toBe('SIGKILL')
  // What follows the last line end was never written whole.
  return said
    .slice(0, said.lastIndexOf('\n'))
    .split('\n')
    .filter((line) => /^\d+$/.test(line))
    .map(Number)
}

test(`${points} times kill -9 loses nothing and halves nothing`, { timeout: points * 5000 }, async () => {
  const path = join(folder, '.wippy', 'registry.db')
  let random = seed
  let [current, newest, applied, moved] = [0, 0, 0, 0]
  for (let point = 0; point < points; point++) {
    random = (random * 1_103_515_245 + 12_345) % 2_147_483_648
    const told = await killAfter(path, random % 120, point % 4 !== 0)
    const plan = targets(current, newest)
    const planned = [current, ...Array.from({ length: told.length + 1 }, () => plan.next().value)]
    const hint = `seed ${seed}, point ${point}`
    expect(told, hint).toEqual(planned.slice(1, -1))

    const history = await SqliteHistory.open(path)
    const registry = await crashRegistry(history)
    const { id } = registry.version
    // Where it was told it is, or where it was just going: nothing between.
    expect(planned.slice(-2), hint).toContain(id)
    expect(registry.get('t:counter')?.data, hint).toEqual({ n: id })
    expect(
      registry.all().map((one) => one.id),
      hint,
    ).toEqual(afterRound(id))
    const versions = history.versions().map((version) => version.id)
    const made = Math.max(newest, ...told, id)
    expect(versions, hint).toEqual(Array.from({ length: made }, (_, i) => i + 1))
    await registry.close()
    if (told.length > 0) applied++
    moved += told.filter((version, i) => version < (told[i - 1] ?? 0)).length
    ;[current, newest] = [id, made]
  }
  // Three of four children were let live until they had done something, and some went back.
  expect(applied).toBeGreaterThanOrEqual(Math.floor((points * 3) / 4))
  expect(moved).toBeGreaterThan(0)
})
