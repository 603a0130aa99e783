// How the command line and a running host talk: a local socket that only its owner may open, one JSON object a line.
// A request is `{ id, method, params }`, its answer `{ id, result }` or `{ id, error: { kind, message } }`.

import { createHash } from 'node:crypto'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { ErrorKind } from '../core/error.ts'

export interface Request {
  readonly id: number
  readonly method: string
  readonly params: unknown
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly kind: ErrorKind; readonly message: string } }

/** Longer lines are no request of ours. */
export const LONGEST_REQUEST = 1024 * 1024

/** Unix socket paths end at 104 bytes on macOS, 108 on Linux. */
const LONGEST_PATH = 100

/** Where the host of a project listens: in its `.wippy`, or in the temporary folder when that path is too long. */
export function controlPath(root: string): string {
  const inside = join(root, '.wippy', 'control.sock')
  const windows = process.platform === 'win32'
  // Most need no digest, for which `node:crypto` would be loaded: milliseconds in which nothing else runs.
  if (!windows && Buffer.byteLength(inside) <= LONGEST_PATH) return inside
  const digest = createHash('sha256').update(root).digest('hex').slice(0, 16)
  return windows ? `\\\\.\\pipe\\wippy-${digest}` : join(tmpdir(), `wippy-${userInfo().uid}-${digest}.sock`)
}
