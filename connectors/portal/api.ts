/** POST of a referral by a program: the fields of the form as JSON, or FHIR. */
import { createHash, randomUUID } from 'node:crypto'
import type { Receive, Tools, WebHandler, WebRequest, WebResponse } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { type Authentication, challenge, headerValue, isAuthorized, isSigned } from '../../engine/web/authentication.js'
import { isFromHere } from '../../engine/web/allow.js'
import { complaint, later } from '../../engine/web/answers.js'
import { rateLimit } from '../../engine/web/rate.js'
import { didYouMean } from '../../engine/v2-to-fhir/mapping-errors.js'
import { judged } from './documents.js'
import type { Upload } from './form-data.js'
import { type Form, RESERVED } from './form-file.js'
import { mailOf, problemsOf, submissionMail, type Values } from './referral.js'
import { hand, landing } from './submitting.js'

export interface ApiSettings extends Authentication {
  readonly path: string
  readonly local: boolean // whoever is on this machine may send, without a token
  readonly largest: number // bytes of a document
  readonly maximum: number // bytes of all of them
  readonly rate: { readonly requests: number; readonly within: number }
}

/** What is wrong at a JSON Pointer (RFC 6901). */
interface Wrong { readonly pointer: string; readonly reason: string }

const LONGEST_KEY = 255
const PATIENCE = 2_000 // milliseconds that an answer waits for the reference number
const MOST_DOCUMENTS = 100
const SAYS = {
  required: 'is required', date: 'is not a date written YYYY-MM-DD', future: 'lies in the future', choice: 'is not one of its values', matches: 'does not have its form', longest: 'is too long', npi: 'is no NPI: its check digit is wrong',
  empty: 'is empty', program: 'is a program', kind: 'is of a kind that is not taken: PDF, TIFF, JPEG, PNG, HEIC, text, C-CDA and DOCX are', mismatch: 'is not what `filename` says', large: 'is too large',
} as const

