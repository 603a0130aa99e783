// A thread of the offload pool: does one job after the other and answers in pieces.

import { once } from 'node:events'
import { parentPort } from 'node:worker_threads'
import { asRuntimeError } from '../core/error.ts'
import { piecesOf } from './pieces.ts'
import { type Answer, createTasks, type Job, TAKEN } from './tasks.ts'

const tasks = createTasks()
const post = (answer: Answer): void => parentPort?.postMessage(answer)

parentPort?.on('message', (message: Job | typeof TAKEN) => {
  if (message !== TAKEN) void perform(message)
})

/** Until the piece that was posted is taken: no job comes before. */
async function taken(): Promise<void> {
  if (parentPort !== null) await once(parentPort, 'message')
}

async function perform({ id, task, args }: Job): Promise<void> {
  const started = performance.now()
  try {
    const value: unknown = await (tasks[task] as (...args: readonly unknown[]) => Promise<unknown>)(...args)
    const cpu = performance.now() - started
    for (const piece of piecesOf(value)) {
      post({ id, piece })
      // Messages that wait together are taken in one turn: the other side would stand still after all.
      await taken()
    }
    post({ id, cpu })
  } catch (error) {
    const { kind, text } = asRuntimeError(error)
    post({ id, kind, message: text, cpu: performance.now() - started })
  }
}
