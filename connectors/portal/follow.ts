/** The pages on which a referral is followed and added to. Who may see one: who has its number and the patient's date of birth, a link to it, or who sent it. */
import type { WebResponse } from '../../engine/contracts.js'
import { rateLimit } from '../../engine/web/rate.js'
import { readStatusLink } from '../../engine/web/signed.js'
import type { Desk } from '../../referrals/desk.js'
import type { ReferralState } from '../../referrals/desk-contracts.js'
import { leaveForm } from './access.js'
import { download, notice, page, seeOther } from './answers.js'
import { type Complaint, complaintsOf } from './form-page.js'
import { problemsOf, submissionId, submissionMail, type Values } from './referral.js'
import { seeing, type Session } from './session.js'
import { limitsOf, senderOf, valuesOf } from './send.js'
import { back, newSubmission, type Pages, type Site, type Visit } from './site.js'
import { findReferral, isBorn, isReferrer, reportIn, statusOf } from './status.js'
import { fieldsToAdd, followForm, statusBody } from './status-page.js'
import { documentsFrom, hand } from './submitting.js'

const TRIES = { address: 20, reference: 8, within: 15 * 60_000 } // of numbers and dates of birth
const MOST_ADDED = 30 // by one session
const ADDED_WITHIN = 60 * 60_000

interface Open { readonly desk: Desk; readonly state: ReferralState; readonly full: boolean }
interface Shown { readonly status?: number; readonly values?: Values; readonly complaints?: readonly Complaint[]; readonly sent?: boolean; readonly submission?: string; readonly headers?: Readonly<Record<string, string>> }

