// Markdown for a terminal: headings, code, emphasis, links and tables told apart by style, nothing moved.

import type { Paint } from './paint.ts'
import { inert } from './report.ts'

/** The text with styles; without colours it is the Markdown itself. */
export function renderMarkdown(markdown: string, paint: Paint): string {
  let inCode = false
  return inert(markdown)
    .split('\n')
    .map((line) => {
      if (/^\s*(?:```|~~~)/.test(line)) {
        inCode = !inCode
        return paint('dim', line)
      }
      if (inCode) return paint('cyan', line)
      const heading = /^(#{1,6})\s/.exec(line)
      if (heading !== null) return paint(heading[1]?.length === 1 ? ['bold', 'underline'] : 'bold', line)
      return styled(line, paint)
    })
    .join('\n')
}

function styled(line: string, paint: Paint): string {
  return line
    .replace(/(`+)(.+?)\1/g, (whole) => paint('cyan', whole))
    .replace(/\*\*(\S(?:.*?\S)?)\*\*/g, (whole) => paint('bold', whole))
    .replace(/\[([^\]]+)\]\(([^)\s]+)\)/g, (_whole, text: string, target: string) => {
      return `${paint('underline', text)} ${paint('dim', `(${target})`)}`
    })
}
