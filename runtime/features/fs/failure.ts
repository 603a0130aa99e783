// Failures of the machine's file system in the words of the fs module. Paths are those of the volume, never of the machine.

import { type ErrorKind, RuntimeError } from '../../core/error.ts'

const failures: Readonly<Record<string, readonly [ErrorKind, string]>> = {
  ENOENT: ['NotFound', 'file does not exist'],
  EEXIST: ['AlreadyExists', 'path already exists'],
  ENOTEMPTY: ['Invalid', 'directory not empty'],
  ENOTDIR: ['Invalid', 'not a directory'],
  EISDIR: ['Invalid', 'is a directory'],
  ELOOP: ['PermissionDenied', 'path leaves the filesystem'],
  EACCES: ['PermissionDenied', 'permission denied'],
  EPERM: ['PermissionDenied', 'operation not permitted'],
  EROFS: ['PermissionDenied', 'read-only file system'],
  ENAMETOOLONG: ['Invalid', 'name too long'],
  ENOSPC: ['LimitExceeded', 'no space left on device'],
  EMFILE: ['Unavailable', 'too many open files'],
}

/** The RuntimeError of whatever was thrown while working on `path`. */
export function asFailure(error: unknown, path: string): RuntimeError {
  if (error instanceof RuntimeError) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known = failures[code]
  if (known === undefined)
    return new RuntimeError('Internal', `file system error on ${path} (${code || 'unknown'})`, { cause: error })
  return new RuntimeError(known[0], `${known[1]}: ${path}`, { cause: error })
}
