// The builtin functions of expr-lang, all of them: how many arguments each takes, of which types, and what it does.

import type { Builtin } from './builtin-shape.ts'
import { listBuiltins } from './list-builtins.ts'
import { numberBuiltins } from './number-builtins.ts'
import { textBuiltins } from './text-builtins.ts'

export const builtins: Readonly<Record<string, Builtin>> = { ...listBuiltins, ...numberBuiltins, ...textBuiltins }
