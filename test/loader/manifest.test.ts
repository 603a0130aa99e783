// wippy.yaml of a module, read.

import { describe, expect, test } from 'vitest'
import { decodeManifest } from '../../runtime/loader/manifest.ts'

describe('manifests', () => {
  test('name, version and what is not published', () => {
    const raw = {
      organization: 'acme',
      module: 'my-tool',
      version: 'v1.2',
      exclude: ['a:b', 1],
      exclude_meta: { t: 'x' },
    }
    expect(decodeManifest(raw, 'wippy.yaml')).toMatchObject({
      name: 'acme/my-tool',
      version: 'v1.2',
      exclude: ['a:b'],
      excludeMeta: { t: ['x'] },
    })
  })

  test.each([
    [{ module: 'm' }, 'manifest f: organization is required'],
    [
      { organization: 'a', module: '-m' },
      'manifest f: module "-m" must be lowercase letters, digits and inner hyphens',
    ],
    [{ organization: 'a', module: 'm', version: 'new' }, 'manifest f: version "new" is not a semantic version'],
    [[], 'manifest f: must be a map'],
  ])('%j is refused', (raw, message) => {
    expect(() => decodeManifest(raw as never, 'f')).toThrow(message)
  })
})
