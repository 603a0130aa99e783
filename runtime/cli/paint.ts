// Colours, where they are wanted: on a screen, and not where NO_COLOR says otherwise.

import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

/** Paints for one stream; plain text for a pipe. */
export function paintFor(
  stream: { readonly isTTY?: boolean | undefined },
  env: NodeJS.ProcessEnv = process.env,
): Paint {
  if (!wantsColours(stream, env)) return (_style, text) => text
  return (style, text) => styleText(style, text, { validateStream: false })
}

/** Whether colours should go to a stream: FORCE_COLOR and NO_COLOR decide, else whether somebody looks. */
export function wantsColours(
  stream: { readonly isTTY?: boolean | undefined },
  env: NodeJS.ProcessEnv = process.env,
): boolean {
  const { NO_COLOR: never = '', FORCE_COLOR: always = '' } = env
  const wanted = never === '' && env['TERM'] !== 'dumb' && stream.isTTY === true
  return always === '' ? wanted : always !== '0'
}
