/** What each fax service posts to us and answers us, as its documentation has it. */
import { createHash, createHmac } from 'node:crypto'
import { type Api, basic, form, json, type Posted, publicKey, SECRET, type Settings, signed } from './fax-kit.js'

export const FROM = '+16085550191'
const TO = '+16085550100'
export const AT = new Date('2026-03-02T14:15:00Z') // when the clock of the tools begins
export const b64 = (bytes: Buffer): string => bytes.toString('base64')
export type Made = 'received' | 'inbound failed' | 'sending' | 'delivered' | 'busy'

export interface Service {
  readonly settings: Settings
  readonly fetched: boolean // the file is not in the event
  event(id: string, made: Made, file: Buffer): Posted | null // null: it has no such event
  wrong(posted: Posted): Posted // of which the proof is wrong
  api(file: Buffer): Api['answer']
}

const hook = basic('hook', 'right')
const wrongBasic = (posted: Posted): Posted => ({ ...posted, headers: { ...posted.headers, ...basic('hook', 'wrong') } })
const withKey = (posted: Posted): Posted => ({ ...posted, query: `${posted.query ? `${posted.query}&` : ''}key=${SECRET}` })
const wrongKey = (posted: Posted): Posted => ({ ...posted, query: posted.query?.replace(SECRET, 'another') ?? '' })
export const PASSWORD = { user: 'hook', password: 'right' }

const phaxio = (fields: Record<string, string>, file: Buffer | null): Posted => {
  const url = 'https://clinic.example/in'
  const text = Object.keys(fields).sort().map((name) => `${name}${fields[name]}`).join('')
  const files = file ? `file${createHash('sha1').update(file).digest('hex')}` : ''
  return form(fields, file, { 'x-phaxio-signature': createHmac('sha1', 'token').update(`${url}${text}${files}`).digest('hex') })
}

