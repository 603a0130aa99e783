// Long runs, outside `npm test`: `npm run soak`, bounded by the variables the tests name. Ten thousand schedules are among them.

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/soak/**/*.test.ts', 'test/process/schedules.test.ts'],
    env: { WIPPY_SCHEDULES: process.env['WIPPY_SCHEDULES'] ?? '10000' },
    testTimeout: 1_800_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    pool: 'forks',
    execArgv: ['--expose-gc'],
  },
})
