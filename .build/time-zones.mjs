// Writes runtime/features/time/zones.json from moment-timezone's copy of the IANA database (a development dependency).
// A zone is `types|indices|times|rule`: types `LMT -17762,EST -18000`; an index into them per period, base 36; the ends of the
// periods but the last as distances in minutes (base 36, `.seconds` when not whole); the rule that goes on for ever after, if any.
// Run: node .build/time-zones.mjs
import { writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'

const require = createRequire(import.meta.url)
const { version, zones, links } = require('moment-timezone/data/packed/latest.json')
const { tz } = require('moment-timezone/moment-timezone.js')

const DAY = 86_400
const FIRST_RULE_YEAR = 2029
const LAST_RULE_YEAR = 2037

const packed = {}
for (const source of zones) {
  const zone = tz.unpack(source)
  packed[zone.name] = pack(periodsOf(zone))
}
for (const link of links) {
  const [target, name] = link.split('|')
  packed[name] = `=${target}`
}
const sorted = Object.fromEntries(Object.entries(packed).sort(([a], [b]) => (a < b ? -1 : 1)))
const file = path.resolve(import.meta.dirname, '../runtime/features/time/zones.json')
writeFileSync(file, `${JSON.stringify({ version, zones: sorted }, null, 2)}\n`)

/** [{ type: 'EST -18000', until: seconds }], equal neighbours joined. */
function periodsOf(zone) {
  const periods = []
  zone.untils.forEach((until, i) => {
    const type = `${zone.abbrs[i]} ${Math.round(-zone.offsets[i] * 60)}`
    const end = until === Number.POSITIVE_INFINITY ? until : Math.round(until / 1000)
    if (periods.at(-1)?.type === type) periods.at(-1).until = end
    else periods.push({ type, until: end })
  })
  return periods
}

function pack(periods) {
  const rule = ruleOf(periods)
  const kept = rule === undefined ? periods : withoutTail(periods, rule)
  const types = [...new Set([...kept, ...(rule ?? [])].map((p) => p.type))]
  let last = 0
  const times = kept.slice(0, -1).map(({ until }) => {
    const distance = until - last
    last = until
    const seconds = distance % 60
    return Math.trunc(distance / 60).toString(36) + (seconds === 0 ? '' : `.${seconds}`)
  })
  const indices = kept.map((p) => types.indexOf(p.type).toString(36)).join('')
  const text = (rule ?? []).map((r) => `${types.indexOf(r.type)} ${r.month}.${r.week}.${r.weekday}/${r.time}`).join(',')
  return [types.join(','), indices, times.join(' '), text].join('|')
}

/** The two yearly changes, if the years up to 2037 follow a rule: in a month, on the n-th or last weekday, at a wall time. */
function ruleOf(periods) {
  const changes = periods.slice(0, -1).map((p, i) => ({ at: p.until, from: offset(p), type: periods[i + 1].type }))
  const yearOf = (c) => new Date((c.at + c.from) * 1000).getUTCFullYear()
  const late = changes.filter((c) => yearOf(c) >= FIRST_RULE_YEAR && yearOf(c) <= LAST_RULE_YEAR)
  if (late.length !== 2 * (LAST_RULE_YEAR - FIRST_RULE_YEAR + 1)) return undefined
  const rules = [0, 1].map((side) => shape(late.filter((_, i) => i % 2 === side)))
  return rules.includes(undefined) ? undefined : rules
}

function shape(changes) {
  for (const shift of [0, 1, -1, 2, -2]) {
    for (const week of [1, 2, 3, 4, 5]) {
      const [first] = changes
      const local = new Date((first.at + first.from - shift * DAY) * 1000)
      const midnight = Date.UTC(local.getUTCFullYear(), local.getUTCMonth(), local.getUTCDate()) / 1000
      const rule = {
        type: first.type,
        month: local.getUTCMonth() + 1,
        week,
        weekday: local.getUTCDay(),
        time: first.at + first.from - midnight,
      }
      const fits = (c, i) => instantOf(rule, FIRST_RULE_YEAR + i) - c.from === c.at && c.type === rule.type
      if (changes.every(fits)) return rule
    }
  }
  return undefined
}

/** Wall-clock seconds of the change in a year. */
function instantOf(rule, year) {
  const first = new Date(Date.UTC(year, rule.month - 1, 1))
  let day = 1 + ((rule.weekday - first.getUTCDay() + 7) % 7) + (rule.week - 1) * 7
  const length = new Date(Date.UTC(year, rule.month, 0)).getUTCDate()
  while (day > length) day -= 7
  return Date.UTC(year, rule.month - 1, day) / 1000 + rule.time
}

/** The periods before the rule takes over: all changes that the rule makes by itself are dropped from the end. */
function withoutTail(periods, rule) {
  let keep = periods.length
  while (keep > 1) {
    const change = { at: periods[keep - 2].until, from: offset(periods[keep - 2]), type: periods[keep - 1].type }
    const year = new Date((change.at + change.from) * 1000).getUTCFullYear()
    if (!rule.some((r) => r.type === change.type && instantOf(r, year) - change.from === change.at)) break
    keep--
  }
  // One more stays, so that the rule starts at a change of its own and never reaches back into what came before.
  return periods.slice(0, Math.min(keep + 1, periods.length))
}

function offset(period) {
  return Number(period.type.split(' ')[1])
}
