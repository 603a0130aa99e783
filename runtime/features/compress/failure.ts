// What goes wrong with compressed data, in one wording for all formats.

import { moduleError, type RuntimeError } from '../../core/error.ts'

export function invalidData(format: string): RuntimeError {
  return moduleError('Invalid', `invalid ${format} data`)
}

export function tooLarge(limit: number): RuntimeError {
  return moduleError('Internal', `decompressed size exceeds the limit of ${limit} bytes`)
}
