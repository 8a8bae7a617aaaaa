/** A desk in a folder of its own behind the real web server, with a clock that stands still: what the tests of its routes begin with. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type { Test } from 'tap'
import { createWebServer } from '../../../engine/api/server.js'
import { newToken } from '../../../engine/api/token.js'
import type { Clock } from '../../../engine/contracts.js'
import { Engine } from '../../../engine/engine.js'
import { Events } from '../../../engine/events.js'
import { openMappings } from '../../../engine/mappings.js'
import { openSqliteStore } from '../../../engine/store/sqlite/sqlite-store.js'
import { referralRoutes } from '../../../referrals/api/routes.js'
import type { Chart } from '../../../referrals/contracts.js'
import type { Desk } from '../../../referrals/desk.js'
import { NOTICE_KINDS } from '../../../referrals/names.js'
import { openDesk } from '../../../referrals/open-desk.js'

const SHIPPED = join(import.meta.dirname, '../../../../mappings')
const ROUTES = 'row,specialty,ehr,location,practitioner,queue,tasks\n2,cardiology,epic-main,Heart Center,,cardiology-new,\n3,gastroenterology,ecw-north,North Clinic,,gi-new,\n'
const MONDAY = Date.parse('2026-03-02T15:00:00.000Z')

export interface Answer { readonly status: number; readonly body: Anything; readonly headers: Headers; readonly text: string }
// biome-ignore lint/suspicious/noExplicitAny: what an answer is, is what is tested
type Anything = any
export interface World {
  readonly desk: Desk
  readonly logged: readonly string[]
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  later(milliseconds: number): void
  /** Lets time pass until something is so: the desk looks at what is due when its clock tells it to. */
  until(met: () => Promise<boolean>): Promise<void>
  /** Opens a referral, and gives its id. */
  refer(over?: Referral): Promise<string>
  chart(over?: Partial<Chart>): Promise<void>
}

export async function startWorld(t: Test): Promise<World> {
  const folder = t.testdir({})
  const logged: string[] = []
  const own = join(folder, 'mappings', 'routing')
  mkdirSync(own, { recursive: true })
  writeFileSync(join(own, 'default.csv'), ROUTES)
  const time = movable()
  const { desk } = await openDesk(folder, openMappings(join(folder, 'mappings'), SHIPPED), time.clock, (...said) => void logged.push(JSON.stringify(said)))
  desk.offer({ channel: 'everything', kinds: NOTICE_KINDS }) // what is owed waits for its test, not for a channel
  const store = openSqliteStore(':memory:')
  const web = createWebServer(folder, { body: 300_000, requests: 100_000, openMetrics: false })
  const unused = (): never => {
    throw new Error('no channel runs here')
  }
  const pieces = { sources: new Map(), destinations: new Map(), transforms: new Map(), formats: new Map() }
  const engine = new Engine({ pieces, mappings: { table: unused, mapping: unused }, store, clock: time.clock, log: (...said) => void logged.push(JSON.stringify(said)), events: new Events(), dataFolder: folder, serve: web.serve }, 60_000)
  const address = await web.open(engine, { host: '127.0.0.1', port: 0 }, [referralRoutes(desk)])
  const token = newToken(folder)
  t.teardown(async () => {
    await web.close()
    await desk.close()
    await engine.stop(1000)
    await store.close()
  })
  let arrivals = 0
  return {
    desk, logged, later: time.pass,
    ask: async (method, path, body, headers = {}) => {
      const type = headers['content-type'] ?? 'application/json'
      const response = await fetch(`${address}${path}`, {
        method, headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': type }), ...headers }, ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, text, body: /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : null }
    },
    until: async (met) => {
      for (let tries = 0; tries < 2000; tries++) {
        if (await met()) return
        time.pass(31_000)
      }
      throw new Error('it has not come to be')
    },
    refer: async (over = {}) => {
      arrivals++
      const opened = await desk.open({ command: `door/${arrivals}`, bundle: bundleOf({ placer: `P-${arrivals}`, ...over }), direction: 'inbound', by: { kind: 'channel', name: 'referrals-hl7' }, via: 'referrals-hl7', at: time.clock.now() })
      return opened.state.id
    },
    chart: async (over = {}) => desk.patients.put([{ ...CHART, ...over }]),
  }
}

/** A clock that only moves when it is told to. */
function movable(): { readonly clock: Clock; pass(milliseconds: number): void } {
  let now = MONDAY
  const sleeping = new Set<{ readonly until: number; readonly wake: () => void }>()
  return {
    clock: {
      now: () => new Date(now),
      sleep: (milliseconds, signal) => new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const one = { until: now + milliseconds, wake: resolve }
        sleeping.add(one)
        signal?.addEventListener('abort', () => {
          sleeping.delete(one)
          resolve()
        }, { once: true })
      }),
    },
    pass: (milliseconds) => {
      now += milliseconds
      for (const one of [...sleeping]) {
        if (one.until > now) continue
        sleeping.delete(one)
        one.wake()
      }
    },
  }
}

