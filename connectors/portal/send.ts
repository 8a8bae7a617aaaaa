/** The pages on which a referral is entered and sent. */
import type { WebResponse } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import type { Address } from '../../engine/formats/mime/fields.js'
import { rateLimit } from '../../engine/web/rate.js'
import { calledOf } from '../../referrals/providers/names.js'
import { leaveForm } from './access.js'
import { notice, page, seeOther } from './answers.js'
import { type Complaint, complaintsOf, CONFIRMED, formBody, type Limits } from './form-page.js'
import { problemsOf, submissionId, submissionMail, type Values } from './referral.js'
import { isSignedIn, seeing, type Session } from './session.js'
import { back, newSubmission, type Pages, type Site, sizeWords, type Visit } from './site.js'
import { sentBody } from './status-page.js'
import { documentsFrom, hand, landing } from './submitting.js'

const PATIENCE = 2_000 // milliseconds that a page waits for the reference number
const AGAIN = '3' // seconds until it looks again
const MOST_SENT = 60 // by one session
const SENT_WITHIN = 60 * 60_000
const NPI = 'referrerNpi'
const NAME = 'referrerLastName'

export const limitsOf = ({ settings: { largest, maximum } }: Site): Limits => ({ each: sizeWords(largest), all: sizeWords(maximum) })

/** Who sends: what a link or a code proved. Somebody with a number and a date of birth is nobody. */
export const senderOf = ({ email, practice }: Session, name: string): Address => ({ name: practice ?? name, address: email ?? 'portal@portal.invalid' })

export const sendPages = (site: Site): Pages => {
  const { settings, form, sessions, tools } = site
  const { path } = settings
  const limits = limitsOf(site)
  const within = rateLimit(MOST_SENT, SENT_WITHIN, tools.clock)

  const shown = ({ frame, speech, session }: Visit, values: Values, submission: string, more: { readonly status?: number; readonly complaints?: readonly Complaint[]; readonly again?: boolean; readonly headers?: Readonly<Record<string, string>> } = {}): WebResponse => {
    const { status = 200, complaints = [], again = false, headers = {} } = more
    const body = formBody(form, { values, complaints, again, submission, csrf: sessions.csrf(session) }, limits, `${path}/new`, speech)
    return page(frame, { status, heading: speech.say('form-heading'), headers, body, script: true, leave: leaveForm(site, session, speech) })
  }

  /** Where the directory has somebody else under the NPI, the sender is asked once. */
  const otherName = async ({ speech, data }: Visit, values: Values): Promise<Complaint | null> => {
    const npi = values.get(NPI)
    const family = values.get(NAME)
    if (!npi || !family || data.fields.get(CONFIRMED) === npi) return null
    const [known] = (await site.desk()?.providers.search({ npi, limit: 1 })) ?? []
    if (!known?.name || plain(known.name.family) === plain(family)) return null
    return { field: NPI, says: speech.say('npi-other', { name: calledOf(known) }) }
  }

  const send = async (visit: Visit): Promise<WebResponse> => {
    const { frame, speech, session, data, now, address } = visit
    if (!isSignedIn(session)) return notice(frame, 403, speech.say('expired-heading'), speech.say('expired'))
    if (!within(session.nonce)) return notice(frame, 429, speech.say('many-heading'), speech.say('many'), { 'retry-after': '600' })
    const values = valuesOf(site, data.fields)
    const submission = data.fields.get('submission') ?? ''
    const found = documentsFrom(data.files, settings, limits, speech)
    const complaints = [...complaintsOf(problemsOf(form, values, now.toISOString().slice(0, 10)), speech), ...found.complaints]
    const again = data.files.length > 0
    if (complaints.length > 0) return shown(visit, values, submission, { status: 422, complaints, again })
    const other = await otherName(visit, values)
    if (other) return shown(visit, new Map([...values, [CONFIRMED, values.get(NPI) ?? '']]), submission, { status: 422, complaints: [other], again })
    const id = submissionId(`${session.nonce} ${submission}`, values, found.documents)
    const bytes = await submissionMail(form, { id, values, documents: found.documents, at: now, from: senderOf(session, values.get('referrerPractice') ?? ''), reference: null }, tools.channel)
    const taken = await hand(site.receive, { bytes, origin: address }, id, tools.log)
    if (taken.verdict === 'accepted') return seeOther(`${path}/sent?id=${id}`)
    const refused = taken.verdict === 'rejected'
    return shown(visit, values, submission, { status: refused ? 422 : 503, again, headers: refused ? {} : { 'retry-after': '60' }, complaints: [{ field: null, says: speech.say(refused ? 'error-refused' : 'error-store') }] })
  }

  return {
    'GET /new': (visit) => (isSignedIn(visit.session) ? shown(visit, new Map(visit.session.email === null ? [] : [['referrerEmail', visit.session.email]]), newSubmission()) : back(site)),
    'POST /new': async (visit) => {
      try {
        return await send(visit)
      } catch (error) {
        if (!(error instanceof MessageFault)) throw error
        return shown(visit, valuesOf(site, visit.data.fields), visit.data.fields.get('submission') ?? '', { status: 422, complaints: [{ field: null, says: visit.speech.say('error-refused') }] })
      }
    },
    'GET /sent': async (visit) => {
      const { frame, speech, session, query } = visit
      const id = query.get('id') ?? ''
      if (!isSignedIn(session) || !/^[0-9a-f]{40}$/.test(id)) return back(site)
      const { state, reference, opened } = await landing(tools, id, PATIENCE)
      const kept = reference === null ? {} : sessions.cookie(seeing(session, { reference, full: opened }))
      const headers = { ...kept, ...(state === 'waiting' && { refresh: AGAIN }) }
      return page(frame, { heading: speech.say('sent-heading'), headers, body: sentBody(reference, state === 'waiting' ? 'moment' : 'person', path, speech), leave: leaveForm(site, session, speech) })
    },
  }
}

/** What was entered in the fields of the form. */
export const valuesOf = ({ form }: Pick<Site, 'form'>, fields: ReadonlyMap<string, string>): Values =>
  new Map(form.fields.flatMap(({ name }): [string, string][] => (fields.get(name)?.trim() ? [[name, fields.get(name)?.trim() ?? '']] : [])))

const plain = (name: string): string => name.normalize('NFKD').toLowerCase().replace(/[^a-z]/g, '')
