/** The pages of the portal: which address is which, and what each request must bring before it is looked at. */
import type { WebHandler, WebRequest, WebResponse } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { type Headers, headerValue } from '../../engine/web/authentication.js'
import { rateLimit } from '../../engine/web/rate.js'
import { accessPages } from './access.js'
import { asset, type Frame, notice } from './answers.js'
import { type FormData, readForm } from './form-data.js'
import type { Language } from './form-file.js'
import { followPages } from './follow.js'
import { PROGRESS } from './progress.js'
import { sendPages } from './send.js'
import { mayWrite } from './session.js'
import { type Pages, type Site, sizeWords, type Visit } from './site.js'
import { STYLE } from './style.js'
import { languageOf, type Speech } from './words.js'

const NO_DATA: FormData = { fields: new Map(), files: [] }
const BESIDE = 1024 ** 2 // bytes of a form beside its documents
const WITHOUT_SESSION = 64 * 1024 // bytes of a form of whoever is nobody yet
/** Forms that only somebody may send who is known, so that nobody else's documents are read. */
const WRITING = ['/new', '/more']

export const siteHandler = (site: Site, words: Readonly<Record<Language, Speech>>): WebHandler => {
  const { settings, tools, sessions } = site
  const { path, maximum, rate } = settings
  const withinRate = rateLimit(rate.requests, rate.within, tools.clock)
  const pages: Pages = { ...accessPages(site), ...sendPages(site), ...followPages(site), 'GET /style.css': () => asset('text/css', STYLE), 'GET /progress.js': () => asset('text/javascript', PROGRESS) }
  const speechOf = (headers: Headers): Speech => words[languageOf(headerValue(headers, 'accept-language') ?? '')]
  const frameOf = (speech: Speech): Frame => ({ path, practice: settings.practice, speech })
  const pageOf = (method: string, address: string): Pages[string] | undefined => {
    const name = `${method === 'HEAD' ? 'GET' : method} ${address.slice(path.length).replace(/\/$/, '') || '/'}`
    return Object.hasOwn(pages, name) ? pages[name] : undefined
  }
  const tooLarge = (speech: Speech): WebResponse => notice(frameOf(speech), 413, speech.say('large-heading'), speech.say('error-all', { all: sizeWords(maximum) }))

  const admit: NonNullable<WebHandler['admit']> = (head) => {
    const { method, headers, path: address } = head
    const speech = speechOf(headers)
    const frame = frameOf(speech)
    if (!withinRate(site.from(head))) return notice(frame, 429, speech.say('many-heading'), speech.say('many'), { 'retry-after': '60' })
    if (!['GET', 'HEAD', 'POST'].includes(method)) return notice(frame, 405, speech.say('no-heading'), speech.say('no-says'), { allow: 'GET, HEAD, POST' })
    if (!pageOf(method, address)) return notice(frame, 404, speech.say('no-heading'), speech.say('no-says'))
    if (method !== 'POST') return null
    const { session, isNew } = sessions.of(headers, tools.clock.now())
    const writes = WRITING.some((one) => address === `${path}${one}`)
    if (isNew || (writes && !mayWrite(session)) || headerValue(headers, 'sec-fetch-site') === 'cross-site') return notice(frame, 403, speech.say('expired-heading'), speech.say('expired'))
    return Number(headerValue(headers, 'content-length') ?? 0) > (writes ? maximum + BESIDE : WITHOUT_SESSION) ? tooLarge(speech) : null
  }

  const handle = async (request: WebRequest): Promise<WebResponse> => {
    const { method, headers, path: address, body, query = '' } = request
    const speech = speechOf(headers)
    const frame = frameOf(speech)
    const now = tools.clock.now()
    const { session, isNew } = sessions.of(headers, now)
    try {
      const data = method === 'POST' ? readForm(headerValue(headers, 'content-type') ?? '', body) : NO_DATA
      if (method === 'POST' && !sessions.isOurs(session, data.fields.get('csrf') ?? '', now)) return notice(frame, 403, speech.say('expired-heading'), speech.say('expired'))
      const visit: Visit = { frame, speech, session, keep: isNew ? sessions.cookie(session) : {}, query: new URLSearchParams(query), data, now, address: site.from(request) }
      return (await pageOf(method, address)?.(visit)) ?? notice(frame, 404, speech.say('no-heading'), speech.say('no-says'))
    } catch (error) {
      if (error instanceof MessageFault) return notice(frame, 400, speech.say('errors-heading'), speech.say('error-form'))
      tools.log('error', 'a page of the portal could not be shown', { error })
      return notice(frame, 503, speech.say('unavailable-heading'), speech.say('unavailable'), { 'retry-after': '60' })
    }
  }
  return Object.assign(handle, { maximum: maximum + BESIDE, admit })
}
