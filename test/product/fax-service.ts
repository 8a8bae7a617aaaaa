/** A fax service that is simulated over real HTTP, as mappings/fax/generic-json.yaml speaks with it. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface FaxSent { readonly id: string; readonly to: string; readonly file: Buffer }
export interface FaxService {
  readonly base: string
  readonly sent: readonly FaxSent[]
  to(number: string): readonly FaxSent[]
  /** What became of a fax, to our door; resolves with its answer. */
  tell(door: string, event: 'sending' | 'delivered' | 'failed', of: Pick<FaxSent, 'id' | 'to'>, more?: { readonly pages?: number; readonly reason?: string }): Promise<number>
}

export async function openFaxService(t: Pick<Test, 'teardown'>): Promise<FaxService> {
  const sent: FaxSent[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { to, file } = JSON.parse(Buffer.concat(chunks).toString())
    sent.push({ id: `out-${sent.length + 1}`, to, file: Buffer.from(file, 'base64') })
    response.end(JSON.stringify({ id: sent.at(-1)?.id }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close().closeAllConnections())
  return {
    base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sent,
    to: (number) => sent.filter(({ to }) => to === number),
    tell: async (door, event, { id, to }, more = {}) => (await fetch(door, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ event: `fax.${event}`, id, direction: 'outbound', to, ...more }) })).status,
  }
}
