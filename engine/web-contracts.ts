/** A request to a path that a source serves on the engine's own web server, and its answer. Types only. */
export interface WebRequest {
  readonly method: string
  readonly path: string
  readonly query?: string // what stands behind the `?` of the address, as it was sent; absent where nothing does
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer // the very bytes that came, as a signature covers them
  readonly remote: string
}

export interface WebResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer | string
  /** Of a refusal: what is wrong, each with where (a JSON Pointer) if it has a place; told anew to who speaks FHIR. */
  readonly wrong?: readonly { readonly at?: string; readonly reason: string }[]
}

export interface WebHandler {
  (request: WebRequest): Promise<WebResponse>
  /** The largest body in bytes; without it, what the web server takes. */
  readonly maximum?: number
  /** The answer to a request whose body need not be read, or null. Asked before the body is. */
  readonly admit?: (head: Omit<WebRequest, 'body'>) => WebResponse | null
}
