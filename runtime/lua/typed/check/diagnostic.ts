// What the checker and the rules report, and the table of codes.

export type Severity = 'error' | 'warning' | 'hint'

export interface Diagnostic {
  readonly code: Code
  readonly severity: Severity
  readonly message: string
  /** Both from 1. */
  readonly line: number
  readonly column: number
}

/** Every code: E by the type checker, W and H by the rules of `--rules`, P by the parser. */
export const codes = {
  P0001: { severity: 'error', title: 'syntax error' },
  E0001: { severity: 'error', title: 'a value does not fit the type of its variable or field' },
  E0002: { severity: 'error', title: 'an argument does not fit its parameter' },
  E0003: { severity: 'error', title: 'a returned value does not fit the declared return type' },
  E0004: { severity: 'error', title: 'an operator on a type that has no such operation' },
  E0005: { severity: 'error', title: 'a value that is or may be nil is used' },
  E0006: { severity: 'error', title: 'a call of something that is no function' },
  E0007: { severity: 'error', title: 'a field that the record does not have' },
  E0008: { severity: 'error', title: 'too many or too few arguments' },
  E0009: { severity: 'error', title: 'a value that fits no member of a union' },
  E0010: { severity: 'error', title: 'a field of something that has no fields' },
  E0011: { severity: 'error', title: 'an assignment to what is read-only' },
  W0001: { severity: 'warning', title: 'no-empty-blocks' },
  W0002: { severity: 'warning', title: 'no-global-assign' },
  W0003: { severity: 'warning', title: 'no-self-compare' },
  W0004: { severity: 'warning', title: 'no-unused-vars' },
  W0005: { severity: 'warning', title: 'no-unused-params' },
  W0006: { severity: 'warning', title: 'no-unused-imports' },
  W0007: { severity: 'warning', title: 'no-shadowed-vars' },
} as const satisfies Record<string, { severity: Severity; title: string }>

export type Code = keyof typeof codes
