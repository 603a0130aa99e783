// A thread of the offload pool: does one job after the other and answers in pieces.

import { parentPort } from 'node:worker_threads'
import { asRuntimeError } from '../core/error.ts'
import { piecesOf } from './pieces.ts'
import { type Answer, createTasks, type Job, TAKEN } from './tasks.ts'

const tasks = createTasks()
const post = (answer: Answer): void => parentPort?.postMessage(answer)
let taken = (): void => {}

parentPort?.on('message', (message: Job | typeof TAKEN) => {
  if (message === TAKEN) taken()
  else void perform(message)
})

async function perform({ id, task, args }: Job): Promise<void> {
  const started = performance.now()
  try {
    const value: unknown = await (tasks[task] as (...args: readonly unknown[]) => Promise<unknown>)(...args)
    const cpu = performance.now() - started
    for (const piece of piecesOf(value)) {
      const next = new Promise<void>((resolve) => {
        taken = resolve
      })
      post({ id, piece })
      // Messages that wait together are taken in one turn: the other side would stand still after all.
      await next
    }
    post({ id, cpu })
  } catch (error) {
    const { kind, text } = asRuntimeError(error)
    post({ id, kind, message: text, cpu: performance.now() - started })
  }
}
