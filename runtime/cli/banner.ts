// Version and banner.

import { readFileSync } from 'node:fs'
import { paintFor } from './paint.ts'

/** The day of this version. */
const RELEASED = '2026-11-23'

/** The version in package.json. */
export function packageVersion(): string {
  // From dist/cli/ and from runtime/cli/ the package is two folders up.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String((manifest as { version?: unknown }).version)
}

const themes = ['cyan', 'magenta', 'blue', 'green', 'yellow'] as const

/** Three lines between blank ones; coloured on a screen that takes colours, in a theme of chance. */
export function banner(random: () => number = Math.random): string {
  const theme = themes[Math.floor(random() * themes.length)] ?? 'cyan'
  const paint = paintFor(process.stdout)
  const logo = ['╦ ╦╦╔═╗╔═╗╦ ╦', '║║║║╠═╝╠═╝╚╦╝', '╚╩╝╩╩  ╩   ╩ ']
  const texts = ['Adaptive Application Runtime https://wippy.ai', `${packageVersion()} ${RELEASED}`, 'for Node.js']
  const lines = logo.map((line, index) => `  ${paint(theme, line)}  ${texts[index] ?? ''}`)
  return `\n${lines.join('\n')}\n\n`
}
