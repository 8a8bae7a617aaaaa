/** Concord: SOAP 1.1 FaxReceiveNotify, or the NEXTSTEP form; a user and password stand in the body or in HTTP Basic. */
import { parseXml } from '../../../engine/formats/xml/parse.js'
import { type Element, elementsOf, escapeXml, textOf } from '../../../engine/formats/xml/tree.js'
import { isAuthorized, same } from '../../../engine/web/authentication.js'
import { exchange } from '../../../engine/web/exchange.js'
import { outcomeOf } from '../../../engine/web/outcome.js'
import { type RawEvent, readSource, type Source } from '../places.js'
import type { Provider } from '../provider.js'
import { NO_AGENT } from '../requests.js'

const LIMITS = { depth: 20, elements: 2000 }
const NAMESPACE = 'http://ws.concordfax.com/fax/v5'
const LONGEST_ANSWER = 100_000

export const concord: Provider = {
  name: 'concord', shape: 'push', ways: ['basic'], needs: { source: [], destination: ['user', 'password'] }, credentialsInBody: true,
  verify(event, { basic }) {
    if (event.headers.authorization !== undefined) return isAuthorized({ ...(basic && { basic }) }, event.headers)
    const { body } = read(event)
    const given = body as Readonly<Record<string, unknown>>
    return basic !== undefined && same(String(given.AuthUser ?? ''), basic.user) && same(String(given.AuthPass ?? ''), basic.password)
  },
  read: (event) => read(event),
  answer: (event) => (isSoap(event)
    ? { status: 200, headers: { 'content-type': 'text/xml; charset=utf-8' }, body: envelope('<FaxReceiveNotifyResponse xmlns="CFRNNS"><FaxReceiveNotifyResult>true</FaxReceiveNotifyResult></FaxReceiveNotifyResponse>') }
    : { status: 200 }),
  async send({ to, tag, file }, { api, facts, maximum }, signal) {
    const field = (name: string, value: unknown): string => `<${name}>${escapeXml(String(value ?? ''))}</${name}>`
    const body = envelope(`<SendFax xmlns="${NAMESPACE}">${field('UserID', api.user)}${field('Password', api.password)}<Recipients><FaxRecipient>${field('RecipFaxNumber', to)}</FaxRecipient></Recipients>`
      + `<FaxFiles><FaxFile>${field('FileData', file.content.toString('base64'))}${field('FileTypeId', file.type === 'application/pdf' ? 100 : 1)}</FaxFile></FaxFiles><JobDetails>${field('UserField1', tag)}</JobDetails></SendFax>`)
    const url = new URL(String(api.base ?? facts.base))
    const result = await exchange(url, { ...NO_AGENT, method: 'POST', headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: `"${NAMESPACE}/SendFax"` } }, Buffer.from(body), Math.min(maximum, LONGEST_ANSWER), signal)
    const outcome = outcomeOf(result, [])
    if (outcome.kind !== 'sent') return outcome
    const said = members(result.answered ? result.body : Buffer.alloc(0))
    if (said === null) return { kind: 'unknown', reason: 'the service’s answer cannot be read' }
    if (said.SendFaxResult !== 'true' || !said.FaxJobId) return { kind: 'refused', reason: `the service did not take the fax (error ${(said.WSErrorCode ?? said.ErrorCode ?? 'without a code').slice(0, 40)})` }
    return { kind: 'sent', id: said.FaxJobId }
  },
}

const isSoap = ({ headers, body }: RawEvent): boolean => /xml/i.test(headers['content-type'] ?? '') || body.subarray(0, 100).toString('latin1').trimStart().startsWith('<')

const read = (event: RawEvent): Source => {
  if (!isSoap(event)) return readSource(event)
  return { body: leavesOf(parseXml(event.body, { ...LIMITS, size: event.body.length }).root), files: {}, headers: event.headers, query: {} }
}

const members = (body: Buffer): Readonly<Record<string, string>> | null => {
  try {
    return leavesOf(parseXml(body, { ...LIMITS, size: body.length }).root)
  } catch {
    return null
  }
}

/** What stands in elements without others in them, by local name; of a name that comes twice, the first. */
const leavesOf = (root: Element): Readonly<Record<string, string>> => {
  const found: Record<string, string> = Object.create(null)
  const walk = (element: Element): void => {
    const inside = elementsOf(element)
    if (inside.length === 0) found[element.local] ??= textOf(element).trim()
    for (const one of inside) walk(one)
  }
  walk(root)
  return found
}

const envelope = (body: string): string => `<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>${body}</soap:Body></soap:Envelope>`