export interface Referral {
  readonly family?: string; readonly given?: string; readonly birthDate?: string; readonly phone?: string | null; readonly icd?: string; readonly words?: string; readonly placer?: string; readonly email?: string | null; readonly npi?: string; readonly letter?: string
}
const ICD = 'http://hl7.org/fhir/sid/icd-10-cm'
const TYPES = 'http://terminology.hl7.org/CodeSystem/v2-0203'

/** A referral that lacks nothing that holds it up: to cardiology, unless its diagnosis says otherwise. */
export function bundleOf({ family = 'Quillfeather', given = 'Odalys', birthDate = '1961-04-09', phone = '608-555-0142', icd = 'I48.91', words = 'Atrial fibrillation with palpitations', placer = 'P-1', email = 'office@lakeside.example', npi = '1234567893', letter = 'The patient has had palpitations since spring.' }: Referral): Bundle {
  const entry = (fullUrl: string, resource: FhirResource) => ({ fullUrl, resource })
  return {
    resourceType: 'Bundle', type: 'collection', entry: [
      entry('urn:uuid:00000000-0000-4000-8000-000000000001', {
        resourceType: 'ServiceRequest', status: 'active', intent: 'order', priority: 'routine', subject: { reference: 'urn:uuid:00000000-0000-4000-8000-000000000002' }, requester: { reference: 'urn:uuid:00000000-0000-4000-8000-000000000003' },
        code: { text: 'Consultation' }, identifier: [{ type: { coding: [{ system: TYPES, code: 'PLAC' }] }, system: 'urn:lakeside:orders', value: placer }], reasonCode: [{ coding: [{ system: ICD, code: icd }], text: words }],
        supportingInfo: [{ reference: 'urn:uuid:00000000-0000-4000-8000-000000000004' }],
      }),
      entry('urn:uuid:00000000-0000-4000-8000-000000000002', {
        resourceType: 'Patient', name: [{ family, given: [given] }], birthDate, gender: 'female', address: [{ line: ['12 Elm Street'], city: 'Madison', state: 'WI', postalCode: '53703' }], ...(phone !== null && { telecom: [{ system: 'phone', value: phone }] }),
      }),
      entry('urn:uuid:00000000-0000-4000-8000-000000000003', {
        resourceType: 'Practitioner', identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: npi }], name: [{ family: 'Lindqvist', given: ['Maren'] }], ...(email !== null && { telecom: [{ system: 'email', value: email }] }),
      }),
      entry('urn:uuid:00000000-0000-4000-8000-000000000004', {
        resourceType: 'DocumentReference', status: 'current', docStatus: 'final', type: { text: 'Progress note' }, description: 'Office visit "spring"\r\n2026', subject: { reference: 'urn:uuid:00000000-0000-4000-8000-000000000002' },
        content: [{ attachment: { contentType: 'text/plain', title: 'Office visit', data: Buffer.from(letter).toString('base64') } }],
      }),
      entry('urn:uuid:00000000-0000-4000-8000-000000000005', {
        resourceType: 'Provenance', recorded: '2026-03-02T14:59:00Z', agent: [{ who: { display: 'LAKESIDE' } }], entity: [{ role: 'source', what: { display: 'REF^I12' } }],
        target: [
          { reference: 'urn:uuid:00000000-0000-4000-8000-000000000002', extension: [{ url: 'urn:refero:value-source', valueString: 'name[0].family PID-5[1].1.1' }, { url: 'urn:refero:value-source', valueString: 'birthDate PID-7 0.9' }] },
          { reference: 'urn:uuid:00000000-0000-4000-8000-000000000001', extension: [{ url: 'urn:refero:value-source', valueString: 'reasonCode[0] DG1-3' }] },
        ],
      }),
    ],
  }
}

/** The chart of the patient of `bundleOf`, so alike that it is certain. */
export const CHART: Chart = {
  source: 'epic-main', id: 'E1', active: true, identifiers: [{ system: 'urn:epic-main:mrn', value: 'E1', type: 'MR' }], names: [{ family: 'Quillfeather', given: ['Odalys'], suffix: null, use: null }], birthDate: '1961-04-09', sex: 'female',
  addresses: [{ lines: ['12 Elm Street'], city: 'Madison', state: 'WI', postalCode: '53703' }], phones: ['608-555-0142'], emails: [], memberIds: [], birthOrder: null, deceased: false, language: null,
}
/** As it is, or so unlike that a person must look. */
export const UNSURE: Partial<Chart> = { addresses: [], phones: [] }
export const WHO = { by: 'ada', reason: 'as the caller said' }
