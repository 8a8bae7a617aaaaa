/** Reads server-sent events as the engine writes them: a name and one line of JSON each. */
export interface SentEvent {
  readonly name: string
  readonly data: unknown
}

/** The events of a response, until it ends. Comments are passed over; `listening` is called at the first of them. */
export async function* sentEvents(response: Response, listening: () => void = () => {}): AsyncGenerator<SentEvent> {
  const decoder = new TextDecoder()
  let text = ''
  let heard = false
  for await (const bytes of response.body ?? []) {
    text += decoder.decode(bytes as Uint8Array, { stream: true })
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const block = text.slice(0, end)
      text = text.slice(end + 2)
      if (!heard) listening()
      heard = true
      const event = eventOf(block)
      if (event) yield event
    }
  }
}

function eventOf(block: string): SentEvent | null {
  const field = (name: string): string | undefined => block.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
  const data = field('data')
  return data === undefined ? null : { name: field('event') ?? 'message', data: JSON.parse(data) }
}
