// One writer per history: a file that names the process that holds it. A process that was killed leaves the file behind; it
// counts no more once no process has that pid and start time.

import { execFileSync } from 'node:child_process'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { RuntimeError } from '../core/error.ts'

export interface HistoryLock {
  release(): void
}

/** Takes the lock. Throws Unavailable with the pid in its details when a living process has it. */
export function takeLock(path: string): HistoryLock {
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? null })
  for (let attempt = 0; attempt < 5; attempt++) {
    if (claim(path, mine)) return { release: () => releaseLock(path, mine) }
    const theirs = readIfThere(path)
    if (theirs === undefined) continue
    const holder = livingHolder(theirs)
    if (holder !== undefined) {
      throw new RuntimeError('Unavailable', `${path} is held by process ${holder}`, { details: { pid: holder } })
    }
    discardStale(path, theirs)
  }
  throw new RuntimeError('Unavailable', `${path} could not be taken: others keep taking it`)
}

/** Appears whole or not at all: the content is written aside, then linked to the name. */
function claim(path: string, content: string): boolean {
  const aside = `${path}.${process.pid}`
  writeFileSync(aside, content)
  try {
    linkSync(aside, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

/** Two may find the same stale file at once: it is moved aside, and put back if it was not the one that was judged. */
function discardStale(path: string, judged: string): void {
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    if (readFileSync(aside, 'utf8') !== judged) linkSync(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

function releaseLock(path: string, mine: string): void {
  if (readIfThere(path) === mine) rmSync(path, { force: true })
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** The pid in a lock whose process still lives; undefined for one that is gone or unreadable. */
function livingHolder(content: string): number | undefined {
  let held: { pid?: unknown; started?: unknown }
  try {
    held = JSON.parse(content)
  } catch {
    // Not written by us, or torn by a crash of the machine.
    return undefined
  }
  const { pid, started } = held
  if (typeof pid !== 'number' || !alive(pid)) return undefined
  const now = startOf(pid)
  // Where start times cannot be read, a living pid counts.
  return typeof started !== 'string' || now === undefined || now === started ? pid : undefined
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** A text that tells this process from a later one with the same pid. */
function startOf(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
      return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${ticks}`
    }
    if (process.platform === 'win32') return undefined
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    // No such process, or a system that does not tell.
    return undefined
  }
}
