// `wippy init`: writes the lock that makes a folder a project. Nothing else is created, and what is locked stays.

import { resolve } from 'node:path'
import { newLock, readLock, writeLock } from '../../loader/lockfile.ts'
import { createLogging } from '../logging.ts'
import type { GlobalFlags } from '../options.ts'

export interface InitFlags extends GlobalFlags {
  readonly srcDir: string
  readonly modulesDir: string
  readonly lockFile: string
}

/** Resolves with the exit code. */
export async function init(flags: InitFlags): Promise<number> {
  const { logger } = createLogging({
    flags,
    forCommand: false,
    encoding: 'console',
    stdout: (line) => void process.stdout.write(line),
    stderr: (line) => void process.stderr.write(line),
  })
  const path = resolve(flags.lockFile)
  logger.info('initializing lock file', { path })
  const before = readLock(path)
  const fresh = newLock(flags.srcDir, flags.modulesDir)
  writeLock(path, before === undefined ? fresh : { ...before, directories: fresh.directories })
  logger.info('lock file initialized successfully', { path })
  return 0
}
