// The os module where it depends on the zone of the machine.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../runtime/core/clock.ts'
import { globalDataModules } from '../../runtime/features/data-modules.ts'
import { callFunction, type Outcome } from '../support/call-module.ts'

const SUMMER = 1718462445
const WINTER = 1705329645

describe.each([
  { zone: 'America/New_York', summer: '10:40:45 -0400 EDT', winter: '09:40:45 -0500 EST' },
  { zone: 'Europe/Berlin', summer: '16:40:45 +0200 CEST', winter: '15:40:45 +0100 CET' },
  { zone: 'Australia/Lord_Howe', summer: '01:10:45 +1030 +1030', winter: '01:40:45 +1100 +11' },
  { zone: 'UTC', summer: '14:40:45 +0000 UTC', winter: '14:40:45 +0000 UTC' },
])('in $zone', ({ zone, summer, winter }) => {
  const before = process.env['TZ']
  beforeEach(() => {
    process.env['TZ'] = zone
  })
  afterEach(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
  const call = (name: string, ...args: unknown[]): unknown => {
    const os = globalDataModules({ clock: systemClock() }).find((module) => module.name === 'os')
    return (callFunction(os?.open() ?? {}, name, args) as Outcome).value
  }

  test('dates tell their offset and the name of the zone', () => {
    expect(call('date', '%H:%M:%S %z %Z', SUMMER)).toBe(summer)
    expect(call('date', '%H:%M:%S %z %Z', WINTER)).toBe(winter)
  })

  test('daylight saving time is told', () => {
    const south = zone.startsWith('Australia')
    const changes = zone !== 'UTC'
    expect(call('date', '*t', SUMMER)).toMatchObject({ isdst: changes && !south })
    expect(call('date', '*t', WINTER)).toMatchObject({ isdst: changes && south })
    expect(call('date', '!*t', SUMMER)).toMatchObject({ isdst: false })
  })

  test('times of tables are local', () => {
    expect(call('time', call('date', '*t', SUMMER))).toBe(SUMMER)
    expect(call('time', call('date', '*t', WINTER))).toBe(WINTER)
  })
})
