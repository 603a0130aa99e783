// The uuid module: known values, order in time, the forms it reads and writes.

import { expect, test } from 'vitest'
import { uuidModule } from '../../runtime/features/uuid.ts'
import { callFunction, type Outcome } from '../support/call-module.ts'

const uuid = uuidModule.open()
const call = (name: string, ...args: unknown[]): Outcome => callFunction(uuid, name, args) as Outcome
const NS_DNS = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'

test.each([
  ['v1', 1],
  ['v4', 4],
  ['v7', 7],
] as const)('%s makes a fresh UUID of its version', (name, version) => {
  const made = call(name).value as string
  expect(made).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  expect(call(name).value).not.toBe(made)
  expect(call('version', made).value).toBe(version)
  expect(call('variant', made).value).toBe('RFC4122')
  expect(call('validate', made).value).toBe(true)
})

test('v7 sorts by time of making', () => {
  const made = Array.from({ length: 500 }, () => call('v7').value as string)
  expect([...made].sort()).toEqual(made)
})

test('v3 and v5 give the known names of RFC 9562', () => {
  expect(call('v3', NS_DNS, 'www.example.com').value).toBe('5df41881-3aed-3515-88a7-2f4a814cf09e')
  expect(call('v5', NS_DNS, 'www.example.com').value).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2')
  expect(call('v5', 'nope', 'x').error).toMatchObject({ kind: 'Invalid', text: 'invalid namespace UUID "nope"' })
  expect(call('v5', NS_DNS, undefined).error).toMatchObject({ kind: 'Invalid', text: 'name must be a string' })
})

test('parse tells version, variant, time and node', () => {
  expect(call('parse', 'c232ab00-9414-11ec-b3c8-9f6bdeced846').value).toEqual({
    version: 1,
    variant: 'RFC4122',
    timestamp: 1645557742,
    node: '9f:6b:de:ce:d8:46',
  })
  expect(call('parse', '017f22e2-79b0-7cc3-98c4-dc0c0c07398f').value).toEqual({
    version: 7,
    variant: 'RFC4122',
    timestamp: 1645557742,
  })
  expect(call('parse', '919108f7-52d1-4320-9bac-f847db4148a8').value).toEqual({ version: 4, variant: 'RFC4122' })
  expect(call('variant', '919108f7-52d1-4320-1bac-f847db4148a8').value).toBe('Reserved')
  expect(call('variant', '919108f7-52d1-4320-cbac-f847db4148a8').value).toBe('Microsoft')
  expect(call('variant', '919108f7-52d1-4320-ebac-f847db4148a8').value).toBe('Future')
})

test('four forms are read and three are written', () => {
  for (const form of [NS_DNS, NS_DNS.toUpperCase(), NS_DNS.replaceAll('-', ''), `{${NS_DNS}}`, `urn:uuid:${NS_DNS}`]) {
    expect(call('validate', form).value).toBe(true)
    expect(call('format', form).value).toBe(NS_DNS)
  }
  expect(call('format', NS_DNS, 'simple').value).toBe(NS_DNS.replaceAll('-', ''))
  expect(call('format', NS_DNS, 'urn').value).toBe(`urn:uuid:${NS_DNS}`)
  expect(call('format', NS_DNS, 'toString').error).toMatchObject({
    kind: 'Invalid',
    text: 'unsupported format "toString": use standard, simple or urn',
  })
})

test.each([[undefined], [null], [5], [''], ['x'], [`${NS_DNS}0`], ['{6ba7b810}'], [NS_DNS.replace('-', '')]])(
  '%j is no UUID',
  (value) => {
    expect(call('validate', value).value).toBe(false)
    expect(call('parse', value).error?.kind).toBe('Invalid')
    expect(call('version', value).error?.kind).toBe('Invalid')
  },
)
