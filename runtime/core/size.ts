// Sizes in bytes as people write them: `512M`, `64MB`, `1.5GiB`, `1048576`. K, M and G are powers of 1024.

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 }

/** Bytes of such a text; undefined when it is none. */
export function parseSize(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?$/i.exec(text.trim())
  const bytes = Number(found?.[1]) * (units[(found?.[2] ?? '').toUpperCase()] ?? Number.NaN)
  return Number.isSafeInteger(Math.floor(bytes)) ? Math.floor(bytes) : undefined
}