export const SERVICES: Readonly<Record<string, Service>> = {
  documo: {
    settings: { provider: 'documo', path: '/in', basic: PASSWORD, api: { key: 'k' } }, fetched: true, wrong: wrongBasic,
    event: (id, made) => json({ messageId: id, direction: made === 'received' || made === 'inbound failed' ? 'inbound' : 'outbound', status: { received: 'success', 'inbound failed': 'failed', sending: 'transmitting', delivered: 'success', busy: 'failed' }[made], resultInfo: made === 'busy' ? 'Line busy' : '', pagesCount: 3, faxCallerId: FROM, faxCsid: 'Heart Center' }, { ...hook, 'x-webhook-event': made === 'received' || made === 'inbound failed' ? 'fax.v1.inbound.complete' : 'fax.v1.outbound.complete' }),
    api: (file) => ({ url, headers }) => (url.endsWith('/download') && headers.authorization === 'Basic k' ? { body: file } : { status: 404 }),
  },
  sinch: {
    settings: { provider: 'sinch', path: '/in', secret: SECRET, api: { project: 'p', user: 'u', password: 'w' } }, fetched: false, wrong: wrongKey,
    event: (id, made, file) => withKey(made === 'received' || made === 'inbound failed'
      ? form({ event: 'INCOMING_FAX', fax: JSON.stringify({ id, direction: 'INBOUND', from: FROM, to: TO, status: made === 'received' ? 'COMPLETED' : 'FAILURE', numberOfPages: 3 }) }, made === 'received' ? file : null)
      : json({ event: 'FAX_COMPLETED', fax: { id, direction: 'OUTBOUND', from: TO, to: FROM, numberOfPages: 3, status: { sending: 'IN_PROGRESS', delivered: 'COMPLETED', busy: 'FAILURE' }[made], errorMessage: made === 'busy' ? 'User busy' : undefined } })),
    api: () => () => ({ status: 404 }),
  },
  phaxio: {
    settings: { provider: 'phaxio', path: '/in', callback: { token: 'token', url: 'https://clinic.example/in' }, api: { user: 'u', password: 'w' } }, fetched: false,
    wrong: (posted) => ({ ...posted, headers: { ...posted.headers, 'x-phaxio-signature': 'f'.repeat(40) } }),
    event: (id, made, file) => (made === 'received' || made === 'inbound failed'
      ? phaxio({ direction: 'received', success: String(made === 'received'), event_type: 'fax_received', fax: JSON.stringify({ id: Number(id), from_number: FROM, to_number: TO, num_pages: 3, status: made === 'received' ? 'success' : 'failure' }) }, made === 'received' ? file : null)
      : phaxio({ direction: 'sent', event_type: made === 'sending' ? 'transmitting_page' : 'fax_completed', fax: JSON.stringify({ id: Number(id), to_number: FROM, num_pages: 3, status: { sending: 'inprogress', delivered: 'success', busy: 'failure' }[made], error_message: made === 'busy' ? 'Busy signal' : null }) }, null)),
    api: () => () => ({ status: 404 }),
  },
  telnyx: {
    settings: { provider: 'telnyx', path: '/in', publicKey, api: { key: 'k' } }, fetched: true,
    wrong: (posted) => ({ ...posted, body: Buffer.concat([posted.body, Buffer.from(' ')]) }),
    event: (id, made) => (made === 'inbound failed' ? null : signed(json({ data: { event_type: { received: 'fax.received', sending: 'fax.sending.started', delivered: 'fax.delivered', busy: 'fax.failed' }[made], id: `e-${id}-${made}`, occurred_at: '2026-03-02T14:14:00Z', payload: { fax_id: id, direction: made === 'received' ? 'inbound' : 'outbound', from: made === 'received' ? FROM : TO, to: made === 'received' ? TO : FROM, page_count: 3, failure_reason: made === 'busy' ? 'user_busy' : undefined } } }), AT)),
    api: (file) => ({ url, headers }) => (url.startsWith('/faxes/') ? { body: JSON.stringify({ data: { media_url: `http://${headers.host}/media/1` } }) } : url === '/media/1' && headers.authorization === undefined ? { body: file } : { status: 404 }),
  },
  westfax: {
    settings: { provider: 'westfax', path: '/in', secret: SECRET, api: { user: 'u', password: 'w', product: 'p' } }, fetched: true, wrong: wrongKey,
    event: (id, made) => withKey({ headers: {}, body: Buffer.alloc(0), query: `jobid=${id}&dir=${made === 'received' || made === 'inbound failed' ? 'Inbound' : 'Outbound'}&status=${{ received: 'ok', 'inbound failed': 'failed', sending: 'sending', delivered: 'sent', busy: 'busy' }[made]}` }),
    api: (file) => ({ body }) => (/FaxIds1=%7B%22Id/.test(body.toString()) ? { body: JSON.stringify({ Success: true, Result: [{ FaxFiles: [{ FileContents: b64(file) }] }] }) } : { status: 400 }),
  },
  updox: {
    settings: { provider: 'updox', path: '/in', basic: PASSWORD, api: { user: 'u', password: 'w', account: 'a' } }, fetched: true, wrong: wrongBasic,
    event: (id, made) => (made === 'inbound failed' ? null : json({ event: made === 'received' ? 'inbound_fax' : 'outbound_fax', faxId: id, accountId: 'a', ...(made === 'received' ? { fromNumber: FROM } : { status: { sending: 'received', delivered: 'success', busy: 'busy' }[made], faxNumber: FROM }) }, hook)),
    api: (file) => ({ body }) => (JSON.parse(body.toString()).auth.accountId === 'a' ? { body: JSON.stringify({ faxContent: b64(file) }) } : { status: 400 }),
  },
  concord: {
    settings: { provider: 'concord', path: '/in', basic: PASSWORD }, fetched: false,
    wrong: (posted) => ({ ...posted, headers: { ...posted.headers, ...(posted.headers.authorization && basic('hook', 'wrong')) }, body: Buffer.from(posted.body.toString('latin1').replace('<AuthPass>right', '<AuthPass>wrong'), 'latin1') }),
    event: (id, made, file) => (made === 'received'
      ? { headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: 'CFRNNS/FaxReceiveNotify' }, body: Buffer.from(`<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><FaxReceiveNotify xmlns="CFRNNS"><faxDetails><AuthUser>hook</AuthUser><AuthPass>right</AuthPass><messageType>Inbound</messageType><FaxMessageID>${id}</FaxMessageID><CallerNumber>${FROM}</CallerNumber><CalledNumber>${TO}</CalledNumber><FileData>${b64(file)}</FileData></faxDetails></FaxReceiveNotify></s:Body></s:Envelope>`) }
      : made === 'inbound failed' ? form({ messageType: 'Inbound', faxMessageId: id, faxStatus: 'Failed' }, null, hook)
        : form({ messageType: 'Outbound', FaxJobId: id, RecipFaxNumber: FROM, Status: { sending: 'InProgress', delivered: 'Success', busy: 'Failure' }[made], StatusDescription: made === 'busy' ? 'Busy' : '' }, null, hook)),
    api: () => () => ({ status: 404 }),
  },
  hylafax: {
    settings: { provider: 'hylafax', path: '/in', basic: PASSWORD }, fetched: false, wrong: wrongBasic,
    event: (id, made, file) => (made === 'received' || made === 'inbound failed'
      ? form({ event: made === 'received' ? 'received' : 'failed', commid: id, callid1: FROM, called: TO, sender: 'HEART' }, made === 'received' ? file : null, hook)
      : made === 'sending' ? form({ event: 'job', jobid: id, why: 'requeued', number: FROM }, null, hook)
        : form({ event: 'job', jobid: id, why: made === 'busy' ? 'failed' : 'done', status: made === 'busy' ? 'Busy signal detected' : '', number: FROM, pages: '3' }, null, hook)),
    api: () => () => ({ status: 404 }),
  },
  'generic-json': {
    settings: { provider: 'generic-json', path: '/in', hmac: { secret: 'shared' } }, fetched: false,
    wrong: (posted) => ({ ...posted, headers: { ...posted.headers, 'x-signature': '0'.repeat(64) } }),
    event: (id, made, file) => {
      const body = Buffer.from(JSON.stringify({ event: { received: 'fax.received', 'inbound failed': 'x', sending: 'fax.sending', delivered: 'fax.delivered', busy: 'fax.failed' }[made], direction: made === 'received' || made === 'inbound failed' ? 'inbound' : 'outbound', id, from: FROM, to: TO, pages: 3, ...(made === 'busy' && { reason: 'busy' }), ...(made === 'inbound failed' && { status: 'failed' }), ...(made === 'received' && { file: b64(file) }) }))
      return { headers: { 'content-type': 'application/json', 'x-signature': createHmac('sha256', 'shared').update(body).digest('hex') }, body }
    },
    api: () => () => ({ status: 404 }),
  },
  'generic-multipart': {
    settings: { provider: 'generic-multipart', path: '/in', token: 'token' }, fetched: false, wrong: (posted) => ({ ...posted, headers: { ...posted.headers, authorization: 'Bearer x' } }),
    event: (id, made, file) => form({ event: { received: 'received', 'inbound failed': 'x', sending: 'sending', delivered: 'delivered', busy: 'failed' }[made], direction: made === 'received' || made === 'inbound failed' ? 'inbound' : 'outbound', status: made === 'inbound failed' ? 'failed' : '', reason: made === 'busy' ? 'busy' : '', faxId: id, from: FROM, to: TO }, made === 'received' ? file : null, { authorization: 'Bearer token' }),
    api: () => () => ({ status: 404 }),
  },
}
