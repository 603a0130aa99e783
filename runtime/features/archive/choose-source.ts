// Which bytes the arguments of `archive.open` and `archive.scan` mean.

import { bytes, LuaObject, optionalTable, text } from '../../lua/module.ts'
import type { ByteReader, RandomSource } from './entry.ts'
import type { Walk } from './formats.ts'
import { bytesSource, fileSource, openFileSource, PieceReader, piecesOf, readerOf, volumeOf } from './sources.ts'

interface Chosen {
  readonly name: string
  readonly options: { [key: string]: unknown }
}

export async function randomSource(
  argument: unknown,
  rest: readonly unknown[],
  ask: (path: string) => void,
): Promise<Chosen & { readonly source: RandomSource }> {
  const handle = volumeOf(argument)
  if (handle !== undefined) {
    const path = handle.volume.normalize(text(rest[0], 2, 'open'), handle.cwd)
    ask(path)
    return { name: path, options: optionalTable(rest[1], 3, 'open') ?? {}, source: await fileSource(handle, path) }
  }
  ask('')
  const options = optionalTable(rest[0], 2, 'open') ?? {}
  const source =
    argument instanceof LuaObject ? await openFileSource(argument) : bytesSource(bytes(argument, 1, 'open'))
  return { name: '', options, source }
}

export async function sequentialSource(
  argument: unknown,
  rest: readonly unknown[],
  ask: (path: string) => void,
): Promise<
  Chosen & { readonly reader: PieceReader; readonly head: Uint8Array; readonly release: () => Promise<void> }
> {
  const handle = volumeOf(argument)
  const stream = handle === undefined ? readerOf(argument) : undefined
  const chosen =
    stream === undefined
      ? await randomSource(argument, rest, ask)
      : { name: '', options: optionalTable(rest[0], 2, 'scan') ?? {} }
  if (stream !== undefined) ask('')
  const pieces = 'source' in chosen ? contentOf(chosen.source) : piecesOf(stream as ByteReader) // one of the two is there
  const first: Uint8Array[] = []
  let have = 0
  while (have < 512) {
    const { value, done } = await pieces.next()
    if (done === true) break
    first.push(value)
    have += value.length
  }
  const head = Buffer.concat(first)
  const release = async (): Promise<void> => {
    if ('source' in chosen) await chosen.source.close()
  }
  const all = async function* (): AsyncGenerator<Uint8Array> {
    try {
      if (head.length > 0) yield head
      yield* pieces
    } finally {
      await release()
    }
  }
  return { ...chosen, reader: new PieceReader(all()), head, release }
}

/** However a walk ends, what it reads from is closed. */
export async function* closing(walk: Walk, reader: PieceReader): Walk {
  try {
    yield* walk
  } finally {
    await reader.close()
  }
}

export async function* contentOf(source: RandomSource): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; ) {
    const piece = await source.read(at, 64 * 1024)
    if (piece.length === 0) return
    at += piece.length
    yield piece
  }
}
