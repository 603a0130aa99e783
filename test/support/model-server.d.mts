// The scripts model-server.mjs plays and the object it returns.

export interface ToolCall {
  name: string
  /** An object, or the argument text as it shall stand on the wire (malformed on purpose, say). */
  arguments?: unknown
  id?: string
}

/** One step of a streamed turn; the same parts make the whole answer when the request does not stream. */
export type Part =
  | { text: string }
  | { text: string; repeat: number }
  | { thinking: string }
  | { call: ToolCall }
  /** An event of your own, as JSON. */
  | { event: { [key: string]: unknown } }
  /** Bytes as they are: malformed lines, comments, odd framing. */
  | { raw: string }
  /** Waits until `server.release(name)`. */
  | { gate: string }
  /** Breaks the connection in mid-stream. */
  | { cut: true }
  /** Says nothing more and keeps the connection. */
  | { hang: true }

export interface Turn {
  parts?: Part[]
  /** Default input 11, output 5; null leaves usage out. */
  usage?: { input?: number; output?: number; cached?: number; reasoning?: number } | null
  /** `max_output_tokens` or `content_filter`: ends as incomplete. */
  incomplete?: string
  status?: number
  headers?: { [name: string]: string }
  /** Answers with this JSON instead of a model's answer, streamed or not. */
  json?: unknown
  /** Answers with these bytes instead. */
  raw?: string
  contentType?: string
  /** Waits for this gate before the headers. */
  wait?: string
  /** Breaks the connection before the headers. */
  destroy?: boolean
  /** Leaves out the terminal events. */
  end?: boolean
  /** Leaves the connection open after the last event. */
  neverClose?: boolean
  /** Cuts the stream into pieces of so many bytes. */
  split?: number
}

export interface RecordedRequest {
  n: number
  method: string
  path: string
  headers: { [name: string]: string }
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies as they please
  body: any
  closed: Promise<'complete' | 'aborted'>
}

export interface Script {
  turns?: Turn[]
  always?: Turn | ((request: RecordedRequest) => Turn)
  embeddings?: { status?: number; json?: unknown }
  models?: string[]
  port?: number
  onRequest?: (request: RecordedRequest) => void
}

export interface ModelServer {
  /** Base URL, with `/v1`. */
  url: string
  port: number
  requests: RecordedRequest[]
  add(...turns: Turn[]): void
  release(gate: string): void
  request(n: number): Promise<RecordedRequest>
  close(): Promise<void>
}

export function startModelServer(script?: Script): Promise<ModelServer>
export function text(content: string, options?: Turn & { chunkSize?: number }): Turn
export function toolCalls(...calls: ToolCall[]): Turn
export function failure(
  status: number,
  message: string,
  options?: { headers?: Turn['headers']; [field: string]: unknown },
): Turn
