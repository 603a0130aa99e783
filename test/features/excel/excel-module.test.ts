// Workbooks: what is written is read again, what spreadsheets write is read as they show it, hostile files.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readZipFiles, writeZipFiles } from '../../../runtime/features/archive/zip-files.ts'
import { parsePlace, placeText } from '../../../runtime/features/excel/cells.ts'
import { excelModule } from '../../../runtime/features/excel/excel-module.ts'
import { formatNumber } from '../../../runtime/features/excel/number-format.ts'
import { LuaType, type ModuleTable } from '../../../runtime/lua/module.ts'
import { callFunction, callMethod, type Outcome } from '../../support/call-module.ts'

const module = excelModule({ zip: { read: readZipFiles, write: writeZipFiles } }).open() as ModuleTable

/** A file in memory, as `fs.File` is one. */
class MemoryFile {
  written = Buffer.alloc(0)
  #left: Buffer
  constructor(content: Uint8Array = new Uint8Array(0)) {
    this.#left = Buffer.from(content)
  }
  async read(size: number): Promise<Uint8Array | undefined> {
    const piece = this.#left.subarray(0, size)
    this.#left = this.#left.subarray(piece.length)
    return piece.length === 0 ? undefined : new Uint8Array(piece)
  }
  async write(bytes: Uint8Array): Promise<number> {
    this.written = Buffer.concat([this.written, bytes])
    return bytes.length
  }
}
const fileType = new LuaType<MemoryFile>({ name: 'fs.File' })

const on = async (object: unknown, name: string, ...args: unknown[]): Promise<Outcome> => callMethod(object, name, args)
async function good(outcome: Promise<Outcome> | Outcome): Promise<unknown> {
  const { value, error, raised } = await outcome
  if (error !== undefined || raised !== undefined) throw error ?? new Error(raised)
  return value
}
const create = (): Promise<unknown> => good(callFunction(module, 'new', []))
const open = async (bytes: Uint8Array): Promise<Outcome> =>
  callFunction(module, 'open', [fileType.wrap(new MemoryFile(bytes))])

describe('a workbook', () => {
  test('keeps text, numbers and booleans, and shows them as text', async () => {
    const book = await create()
    expect(await good(on(book, 'new_sheet', 'Report'))).toBe(1)
    expect(await good(on(book, 'new_sheet', 'report'))).toBe(1)
    expect(await good(on(book, 'get_sheet_list'))).toEqual(['Sheet1', 'Report'])
    for (const [cell, value] of [
      ['A1', 'Name'],
      ['B1', 'Score & "more" <x>'],
      ['A2', 'Alice'],
      ['B2', 95],
      ['A4', true],
      ['C4', 29.99],
      ['AB4', ' spaced '],
    ] as const) {
      await good(on(book, 'set_cell_value', 'Report', cell, value))
    }
    const rows = [
      ['Name', 'Score & "more" <x>'],
      ['Alice', '95'],
      [],
      ['TRUE', '', '29.99', ...Array(24).fill(''), ' spaced '],
    ]
    expect(await good(on(book, 'get_rows', 'Report'))).toEqual(rows)
    const bytes = (await good(on(book, 'bytes'))) as Uint8Array
    const again = await good(open(bytes))
    expect(await good(on(again, 'get_rows', 'Report'))).toEqual(rows)
    expect(await good(on(again, 'get_rows', 'Sheet1'))).toEqual([])
    const file = new MemoryFile()
    await good(on(book, 'write_to', fileType.wrap(file)))
    expect(file.written.equals(Buffer.from(bytes))).toBe(true)
  })

  test('is read in batches too', async () => {
    const book = await create()
    for (const row of [1, 2, 5]) await good(on(book, 'set_cell_value', 'Sheet1', `A${row}`, row))
    const cursor = await good(on(book, 'rows', 'Sheet1'))
    expect(await good(on(cursor, 'read', 2))).toEqual([['1'], ['2']])
    expect(await good(on(cursor, 'read', 10))).toEqual([[], [], ['5']])
    expect((await on(cursor, 'read')).values).toEqual([null, null])
    expect((await on(cursor, 'read', 0)).error?.kind).toBe('Invalid')
    await good(on(cursor, 'close'))
    expect((await on(cursor, 'read')).error).toMatchObject({ kind: 'Invalid' })
  })

  test('refuses what cannot be', async () => {
    const book = await create()
    expect((await on(book, 'get_rows', 'None')).error).toMatchObject({
      kind: 'Internal',
      message: 'sheet None does not exist',
    })
    expect((await on(book, 'rows', 'None')).error?.kind).toBe('Invalid')
    for (const cell of ['1A', 'A0', 'XFE1', 'A1048577', ''])
      expect((await on(book, 'set_cell_value', 'Sheet1', cell, 1)).error?.kind).toBe('Internal')
    for (const name of ['', 'a/b', 'x'.repeat(32), "'a"])
      expect((await on(book, 'new_sheet', name)).error?.kind).toBe('Internal')
    expect((await on(book, 'write_to', 'text')).error?.kind).toBe('Internal')
    expect(callFunction(module, 'open', ['text']) as Outcome | Promise<Outcome>).toBeDefined()
    await good(on(book, 'close'))
    await good(on(book, 'close'))
    expect((await on(book, 'bytes')).error).toMatchObject({ kind: 'Internal', message: 'workbook is closed' })
  })
})

