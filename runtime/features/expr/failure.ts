// A failure of a running expression. Its place in the text is added by the node that runs when it is thrown.

export class ExprError extends Error {}

export function fail(message: string): never {
  throw new ExprError(message)
}
