// An archive under way: written beside its place, there when it is whole, gone when it is not.

import type { FileHandle } from 'node:fs/promises'
import { moduleError, RuntimeError } from '../../core/error.ts'
import type { Limits } from './entry.ts'
import { archiveWriter, type Format, type ZstdBuffers } from './formats.ts'
import type { VolumeHandle } from './sources.ts'
import type { ArchiveWriter } from './writers.ts'

export interface Writer {
  readonly limits: Limits
  /** Does one thing after the other. */
  add(work: (writer: ArchiveWriter) => Promise<void>): Promise<void>
  finish(): Promise<void>
  discard(): void
}

/** Writes beside the target; the archive appears when it is whole. */
export async function fileWriter(
  { volume }: VolumeHandle,
  path: string,
  format: Format,
  limits: Limits,
  zstd: ZstdBuffers,
): Promise<Writer> {
  const whole = deferred<void>()
  const opened = deferred<FileHandle>()
  const replaced = volume.replaceFile(path, async (file) => {
    opened.resolve(file)
    await whole.promise
  })
  replaced.catch((error: unknown) => opened.reject(error))
  whole.promise.catch(() => undefined)
  const file = await opened.promise
  const { writer, finish } = archiveWriter(format, async (piece) => void (await file.appendFile(piece)), zstd)
  let last: Promise<unknown> = Promise.resolve()
  let state: 'open' | 'finished' | 'broken' = 'open'
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const next = last.then(work)
    last = next.catch(() => undefined)
    return next
  }
  const broken = (error: unknown): never => {
    state = 'broken'
    whole.reject(error)
    throw error
  }
  return {
    limits,
    add(work) {
      if (state !== 'open')
        return Promise.reject(moduleError('Invalid', `archive is ${state === 'broken' ? 'broken' : 'closed'}: ${path}`))
      return inTurn(() => work(writer)).catch(broken)
    },
    async finish() {
      if (state === 'finished') return
      if (state === 'broken') throw moduleError('Invalid', `archive is broken: ${path}`)
      state = 'finished'
      await inTurn(finish).catch(broken)
      whole.resolve()
      await replaced
    },
    discard() {
      if (state !== 'open') return
      state = 'broken'
      whole.reject(new RuntimeError('Canceled', `archive was not closed: ${path}`))
    },
  }
}

interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

function deferred<T>(): Deferred<T> {
  let resolve: Deferred<T>['resolve'] = () => undefined
  let reject: Deferred<T>['reject'] = () => undefined
  const promise = new Promise<T>((fulfil, refuse) => {
    resolve = fulfil
    reject = refuse
  })
  return { promise, resolve: (value) => resolve(value), reject: (error) => reject(error) }
}
