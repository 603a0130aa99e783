// The text a cell shows: its value by its number format, as spreadsheets write it in English.

const builtins: Readonly<Record<number, string>> = {
  1: '0',
  2: '0.00',
  3: '#,##0',
  4: '#,##0.00',
  9: '0%',
  10: '0.00%',
  11: '0.00E+00',
  12: '# ?/?',
  13: '# ??/??',
  14: 'mm-dd-yy',
  15: 'd-mmm-yy',
  16: 'd-mmm',
  17: 'mmm-yy',
  18: 'h:mm AM/PM',
  19: 'h:mm:ss AM/PM',
  20: 'h:mm',
  21: 'h:mm:ss',
  22: 'm/d/yy h:mm',
  37: '#,##0 ;(#,##0)',
  38: '#,##0 ;(#,##0)',
  39: '#,##0.00;(#,##0.00)',
  40: '#,##0.00;(#,##0.00)',
  45: 'mm:ss',
  46: '[h]:mm:ss',
  47: 'mm:ss.0',
  48: '##0.0E+0',
  49: '@',
}

/** The format code of a built-in id; undefined is General. */
export function builtinFormat(id: number): string | undefined {
  return builtins[id]
}

const months = 'January February March April May June July August September October November December'.split(' ')
const days = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ')
const MAX_FORMAT = 255

/** The text of a number. Formats it does not know are shown as General. */
export function formatNumber(value: number, format: string | undefined, date1904 = false): string {
  if (format === undefined || format === '' || format.length > MAX_FORMAT || /^general$/i.test(format))
    return general(value)
  const section = sectionFor(splitSections(format), value)
  const tokens = tokensOf(section.code)
  if (tokens.some(({ kind }) => kind === 'date')) return dateText(value, tokens, date1904)
  if (tokens.some(({ kind, text }) => kind === 'digit' && text === '/')) return general(value)
  return numberText(section.negate ? Math.abs(value) : value, tokens)
}

export function general(value: number): string {
  if (!Number.isFinite(value)) return '#NUM!'
  // Fifteen digits are what a spreadsheet keeps.
  const shown = Number(value.toPrecision(15))
  const text = String(shown)
  if (!text.includes('e')) return text
  const [mantissa = '', exponent = ''] = text.split('e')
  return `${mantissa}E${exponent.replace(/^([+-])(\d)$/, '$10$2')}`
}

interface Token {
  /** `digit` is a place of the number or one of its signs, `date` a part of a date, `text` stands for itself. */
  readonly kind: 'digit' | 'date' | 'text' | 'percent' | 'exponent' | 'value'
  readonly text: string
}

/** Positive; negative; zero; text. A section for negatives writes its own sign. */
function sectionFor(sections: readonly string[], value: number): { code: string; negate: boolean } {
  const [positive = '', negative, zero] = sections
  if (value < 0 && negative !== undefined) return { code: negative, negate: true }
  if (value === 0 && zero !== undefined) return { code: zero, negate: false }
  return { code: positive, negate: false }
}

function splitSections(format: string): string[] {
  const pieces = format.match(/(?:"[^"]*"|\\.|\[[^\]]*\]|[^;])*(?:;|$)/g) ?? [format]
  // The last match is empty; it is a section only after a semicolon.
  const sections = pieces.filter((piece, at) => piece !== '' || pieces[at - 1]?.endsWith(';') === true)
  return sections.slice(0, 4).map((section) => section.replace(/;$/, ''))
}

function tokensOf(code: string): Token[] {
  const tokens: Token[] = []
  const pattern =
    /"([^"]*)"|\\(.)|_(.)|\*.|\[(h+|m+|s+)\]|\[[^\]]*\]|(AM\/PM|A\/P|y+|m+|d+|h+|s+(?:\.0+)?)|([Ee][+-]0+)|(%)|(@)|([0#?.,/]+)|(.)/gi
  for (const match of code.matchAll(pattern)) {
    const [whole, quoted, escaped, space, elapsed, date, exponent, percent, value, digit, other] = match
    if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted })
    else if (escaped !== undefined) tokens.push({ kind: 'text', text: escaped })
    else if (space !== undefined) tokens.push({ kind: 'text', text: ' ' })
    else if (elapsed !== undefined) tokens.push({ kind: 'date', text: `[${elapsed.toLowerCase()}]` })
    else if (date !== undefined)
      tokens.push({ kind: 'date', text: /^a/i.test(date) ? date.toUpperCase() : date.toLowerCase() })
    else if (exponent !== undefined) tokens.push({ kind: 'exponent', text: exponent })
    else if (percent !== undefined) tokens.push({ kind: 'percent', text: percent })
    else if (value !== undefined) tokens.push({ kind: 'value', text: whole })
    else if (digit !== undefined) tokens.push({ kind: 'digit', text: digit })
    else if (other !== undefined) tokens.push({ kind: 'text', text: other })
  }
  return tokens
}

function numberText(value: number, tokens: readonly Token[]): string {
  const places = tokens
    .filter(({ kind }) => kind === 'digit')
    .map(({ text }) => text)
    .join('')
  if (places === '') return tokens.map(({ kind, text }) => (kind === 'value' ? general(value) : text)).join('')
  const percent = tokens.filter(({ kind }) => kind === 'percent').length
  const exponent = tokens.find(({ kind }) => kind === 'exponent')?.text
  // Commas at the end divide by a thousand, between places they group.
  const scale = /,+$/.exec(places.split('.')[0] ?? '')?.[0].length ?? 0
  const shown = (value * 100 ** percent) / 1000 ** scale
  const number = exponent === undefined ? plainNumber(shown, places) : scientific(shown, places, exponent)
  let written = false
  const parts = tokens.map(({ kind, text }) => {
    if (kind === 'exponent') return ''
    if (kind !== 'digit') return text
    const first = !written
    written = true
    return first ? number : ''
  })
  return parts.join('')
}

