// Things the main thread has told a worker of, by number: programs and frames. A frame is forgotten when nobody over there uses it.

/** Numbers for things that stay known until they are taken back. */
export class Numbered<T extends object> {
  readonly #numbers = new Map<T, number>()
  readonly #items = new Map<number, T>()
  readonly #define: (number: number, item: T) => void
  #last = 0

  /** `define` tells the worker what a new number means. */
  constructor(define: (number: number, item: T) => void) {
    this.#define = define
  }

  of(item: T): number {
    let number = this.#numbers.get(item)
    if (number === undefined) {
      number = ++this.#last
      this.#define(number, item)
      this.#numbers.set(item, number)
      this.#items.set(number, item)
    }
    return number
  }

  /** What has this number, unless that was taken back. */
  get(number: number): T | undefined {
    return this.#items.get(number)
  }

  /** The number it had; undefined when it was not known. */
  forget(item: T): number | undefined {
    const number = this.#numbers.get(item)
    this.#numbers.delete(item)
    if (number !== undefined) this.#items.delete(number)
    return number
  }
}

/** Numbers for things that are known as long as somebody uses them. */
export class Counted<T extends object> {
  readonly #define: (number: number, item: T) => void
  readonly #gone: (number: number) => void
  readonly #byItem = new Map<T, { number: number; users: number }>()
  readonly #byNumber = new Map<number, T>()
  #last = 0

  constructor(define: (number: number, item: T) => void, gone: (number: number) => void) {
    this.#define = define
    this.#gone = gone
  }

  /** One more uses it. */
  take(item: T): number {
    let known = this.#byItem.get(item)
    if (known === undefined) {
      known = { number: ++this.#last, users: 0 }
      this.#define(known.number, item)
      this.#byItem.set(item, known)
      this.#byNumber.set(known.number, item)
    }
    known.users++
    return known.number
  }

  /** One fewer uses it. */
  give(item: T): void {
    const known = this.#byItem.get(item)
    if (known === undefined || --known.users > 0) return
    this.#byItem.delete(item)
    this.#byNumber.delete(known.number)
    this.#gone(known.number)
  }

  get(number: number): T | undefined {
    return this.#byNumber.get(number)
  }

  get size(): number {
    return this.#byItem.size
  }
}
