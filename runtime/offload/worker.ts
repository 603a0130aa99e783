// A thread of the offload pool: does one job after the other.

import { parentPort } from 'node:worker_threads'
import { asRuntimeError } from '../core/error.ts'
import { type Answer, type Job, tasks } from './tasks.ts'

parentPort?.on('message', async ({ id, task, args }: Job) => {
  parentPort?.postMessage(await answer(id, tasks[task] as (...args: readonly unknown[]) => Promise<unknown>, args))
})

async function answer(
  id: number,
  run: (...args: readonly unknown[]) => Promise<unknown>,
  args: readonly unknown[],
): Promise<Answer> {
  try {
    return { id, value: await run(...args) }
  } catch (error) {
    const { kind, text } = asRuntimeError(error)
    return { id, kind, message: text }
  }
}
