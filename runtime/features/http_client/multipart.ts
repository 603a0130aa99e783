// multipart/form-data bodies: text fields first, then files, as Go's mime/multipart writes them.

import { randomBytes } from 'node:crypto'

export interface FilePart {
  readonly name: string
  readonly filename: string
  readonly contentType: string
  readonly content: string | Uint8Array
}

export interface MultipartBody {
  readonly contentType: string
  readonly body: Uint8Array
}

export function multipartBody(
  fields: ReadonlyMap<string, string | Uint8Array>,
  files: readonly FilePart[],
): MultipartBody {
  const boundary = randomBytes(30).toString('hex')
  const pieces: Uint8Array[] = []
  const part = (headers: readonly string[], content: string | Uint8Array): void => {
    pieces.push(Buffer.from(`--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n`), asBytes(content), Buffer.from('\r\n'))
  }
  for (const name of [...fields.keys()].sort()) {
    part([`Content-Disposition: form-data; name="${quoted(name)}"`], fields.get(name) ?? '')
  }
  for (const file of files) {
    const disposition = `form-data; name="${quoted(file.name)}"; filename="${quoted(file.filename)}"`
    part([`Content-Disposition: ${disposition}`, `Content-Type: ${file.contentType}`], file.content)
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`))
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: Buffer.concat(pieces) }
}

/** A name cannot end its quotes nor its line. */
function quoted(name: string): string {
  return name.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\r/g, '%0D').replace(/\n/g, '%0A')
}

function asBytes(content: string | Uint8Array): Uint8Array {
  return typeof content === 'string' ? Buffer.from(content, 'utf8') : content
}
