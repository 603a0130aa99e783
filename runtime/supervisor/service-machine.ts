// One service as a state machine: what follows what when it starts, ends, fails or is stopped, restarts included.
// Knows no other service: order is the supervisor's.

import { assign, createActor, setup } from 'xstate'
import type { Clock, Timer } from '../core/clock.ts'
import { formatDuration } from '../core/duration.ts'
import { asRuntimeError, RuntimeError, serviceExited } from '../core/error.ts'
import { delayAfter } from './backoff.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { Service } from './service.ts'

export type ServiceStatus = 'unknown' | 'starting' | 'running' | 'stopping' | 'stopped' | 'exited' | 'failed'

export interface ServiceState {
  readonly status: ServiceStatus
  readonly desired: 'running' | 'stopped'
  /** Failures in a row. */
  readonly retryCount: number
  /** Why it failed or exited; undefined after a normal end. */
  readonly error: RuntimeError | undefined
  /** It failed and will start again by itself. */
  readonly retrying: boolean
  /** Nanoseconds since 1970 of the last time it began to run; 0 before. */
  readonly startedAt: bigint
  /** Nanoseconds since 1970 of the last change. */
  readonly lastUpdate: bigint
}

export interface ServiceMachineDeps {
  readonly service: Service
  /** Asked at every use, so that an update of the entry takes effect without a restart. */
  readonly lifecycle: () => Lifecycle
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  /** Told of every change of state, in order. */
  readonly changed: (state: ServiceState) => void
}

export interface ServiceMachine {
  readonly state: ServiceState
  /** Starts a service at rest, or at once one that waits for its retry. Failures are counted from zero again. */
  start(): void
  /** Asks a running service to end; gives up a start or a retry. */
  stop(reason: string): void
}

/** `judging` and `ending` are passed through within one step and never seen. */
const statusOf = {
  unknown: 'unknown',
  starting: 'starting',
  running: 'running',
  judging: 'running',
  waiting: 'failed',
  stopping: 'stopping',
  ending: 'stopping',
  stopped: 'stopped',
  exited: 'exited',
  failed: 'failed',
} as const

interface Context {
  desired: 'running' | 'stopped'
  retryCount: number
  error: RuntimeError | undefined
  startedAt: bigint
  /** `Clock.now` when it began to run, undefined while it has not in this run. */
  runningSince: number | undefined
  /** The reason given for the stop under way. */
  reason: string
}

/** Events of a run carry its number: what comes late from an earlier run says nothing about this one. */
type Event =
  | { type: 'start' }
  | { type: 'stop'; reason: string }
  | { type: 'started'; run: number }
  | { type: 'ended'; run: number; error: RuntimeError | undefined }
  | { type: 'stopped'; run: number }
  | { type: 'stop failed'; run: number; error: RuntimeError }

/** A machine for a service that has not been started. */
export function createServiceMachine(deps: ServiceMachineDeps): ServiceMachine {
  const { clock, changed } = deps
  const actor = createActor(
    machineOf(deps, (event) => actor.send(event)),
    {
      clock: {
        setTimeout: (run, ms) => clock.after(ms, () => run()),
        clearTimeout: (timer) => (timer as Timer | undefined)?.cancel(), // what `setTimeout` above gave
      },
    },
  )
  const read = (): ServiceState => {
    const { value, context } = actor.getSnapshot()
    const { desired, retryCount, error, startedAt } = context
    const status = statusOf[value]
    const retrying = value === 'waiting'
    return { status, desired, retryCount, error, retrying, startedAt, lastUpdate: clock.wallNanos() }
  }
  let state = read()
  actor.subscribe(() => {
    const next = read()
    const same = next.status === state.status && next.desired === state.desired && next.retrying === state.retrying
    if (same) return
    state = next
    changed(next)
  })
  actor.start()
  return {
    get state() {
      return state
    },
    start: () => actor.send({ type: 'start' }),
    stop: (reason) => actor.send({ type: 'stop', reason }),
  }
}

