// The `excel` module: .xlsx workbooks, read and written.

import { moduleError, RuntimeError } from '../../core/error.ts'
import {
  type Call,
  type LuaModule,
  LuaObject,
  LuaType,
  optionalNumber,
  raise,
  results,
  text,
} from '../../lua/module.ts'
import { type Cell, MAX_ROWS, parsePlace, Room, Sheet } from './cells.ts'
import { formatNumber, general } from './number-format.ts'
import type { Parts } from './xlsx-read.ts'
import { type Texts, writeWorkbook } from './xlsx-write.ts'

/** ZIP archives in memory. */
export interface ZipFiles {
  /** Files by name. Throws Invalid for what is no archive; contents are bounded by `maxBytes` in all. */
  read(bytes: Uint8Array, maxBytes: number): Promise<Parts>
  write(files: readonly (readonly [string, Texts])[]): Promise<Uint8Array>
}

export interface ExcelDeps {
  readonly zip: ZipFiles
}

interface Workbook {
  sheets: Sheet[]
  readonly date1904: boolean
  readonly room: Room
  closed: boolean
}

interface Cursor {
  readonly book: Workbook
  readonly sheet: Sheet
  readonly last: number
  next: number
  closed: boolean
}

const MAX_INPUT = 64 * 1024 * 1024
const MAX_CONTENT = 256 * 1024 * 1024
const MAX_BATCH = 10_000
const MAX_SHEETS = 1_000
/** Cells of the rows that are given at once, gaps included: one cell far to the right makes a long row. */
const MAX_GIVEN = 2_000_000
/** Cells made text in one step. */
const STEP = 2_000
const MAX_NAME = 31
const PIECE = 64 * 1024

/** `new()` and `open(reader)`. */
export const excelModule = ({ zip }: ExcelDeps): LuaModule => ({
  name: 'excel',
  description: 'Reads and writes Excel workbooks',
  traits: ['encoding', 'io'],
  open() {
    const workbookType = excelTypes(zip)
    return {
      new() {
        const room = new Room()
        return workbookType.wrap({ sheets: [new Sheet('Sheet1', room)], date1904: false, room, closed: false })
      },
      async open(call, reader) {
        const parts = await zip.read(await contentOf(reader), MAX_CONTENT).catch(invalidFile)
        const { readWorkbook } = await import('./xlsx-read.ts')
        const content = await readWorkbook(parts, (cpu) => call.charge(cpu)).catch(invalidFile)
        return workbookType.wrap({ ...content, closed: false })
      },
    }
  },
})

function excelTypes(zip: ZipFiles): LuaType<Workbook> {
  const cursorType = new LuaType<Cursor>({
    name: 'excel.Rows',
    methods: {
      read(call, self, argument) {
        const count = optionalNumber(argument, 2, 'read') ?? 1
        if (!Number.isInteger(count) || count < 1)
          throw moduleError('Invalid', `rows per read must be a positive integer, got ${count}`)
        if (self.closed || self.book.closed) throw moduleError('Invalid', 'cursor is closed')
        if (self.next > self.last) return results(null, null)
        const first = self.next
        self.next = Math.min(first + Math.min(count, MAX_BATCH), self.last + 1)
        return rowsOf(call, self.book, self.sheet, first, self.next)
      },
      close(_call, self) {
        self.closed = true
        return null
      },
    },
  })
  return new LuaType<Workbook>({
    name: 'excel.Workbook',
    methods: {
      new_sheet(_call, self, nameArgument) {
        const book = opened(self)
        const name = sheetName(text(nameArgument, 2, 'new_sheet'))
        const known = book.sheets.findIndex((sheet) => sheet.name.toLowerCase() === name.toLowerCase())
        if (known >= 0) return known
        if (book.sheets.length >= MAX_SHEETS) {
          throw moduleError('LimitExceeded', `workbook has more than ${MAX_SHEETS} sheets`)
        }
        return book.sheets.push(new Sheet(name, book.room)) - 1
      },
      get_sheet_list: (_call, self) => opened(self).sheets.map(({ name }) => name),
      set_cell_value: problemOnly((_call, self, name, reference, value) => {
        const sheet = sheetOf(opened(self), text(name, 2, 'set_cell_value'), 'Internal')
        const place = parsePlace(text(reference, 3, 'set_cell_value'))
        const before = sheet.cell(place)
        const cell = cellFor(value, before)
        self.room.takeText(textLength(cell) - textLength(before))
        sheet.set(place, cell)
      }),
      get_rows(call, self, name) {
        const book = opened(self)
        const sheet = sheetOf(book, text(name, 2, 'get_rows'), 'Internal')
        return rowsOf(call, book, sheet, 1, sheet.lastRow + 1)
      },
      rows(_call, self, name) {
        if (self.closed) throw moduleError('Invalid', 'workbook is closed')
        const sheet = sheetOf(self, text(name, 2, 'rows'), 'Invalid')
        return cursorType.wrap({ book: self, sheet, last: sheet.lastRow, next: 1, closed: false })
      },
      bytes: (call, self) => zip.write(contentsOf(call, opened(self))),
      write_to: problemOnly(async (call, self, target) => {
        const book = opened(self)
        const writer =
          target instanceof LuaObject ? (target.value as { write?: (bytes: Uint8Array) => unknown } | null) : undefined
        if (typeof writer?.write !== 'function')
          throw moduleError('Internal', 'write_to needs a writer, such as an open file')
        const content = await zip.write(contentsOf(call, book))
        try {
          await writer.write(content)
        } catch (error) {
          if (!(error instanceof RuntimeError)) throw error
          throw moduleError('Internal', `cannot write the workbook: ${error.text}`, { cause: error })
        }
      }),
      close(_call, self) {
        self.closed = true
        self.sheets = []
        return null
      },
    },
  })
}

