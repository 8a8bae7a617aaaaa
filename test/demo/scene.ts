/** The whole scene of a referral: the built product in a folder of its own, an EHR by HL7 v2 and another by FHIR, and a referrer's mailbox, joined by sockets. */
import type { Test } from 'tap'
import type { ReferralEvent, ReferralState } from '../../referrals/desk-contracts.js'
import { type Answer, freePort, type Product, startProduct, until } from '../product/product.js'
import { type Ehr, openEhr, type WorkItem } from './ehr.js'
import { type FhirEhr, openFhirEhr, type Taken } from './ehr-fhir.js'
import { call } from './hl7.js'
import { openMailbox, type Mail, type Mailbox } from './mailbox.js'
import { PEOPLE, type Person } from './people.js'
import { referral, type Referral } from './referral.js'

export interface Scene {
  readonly product: Product
  readonly ehr: Ehr // epic-main
  readonly fhir: FhirEhr // ecw-north, with a profile that takes ServiceRequest, Task and documents
  readonly mailbox: Mailbox
  readonly outboundPort: number
  readonly answersPort: number
  readonly documents: readonly string[] // what the EHR's door for documents was sent
  /** Sends a message to the door for referrals; resolves with its answer. */
  send(message: string): Promise<string>
  /** Sends a referral and resolves with its reference number, as the letter that acknowledges it says it. */
  refer(what: Referral): Promise<string>
  /** Each waits until it is there. */
  reached(reference: string, name: ReferralEvent['name']): Promise<ReferralEvent>
  mailAbout(what: string, fits: (mail: Mail) => boolean): Promise<Mail>
  inQueue(number: string): Promise<WorkItem>
  takenByFhir(reference: string): Promise<Taken>
  /** The referral by its reference number, as the API tells it, and its events. */
  referral(reference: string): Promise<ReferralState & Answer>
  timeline(reference: string): Promise<readonly ReferralEvent[]>
  /** The event of that name, once it has been applied; the last one. */
  event(reference: string, name: ReferralEvent['name']): Promise<ReferralEvent | undefined>
  /** Resolves once every chart is in the patient index. */
  load(people?: readonly Person[]): Promise<void>
}

const REFERENCE = /R-[0-9A-Z]{4}-[0-9A-Z]{4}/

/** The reference number that a mail names. */
export const referenceIn = ({ subject }: Mail): string => REFERENCE.exec(subject)?.[0] ?? ''

export async function openScene(t: Pick<Test, 'teardown'>, options: { readonly charts?: readonly Person[]; readonly env?: NodeJS.ProcessEnv; readonly folder?: string } = {}): Promise<Scene> {
  const [feed, outboundPort, answersPort, mailbox] = await Promise.all([freePort(), freePort(), freePort(), openMailbox()])
  t.teardown(() => mailbox.close())
  const ehr = await openEhr(() => feed, options.charts ?? PEOPLE)
  t.teardown(() => ehr.close())
  const fhir = await openFhirEhr(t, () => `http://127.0.0.1:${product.http}/ehr/fhir`, options.charts ?? PEOPLE)
  const product: Product = await startProduct(t, {
    ...(options.folder !== undefined && { folder: options.folder }),
    env: {
      REFERO_EHR_PORT: String(feed), REFERO_OUTBOUND_PORT: String(outboundPort), REFERO_ANSWERS_PORT: String(answersPort), REFERO_LOG_LEVEL: 'warn',
      REFERO_HAND_OFF_EPIC: 'true', REFERO_EPIC_PORT: String(ehr.port), REFERO_REPORT_TO_EHR: 'true', REFERO_EPIC_DOCUMENTS_PORT: String(ehr.port),
      REFERO_HAND_OFF_FHIR: 'true', REFERO_EHR_FHIR_URL: fhir.server.base, REFERO_EHR_FHIR_CHARTS: fhir.chartSystem, REFERO_EHR_FHIR_PROFILE: 'generic-fhir',
      REFERO_LOOP_EMAIL: 'true', REFERO_OUTBOUND_EMAIL: 'true', REFERO_EMAIL_PORT: String(mailbox.port), REFERO_EMAIL_DISCLOSE: 'all', ...options.env,
    },
  })
  const get = async (path: string): Promise<Answer> => {
    const { status, body } = await product.api(path)
    if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`)
    return body
  }
  const waitedFor = async <Found>(look: () => Promise<Found | undefined>, otherwise: () => string): Promise<Found> => {
    let found = await look()
    await until(async () => {
      found ??= await look()
      return found !== undefined
    }, () => `${otherwise()}\n${product.output()}`)
    return found as Found
  }
  const scene: Scene = {
    product, ehr, fhir, mailbox, outboundPort, answersPort,
    get documents() {
      return ehr.received.filter((text) => /^MSH[^\r]*\|MDM\^/.test(text))
    },
    send: (message) => call(product.mllp, message),
    refer: async (what) => {
      const answer = await scene.send(referral(what))
      if (!/MSA\|AA\|/.test(answer)) throw new Error(`${what.number} was answered ${answer}`)
      return referenceIn(await scene.mailAbout(`acknowledgement of ${what.number}`, ({ subject, text }) => subject.startsWith('We have your referral') && text.includes(what.number)))
    },
    reached: (reference, name) => waitedFor(() => scene.event(reference, name), () => `${reference} has no event ${name}`),
    mailAbout: (what, fits) => waitedFor(async () => mailbox.mails.find(fits), () => `there is no mail: ${what}; there are ${mailbox.mails.map(({ subject }) => subject).join(', ')}`),
    inQueue: (number) => waitedFor(async () => ehr.queue.find(({ placer }) => placer.startsWith(number)), () => `${number} is not in the work queue`),
    takenByFhir: (reference) => waitedFor(async () => fhir.taken(reference), () => `${reference} is not on the FHIR server`),
    referral: (reference) => get(`/api/referrals/${reference}`),
    timeline: async (reference) => (await get(`/api/referrals/${reference}/timeline`)).events,
    event: async (reference, name) => (await scene.timeline(reference)).findLast((event) => event.name === name && event.applied),
    load: async (people = options.charts ?? PEOPLE) => {
      for (const person of people) await ehr.register(person)
      for (;;) {
        const { messages } = await get(`/api/messages?channel=ehr-hl7&status=sent&limit=${Math.min(people.length, 200)}`)
        if (messages.length >= Math.min(people.length, 200)) return
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  }
  return scene
}