test('whatever is written is read again', async () => {
  const value = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
  )
  const place = fc.record({ row: fc.integer({ min: 1, max: 40 }), column: fc.integer({ min: 1, max: 40 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(place, value), { maxLength: 20 }), async (cells) => {
      const book = await create()
      for (const [at, one] of cells) await good(on(book, 'set_cell_value', 'Sheet1', placeText(at), one))
      const before = await good(on(book, 'get_rows', 'Sheet1'))
      const again = await good(open((await good(on(book, 'bytes'))) as Uint8Array))
      expect(await good(on(again, 'get_rows', 'Sheet1'))).toEqual(before)
    }),
    { numRuns: 40 },
  )
})

test('references and places are each other’s inverse', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_048_576 }), fc.integer({ min: 1, max: 16_384 }), (row, column) => {
      expect(parsePlace(placeText({ row, column }))).toEqual({ row, column })
    }),
  )
  expect(placeText({ row: 3, column: 703 })).toBe('AAA3')
})

const ns =
  'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
const workbookOf = (sheetData: string, extra: Record<string, string> = {}, workbookPr = ''): Promise<Uint8Array> =>
  writeZipFiles(
    Object.entries({
      'xl/workbook.xml': `<workbook ${ns}>${workbookPr}<sheets><sheet name="S&amp;T" sheetId="1" r:id="rId9"/></sheets></workbook>`,
      'xl/_rels/workbook.xml.rels':
        '<Relationships><Relationship Id="rId9" Target="/xl/worksheets/s.xml"/></Relationships>',
      'xl/worksheets/s.xml': `<worksheet ${ns}><sheetData>${sheetData}</sheetData></worksheet>`,
      ...extra,
    }).map(([name, text]) => [name, [text]]),
  )

function* repeated(text: string, times: number): Generator<string> {
  for (let i = 0; i < times; i++) yield text
}

