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

const MAX_CELLS = 1_000_000
const MAX_TEXT = 64 * 1024 * 1024

/** What the sheets of one workbook may hold together. */
export class Room {
  #cells = MAX_CELLS
  #text = MAX_TEXT

  /** Throws LimitExceeded when there is no room for `cells` more. */
  takeCells(cells: number): void {
    if (cells > this.#cells) throw moduleError('LimitExceeded', `workbook has more than ${MAX_CELLS} cells`)
    this.#cells -= cells
  }

  /** Throws LimitExceeded when there is no room for `characters` more. */
  takeText(characters: number): void {
    if (characters > this.#text) {
      throw moduleError('LimitExceeded', `workbook has more than ${MAX_TEXT} characters of text`)
    }
    this.#text -= characters
  }
}

/** The rows of one sheet. */
export class Sheet {
  readonly name: string
  readonly #room: Room
  readonly #rows = new Map<number, Map<number, Cell>>()

  constructor(name: string, room: Room) {
    this.name = name
    this.#room = room
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
    if (cell === undefined) this.#room.takeCells(cells.delete(column) ? -1 : 0)
    else {
      if (!cells.has(column)) this.#room.takeCells(1)
      cells.set(column, cell)
    }
    if (cells.size > 0) this.#rows.set(row, cells)
    else this.#rows.delete(row)
  }

  /** The last column of a row that holds something, 0 without one. */
  width(row: number): number {
    let last = 0
    for (const column of this.#rows.get(row)?.keys() ?? []) if (column > last) last = column
    return last
  }

  /** The cells of a row up to its last, in order; gaps are undefined. */
  row(row: number): (Cell | undefined)[] {
    const cells = this.#rows.get(row)
    return Array.from({ length: this.width(row) }, (_, index) => cells?.get(index + 1))
  }

  /** Rows that hold something, in order, each with its cells in order. */
  *filled(): Generator<readonly [number, readonly (readonly [number, Cell])[]]> {
    for (const row of [...this.#rows.keys()].sort((a, b) => a - b)) {
      yield [row, [...(this.#rows.get(row) ?? [])].sort(([a], [b]) => a - b)]
    }
  }
}
