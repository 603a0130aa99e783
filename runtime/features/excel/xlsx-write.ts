// The parts of an .xlsx file for a workbook: the fewest that spreadsheets accept.

import { type Cell, placeText, type Sheet } from './cells.ts'

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const packages = 'http://schemas.openxmlformats.org/package/2006'
const FIRST_CUSTOM_FORMAT = 164

/** A text in pieces. */
export type Texts = readonly string[] | Generator<string>

/** Characters of one piece. */
const PIECE = 32 * 1024

/** Files by name, in the order they are stored and to be read: the styles are those that the sheets turned out to use. */
export function writeWorkbook(sheets: readonly Sheet[], date1904: boolean): [string, Texts][] {
  const formats = new Map<string, number>()
  const contents = sheets.map((sheet, index): [string, Texts] => [
    `xl/worksheets/sheet${index + 1}.xml`,
    sheetXml(sheet, formats),
  ])
  const styles = function* (): Generator<string> {
    yield stylesXml([...formats.keys()])
  }
  const numbers = sheets.map((_, index) => index + 1)
  return [
    ['[Content_Types].xml', [contentTypes(numbers)]],
    [
      '_rels/.rels',
      [
        `${head}<Relationships xmlns="${packages}/relationships"><Relationship Id="rId1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
      ],
    ],
    ['xl/workbook.xml', [workbookXml(sheets, date1904)]],
    ['xl/_rels/workbook.xml.rels', [workbookRelations(numbers)]],
    ...contents,
    ['xl/styles.xml', styles()],
  ]
}

function contentTypes(numbers: readonly number[]): string {
  const part = (path: string, type: string): string =>
    `<Override PartName="${path}" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.${type}+xml"/>`
  return `${head}<Types xmlns="${packages}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${part('/xl/workbook.xml', 'sheet.main')}${part('/xl/styles.xml', 'styles')}${numbers.map((number) => part(`/xl/worksheets/sheet${number}.xml`, 'worksheet')).join('')}</Types>`
}

function workbookXml(sheets: readonly Sheet[], date1904: boolean): string {
  const list = sheets.map(
    ({ name }, index) => `<sheet name="${escapeXml(name)}" sheetId="${index + 1}" r:id="rId${index + 1}"/>`,
  )
  return `${head}<workbook xmlns="${main}" xmlns:r="${relations}">${date1904 ? '<workbookPr date1904="1"/>' : ''}<sheets>${list.join('')}</sheets></workbook>`
}

function workbookRelations(numbers: readonly number[]): string {
  const sheets = numbers.map(
    (number) =>
      `<Relationship Id="rId${number}" Type="${relations}/worksheet" Target="worksheets/sheet${number}.xml"/>`,
  )
  return `${head}<Relationships xmlns="${packages}/relationships">${sheets.join('')}<Relationship Id="rIdStyles" Type="${relations}/styles" Target="styles.xml"/></Relationships>`
}

/** Style 0 is General; style n is the n-th format. */
function stylesXml(formats: readonly string[]): string {
  const codes = formats.map(
    (code, index) => `<numFmt numFmtId="${FIRST_CUSTOM_FORMAT + index}" formatCode="${escapeXml(code)}"/>`,
  )
  const styles = formats.map(
    (_, index) =>
      `<xf numFmtId="${FIRST_CUSTOM_FORMAT + index}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>`,
  )
  const plain = '<xf numFmtId="0" fontId="0" fillId="0" borderId="0"'
  return `${head}<styleSheet xmlns="${main}">${formats.length === 0 ? '' : `<numFmts count="${formats.length}">${codes.join('')}</numFmts>`}<fonts count="1"><font><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders><cellStyleXfs count="1">${plain}/></cellStyleXfs><cellXfs count="${formats.length + 1}">${plain} xfId="0"/>${styles.join('')}</cellXfs></styleSheet>`
}

function* sheetXml(sheet: Sheet, formats: Map<string, number>): Generator<string> {
  let text = `${head}<worksheet xmlns="${main}"><sheetData>`
  for (const [row, cells] of sheet.filled()) {
    text += `<row r="${row}">`
    for (const [column, cell] of cells) {
      text += cellXml(placeText({ row, column }), cell, formats)
      if (text.length < PIECE) continue
      yield text
      text = ''
    }
    text += '</row>'
  }
  yield `${text}</sheetData></worksheet>`
}

function cellXml(reference: string, { value, format }: Cell, formats: Map<string, number>): string {
  if (typeof value === 'boolean') return `<c r="${reference}" t="b"><v>${value ? 1 : 0}</v></c>`
  if (typeof value === 'string')
    return `<c r="${reference}" t="inlineStr"><is><t xml:space="preserve">${escapeXml(value)}</t></is></c>`
  return `<c r="${reference}"${styleOf(format, formats)}><v>${value}</v></c>`
}

function styleOf(format: string | undefined, formats: Map<string, number>): string {
  if (format === undefined) return ''
  const style = formats.get(format) ?? formats.size + 1
  formats.set(format, style)
  return ` s="${style}"`
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** Characters that XML cannot hold are dropped. */
function escapeXml(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    .replace(/[&<>"]/g, (one) => escapes[one] ?? one)
}
