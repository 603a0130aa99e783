// Where bytes that should be text are none.

import { isUtf8 } from 'node:buffer'
import type { Entry } from './entry.ts'
import { isMap } from './value.ts'

/** The line, from 1, of the first byte that is not UTF-8; undefined when all are. */
export function lineNotUtf8(bytes: Uint8Array): number | undefined {
  if (isUtf8(bytes)) return undefined
  let line = 1
  // A line feed is part of no other character, so lines can be looked at one by one.
  for (let start = 0; ; line++) {
    const end = bytes.indexOf(0x0a, start)
    if (end < 0 || !isUtf8(bytes.subarray(start, end))) return line
    start = end + 1
  }
}

/** What is wrong with the source of a Lua entry whose file is no text, which comes as bytes; undefined when nothing is. */
export function sourceNotUtf8({ id, data }: Entry): string | undefined {
  const source = isMap(data) ? data['source'] : undefined
  const line = source instanceof Uint8Array ? lineNotUtf8(source) : undefined
  // As the compiler says it, so that it is shown at the line of the file.
  return line === undefined ? undefined : `${id}:${line}: source is not UTF-8 text`
}
