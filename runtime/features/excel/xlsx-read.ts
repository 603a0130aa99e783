// Reads the parts of an .xlsx file into a workbook: sheets, shared strings, number formats. Formulas give their last value.

import { moduleError } from '../../core/error.ts'
import { MarkupParser } from '../../external/markup.ts'
import { type Cell, parsePlace, Room, Sheet } from './cells.ts'
import { builtinFormat } from './number-format.ts'

/** The files of an archive by name; the content is read when asked for, piece by piece. */
export type Parts = ReadonlyMap<string, () => AsyncIterable<Uint8Array>>

export interface WorkbookContent {
  readonly sheets: Sheet[]
  readonly date1904: boolean
  readonly room: Room
}

/** Sheets, relations, styles: more than spreadsheets can have. */
const MAX_SHEETS = 1_000
const MAX_RELATIONS = 10_000
const MAX_STYLES = 100_000
/** Characters parsed before others get a turn. */
const STEP = 16 * 1024

interface Handlers {
  open(name: string, attributes: Readonly<Record<string, string>>): void
  text?(text: string): void
  close?(name: string): void
}

/** What reading needs: the parts, room for what they hold, somebody who counts the milliseconds it takes. */
interface Source {
  readonly parts: Parts
  readonly room: Room
  readonly charge: (cpu: number) => void
}

/** Throws Internal for what is no workbook, LimitExceeded for too much of it. */
export async function readWorkbook(files: Parts, charge: (cpu: number) => void): Promise<WorkbookContent> {
  const room = new Room()
  const parts: Source = { parts: files, room, charge }
  const relations = await readRelations(parts, 'xl/_rels/workbook.xml.rels')
  const listed: { name: string; relation: string }[] = []
  let date1904 = false
  const found = await parse(parts, 'xl/workbook.xml', {
    open(name, attributes) {
      if (name === 'sheet') listed.push({ name: attributes['name'] ?? '', relation: attributes['r:id'] ?? '' })
      atMost(listed.length, MAX_SHEETS, 'sheets')
      if (name === 'workbookPr') date1904 = /^(1|true)$/.test(attributes['date1904'] ?? '')
    },
  })
  if (!found || listed.length === 0) throw moduleError('Internal', 'invalid Excel file: no workbook')
  const strings = await readStrings(parts)
  const formats = await readFormats(parts)
  const sheets: Sheet[] = []
  for (const { name, relation } of listed) {
    const sheet = new Sheet(name, room)
    const target = relations.get(relation)
    // Charts and other sheets have no cells; they keep their place.
    if (target !== undefined) await readSheet(parts, target, sheet, strings, formats)
    sheets.push(sheet)
  }
  return { sheets, date1904, room }
}

function atMost(count: number, limit: number, what: string): void {
  if (count > limit) throw moduleError('LimitExceeded', `workbook has more than ${limit} ${what}`)
}

async function readRelations(parts: Source, path: string): Promise<Map<string, string>> {
  const targets = new Map<string, string>()
  await parse(parts, path, {
    open(name, { Id: id, Target: target }) {
      if (name !== 'Relationship' || id === undefined || target === undefined) return
      targets.set(id, target.startsWith('/') ? target.slice(1) : `xl/${target}`)
      atMost(targets.size, MAX_RELATIONS, 'relations')
    },
  })
  return targets
}

async function readStrings(parts: Source): Promise<string[]> {
  const strings: string[] = []
  let text: string | undefined
  let item = ''
  // Phonetic readings stand beside the text, not in it.
  let phonetic = 0
  await parse(parts, 'xl/sharedStrings.xml', {
    open(name) {
      if (name === 'si') item = ''
      if (name === 'rPh') phonetic++
      if (name === 't' && phonetic === 0) text = ''
    },
    text(piece) {
      if (text === undefined) return
      parts.room.takeText(piece.length)
      text += piece
    },
    close(name) {
      if (name === 'rPh') phonetic--
      if (name === 't' && text !== undefined) {
        item += text
        text = undefined
      }
      if (name !== 'si') return
      // Excel itself lists no string that no cell has.
      parts.room.takeText(1)
      strings.push(item)
    },
  })
  return strings
}

/** The format code of each cell style. */
async function readFormats(parts: Source): Promise<(string | undefined)[]> {
  const custom = new Map<number, string>()
  const styles: (string | undefined)[] = []
  let inStyles = false
  await parse(parts, 'xl/styles.xml', {
    open(name, attributes) {
      if (name === 'numFmt') custom.set(Number(attributes['numFmtId']), attributes['formatCode'] ?? '')
      if (name === 'cellXfs') inStyles = true
      if (name === 'xf' && inStyles) {
        const id = Number(attributes['numFmtId'] ?? 0)
        styles.push(custom.get(id) ?? builtinFormat(id))
      }
      atMost(Math.max(styles.length, custom.size), MAX_STYLES, 'styles')
    },
    close(name) {
      if (name === 'cellXfs') inStyles = false
    },
  })
  return styles
}

async function readSheet(
  parts: Source,
  path: string,
  sheet: Sheet,
  strings: readonly string[],
  formats: readonly (string | undefined)[],
): Promise<void> {
  let place = { row: 0, column: 0 }
  let type = ''
  let style = 0
  let text: string | undefined
  await parse(parts, path, {
    open(name, attributes) {
      if (name === 'row') place = { row: Number(attributes['r'] ?? place.row + 1), column: 0 }
      if (name === 'c') {
        const reference = attributes['r']
        place = reference === undefined ? { row: place.row, column: place.column + 1 } : parsePlace(reference)
        type = attributes['t'] ?? 'n'
        style = Number(attributes['s'] ?? 0)
        text = undefined
      }
      if (name === 'v' || name === 't') text ??= ''
    },
    text(piece) {
      if (text === undefined) return
      parts.room.takeText(piece.length)
      text += piece
    },
    close(name) {
      if (name === 'f') text = undefined
      if (name !== 'c' || text === undefined) return
      const cell = cellOf(type, text, strings, formats[style])
      if (cell !== undefined) sheet.set(place, cell)
      text = undefined
    },
  })
}

function cellOf(type: string, text: string, strings: readonly string[], format: string | undefined): Cell | undefined {
  if (type === 's') return { value: strings[Number(text)] ?? '', format: undefined }
  if (type === 'b') return { value: text === '1' || text === 'true', format: undefined }
  if (type !== 'n') return { value: text, format: undefined }
  const value = Number(text)
  return text.trim() === '' || Number.isNaN(value) ? undefined : { value, format }
}

/** False when the part is not there. Name prefixes other than `r:` are dropped. */
async function parse({ parts, charge }: Source, path: string, handlers: Handlers): Promise<boolean> {
  const read = parts.get(path)
  if (read === undefined) return false
  const parser = new MarkupParser(
    {
      onopentag: (name, attributes) => handlers.open(localName(name), attributes),
      ontext: (text) => handlers.text?.(text),
      onclosetag: (name) => handlers.close?.(localName(name)),
    },
    { xmlMode: true, decodeEntities: true },
  )
  const decoder = new TextDecoder()
  const write = (text: string): void => {
    const started = performance.now()
    parser.write(text)
    charge(performance.now() - started)
  }
  for await (const piece of read()) {
    const text = decoder.decode(piece, { stream: true })
    for (let at = 0; at < text.length; at += STEP) {
      write(text.slice(at, at + STEP))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  write(decoder.decode())
  parser.end()
  return true
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
