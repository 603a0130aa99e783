// What passes between the parts of the renderer: failures that `try` can catch, and text that is safe already.

export class RenderError extends Error {}

/** Text that is written as it is. */
export class SafeText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
