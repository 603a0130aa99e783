// Small ZIP archives as a whole in memory, for other features that keep their files in one.

import { Allowance, defaultLimits } from './entry.ts'
import { bytesSource } from './sources.ts'
import { ZipWriter } from './writers.ts'
import { ZipReader } from './zip-reader.ts'

/** The files of an archive; each is read when it is asked for, all of them together at most `maxBytes`. */
export async function readZipFiles(
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Map<string, () => AsyncIterable<Uint8Array>>> {
  const allowance = new Allowance({ ...defaultLimits, maxTotalBytes: maxBytes, maxFileBytes: maxBytes })
  const zip = await ZipReader.open(bytesSource(bytes), allowance)
  const files = new Map<string, () => AsyncIterable<Uint8Array>>()
  for (const entry of zip.entries.values()) files.set(entry.name, () => zip.content(entry))
  return files
}

/** A text in pieces. */
export type Texts = readonly string[] | Generator<string>

/** An archive of text files, whose pieces are asked for with turns between; equal files give equal bytes. */
export async function writeZipFiles(files: readonly (readonly [string, Texts])[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const writer = new ZipWriter(async (piece) => void pieces.push(piece))
  for (const [name, texts] of files) {
    const content = (async function* () {
      for (const text of texts) {
        yield Buffer.from(text)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    await writer.addFile({ name, mode: 0o644, modified: 0, store: false }, content)
  }
  await writer.finish()
  return new Uint8Array(Buffer.concat(pieces))
}