describe('files of spreadsheets', () => {
  test('with shared strings, rich text, formulas, styles and cells without references', async () => {
    const strings =
      '<sst><si><t>plain</t></si><si><r><t>ri</t></r><r><t xml:space="preserve">ch </t></r><rPh><t>no</t></rPh></si></sst>'
    const styles =
      '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts><cellStyleXfs><xf numFmtId="9"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/><xf numFmtId="4"/></cellXfs></styleSheet>'
    const rows =
      '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1"><f>1+1</f><v>2</v></c><c r="D1" t="str"><f>x</f><v>text</v></c></row><row r="3"><c><v>1</v></c><c s="1"><v>45292</v></c><c s="2"><v>0.125</v></c><c s="3"><v>-1234567.891</v></c><c t="b"><v>1</v></c><c t="e"><v>#DIV/0!</v></c><c t="inlineStr"><is><t>in</t></is></c><c/></row>'
    const book = await good(open(await workbookOf(rows, { 'xl/sharedStrings.xml': strings, 'xl/styles.xml': styles })))
    expect(await good(on(book, 'get_sheet_list'))).toEqual(['S&T'])
    const shown = [
      ['plain', 'rich ', '2', 'text'],
      [],
      ['1', '2024-01-01', '12.50%', '-1,234,567.89', 'TRUE', '#DIV/0!', 'in'],
    ]
    expect(await good(on(book, 'get_rows', 'S&T'))).toEqual(shown)
    // Formats survive being written.
    const again = await good(open((await good(on(book, 'bytes'))) as Uint8Array))
    expect(await good(on(again, 'get_rows', 'S&T'))).toEqual(shown)
  })

  test('that count days from 1904', async () => {
    const styles = '<styleSheet><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>'
    const book = await good(
      open(
        await workbookOf(
          '<row r="1"><c s="0"><v>1</v></c></row>',
          { 'xl/styles.xml': styles },
          '<workbookPr date1904="1"/>',
        ),
      ),
    )
    expect(await good(on(book, 'get_rows', 'S&T'))).toEqual([['01-02-04']])
  })
})

