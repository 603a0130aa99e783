// URLs as http_client shows them and as policies are asked about them: without the user's name and password, in the one form the
// connection uses, so that no spelling of a URL means one host to a policy and another to the socket.

import { moduleError } from '../../core/error.ts'

/** An absolute http or https URL. Throws Invalid. */
export function requestUrl(text: string, base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw moduleError('Invalid', `invalid URL ${JSON.stringify(text)}`)
  const url = new URL(text, base?.href)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    const scheme = url.protocol.slice(0, -1)
    throw moduleError(
      'Invalid',
      `invalid URL ${JSON.stringify(text)}: unsupported protocol scheme ${JSON.stringify(scheme)}`,
    )
  }
  return url
}

/** What policies see and messages say. `written` is the text the URL came from: a missing final slash stays missing. */
export function shownUrl(url: URL, written?: string): string {
  if (written !== undefined && `${written}/` === url.href) return written
  if (url.username === '' && url.password === '' && url.hash === '') return url.href
  const shown = new URL(url.href)
  shown.username = ''
  shown.password = ''
  shown.hash = ''
  return shown.href
}

/** For messages about failures: queries carry keys. */
export function placeOf(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

/** The host of a URL as `net` takes it. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '')
}
