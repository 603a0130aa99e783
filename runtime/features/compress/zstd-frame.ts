// The outline of Zstandard frames (RFC 8878): where each ends and how much it says it holds. Decodes nothing.

export interface ZstdFrame {
  readonly start: number
  readonly end: number
  /** Bytes it decodes to, if it says so; 0 for a skippable frame. */
  readonly contentSize: bigint | undefined
}

const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50

/** The frames of some bytes, or undefined when they are not whole frames. */
export function zstdFrames(bytes: Uint8Array): ZstdFrame[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const frames: ZstdFrame[] = []
  let at = 0
  while (at < bytes.length) {
    const frame = frameAt(view, at)
    if (frame === undefined || frame.end > bytes.length) return undefined
    frames.push(frame)
    at = frame.end
  }
  return frames
}

function frameAt(view: DataView, start: number): ZstdFrame | undefined {
  if (start + 8 > view.byteLength) return undefined
  const magic = view.getUint32(start, true)
  if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
    return { start, end: start + 8 + view.getUint32(start + 4, true), contentSize: 0n }
  }
  if (magic !== MAGIC) return undefined
  const descriptor = view.getUint8(start + 4)
  const single = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0
  const sizeBytes = sizeFlag === 0 ? (single ? 1 : 0) : 1 << sizeFlag
  const sizeAt = start + 5 + (single ? 0 : 1) + dictionaryBytes
  if (sizeAt + sizeBytes > view.byteLength) return undefined
  const end = blocksEnd(view, sizeAt + sizeBytes, (descriptor & 4) !== 0)
  return end === undefined ? undefined : { start, end, contentSize: contentSize(view, sizeAt, sizeBytes) }
}

function contentSize(view: DataView, at: number, bytes: number): bigint | undefined {
  if (bytes === 0) return undefined
  if (bytes === 1) return BigInt(view.getUint8(at))
  if (bytes === 2) return BigInt(view.getUint16(at, true) + 256)
  return bytes === 4 ? BigInt(view.getUint32(at, true)) : view.getBigUint64(at, true)
}

function blocksEnd(view: DataView, start: number, checksum: boolean): number | undefined {
  let at = start
  for (;;) {
    if (at + 3 > view.byteLength) return undefined
    const header = view.getUint8(at) | (view.getUint8(at + 1) << 8) | (view.getUint8(at + 2) << 16)
    // A block of one repeated byte stores that byte once, whatever its size says.
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3)
    if ((header & 1) === 1) return checksum ? at + 4 : at
  }
}