/** The handler of the path and of everything below it. */
export const apiHandler = (settings: ApiSettings, form: Form, receive: Receive, tools: Tools, from: (head: Pick<WebRequest, 'remote' | 'headers'>) => string): WebHandler => {
  const { path, local, rate, maximum, largest } = settings
  const limit = Math.ceil(maximum * 4 / 3) + 1024 ** 2
  const withinRate = rateLimit(rate.requests, rate.within, tools.clock)

  const admit: NonNullable<WebHandler['admit']> = (head) => {
    const { method, headers, path: address } = head
    const below = address !== path
    if (below ? method !== 'GET' : method !== 'POST') return complaint(405, below ? 'Here a referral is asked for: GET.' : 'This path takes POST.', { allow: below ? 'GET' : 'POST' })
    if (!withinRate(from(head))) return later('Too many requests.', 429)
    if (local && !isFromHere(head)) return complaint(403, 'This path takes referrals of this machine only: its channel has no token.')
    if (!isAuthorized(settings, headers)) return complaint(401, 'The request is not authenticated.', { 'www-authenticate': challenge(settings) })
    if (!['identity', null].includes(headerValue(headers, 'content-encoding'))) return complaint(415, 'A compressed body is not taken; send it as it is.')
    if ((headerValue(headers, 'idempotency-key')?.length ?? 0) > LONGEST_KEY) return complaint(400, `An Idempotency-Key has at most ${LONGEST_KEY} characters.`)
    return Number(headerValue(headers, 'content-length') ?? 0) > limit ? complaint(413, `A referral here has at most ${limit} bytes.`) : null
  }

  const answer = async (id: string, status: number): Promise<WebResponse> => {
    const { state, reference } = await landing(tools, id, PATIENCE)
    const code = status === 200 ? 200 : reference === null ? 202 : status
    return json(code, { id, state, reference, status: `${path}/${id}` }, code === 200 ? {} : { location: `${path}/${id}` })
  }

  const take = async (request: WebRequest): Promise<WebResponse> => {
    const { headers, body } = request
    const now = tools.clock.now()
    if (!isSigned(settings, headers, body, now)) return complaint(401, 'The request is not authenticated.', { 'www-authenticate': challenge(settings) })
    const type = (headerValue(headers, 'content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase()
    if (type !== 'application/json' && type !== 'application/fhir+json') return complaint(415, 'A referral is sent as application/json (the fields of the form) or application/fhir+json (a ServiceRequest, or a Bundle around one).')
    const key = headerValue(headers, 'idempotency-key')
    const id = createHash('sha256').update(key === null ? randomUUID() : `${key.length}:${key}`).update(body).digest('hex').slice(0, 40)
    const given = read(body)
    if ('pointer' in given) return refusal([given])
    const submission = { id, at: now, from: { name: 'API', address: 'api@portal.invalid' }, reference: null }
    const mail = type === 'application/fhir+json' ? await fhirMail(given.value, body, submission) : await formMail(given.value, submission)
    if (!Buffer.isBuffer(mail)) return refusal(mail)
    const taken = await hand(receive, { bytes: mail, origin: request.remote }, id, tools.log)
    if (taken.verdict === 'rejected') return refusal([{ pointer: '', reason: taken.reason ?? 'is no referral' }])
    return taken.verdict === 'error' ? later('The referral could not be taken. Send it again later, with the same Idempotency-Key.') : answer(id, 201)
  }

  const formMail = async (value: Readonly<Record<string, unknown>>, submission: Parameters<typeof mailOf>[0]): Promise<Buffer | readonly Wrong[]> => {
    const { values, documents, wrong } = fieldsOf(form, value, largest)
    if (documents.reduce((sum, { content }) => sum + content.length, 0) > maximum) wrong.push({ pointer: '/documents', reason: `have more than ${maximum} bytes` })
    const bad = new Set(wrong.map(({ pointer }) => pointer))
    for (const { field, kind } of problemsOf(form, values, submission.at.toISOString().slice(0, 10))) {
      if (!bad.has(`/${field.name}`)) wrong.push({ pointer: `/${field.name}`, reason: kind === 'choice' && field.choices ? `is not one of ${field.choices.map(({ is }) => is).join(', ')}` : SAYS[kind] })
    }
    return wrong.length > 0 ? wrong : submissionMail(form, { ...submission, values, documents }, tools.channel)
  }

  const handle = async (request: WebRequest): Promise<WebResponse> => {
    if (request.path === path) return take(request)
    const id = request.path.slice(path.length + 1)
    return /^[0-9a-f]{40}$/.test(id) ? answer(id, 200) : complaint(404, 'There is no such referral.')
  }
  const guarded = (request: WebRequest): Promise<WebResponse> => handle(request).catch((error: unknown) => {
    if (error instanceof MessageFault) return refusal([{ pointer: '', reason: error.message }])
    tools.log('error', 'a referral by the API could not be taken', { error })
    return later('The referral could not be taken. Send it again later.')
  })
  return Object.assign(guarded, { maximum: limit, admit })
}

const read = (body: Buffer): { readonly value: Readonly<Record<string, unknown>> } | Wrong => {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { value: value as Readonly<Record<string, unknown>> } : { pointer: '', reason: 'is no JSON object' }
  } catch {
    return { pointer: '', reason: 'is no JSON in UTF-8' }
  }
}

const fhirMail = async (value: Readonly<Record<string, unknown>>, body: Buffer, submission: Parameters<typeof mailOf>[0]): Promise<Buffer | readonly Wrong[]> => {
  if (value.resourceType !== 'Bundle' && value.resourceType !== 'ServiceRequest') return [{ pointer: '/resourceType', reason: 'is neither ServiceRequest nor Bundle' }]
  if (value.resourceType === 'Bundle' && !holdsRequest(value.entry)) return [{ pointer: '/entry', reason: 'has no ServiceRequest' }]
  return mailOf(submission, [{ filename: 'referral.json', type: 'application/fhir+json', content: body }])
}

const holdsRequest = (entries: unknown): boolean =>
  Array.isArray(entries) && entries.some((entry: { readonly resource?: { readonly resourceType?: unknown } } | null) => entry?.resource?.resourceType === 'ServiceRequest')

/** The texts of known fields and the documents; everything else is told. */
const fieldsOf = (form: Form, value: Readonly<Record<string, unknown>>, largest: number): { readonly values: Values; readonly documents: readonly Upload[]; readonly wrong: Wrong[] } => {
  const names = form.fields.map(({ name }) => name)
  const wrong: Wrong[] = []
  const values = new Map<string, string>()
  for (const [name, one] of Object.entries(value)) {
    const pointer = `/${name.slice(0, 60).replaceAll('~', '~0').replaceAll('/', '~1')}`
    if (RESERVED.includes(name) && name === 'documents') continue
    if (!names.includes(name)) wrong.push({ pointer, reason: `is no field of the form${didYouMean(name.slice(0, 60), [...names, 'documents'])}` })
    else if (typeof one === 'string') values.set(name, one)
    else if (one !== null) wrong.push({ pointer, reason: 'is no text' })
  }
  const { documents: list = [] } = value
  if (!Array.isArray(list) || list.length > MOST_DOCUMENTS) return { values, documents: [], wrong: [...wrong, { pointer: '/documents', reason: `is no list of at most ${MOST_DOCUMENTS} documents` }] }
  const documents = list.flatMap((one: unknown, n): readonly Upload[] => {
    const { filename = 'document', data } = (typeof one === 'object' && one !== null ? one : {}) as { readonly filename?: unknown; readonly data?: unknown }
    const content = typeof data === 'string' && /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(data) ? Buffer.from(data, 'base64') : null
    if (content === null || typeof filename !== 'string') wrong.push({ pointer: `/documents/${n}/${content === null ? 'data' : 'filename'}`, reason: content === null ? 'is no Base64' : 'is no text' })
    else {
      const found = judged({ filename: filename.split(/[\\/]/).at(-1)?.slice(-200) || 'document', type: '', content }, largest)
      if (typeof found !== 'string') return [found]
      wrong.push({ pointer: `/documents/${n}/data`, reason: SAYS[found] })
    }
    return []
  })
  return { values, documents, wrong }
}

const refusal = (problems: readonly Wrong[]): WebResponse => {
  const wrong = problems.map(({ pointer, reason }) => ({ at: pointer || 'the request', reason }))
  return { ...json(422, { verdict: 'rejected', reason: wrong.map(({ at, reason }) => `${at} ${reason}`).join('; '), problems }), wrong }
}

const json = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): WebResponse =>
  ({ status, headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store', ...headers }, body: JSON.stringify(body) })
