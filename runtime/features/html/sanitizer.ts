// Rewrites HTML by a policy: what the policy does not name goes, the content of elements that run or embed goes with them.
// Loaded when the module is opened for the first time.

import { moduleError } from '../../core/error.ts'
import { MarkupParser } from '../../external/markup.ts'
import type { Policy, UrlRules } from './policy.ts'

const MAX_INPUT = 1024 * 1024
/** The parser searches its stack at closing tags: depth is time. */
const MAX_DEPTH = 500

const silent = new Set([
  'frame',
  'frameset',
  'iframe',
  'noembed',
  'noframes',
  'noscript',
  'nostyle',
  'object',
  'embed',
  'script',
  'style',
  'template',
  'xmp',
  'plaintext',
  'math',
  'svg',
])
const empty = new Set([
  'area',
  'base',
  'br',
  'col',
  'embed',
  'hr',
  'img',
  'input',
  'link',
  'meta',
  'param',
  'source',
  'track',
  'wbr',
])
const links = new Set(['a', 'area', 'base', 'link'])
/** Attributes that hold a URL, on whatever element. */
const urlAttributes = new Set([
  'href',
  'src',
  'cite',
  'action',
  'formaction',
  'background',
  'poster',
  'longdesc',
  'usemap',
  'data',
  'xlink:href',
  'srcset',
  'ping',
  'manifest',
])
const dataImage =
  /^data:image\/(?:gif|jpeg|png|svg\+xml|webp);base64,(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Characters of one step. */
const PIECE = 4 * 1024

export interface Sanitizing {
  readonly step: () => boolean
  /** The HTML that the policy leaves, when `step` has answered true. */
  result(): string
}

/** Throws LimitExceeded for input too large or too deep. */
export function sanitize(policy: Policy, html: string): Sanitizing {
  if (html.length > MAX_INPUT) {
    throw moduleError('LimitExceeded', `HTML of ${html.length} characters exceeds the limit of ${MAX_INPUT}`)
  }
  const parts: string[] = []
  let depth = 0
  /** Depth within an element whose content is dropped. */
  let muted = 0
  const parser = new MarkupParser(
    {
      onopentag(name, attributes) {
        if (++depth > MAX_DEPTH) throw moduleError('LimitExceeded', `HTML is nested deeper than ${MAX_DEPTH} levels`)
        if (muted > 0 || silent.has(name)) {
          if (!policy.elements.has(name) || muted > 0) muted++
        }
        if (muted === 0 && policy.elements.has(name)) parts.push(openTag(policy, name, attributes))
      },
      onclosetag(name) {
        depth--
        if (muted > 0) muted--
        else if (policy.elements.has(name) && !empty.has(name)) parts.push(`</${name}>`)
      },
      ontext(text) {
        if (muted === 0) parts.push(escapeText(text))
      },
    },
    { lowerCaseTags: true, lowerCaseAttributeNames: true, decodeEntities: true, recognizeSelfClosing: false },
  )
  let at = 0
  return {
    step() {
      parser.write(html.slice(at, at + PIECE))
      at += PIECE
      if (at < html.length) return false
      parser.end()
      return true
    },
    result: () => parts.join(''),
  }
}

function openTag(policy: Policy, name: string, attributes: Readonly<Record<string, string>>): string {
  const kept: [string, string][] = []
  for (const [attribute, value] of Object.entries(attributes)) {
    if (!/^[a-z_][\w.:-]*$/.test(attribute) || !policy.allowsAttribute(name, attribute, value)) continue
    if (!urlAttributes.has(attribute)) kept.push([attribute, value])
    else if (attribute !== 'srcset') {
      const url = allowedUrl(policy.urls, value, name === 'img' && attribute === 'src')
      if (url !== undefined) kept.push([attribute, url])
    }
  }
  if (links.has(name)) addLinkAttributes(policy, kept)
  return `<${name}${kept.map(([attribute, value]) => ` ${attribute}="${escapeText(value)}"`).join('')}>`
}

/** The URL to write, or undefined when the rules refuse it. */
export function allowedUrl(rules: UrlRules, value: string, image: boolean): string | undefined {
  // Browsers drop these characters within a URL: `java\nscript:` is a scheme to them.
  const url = value.trim().replace(/[\t\n\r]/g, '')
  // Old browsers take a backtick for a quote.
  if (url.includes('`')) return undefined
  if (image && rules.dataImages && dataImage.test(url)) return url
  if (/[\x00-\x20\x7f]/.test(url)) return rules.parseable ? undefined : safeWithout(url)
  const scheme = /^([a-zA-Z][a-zA-Z0-9+.-]*):/.exec(url)?.[1]?.toLowerCase()
  if (!rules.parseable) return safeWithout(url)
  if (scheme === undefined) {
    // `//host` has no scheme but leaves the page: a relative URL all the same, as in the original.
    return rules.relative && url !== '' && !/^[^/?#]*:/.test(url) ? url : undefined
  }
  return rules.schemes.has(scheme) && URL.canParse(url) ? url : undefined
}

/** Without rules about URLs everything passes but what runs. */
function safeWithout(url: string): string | undefined {
  return /^[\x00-\x20]*(?:javascript|vbscript|data|livescript|mocha)[\x00-\x20]*:/i.test(url) ? undefined : url
}

function addLinkAttributes(policy: Policy, kept: [string, string][]): void {
  const { nofollow, noreferrer, targetBlank } = policy.links
  const href = kept.find(([name]) => name === 'href')?.[1]
  if (href === undefined || !(nofollow || noreferrer || targetBlank)) return
  const rel = new Set(
    kept
      .find(([name]) => name === 'rel')?.[1]
      .split(/\s+/)
      .filter((word) => word !== '') ?? [],
  )
  if (nofollow) rel.add('nofollow')
  if (noreferrer) rel.add('noreferrer')
  const external = /^(?:[a-z][a-z0-9+.-]*:)?\/\//i.test(href)
  if (targetBlank && external) {
    set(kept, 'target', '_blank')
    rel.add('noopener')
  }
  if (rel.size > 0) set(kept, 'rel', [...rel].join(' '))
}

function set(attributes: [string, string][], name: string, value: string): void {
  const found = attributes.find(([attribute]) => attribute === name)
  if (found === undefined) attributes.push([name, value])
  else found[1] = value
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\r': '&#13;',
  '\0': '\ufffd',
}

function escapeText(text: string): string {
  return text.replace(/[&<>"'\r\0]/g, (one) => escapes[one] ?? one)
}
