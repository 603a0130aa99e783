// Who may change the registry: the permission to apply at all, then one decision per entry (design/DECISIONS.md).

import { RuntimeError } from '../core/error.ts'
import type { Frame } from '../core/frame.ts'
import { type Change, type Operation, operationKind } from './changeset.ts'

/** What the registry asks of security/guard.ts. */
export interface ChangeGuard {
  allows(frame: Frame, action: string, resource: string): boolean
  /** True when the action is forbidden, not merely not allowed. */
  denies(frame: Frame, action: string, resource: string): boolean
}

/** Throws PermissionDenied unless the frame may apply these changes. */
export function authorize(guard: ChangeGuard, frame: Frame, changes: readonly Change[]): void {
  if (!guard.allows(frame, 'registry.apply', ''))
    throw denied('not allowed to apply registry changes', 'registry.apply', '')
  for (const change of changes) {
    const id = change.op === 'delete' ? change.id : change.entry.id
    authorizeEntry(guard, frame, change.op, id)
  }
}

/** Throws PermissionDenied unless the frame may go to another version, which comes to these operations. */
export function authorizeRollback(guard: ChangeGuard, frame: Frame, operations: readonly Operation[]): void {
  if (!guard.allows(frame, 'registry.apply_version', '')) {
    throw denied('registry version change is not allowed', 'registry.apply_version', '')
  }
  for (const operation of operations) {
    authorizeEntry(guard, frame, operationKind(operation).slice('entry.'.length), operation.id)
  }
}

function authorizeEntry(guard: ChangeGuard, frame: Frame, what: string, id: string): void {
  const action = `registry.${what}`
  if (guard.denies(frame, action, id)) throw denied(`not allowed to ${what} entry: ${id}`, action, id)
}

function denied(message: string, action: string, resource: string): RuntimeError {
  return new RuntimeError('PermissionDenied', message, { retryable: false, details: { action, resource } })
}
