// Entry of a worker thread that runs Lua.

import { workerData } from 'node:worker_threads'
import type { WorkerStart } from '../thread.ts'
import { WorkerRuntime } from './worker-runtime.ts'

await new WorkerRuntime(workerData as WorkerStart).boot()
