// The programs that have the terminal: which host they run on, whether it runs, and who wants to hear of Ctrl-C.

import { type Clock, unixSeconds } from '../core/clock.ts'
import type { Entry } from '../core/entry.ts'
import { RuntimeError } from '../core/error.ts'
import { nearest } from '../core/nearest.ts'
import type { Host } from '../index.ts'

const HOST_WAIT_MS = 5_000
const HOST_POLL_MS = 10

/** The process to run. Throws what a person can act on, before anything is started. */
export function requireProcess(host: Host, id: string): Entry {
  const entry = host.registry.get(id)
  if (entry !== undefined && /^(?:process|workflow)\.lua/.test(entry.kind)) return entry
  if (entry !== undefined) throw new RuntimeError('Invalid', `entry ${id} is a ${entry.kind}, not a process`)
  const { problems, registry } = host
  const broken = problems.find((problem) => problem.entry === id)
  if (broken !== undefined) throw new RuntimeError('Invalid', broken.message)
  const known = registry.find({ '.kind': 'process.lua' }).map((process) => process.id)
  const near = nearest(id, known)
  throw new RuntimeError('NotFound', `process ${id} not found`, {
    details: near === undefined ? undefined : { hint: `Did you mean "${near}"?` },
  })
}

/** The terminal host that was named, else the only one. */
export function chooseTerminal({ registry }: Host, wanted: string | undefined): string {
  if (wanted !== undefined) {
    const kind = registry.get(wanted)?.kind
    if (kind === undefined || kind === 'terminal.host') return wanted
    throw new RuntimeError('Invalid', `--host ${wanted}: a ${kind} has no terminal, name a terminal.host`)
  }
  const hosts = registry.find({ '.kind': 'terminal.host' }).map(({ id }) => id)
  const [only, ...others] = hosts
  if (others.length > 0) {
    throw new RuntimeError('Invalid', `multiple terminal hosts found (${hosts.join(', ')}), use --host to specify`)
  }
  if (only === undefined) throw new RuntimeError('NotFound', 'no terminal.host found in registry')
  return only
}

/** Resolves when the host runs. Throws NotFound for one that will not start, Timeout after five seconds. */
export async function terminalRunning({ supervisor }: Host, id: string, clock: Clock): Promise<void> {
  const until = clock.now() + HOST_WAIT_MS
  for (;;) {
    const state = supervisor.states().find((view) => view.id === id)
    if (state?.status === 'running') return
    if (state === undefined || state.desired === 'stopped') {
      const why = state === undefined ? 'no such service' : 'it does not start by itself (lifecycle.auto_start)'
      throw new RuntimeError('NotFound', `host ${id} not found in supervisor: ${why}`)
    }
    if (clock.now() > until) {
      throw new RuntimeError('Timeout', `timeout waiting for host ${id} to start (status: ${state.status})`)
    }
    await new Promise<void>((resolve) => void clock.after(HOST_POLL_MS, resolve))
  }
}

/** Whether a program has asked to be told of Ctrl-C. */
export function wantsInterrupts(host: Host): boolean {
  return listeners(host).length > 0
}

/** Tells those who asked; false when none did. */
export function interruptPrograms(host: Host): boolean {
  const at = unixSeconds(host.kernel.clock)
  const told = listeners(host)
  for (const program of told) program.event({ kind: 'pid.interrupt', from: '', at })
  return told.length > 0
}

/** Whether a program runs on a terminal host that keeps logs off its screen. */
export function hidesLogs({ kernel }: Host): boolean {
  for (const { kind, hideLogs, processes } of kernel.hosts.values()) {
    if (kind === 'terminal' && hideLogs && processes.size > 0) return true
  }
  return false
}

function listeners({ kernel }: Host) {
  return [...kernel.processes()].filter(
    (program) => program.options.interrupts && kernel.hosts.get(program.host)?.kind === 'terminal',
  )
}