export const followPages = (site: Site): Pages => {
  const { settings: { path, ...sizes }, form, sessions, tools, key } = site
  const limits = limitsOf(site)
  const byAddress = rateLimit(TRIES.address, TRIES.within, tools.clock)
  const byReference = rateLimit(TRIES.reference, TRIES.within, tools.clock)
  const adding = rateLimit(MOST_ADDED, ADDED_WITHIN, tools.clock)

  const unavailable = ({ frame, speech }: Visit): WebResponse => notice(frame, 503, speech.say('unavailable-heading'), speech.say('unavailable'), { 'retry-after': '60' })

  const show = async ({ frame, speech, session }: Visit, { desk, state, full }: Open, { status = 200, values = new Map(), complaints = [], sent = false, submission = newSubmission(), headers = {} }: Shown = {}): Promise<WebResponse> => {
    const told = await statusOf(desk, state, full)
    const body = statusBody(told, { form, values, complaints, limits, csrf: sessions.csrf(session), submission, sent }, path, speech)
    return page(frame, { status, heading: speech.say('status-heading', { reference: state.reference }), headers, body, script: true, leave: leaveForm(site, session, speech) })
  }

  const asked = ({ frame, speech, session, keep }: Visit, status: number, entered: { readonly reference: string; readonly birthDate: string }, wrong: boolean): WebResponse =>
    page(frame, { status, heading: speech.say('follow-heading'), headers: keep, body: followForm(entered, wrong ? { field: 'reference', says: speech.say('follow-wrong') } : null, sessions.csrf(session), path, speech) })

  /** The referral that a session may see under a number; an answer where it may not. */
  const opened = async (visit: Visit, number: string): Promise<Open | WebResponse> => {
    const { frame, speech, session } = visit
    const desk = site.desk()
    if (desk === null) return unavailable(visit)
    const seen = session.sees.find(({ reference }) => reference === number)
    const state = await findReferral(desk, number)
    const owned = state !== null && (await isReferrer(desk, state, session, tools.channel))
    if (state === null || (!seen && !owned)) return notice(frame, 404, speech.say('no-heading'), speech.say('no-says'))
    return { desk, state, full: owned || seen?.full === true }
  }

  const follow = async (visit: Visit): Promise<WebResponse> => {
    const { frame, speech, session, data, address } = visit
    const entered = { reference: data.fields.get('reference')?.trim() ?? '', birthDate: data.fields.get('birthDate')?.trim() ?? '' }
    if (!byAddress(address) || !byReference(entered.reference.toUpperCase().replace(/[^A-Z0-9]/g, ''))) return notice(frame, 429, speech.say('many-heading'), speech.say('many'), { 'retry-after': '900' })
    const desk = site.desk()
    if (desk === null) return unavailable(visit)
    const state = await findReferral(desk, entered.reference)
    if (!(await isBorn(desk, state, entered.birthDate)) || state === null) return asked(visit, 422, entered, true)
    return seeOther(`${path}/referral?n=${state.reference}`, sessions.cookie(seeing(session, { reference: state.reference, full: false })))
  }

  const add = async (visit: Visit): Promise<WebResponse> => {
    const { frame, speech, session, data, now, address } = visit
    const open = await opened(visit, data.fields.get('reference') ?? '')
    if (!('desk' in open)) return open
    if (!adding(session.nonce)) return notice(frame, 429, speech.say('many-heading'), speech.say('many'), { 'retry-after': '600' })
    const { state } = open
    const submission = data.fields.get('submission') ?? ''
    const allowed = new Set(fieldsToAdd(form, state).map(({ name }) => name))
    const values = new Map([...valuesOf(site, data.fields)].filter(([name]) => allowed.has(name)))
    const { documents, complaints: wrong } = documentsFrom(data.files, sizes, limits, speech)
    const complaints = [...complaintsOf(problemsOf(form, values, now.toISOString().slice(0, 10), true), speech), ...wrong]
    if (values.size + data.files.length === 0) complaints.push({ field: 'note', says: speech.say('nothing-sent') })
    if (complaints.length > 0) return show(visit, open, { status: 422, values, complaints, submission })
    const id = submissionId(`${session.nonce} ${state.reference} ${submission}`, values, documents)
    const bytes = await submissionMail(form, { id, values, documents, at: now, from: senderOf(session, ''), reference: state.reference }, tools.channel)
    const taken = await hand(site.receive, { bytes, origin: address }, id, tools.log)
    if (taken.verdict === 'accepted') return seeOther(`${path}/referral?n=${state.reference}&sent=1`)
    const refused = taken.verdict === 'rejected'
    return show(visit, open, { status: refused ? 422 : 503, values, submission, headers: refused ? {} : { 'retry-after': '60' }, complaints: [{ field: null, says: speech.say(refused ? 'error-refused' : 'error-store') }] })
  }

  return {
    'GET /status': async (visit) => {
      const token = visit.query.get('t')
      if (token === null) return asked(visit, 200, { reference: '', birthDate: '' }, false)
      const { frame, speech, session, now } = visit
      const link = readStatusLink(key, token, now)
      if (link === null) return notice(frame, 403, speech.say('enter-wrong-heading'), speech.say('enter-wrong'))
      const known: Session = seeing(session, { reference: link.reference, full: true })
      const open = await opened({ ...visit, session: known }, link.reference)
      // Shown at once: a cookie that is SameSite=Strict would not come along with a redirect from a mail.
      return 'desk' in open ? show({ ...visit, session: known }, open, { headers: sessions.cookie(known) }) : open
    },
    'POST /status': follow,
    'GET /referral': async (visit) => {
      const open = await opened(visit, visit.query.get('n') ?? '')
      return 'desk' in open ? show(visit, open, { sent: visit.query.get('sent') === '1' }) : open
    },
    'POST /more': add,
    'GET /report': async (visit) => {
      const { frame, speech, query } = visit
      const open = await opened(visit, query.get('n') ?? '')
      if (!('desk' in open)) return open
      const found = open.full ? await reportIn(open.desk, open.state.id, query.get('d') ?? '', Number(query.get('p'))) : null
      return found ? download(found) : notice(frame, 404, speech.say('no-heading'), speech.say('no-says'))
    },
    'GET /more': () => back(site),
  }
}
