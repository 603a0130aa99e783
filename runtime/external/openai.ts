// The door to the npm `openai` SDK: loaded at the first request to a model. It sends and authenticates; what comes back is read
// by us, because its own event parser ends a stream at the first line that is not JSON.

import type { OpenAI } from 'openai'
import type { fetch as UndiciFetch } from './undici.ts'

export interface ModelClientOptions {
  readonly apiKey: string
  readonly baseUrl: string
  readonly organization: string | undefined
  readonly timeoutMs: number
  readonly fetch: typeof UndiciFetch
}

/** A client that never retries, never logs, and takes nothing but custom headers from the environment of the OS process. */
export async function modelClient(options: ModelClientOptions): Promise<OpenAI> {
  const sdk = await import('openai')
  return new sdk.OpenAI({
    apiKey: options.apiKey,
    adminAPIKey: null,
    baseURL: options.baseUrl,
    organization: options.organization ?? null,
    project: null,
    webhookSecret: null,
    timeout: options.timeoutMs,
    maxRetries: 0,
    logLevel: 'off',
    // The SDK names the DOM's fetch type; undici's is the same function of the same standard.
    fetch: options.fetch as unknown as typeof globalThis.fetch,
  })
}
