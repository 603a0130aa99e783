// A documentation page in Markdown, taken apart for searching. No rendering.

export interface Page {
  /** Without `.md`: `lua/core/time`. */
  readonly path: string
  readonly title: string
  readonly headings: string
  readonly text: string
}

/** Title, headings and prose of a Markdown text; a front matter block is skipped. */
export function readPage(path: string, markdown: string): Page {
  const text = markdown.replace(/^---\n[\s\S]*?\n---\n/, '')
  const headings = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/^#{1,6}\s+(.+)$/gm)].map((match) => match[1] ?? '')
  return { path, title: headings[0] ?? path, headings: headings.slice(1).join('\n'), text }
}

const EXCERPT = 240

/** The paragraph in which most of the terms occur, shortened around the first of them. */
export function excerptOf(page: Page, terms: readonly string[]): string {
  const wanted = terms.map((term) => term.toLowerCase())
  const paragraphs = paragraphsOf(page.text)
  let best = paragraphs[0] ?? ''
  let most = 0
  for (const paragraph of paragraphs) {
    const lower = paragraph.toLowerCase()
    const hits = wanted.filter((term) => lower.includes(term)).length
    if (hits > most) {
      most = hits
      best = paragraph
    }
  }
  if (best.length <= EXCERPT) return best
  const first = Math.max(
    0,
    Math.min(...wanted.map((term) => best.toLowerCase().indexOf(term)).filter((at) => at >= 0), best.length),
  )
  const from = Math.max(0, Math.min(first - EXCERPT / 3, best.length - EXCERPT))
  const start = from === 0 ? 0 : best.indexOf(' ', from) + 1
  return `${start > 0 ? '… ' : ''}${best.slice(start, start + EXCERPT).trimEnd()}${start + EXCERPT < best.length ? ' …' : ''}`
}

/** Prose and rows of tables, one by one; code says little out of its place. */
function paragraphsOf(markdown: string): string[] {
  return markdown
    .replace(/```[\s\S]*?```/g, '')
    .replace(/^#+\s+.*$/gm, '')
    .replace(/^\|(.*)\|$/gm, (_, row: string) => `\n${tableRow(row)}\n`)
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s+/g, ' ').trim())
    .filter((paragraph) => paragraph !== '')
}

/** The cells of a row as a line of text; nothing for the line below the head. */
function tableRow(row: string): string {
  if (/^[\s|:-]*$/.test(row)) return ''
  const cells = row.split(/(?<!\\)\|/).map((cell) => cell.replaceAll('\\|', '|').trim())
  return cells.filter((cell) => cell !== '').join(': ')
}
