// Colours, where they are wanted: on a screen, and not where NO_COLOR says otherwise.

import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

/** Paints for one stream; plain text for a pipe. */
export function paintFor(
  stream: { readonly isTTY?: boolean | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Paint {
  const { NO_COLOR: never = '', FORCE_COLOR: always = '' } = env
  const wanted = never === '' && env['TERM'] !== 'dumb' && stream.isTTY === true
  const coloured = always === '' ? wanted : always !== '0'
  return coloured ? (style, text) => styleText(style, text, { validateStream: false }) : (_style, text) => text
}
