// Cells and their places: `AB12` is row 12, column 28.

import { moduleError } from '../../core/error.ts'

export const MAX_ROWS = 1_048_576
export const MAX_COLUMNS = 16_384

export interface Cell {
  readonly value: string | number | boolean
  /** Number format; undefined is General. */
  readonly format: string | undefined
}

export interface Place {
  readonly row: number
  readonly column: number
}

/** Throws Internal for what is no reference, as the original does. */
export function parsePlace(reference: string): Place {
  const match = /^\$?([A-Za-z]{1,3})\$?(\d{1,7})$/.exec(reference)
  const column = [...(match?.[1] ?? '').toUpperCase()].reduce(
    (number, letter) => number * 26 + letter.charCodeAt(0) - 64,
    0,
  )
  const row = Number(match?.[2] ?? 0)
  if (match === null || row < 1 || row > MAX_ROWS || column > MAX_COLUMNS) {
    throw moduleError('Internal', `invalid cell reference: ${JSON.stringify(reference)}`)
  }
  return { row, column }
}

export function placeText({ row, column }: Place): string {
  let letters = ''
  for (let rest = column; rest > 0; rest = Math.floor((rest - 1) / 26))
    letters = String.fromCharCode(65 + ((rest - 1) % 26)) + letters
  return `${letters}${row}`
}

/** The rows of one sheet. */
export class Sheet {
  readonly name: string
  readonly #rows = new Map<number, Map<number, Cell>>()

  constructor(name: string) {
    this.name = name
  }

  get lastRow(): number {
    let last = 0
    for (const row of this.#rows.keys()) if (row > last) last = row
    return last
  }

  cell({ row, column }: Place): Cell | undefined {
    return this.#rows.get(row)?.get(column)
  }

  set({ row, column }: Place, cell: Cell | undefined): void {
    const cells = this.#rows.get(row) ?? new Map<number, Cell>()
    if (cell === undefined) cells.delete(column)
    else cells.set(column, cell)
    if (cells.size > 0) this.#rows.set(row, cells)
    else this.#rows.delete(row)
  }

  /** The cells of a row up to its last, in order; gaps are undefined. */
  row(row: number): (Cell | undefined)[] {
    const cells = this.#rows.get(row)
    if (cells === undefined) return []
    const columns = [...cells.keys()]
    return Array.from({ length: Math.max(...columns) }, (_, index) => cells.get(index + 1))
  }

  /** Rows that hold something, in order, each with its cells in order. */
  *filled(): Generator<readonly [number, readonly (readonly [number, Cell])[]]> {
    for (const row of [...this.#rows.keys()].sort((a, b) => a - b)) {
      yield [row, [...(this.#rows.get(row) ?? [])].sort(([a], [b]) => a - b)]
    }
  }
}
