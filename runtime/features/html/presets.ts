// Ready-made parts of policies: lists, tables, images, and the one for what users write. All patterns are linear.

import { Policy } from './policy.ts'

const pattern = {
  id: /^[a-zA-Z0-9:\-_.]+$/,
  title: /^[\p{L}\p{N}\s\-_',[\]!./\\()&]*$/u,
  lang: /^[a-zA-Z]{2,20}(?:-[a-zA-Z0-9]{1,8}){0,4}$/,
  direction: /^(?:rtl|ltr)$/i,
  listType: /^(?:circle|disc|square|a|i|1)$/i,
  integer: /^-?[0-9]{1,18}$/,
  numberOrPercent: /^[0-9]{1,10}%?$/,
  imageAlign: /^(?:left|right|top|texttop|middle|absmiddle|baseline|bottom|absbottom)$/i,
  cellAlign: /^(?:center|justify|left|right|char)$/i,
  cellVertical: /^(?:baseline|bottom|middle|top)$/i,
  scope: /^(?:row|col)(?:group)?$/i,
  dateTime: /^[0-9]{4}-[0-9]{2}(?:-[0-9]{2}(?:[T ][0-9:.]{5,16}(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?)?$/,
} as const

/** URLs that parse, with `mailto`, `http`, `https` or none; links get `nofollow`. */
export function allowStandardUrls(policy: Policy): Policy {
  const schemes = new Set([...policy.urls.schemes, 'mailto', 'http', 'https'])
  return policy.changeUrls({ schemes, relative: true }).changeLinks({ nofollow: true })
}

export function allowStandardAttributes(policy: Policy): Policy {
  return policy
    .allowAttributes(['dir'], { pattern: pattern.direction }, undefined)
    .allowAttributes(['lang'], { pattern: pattern.lang }, undefined)
    .allowAttributes(['id'], { pattern: pattern.id }, undefined)
    .allowAttributes(['title'], { pattern: pattern.title }, undefined)
}

export function allowImages(policy: Policy): Policy {
  return allowStandardUrls(
    policy
      .allowAttributes(['align'], { pattern: pattern.imageAlign }, ['img'])
      .allowAttributes(['alt'], { pattern: pattern.title }, ['img'])
      .allowAttributes(['height', 'width'], { pattern: pattern.numberOrPercent }, ['img'])
      .allowAttributes(['src'], { pattern: undefined }, ['img']),
  )
}

export function allowLists(policy: Policy): Policy {
  return policy
    .allowElements('ul', 'ol', 'li', 'dl', 'dt', 'dd')
    .allowAttributes(['type'], { pattern: pattern.listType }, ['ul', 'ol', 'li'])
    .allowAttributes(['value'], { pattern: pattern.integer }, ['li'])
}

export function allowTables(policy: Policy): Policy {
  return policy
    .allowElements('table', 'caption', 'col', 'colgroup', 'thead', 'tbody', 'tfoot', 'tr', 'td', 'th')
    .allowAttributes(['height', 'width'], { pattern: pattern.numberOrPercent }, [
      'table',
      'col',
      'colgroup',
      'td',
      'th',
    ])
    .allowAttributes(['summary'], { pattern: pattern.title }, ['table'])
    .allowAttributes(['align'], { pattern: pattern.cellAlign }, [
      'col',
      'colgroup',
      'thead',
      'tbody',
      'tfoot',
      'tr',
      'td',
      'th',
    ])
    .allowAttributes(['valign'], { pattern: pattern.cellVertical }, [
      'col',
      'colgroup',
      'thead',
      'tbody',
      'tfoot',
      'tr',
      'td',
      'th',
    ])
    .allowAttributes(['span'], { pattern: pattern.integer }, ['col', 'colgroup'])
    .allowAttributes(['colspan', 'rowspan'], { pattern: pattern.integer }, ['td', 'th'])
    .allowAttributes(['headers'], { pattern: pattern.title }, ['td', 'th'])
    .allowAttributes(['abbr'], { pattern: pattern.title }, ['td', 'th'])
    .allowAttributes(['scope'], { pattern: pattern.scope }, ['td', 'th'])
    .allowAttributes(['nowrap'], { pattern: /^(?:nowrap)?$/i }, ['td', 'th'])
}

/** Comments, forum posts: formatting, links, lists, tables, images; nothing that runs. */
export function userContentPolicy(): Policy {
  const policy = new Policy()
    .allowElements(
      'article',
      'aside',
      'details',
      'figure',
      'section',
      'summary',
      'h1',
      'h2',
      'h3',
      'h4',
      'h5',
      'h6',
      'hgroup',
    )
    .allowElements('br', 'div', 'hr', 'p', 'span', 'wbr', 'pre', 'code', 'kbd', 'samp', 'var', 'tt')
    .allowElements(
      'abbr',
      'acronym',
      'b',
      'bdi',
      'cite',
      'dfn',
      'em',
      'figcaption',
      'i',
      'mark',
      's',
      'small',
      'strike',
      'strong',
    )
    .allowElements('sub', 'sup', 'u', 'rp', 'rt', 'ruby', 'address', 'footer', 'header')
    .allowAttributes(['cite'], { pattern: undefined }, ['blockquote', 'q', 'del', 'ins'])
    .allowAttributes(['datetime'], { pattern: pattern.dateTime }, ['time', 'del', 'ins'])
    .allowAttributes(['open'], { pattern: /^(?:|open)$/i }, ['details'])
    .allowAttributes(['dir'], { pattern: pattern.direction }, ['bdi', 'bdo'])
    .allowAttributes(['href'], { pattern: undefined }, ['a'])
    .allowAttributes(
      ['max', 'min', 'value', 'low', 'high', 'optimum'],
      { pattern: /^[0-9]{1,15}(?:\.[0-9]{1,10})?$/ },
      ['meter', 'progress'],
    )
  return allowTables(allowLists(allowImages(allowStandardUrls(allowStandardAttributes(policy)))))
}