describe('number formats', () => {
  test.each([
    [1234.567, '0', '1235'],
    [1234.567, '#,##0.00', '1,234.57'],
    [-5, '0.00;(0.00)', '(5.00)'],
    [0, '0;-0;"zero"', 'zero'],
    [0.5, '0%', '50%'],
    [0.125, '0.0%', '12.5%'],
    [12345, '0.00E+00', '1.23E+04'],
    [7, '000', '007'],
    [0.5, '#.##', '.5'],
    [1234567, '#,##0,"k"', '1,235k'],
    [1.005, '0.00', '1.01'],
    [5, '"€" 0.00', '€ 5.00'],
    [5, '[Red]0', '5'],
    [1, 'General', '1'],
    [1e21, undefined, '1E+21'],
    [0.1 + 0.2, undefined, '0.3'],
    [45292.75, 'yyyy-mm-dd hh:mm:ss', '2024-01-01 18:00:00'],
    [45292.75, 'd mmm yy h:mm AM/PM', '1 Jan 24 6:00 PM'],
    [45292, 'dddd, mmmm d', 'Monday, January 1'],
    [1.5, '[h]:mm', '36:00'],
    [0.000011574, 'mm:ss.000', '00:01.000'],
    [59, 'yyyy-mm-dd', '1900-02-28'],
    [61, 'yyyy-mm-dd', '1900-03-01'],
    [-1, 'yyyy', '-1'],
    [5, '@', '5'],
  ])('%s as %s', (value, format, shown) => {
    expect(formatNumber(value, format)).toBe(shown)
  })

  test('no format and no number makes it fail or take long', () => {
    const started = performance.now()
    fc.assert(
      fc.property(
        fc.double(),
        fc.string({ unit: fc.constantFrom(...'0#?.,%;@yYmMdDhHsSeE+-[]"\\_* AP/'), maxLength: 60 }),
        (value, format) => {
          expect(typeof formatNumber(value, format)).toBe('string')
        },
      ),
      { numRuns: 2000 },
    )
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('hostile files', () => {
  test('that are no workbook are Internal', async () => {
    expect((await open(Buffer.from('nonsense'))).error).toMatchObject({
      kind: 'Internal',
      message: expect.stringMatching(/^invalid Excel file/),
    })
    expect((await open(await writeZipFiles([['a', ['b']]]))).error).toMatchObject({ kind: 'Internal' })
  })

  test('with entities, too many cells or places beyond the end are bounded', async () => {
    const bomb = `<!DOCTYPE x [<!ENTITY a "${'y'.repeat(1000)}"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>`
    const book = await good(open(await workbookOf(`<row r="1"><c t="inlineStr"><is><t>${bomb}&b;</t></is></c></row>`)))
    expect(JSON.stringify(await good(on(book, 'get_rows', 'S&T'))).length).toBeLessThan(3000)
    expect((await open(await workbookOf(`<row r="1"><c r="ZZZZ1"><v>1</v></c></row>`))).error?.kind).toBe('Internal')
    const many = `<row>${'<c><v>1</v></c>'.repeat(1_000_001)}</row>`
    const { error } = await open(await workbookOf(many))
    expect(error?.kind).toBe('LimitExceeded')
  })

  test('that unpack to more than 256 MiB are left there', { timeout: 120_000 }, async () => {
    const blanks = ' '.repeat(1 << 20)
    const packed = await writeZipFiles([['xl/workbook.xml', repeated(blanks, 300)]])
    expect(packed.length).toBeLessThan(1 << 20)
    expect((await open(packed)).error).toMatchObject({
      kind: 'LimitExceeded',
      message: 'Excel file exceeds the limit of 268435456 bytes unpacked',
    })
  })

  test('with more text than a workbook may hold, in one cell, in many, or shared', async () => {
    const long = 'x'.repeat(1 << 20)
    const cell = `<c t="inlineStr"><is><t>${long}</t></is></c>`
    const book = await create()
    for (let i = 1; i <= 64; i++) await good(on(book, 'set_cell_value', 'Sheet1', `A${i}`, long))
    const limit = { kind: 'LimitExceeded', message: 'workbook has more than 67108864 characters of text' }
    expect((await on(book, 'set_cell_value', 'Sheet1', 'A65', long)).error).toMatchObject(limit)
    await good(on(book, 'set_cell_value', 'Sheet1', 'A1', null))
    expect((await on(book, 'set_cell_value', 'Sheet1', 'A65', long)).error).toBeUndefined()
    expect((await open(await workbookOf(`<row>${cell.repeat(65)}</row>`))).error).toMatchObject(limit)
    const shared = `<sst>${`<si><t>${long}</t></si>`.repeat(65)}</sst>`
    expect((await open(await workbookOf('<row/>', { 'xl/sharedStrings.xml': shared }))).error).toMatchObject(limit)
  })

  test('with cells far to the right give as many as are asked for, not millions', async () => {
    const book = await create()
    for (let row = 1; row <= 200; row++) await good(on(book, 'set_cell_value', 'Sheet1', `XFD${row}`, 1))
    expect((await on(book, 'get_rows', 'Sheet1')).error).toMatchObject({
      kind: 'LimitExceeded',
      message: 'rows hold more than 2000000 cells: read them with a cursor',
    })
    const cursor = await good(on(book, 'rows', 'Sheet1'))
    expect((await good(on(cursor, 'read', 2))) as string[][]).toMatchObject([{ length: 16_384 }, { length: 16_384 }])
  })

  test('with as many sheets as fit into a file are too many', async () => {
    const book = await create()
    for (let i = 2; i <= 1000; i++) await good(on(book, 'new_sheet', `s${i}`))
    expect((await on(book, 'new_sheet', 'one more')).error?.kind).toBe('LimitExceeded')
  })

  test('that share one long text among many cells are not written out for each', async () => {
    const text = 'x'.repeat(32_767)
    const cells = '<c t="s"><v>0</v></c>'.repeat(10_000)
    const book = await good(
      open(await workbookOf(`<row>${cells}</row>`, { 'xl/sharedStrings.xml': `<sst><si><t>${text}</t></si></sst>` })),
    )
    expect((await on(book, 'bytes')).error).toMatchObject({
      kind: 'LimitExceeded',
      message: 'workbook exceeds the limit of 268435456 characters',
    })
  })
})
