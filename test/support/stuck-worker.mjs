// A worker thread that begins a turn and never ends it, as code hanging in native code does. It answers nothing.

import { workerData } from 'node:worker_threads'

const STATE = 3
const RUNNING = 1
Atomics.store(new Int32Array(workerData.shared), STATE, RUNNING)
for (;;);
