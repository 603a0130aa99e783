// Goes through an expression and all below it, for whoever looks for something in it: the binder, the rules.

import type { Expression } from './ast.ts'

/**
 * Visits an expression and all below it, an operand's right side before its left. Bodies of functions are the visitor's
 * business: they are statements, in a scope of their own.
 */
export function walkExpression(root: Expression, visit: (expression: Expression) => void): void {
  // Left operands by iteration: `a + b + c ...` and `x.y.z ...` may be as long as a file.
  for (let expression: Expression | undefined = root; expression !== undefined; expression = leftOf(expression)) {
    visit(expression)
    for (const other of othersOf(expression)) walkExpression(other, visit)
  }
}

function leftOf(expression: Expression): Expression | undefined {
  switch (expression.kind) {
    case 'index':
    case 'method':
      return expression.object
    case 'call':
      return expression.callee
    case 'binary':
      return expression.left
    case 'unary':
      return expression.operand
    case 'paren':
    case 'cast':
    case 'nonnil':
      return expression.inner
    default:
      return undefined
  }
}

function othersOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case 'index':
      return [expression.key]
    case 'call':
    case 'method':
      return expression.args
    case 'binary':
      return [expression.right]
    case 'table':
      return expression.fields.flatMap(({ key, value }) => (key === undefined ? [value] : [key, value]))
    default:
      return []
  }
}
