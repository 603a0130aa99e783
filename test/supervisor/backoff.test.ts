// The delay between attempts.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { delayAfter } from '../../runtime/supervisor/backoff.ts'

const backoff = { initialDelay: 1_000, maxDelay: 90_000, factor: 2, jitter: 0.1 }

test('delays double from the initial one up to the maximum', () => {
  const delays = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((failures) => delayAfter(failures, backoff, () => 0.5))
  expect(delays).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 90_000, 90_000])
})

test('jitter keeps every delay within its fraction of the plain one, and never below zero', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5_000 }),
      fc.double({ min: 0, max: 3, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (failures, jitter, chance) => {
        const plain = Math.min(1_000 * 2 ** (failures - 1), 90_000)
        const delay = delayAfter(failures, { ...backoff, jitter }, () => chance)
        expect(delay).toBeGreaterThanOrEqual(Math.max(0, plain * (1 - jitter) - 1e-6))
        expect(delay).toBeLessThanOrEqual(plain * (1 + jitter) + 1e-6)
      },
    ),
  )
})
