/** What people decide about a referral, over HTTP: each says who and why, is done once for its key, and is answered with what comes of it. */
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { toQuery } from '../../engine/api/message-schemas.js'
import { answers } from '../../engine/api/schemas.js'
import { ReferoError } from '../../engine/errors.js'
import type { Changed, DeskParts } from '../change.js'
import { appointment } from '../decisions/appointment.js'
import { contact } from '../decisions/contact.js'
import { type Decision, unfit } from '../decisions/decide.js'
import { duplicate } from '../decisions/duplicate.js'
import { inform } from '../decisions/information.js'
import { merge } from '../decisions/merge.js'
import { address } from '../decisions/provider.js'
import { enter, nothingNew, notReferral } from '../decisions/reading.js'
import { choose, createPending, ruleOut } from '../decisions/patient.js'
import { accept, end, leave, reopen } from '../decisions/progress.js'
import { retry } from '../decisions/retry.js'
import { reroute } from '../decisions/route.js'
import type { Desk } from '../desk.js'
import { Addressee, Again, Answer, Appointment, Attempt, Left, OfNotice, PerhapsWords, Plain, ReadDocuments, Same, TwoCharts, Wanted, WhoseReferral, WithWords } from './decision-schemas.js'
import { notFound, referralNamed, theReferral } from './find.js'
import { Decided, Keyed, Named, type deciding } from './schemas.js'
import { wholeOf } from './view.js'

type Said = { readonly [Name in keyof typeof deciding]?: unknown } & { readonly by: string; readonly reason: string; readonly command?: string; readonly seen?: number }
type Do<Body> = (parts: DeskParts, decision: Decision, body: Body, params: Readonly<Record<string, unknown>>) => Promise<Changed>

export function decisionRoutes(api: FastifyInstance, desk: Desk): void {
  const route = <Body extends TSchema>(path: string, summary: string, body: Body, act: Do<Static<Body>>, params: TSchema = Named): void => {
    api.post<{ Params: { id: string } }>(`/referrals/:id/${path}`, { schema: { summary, params, headers: Keyed, body, response: answers(Decided) } }, async (request) => {
      const said = request.body as Said
      const state = await theReferral(desk.store, request.params.id)
      const { by, reason, seen } = said
      if (seen !== undefined && seen > state.sequence) throw new ReferoError('USAGE', `\`seen\` is ${seen}, and the referral has ${state.sequence} events: it cannot have been seen so.`)
      const decision: Decision = { command: commandOf(request, path, state.id, said.command), referral: state.id, by, reason, ...(seen !== undefined && { seen }) }
      const { state: after, repeated, events } = await desk.decide((parts) => act(parts, decision, said as Static<Body>, request.params))
      return { ...(await wholeOf(desk, (await desk.store.state(after.id)) ?? after)), repeated, events }
    })
  }

  route('accept', 'Accepts a referral.', Plain, (parts, decision) => accept(parts, decision))
  route('decline', 'Declines a referral, and says why to the referrer.', WithWords, (parts, decision, { words }) => end(parts, decision, 'declined', words))
  route('close', 'Closes a referral before its loop is closed, and says why.', WithWords, (parts, decision, { words }) => end(parts, decision, 'closed', words))
  route('cancel', 'Cancels a referral: what was handed on is called back.', PerhapsWords, (parts, decision, { words = null }) => end(parts, decision, 'cancelled', words))
  route('reopen', 'Opens a referral again that had come to its end.', Plain, (parts, decision) => reopen(parts, decision))

  route('read', 'Says what documents say that nobody had read, that they are no referral, or that they bring nothing new.', ReadDocuments, (parts, decision, { values, page = null, pages = {}, notReferral: why, nothingNew: none, words = null }) => {
    if ([values, why, none].filter((one) => one !== undefined).length !== 1) throw new ReferoError('USAGE', 'Say one of `values`, `notReferral` and `nothingNew`.')
    if (words !== null && why === undefined) throw new ReferoError('USAGE', '`words` are told to the sender of what is no referral: say `notReferral` too.')
    return values ? enter(parts, decision, values, { page, pages }) : why !== undefined ? notReferral(parts, decision, why, words) : nothingNew(parts, decision)
  })

  route('leave', 'Leaves a referral as it is, though something came late or its appointment is still booked.', Left, (parts, decision, { what }) => leave(parts, decision, what))

  route('patient', 'Says whose referral it is: one of the charts, none of them, or not these.', WhoseReferral, (parts, decision, { choose: chart, createPending: none, notThese }) => {
    if ([chart, none, notThese].filter((one) => one !== undefined).length !== 1) throw new ReferoError('USAGE', 'Say one of `choose`, `createPending` and `notThese`.')
    return chart ? choose(parts, decision, chart) : notThese ? ruleOut(parts, decision, notThese) : createPending(parts, decision)
  })
  route('patient/merge', 'Merges two charts of one system in the index of patients; referrals of the merged one follow.', TwoCharts, merge)
  route('contact', 'Keeps an attempt to reach the patient; after too many failures the referrer is told.', Attempt, (parts, decision, { at, ...attempt }) => contact(parts, decision, { ...attempt, ...(at !== undefined && { at: instant(at) }) }))
  route('route', 'Sends a referral elsewhere than the tables say, or where they say nothing.', Wanted, (parts, decision, { ehr, location, practitioner, queue, tasks }) =>
    reroute(parts, decision, { ehr, ...(location !== undefined && { location }), ...(practitioner !== undefined && { practitioner }), ...(queue !== undefined && { queue }), ...(tasks && { tasks }) }))
  route('provider', 'Says to which specialist an order goes, and takes it back from another; of a referral to us, who sent it.', Addressee, (parts, decision, { provider, words = null }) => address(parts, decision, { provider, words }))
  route('information', 'Says what was missing, or that it goes on without.', Answer, (parts, decision, answer) => {
    if (answer.answered.length + answer.without.length === 0) throw new ReferoError('USAGE', 'Say which items are `answered`, or which it goes on `without`.')
    return inform(parts, decision, answer)
  })
  route('appointment', 'Says what became of the appointment, where no EHR does.', Appointment, (parts, decision, { start, ...news }) => appointment(parts, decision, { ...news, ...(start !== undefined && { start: instant(start) }) }))
  route('notices/:notice/retry', 'Tells once more what could not be told: the same way, or by another.', Again, (parts, decision, { way = null }, { notice }) => retry(parts, decision, Number(notice), way), OfNotice)
  route('duplicate-of', 'Closes a referral that repeats another, and adds what it brought to that one.', Same, async (parts, decision, { reference }) => {
    const other = await referralNamed(parts.store, reference)
    if (!other) throw unfit(await notFound(parts.store, reference))
    return duplicate(parts, decision, other.id)
  })
}

/** What makes a request the same when it is sent again: its key, for this decision and this referral. */
export function commandOf({ headers }: FastifyRequest, what: string, about: string, said: string | undefined): string {
  const header = headers['idempotency-key'] as string | undefined
  if (header !== undefined && said !== undefined && header !== said) throw new ReferoError('USAGE', 'The header Idempotency-Key and `command` differ; say one of them.')
  return `person/${about}/${what}/${header ?? said ?? randomUUID()}`
}

/** Throws USAGE where the words are no instant. */
const instant = (words: string): string => (toQuery({ since: words }).since as Date).toISOString()
