// Where bytes that should be text are none.

import { isUtf8 } from 'node:buffer'

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
