// Long byte strings worked through in steps (`call.work`), so that none holds the thread.

/** Bytes of one step: a millisecond or less for digests, ciphers and codecs. */
export const CHUNK = 192 * 1024

/** A step that hands the next chunk to `take`, and says whether it was the last. Empty bytes are one empty chunk. */
export function eachChunk(
  bytes: Uint8Array,
  take: (chunk: Uint8Array, at: number) => void,
  size = CHUNK,
): () => boolean {
  let at = 0
  return () => {
    const start = at
    at += size
    take(bytes.subarray(start, at), start)
    return at >= bytes.length
  }
}