function plainNumber(value: number, places: string): string {
  const [whole = '', fraction = ''] = places.replace(/,/g, '').split('.')
  const most = fraction.replace(/[^0#?]/g, '').length
  const least = fraction.replace(/[^0]/g, '').length
  const [digits = '', decimals = ''] = roundedText(Math.abs(value), most).split('.')
  const kept = decimals.replace(new RegExp(`0{0,${most - least}}$`), '')
  const minimum = whole.replace(/[^0]/g, '').length
  const padded = (digits === '0' && minimum === 0 ? '' : digits).padStart(minimum, '0')
  const grouped = /[0#?],[0#?]/.test(places) ? padded.replace(/\B(?=(\d{3})+$)/g, ',') : padded
  const text = `${grouped}${kept === '' ? (places.endsWith('.') ? '.' : '') : `.${kept}`}`
  return value < 0 && /[1-9]/.test(text) ? `-${text}` : text
}

/** Rounds half away from zero in decimal, as spreadsheets do; toFixed alone rounds the binary value. */
function roundedText(value: number, decimals: number): string {
  if (value >= 1e15) return value.toFixed(0)
  const [mantissa = '0', exponent = '0'] = value.toExponential(14).split('e')
  const shifted = Math.round(Number(`${mantissa}e${Number(exponent) + decimals}`))
  return Number(`${shifted}e-${decimals}`).toFixed(Math.min(decimals, 30))
}

function scientific(value: number, places: string, exponent: string): string {
  const fraction = places.split('.')[1]?.replace(/[^0#?]/g, '').length ?? 0
  const [mantissa = '', power = ''] = value.toExponential(Math.min(fraction, 20)).split('e')
  const sign = power.startsWith('-') ? '-' : exponent[1] === '+' ? '+' : ''
  return `${mantissa}E${sign}${power.slice(1).padStart(exponent.length - 2, '0')}`
}

function dateText(serial: number, tokens: readonly Token[], date1904: boolean): string {
  if (serial < 0 || serial > 2_958_466) return general(serial)
  // Rounded to the millisecond: 0.1 of a day is no exact binary number.
  const ms = Math.round(serial * 86_400_000)
  const date = new Date(epoch(serial, date1904) + ms)
  const twelve = tokens.some(({ kind, text }) => kind === 'date' && text.startsWith('A'))
  return tokens
    .map((token, at) =>
      token.kind === 'date'
        ? datePart(token.text, date, ms, twelve, isMinutes(tokens, at))
        : token.kind === 'digit'
          ? token.text
          : token.text,
    )
    .join('')
}

/** Day 60 is the 29 February 1900 that never was: earlier days count from one day later. */
function epoch(serial: number, date1904: boolean): number {
  if (date1904) return Date.UTC(1904, 0, 1)
  return serial < 60 ? Date.UTC(1899, 11, 31) : Date.UTC(1899, 11, 30)
}

/** `m` means minutes after hours and before seconds. */
function isMinutes(tokens: readonly Token[], at: number): boolean {
  const dates = tokens
    .map((token, index) => ({ ...token, index }))
    .filter(({ kind, text }) => kind === 'date' && !text.startsWith('A'))
  const place = dates.findIndex(({ index }) => index === at)
  return /^\[?h/.test(dates[place - 1]?.text ?? '') || /^\[?s/.test(dates[place + 1]?.text ?? '')
}

function datePart(text: string, date: Date, ms: number, twelve: boolean, minutes: boolean): string {
  const two = (value: number, width: number): string => String(value).padStart(width, '0')
  const [letter = ''] = text.replace('[', '')
  const width = text.length
  if (text === '[h]' || text === '[hh]') return String(Math.floor(ms / 3_600_000))
  if (text === '[m]' || text === '[mm]') return String(Math.floor(ms / 60_000))
  if (text === '[s]' || text === '[ss]') return String(Math.floor(ms / 1000))
  if (letter === 'y') return width > 2 ? String(date.getUTCFullYear()) : two(date.getUTCFullYear() % 100, 2)
  if (letter === 'm' && minutes && width <= 2) return two(date.getUTCMinutes(), width)
  if (letter === 'm') return named(months, date.getUTCMonth(), width) ?? two(date.getUTCMonth() + 1, width)
  if (letter === 'd') return width > 2 ? (named(days, date.getUTCDay(), width) ?? '') : two(date.getUTCDate(), width)
  if (letter === 'h') return two(twelve ? date.getUTCHours() % 12 || 12 : date.getUTCHours(), width)
  if (letter === 's') return secondText(text, date)
  const afternoon = date.getUTCHours() >= 12
  return text === 'A/P' ? (afternoon ? 'P' : 'A') : afternoon ? 'PM' : 'AM'
}

function secondText(text: string, date: Date): string {
  const [whole = '', fraction] = text.split('.')
  const seconds = String(date.getUTCSeconds()).padStart(whole.length, '0')
  return fraction === undefined
    ? seconds
    : `${seconds}.${String(date.getUTCMilliseconds()).padStart(3, '0').slice(0, fraction.length).padEnd(fraction.length, '0')}`
}

/** `mmm` is Jan, `mmmm` January, `mmmmm` J. */
function named(names: readonly string[], index: number, width: number): string | undefined {
  const name = names[index]
  if (name === undefined || width < 3) return undefined
  return width === 3 ? name.slice(0, 3) : width === 5 ? name.slice(0, 1) : name
}
