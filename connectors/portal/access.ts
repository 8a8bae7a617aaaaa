/** How a referring practice comes in: by a one-time link to its mailbox, or by its access code. */
import { randomUUID } from 'node:crypto'
import { composeMail, isAddress, parseAddress } from '../../engine/formats/mime/compose.js'
import { same } from '../../engine/web/authentication.js'
import { rateLimit } from '../../engine/web/rate.js'
import { readSigned, sign } from '../../engine/web/signed.js'
import { notice, page, seeOther } from './answers.js'
import { hidden, line } from './form-page.js'
import { type Html, html } from './html.js'
import { type EntryLink, isSignedIn, type Session, signedIn } from './session.js'
import type { Pages, Site, Visit } from './site.js'
import { followForm } from './status-page.js'
import type { Speech } from './words.js'

const LINKS_EACH = 3 // for one mailbox
const LINKS_WITHIN = 15 * 60_000
const CODES_TRIED = 10 // by one address
const CODES_WITHIN = 10 * 60_000
const MINUTE = 60_000

export const accessPages = (site: Site): Pages => {
  const { settings: { path, url, practice, link, codes, lasts }, sessions, tools, key } = site
  const mailed = rateLimit(LINKS_EACH, LINKS_WITHIN, tools.clock)
  const tried = rateLimit(CODES_TRIED, CODES_WITHIN, tools.clock)

  const start = ({ frame, speech, session, keep }: Visit, status = 200, wrong: string | null = null): ReturnType<typeof page> => {
    const csrf = hidden('csrf', sessions.csrf(session))
    const code = line({ name: 'code', label: speech.say('code-label'), type: 'password', longest: 200 }, '', wrong === null ? undefined : { field: 'code', says: wrong }, speech)
    return page(frame, {
      status, heading: speech.say('start-heading'), headers: keep, leave: leaveForm(site, session, speech),
      body: html`${link && html`<h2>${speech.say('link-heading')}</h2><form method="post" action="${path}/link" novalidate>${csrf}<p>${speech.say('link-says', { minutes: link.lasts / MINUTE })}</p>
${line({ name: 'email', label: speech.say('link-label'), type: 'email', fill: 'email', longest: 254 }, '', undefined, speech)}<button type="submit">${speech.say('link-button')}</button></form>`}
${codes.length > 0 && html`<h2>${speech.say('code-heading')}</h2><form method="post" action="${path}/code" novalidate>${csrf}${code}<button type="submit">${speech.say('code-button')}</button></form>`}
<h2>${speech.say('follow-heading')}</h2>${followForm({ reference: '', birthDate: '' }, null, sessions.csrf(session), path, speech)}`,
    })
  }

  /** Whether a link may go there; asked after the answer, so that no answer tells. */
  const isKnown = async (email: string): Promise<boolean> => {
    if (link?.anybody || link?.domains.some((domain) => email.toLowerCase().endsWith(`@${domain.toLowerCase()}`))) return true
    const found = await site.desk()?.providers.search({ way: 'email', address: email, limit: 1 })
    return (found?.length ?? 0) > 0
  }

  const mail = async (email: string, { speech, now }: Pick<Visit, 'speech' | 'now'>): Promise<void> => {
    if (link === null || !(await isKnown(email))) return
    const entry: EntryLink = { until: now.getTime() + link.lasts, nonce: randomUUID(), email }
    const until = new Intl.DateTimeFormat(speech.locale, { dateStyle: 'short', timeStyle: 'long', timeZone: 'UTC' }).format(entry.until)
    const bytes = await composeMail({
      messageId: `<${entry.nonce}@portal.invalid>`, date: now, from: parseAddress(link.from) ?? undefined, to: [{ name: '', address: email }],
      subject: speech.say('mail-subject'), headers: { 'X-Refero-Kind': 'portal-link', 'Auto-Submitted': 'auto-generated' },
      text: speech.say('mail-text', { practice: practice.name, until, link: `${url ?? path}/enter?t=${sign(key, 'entry', entry)}` }),
    })
    const reply = await tools.feed(link.channel, { bytes, origin: 'portal', key: `portal-link:${entry.nonce}` })
    if (reply.verdict !== 'accepted') tools.log('error', 'a link to the portal could not be handed to its channel', { channel: link.channel })
  }

  const enter = (session: Session, who: Pick<Session, 'email' | 'practice'>, now: Date): ReturnType<typeof seeOther> => {
    const known = signedIn(session, who, now.getTime() + lasts)
    return seeOther(`${path}/new`, sessions.cookie(known))
  }
  const invalid = ({ frame, speech }: Visit): ReturnType<typeof notice> => notice(frame, 403, speech.say('enter-wrong-heading'), speech.say('enter-wrong'))

  return {
    'GET /': (visit) => start(visit),
    'POST /link': (visit) => {
      const { frame, speech, data } = visit
      const email = data.fields.get('email')?.trim() ?? ''
      if (link !== null && isAddress(email) && mailed(email.toLowerCase())) {
        site.later(mail(email, visit).catch((error: unknown) => tools.log('error', 'a link to the portal could not be sent', { error })))
      }
      return notice(frame, 200, speech.say('link-sent-heading'), speech.say('link-sent', { minutes: (link?.lasts ?? 0) / MINUTE }))
    },
    // Programs that look at mails open links: only the button uses one up.
    'GET /enter': (visit) => {
      const { frame, speech, session, keep, query, now } = visit
      const token = query.get('t') ?? ''
      if (readSigned<EntryLink>(key, 'entry', token, now) === null) return invalid(visit)
      return page(frame, { heading: speech.say('enter-heading'), headers: keep, body: html`<form method="post" action="${path}/enter">${hidden('csrf', sessions.csrf(session))}${hidden('t', token)}<p>${speech.say('enter-says')}</p><button type="submit">${speech.say('enter-button')}</button></form>` })
    },
    'POST /enter': async (visit) => {
      const { session, data, now } = visit
      const entry = readSigned<EntryLink>(key, 'entry', data.fields.get('t') ?? '', now)
      return entry && (await site.used.use(entry)) ? enter(session, { email: entry.email, practice: null }, now) : invalid(visit)
    },
    'POST /code': (visit) => {
      const { frame, speech, session, data, now, address } = visit
      if (!tried(address)) return notice(frame, 429, speech.say('many-heading'), speech.say('many'), { 'retry-after': '600' })
      const given = data.fields.get('code')?.trim() ?? ''
      const found = codes.filter(({ code }) => same(code, given)) // all of them are compared
      return found[0] ? enter(session, { email: found[0].email ?? null, practice: found[0].practice }, now) : start(visit, 403, speech.say('code-wrong'))
    },
    'POST /leave': () => seeOther(path, sessions.gone),
  }
}

/** A button to end a session, for whoever has one. */
export const leaveForm = ({ settings: { path }, sessions }: Site, session: Session, speech: Speech): Html | null =>
  isSignedIn(session) ? html`<form method="post" action="${path}/leave">${hidden('csrf', sessions.csrf(session))}<button type="submit">${speech.say('leave')}</button></form>` : null
