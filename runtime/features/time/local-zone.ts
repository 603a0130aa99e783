// The zone of the machine: what the environment or the operating system says, looked up when it is first needed.

import { type Location, utc } from './location.ts'

type Zones = (name: string) => Location | undefined

/** The zone `Local`; `zoneName` stands in for the machine's own. */
export function localLocation(zones: Zones, zoneName: () => string = systemZone(zones)): Location {
  let found: Location | undefined
  const zone = (): Location => (found ??= zones(zoneName()) ?? utc)
  return {
    name: 'Local',
    lookup: (second) => zone().lookup(second),
    offsetOf: (abbreviation, wallSecond) => zone().offsetOf(abbreviation, wallSecond),
  }
}

function systemZone(zones: Zones): () => string {
  return () => {
    const wanted = (process.env['TZ'] ?? '').replace(/^:/, '')
    // Asking Intl takes milliseconds at first: the environment usually knows.
    return wanted !== '' && zones(wanted) !== undefined ? wanted : Intl.DateTimeFormat().resolvedOptions().timeZone
  }
}