type Act = (call: Call, self: Workbook, ...args: unknown[]) => void | Promise<void>

/** A method whose one result is what went wrong, nil when nothing did: `local err = wb:write_to(file)`. */
function problemOnly(act: Act): (...args: Parameters<Act>) => unknown {
  const problem = (error: unknown): RuntimeError => {
    if (error instanceof RuntimeError) return error
    throw error
  }
  return (...args) => {
    try {
      const done = act(...args)
      return done === undefined ? null : done.then(() => null, problem)
    } catch (error) {
      return problem(error)
    }
  }
}

function opened(book: Workbook): Workbook {
  if (book.closed) throw moduleError('Internal', 'workbook is closed')
  return book
}

function sheetOf(book: Workbook, name: string, kind: 'Internal' | 'Invalid'): Sheet {
  const sheet = book.sheets.find((one) => one.name.toLowerCase() === name.toLowerCase())
  if (sheet === undefined) throw moduleError(kind, `sheet ${name} does not exist`)
  return sheet
}

/** A cell that had a number format keeps it for its new number. */
function cellFor(value: unknown, before: Cell | undefined): Cell | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'bigint') return { value: Number(value), format: before?.format }
  if (typeof value === 'number') return { value, format: before?.format }
  if (typeof value === 'boolean') return { value, format: undefined }
  return { value: text(value, 4, 'set_cell_value'), format: undefined }
}

/** Rows from `first` to before `end` as texts, others running between. */
function rowsOf(
  call: Call,
  book: Workbook,
  sheet: Sheet,
  first: number,
  end: number,
): string[][] | Promise<string[][]> {
  const rows: string[][] = []
  let given = 0
  const step = (): boolean => {
    for (let room = STEP; room > 0 && first + rows.length < end; ) {
      const row = first + rows.length
      const width = sheet.width(row)
      room -= 1 + width
      given += 1 + width
      if (given > MAX_GIVEN) {
        throw moduleError('LimitExceeded', `rows hold more than ${MAX_GIVEN} cells: read them with a cursor`)
      }
      rows.push(rowTexts(book, sheet, row))
    }
    return first + rows.length >= end
  }
  return call.work(step, () => rows)
}

/** The files of a workbook, their pieces counted: strings that many cells share are written for each. */
function contentsOf(call: Call, { sheets, date1904 }: Workbook): [string, Texts][] {
  let written = 0
  const counted = function* (texts: Texts): Generator<string> {
    let started = performance.now()
    for (const text of texts) {
      call.charge(performance.now() - started)
      written += text.length
      if (written > MAX_CONTENT) {
        throw moduleError('LimitExceeded', `workbook exceeds the limit of ${MAX_CONTENT} characters`)
      }
      yield text
      started = performance.now()
    }
  }
  return writeWorkbook(sheets, date1904).map(([name, texts]) => [name, counted(texts)])
}

function textLength(cell: Cell | undefined): number {
  return typeof cell?.value === 'string' ? cell.value.length : 0
}

function rowTexts({ date1904 }: Workbook, sheet: Sheet, row: number): string[] {
  if (row > MAX_ROWS) return []
  return sheet.row(row).map((cell) => (cell === undefined ? '' : cellText(cell, date1904)))
}

function cellText({ value, format }: Cell, date1904: boolean): string {
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE'
  if (typeof value === 'string') return value
  return format === undefined ? general(value) : formatNumber(value, format, date1904)
}

function sheetName(name: string): string {
  const valid = name !== '' && name.length <= MAX_NAME && !/[:\\/?*[\]]|^'|'$/.test(name)
  if (!valid) throw moduleError('Internal', `invalid sheet name: ${JSON.stringify(name)}`)
  return name
}

async function contentOf(argument: unknown): Promise<Uint8Array> {
  const reader =
    argument instanceof LuaObject ? (argument.value as { read?: (size: number) => unknown } | null) : undefined
  if (typeof reader?.read !== 'function') return raise('bad argument #1 to open (reader expected)')
  const pieces: Uint8Array[] = []
  for (let size = 0; ; ) {
    const piece = await reader.read(PIECE)
    if (!(piece instanceof Uint8Array)) break
    size += piece.length
    if (size > MAX_INPUT) throw moduleError('LimitExceeded', `Excel file exceeds the limit of ${MAX_INPUT} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

function invalidFile(error: unknown): never {
  if (!(error instanceof RuntimeError) || error.kind !== 'Invalid') throw error
  if (error.details?.['limit'] !== undefined) {
    throw moduleError('LimitExceeded', `Excel file exceeds the limit of ${MAX_CONTENT} bytes unpacked`, {
      cause: error,
    })
  }
  throw moduleError('Internal', `invalid Excel file: ${error.message}`, { cause: error })
}
