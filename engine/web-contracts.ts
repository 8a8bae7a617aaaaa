/** A request to a path that a source serves on the engine's own web server, and its answer. Types only. */
export interface WebRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
  readonly remote: string
}

export interface WebResponse { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: Buffer | string }

export type WebHandler = (request: WebRequest) => Promise<WebResponse>