/** The machine's effects reach the service, and the service's answers come back as events through `send`. */
function machineOf({ service, lifecycle, clock, random }: ServiceMachineDeps, send: (event: Event) => void) {
  let run = 0
  let starting = new AbortController()

  const begin = (): void => {
    const mine = ++run
    starting = new AbortController()
    const { signal } = starting
    let running = false
    let over: { error: RuntimeError | undefined } | undefined
    const ended = (error: RuntimeError | undefined): void => {
      over ??= { error: error === serviceExited ? undefined : error }
      if (running) send({ type: 'ended', run: mine, ...over })
    }
    const arrived = (error: RuntimeError | undefined): void => {
      if (error !== undefined) send({ type: 'ended', run: mine, error })
      else if (signal.aborted) void settle(() => service.stop('start was given up'))
      else {
        running = true
        send({ type: 'started', run: mine })
        // It may have ended before its start returned: it ran, if briefly.
        if (over !== undefined) send({ type: 'ended', run: mine, ...over })
      }
    }
    let pending: void | Promise<void>
    try {
      pending = service.start((exit) => ended(exit.error), signal)
    } catch (error) {
      arrived(asRuntimeError(error, ''))
      return
    }
    if (pending === undefined) arrived(undefined)
    else void settle(() => pending).then(arrived)
  }
  const end = (reason: string): void => {
    const mine = run
    void settle(() => service.stop(reason)).then((error) =>
      send(error === undefined ? { type: 'stopped', run: mine } : { type: 'stop failed', run: mine, error }),
    )
  }
  const isCurrent = ({ event }: { event: Event }): boolean => 'run' in event && event.run === run

  return setup({
    // xstate reads the types of its parts from these casts; the values are never used.
    types: { context: {} as Context, events: {} as Event },
    delays: {
      startTimeout: () => lifecycle().startTimeout,
      stopTimeout: () => lifecycle().stopTimeout,
      retryDelay: ({ context }) => delayAfter(context.retryCount, lifecycle().backoff, random),
    },
    guards: {
      isCurrent,
      isFinal: ({ context }) => context.error === undefined || endsForGood(context.error),
      mayRetry: ({ context }) => {
        const { maxAttempts } = lifecycle()
        return context.desired === 'running' && (maxAttempts === 0 || context.retryCount < maxAttempts)
      },
      wantsToRun: ({ context }) => context.desired === 'running',
    },
    actions: {
      begin,
      end: ({ context }) => end(context.reason),
      giveUpStart: () => starting.abort(),
      kill: () => service.kill?.(),
      wantRunning: assign({ desired: 'running' }),
      forgetFailures: assign({ retryCount: 0, error: undefined }),
      wantStopped: assign(({ event }) => ({
        desired: 'stopped' as const,
        reason: event.type === 'stop' ? event.reason : '',
      })),
      forgetRun: assign({ runningSince: undefined }),
      noteRunning: assign({ startedAt: () => clock.wallNanos(), runningSince: () => clock.now(), error: undefined }),
      noteEnd: assign(({ context, event }) => {
        const error = event.type === 'ended' ? event.error : startTimedOut()
        const stable =
          context.runningSince !== undefined && clock.now() - context.runningSince >= lifecycle().stableThreshold
        const failed = error !== undefined && !endsForGood(error)
        return { error, retryCount: failed ? (stable ? 1 : context.retryCount + 1) : context.retryCount }
      }),
      noteStopFailure: assign(({ event }) => ({
        error: event.type === 'stop failed' ? event.error.wrap('failed to stop service') : stopTimedOut(lifecycle()),
      })),
    },
  }).createMachine({
    context: {
      desired: 'stopped',
      retryCount: 0,
      error: undefined,
      startedAt: 0n,
      runningSince: undefined,
      reason: '',
    },
    initial: 'unknown',
    states: {
      unknown: { on: { start: 'starting', stop: { actions: 'wantStopped' } }, exit: ['wantRunning'] },
      starting: {
        entry: ['forgetRun', 'begin'],
        on: {
          started: { guard: 'isCurrent', target: 'running' },
          ended: { guard: 'isCurrent', target: 'judging', actions: 'noteEnd' },
          stop: { target: 'stopping', actions: ['wantStopped', 'giveUpStart'] },
        },
        after: { startTimeout: { target: 'judging', actions: ['giveUpStart', 'noteEnd'] } },
      },
      running: {
        entry: 'noteRunning',
        on: {
          ended: { guard: 'isCurrent', target: 'judging', actions: 'noteEnd' },
          stop: { target: 'stopping', actions: 'wantStopped' },
        },
      },
      judging: {
        always: [
          { guard: 'isFinal', target: 'exited' },
          { guard: 'mayRetry', target: 'waiting' },
          { target: 'failed' },
        ],
      },
      /** Failed, with a restart to come. */
      waiting: {
        after: { retryDelay: 'starting' },
        on: {
          start: { target: 'starting', actions: 'forgetFailures' },
          stop: { target: 'stopped', actions: 'wantStopped' },
        },
      },
      stopping: {
        entry: 'end',
        on: {
          // Wanted again before it has ended: it starts anew once it has.
          start: { actions: 'wantRunning' },
          stop: { actions: 'wantStopped' },
          stopped: { guard: 'isCurrent', target: 'ending' },
          'stop failed': { guard: 'isCurrent', target: 'failed', actions: 'noteStopFailure' },
        },
        after: { stopTimeout: { target: 'failed', actions: ['kill', 'noteStopFailure'] } },
      },
      ending: {
        always: [{ guard: 'wantsToRun', target: 'starting', actions: 'forgetFailures' }, { target: 'stopped' }],
      },
      stopped: { on: { start: { target: 'starting', actions: ['wantRunning', 'forgetFailures'] } } },
      exited: {
        on: {
          start: { target: 'starting', actions: ['wantRunning', 'forgetFailures'] },
          stop: { actions: 'wantStopped' },
        },
      },
      failed: {
        on: {
          start: { target: 'starting', actions: ['wantRunning', 'forgetFailures'] },
          stop: { actions: 'wantStopped' },
        },
      },
    },
  })
}

/** Runs what may throw or reject; the error is the result. */
async function settle(run: () => void | Promise<void>): Promise<RuntimeError | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    return asRuntimeError(error, '')
  }
}

/** Cancelled, or said by somebody in the chain of causes to be beyond retrying (spec/supervision.md §3). */
function endsForGood(error: RuntimeError): boolean {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof RuntimeError && cause.retryable !== undefined) return !cause.retryable
    if (cause instanceof RuntimeError && cause.kind === 'Canceled') return true
  }
  return false
}

function startTimedOut(): RuntimeError {
  return new RuntimeError('Timeout', 'service start timed out', { retryable: true })
}

function stopTimedOut({ stopTimeout }: Lifecycle): RuntimeError {
  const after = formatDuration(BigInt(Math.round(stopTimeout * 1e6)))
  return new RuntimeError('Timeout', `stop timeout after ${after}`, { retryable: true })
}
