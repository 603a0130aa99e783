// The url module, called directly.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { urlModule } from '../../runtime/features/url.ts'
import { callFunction, type Outcome } from '../support/call-module.ts'

const url = urlModule.open()
const call = (name: string, ...args: unknown[]): Outcome => callFunction(url, name, args) as Outcome

test.each([
  ['https://example.com', { scheme: 'https', host: 'example.com', path: '' }],
  [
    'http://a%40b:p%3Aw@host.example:8080/a%20b/c?q=1&r#top',
    {
      scheme: 'http',
      user: 'a@b',
      password: 'p:w',
      host: 'host.example',
      port: 8080,
      path: '/a%20b/c',
      query: 'q=1&r',
      fragment: 'top',
    },
  ],
  ['http://[::1]:80/', { scheme: 'http', host: '::1', port: 80, path: '/' }],
  ['mailto:me@example.com', { scheme: 'mailto', path: 'me@example.com' }],
  ['../x?y', { path: '../x', query: 'y' }],
  ['?', { path: '', query: '' }],
  ['//cdn.example/x', { host: 'cdn.example', path: '/x' }],
])('%s comes apart and together again', (text, parts) => {
  expect({ ...(call('parse', text).value as object) }).toEqual(parts)
  expect(call('build', parts).value).toBe(text)
})

test.each([
  ['http://a b/', 'url "http://a b/" has a space or control character'],
  ['http://h:70000/', 'url "http://h:70000/" port 70000 is out of range'],
  ['http://h:x/', 'url "http://h:x/" host "h:x" is not valid'],
  ['1http://h/', 'url "1http://h/" scheme "1http" is not valid'],
  ['http://h/%zz', 'url "http://h/%zz" has an invalid escape "%zz"'],
])('parse refuses %j', (text, message) => {
  expect(call('parse', text).error).toMatchObject({ kind: 'Invalid', text: message })
})

test('build encodes what a part may not hold, and takes a table as query', () => {
  const parts = { scheme: 'https', host: 'example.com', path: 'a b/é', query: { q: 'x y&z', n: 5, tag: ['a', true] } }
  expect(call('build', parts).value).toBe('https://example.com/a%20b/%C3%A9?n=5&q=x%20y%26z&tag=a&tag=true')
  expect(call('build', { host: 'a/b' }).error?.text).toBe('url "a/b" is not a valid host')
  expect(call('build', { path: '//evil.example' }).error?.kind).toBe('Invalid')
  expect(call('build', { host: 'h', port: 'x' }).error?.text).toBe('url part port "x" is not a port')
})

test('resolve follows relative references', () => {
  expect(call('resolve', 'https://example.com/a/b?c', '../d').value).toBe('https://example.com/d')
  expect(call('resolve', 'nope', 'x').error?.text).toBe('url "nope" is not an absolute url')
})

test('encode and decode are inverse for any bytes', () => {
  expect(call('encode', "a b/é!'").value).toBe('a%20b%2F%C3%A9%21%27')
  expect(call('decode', 'a+b%20c').value).toBe('a+b c')
  expect(call('decode', '%4').error).toMatchObject({ kind: 'Invalid', text: 'invalid escape "%4"' })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      const back = call('decode', call('encode', bytes).value).value as string | Uint8Array
      expect(Buffer.compare(Buffer.from(back as string), Buffer.from(bytes))).toBe(0)
    }),
  )
})

test('query strings come back as the tables they were made from', () => {
  expect({ ...(call('parse_query', '?a=1&b=x+y&b=%26&flag&__proto__=p').value as object) }).toMatchObject({
    a: '1',
    b: ['x y', '&'],
    flag: '',
  })
  const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.array(fc.string(), { minLength: 2, maxLength: 4 }))
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme', minLength: 1 }), value, { noNullPrototype: false }),
      (fields) => {
        const back = call('parse_query', call('query', fields).value).value as object
        expect(Object.entries(back).sort()).toEqual(Object.entries(fields).sort())
      },
    ),
  )
  expect(call('query', { a: {} }).error?.kind).toBe('Invalid')
})

test('a wrong argument type raises', () => {
  expect(call('parse', undefined).raised).toBe('bad argument #1 to parse (string expected, got no value)')
  expect(call('query', 'x').raised).toBe('bad argument #1 to query (table expected, got string)')
})
