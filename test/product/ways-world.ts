/** The whole product and everybody whom it can answer by every way: a HISP, an EHR by MLLP, a FHIR server, a fax service, a mailbox; and a clock that the test moves. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import { fhirServer, type TestServer } from '../connectors/fhir-server.js'
import { field, listen, message, segment } from '../demo/hl7.js'
import { person } from '../demo/people.js'
import { referral, type Referral } from '../demo/referral.js'
import { openScene, type Scene } from '../demo/scene.js'
import { type FaxSent, type FaxService, openFaxService } from './fax-service.js'
import { type Hisp, openHisp, type Sent } from './hisp.js'
import { type Answer, freePort, ROOT, until } from './product.js'

export const HOUR = 3_600_000
const HOOK = 'a-secret-of-some-length'
const OURS = 'referrals@heart.example'

/** Somebody’s EHR by MLLP: keeps what it is sent, and answers with the next of `codes`, else AA. */
export interface TheirEhr { readonly port: number; readonly received: string[]; readonly codes: string[] }
export interface WaysWorld {
  readonly scene: Scene
  readonly hisp: Hisp // Direct and 360X
  readonly mail: Hisp // the practices' own mail
  readonly hl7: TheirEhr
  readonly fhir: TestServer
  readonly fax: FaxService
  now(): Date
  /** Time passes for the product: nothing else does. */
  pass(milliseconds: number): void
  /** Says what became of a fax. */
  faxed(event: Parameters<FaxService['tell']>[1], of: FaxSent, more?: object): Promise<void>
  provider(of: { readonly npi: string; readonly family: string; readonly ways: Readonly<Record<string, string>> }): Promise<string>
  refer(what: Omit<Referral, 'patient'> & { readonly patient?: Referral['patient'] }): Promise<string>
  get(path: string): Promise<Answer>
  post(path: string, body: object, method?: string): Promise<Answer>
  /** The notices of a kind, as the API tells them; the timeline in words. */
  notices(reference: string, kind?: string): Promise<readonly Answer[]>
  words(reference: string): Promise<string>
  says(reference: string, words: RegExp): Promise<string>
  found<Found>(what: string, look: () => Found | undefined | Promise<Found | undefined>): Promise<Found>
  /** The n-th mail or fax to an address; of mails, of those that name a referral. */
  mailTo(address: string, about?: string, number?: number): Promise<Sent>
  faxTo(address: string, number?: number): Promise<FaxSent>
}

export const FACILITY = 'PRAIRIE'
export const prd = (npi: string, family: string, role = 'RP'): string => segment('PRD', { 1: `${role}^Provider^HL70286`, 2: `${family}^ALEX^^^DR^MD`, 7: `${npi}^NPI` })

export async function openWays(t: Pick<Test, 'teardown'>, env: NodeJS.ProcessEnv = {}): Promise<WaysWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'refero-ways-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(ROOT, 'channels'), join(folder, 'channels'), { recursive: true })
  let ahead = untilMorning(new Date())
  const clockFile = join(folder, 'clock')
  const now = (): Date => new Date(Date.now() + ahead)
  writeFileSync(clockFile, String(ahead))
  const [direct, door] = [await freePort(), await freePort()]
  const [hisp, mail, fax, fhir] = [await openHisp(t, () => direct, undefined, now), await openHisp(t, () => door, OURS, now), await openFaxService(t), await fhirServer(t)]
  mkdirSync(join(folder, 'mappings/fax'), { recursive: true })
  writeFileSync(join(folder, 'mappings/fax/generic-json.yaml'), readFileSync(join(ROOT, 'mappings/fax/generic-json.yaml'), 'utf8').replace(/^base: .*$/m, `base: ${fax.base}`))

  const hl7: TheirEhr = { port: 0, received: [], codes: [] }
  const listening = await listen(async (text) => {
    hl7.received.push(text)
    return message(`ACK^${field(text, 'MSH-9').split('^')[1]}^ACK`, [FACILITY, FACILITY], `${FACILITY}-${hl7.received.length}`, now(), [segment('MSA', { 1: hl7.codes.shift() ?? 'AA', 2: field(text, 'MSH-10') })])
  })
  t.teardown(() => listening.close())
  const theirs = { REFERRER: 'LOOP', SPECIALIST: 'OUTBOUND_SEND' }
  const scene = await openScene(t, { folder, env: {
    NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'moved-clock.js')).href}`, REFERO_TEST_CLOCK: clockFile, REFERO_DATA: join(folder, 'data'), REFERO_MAPPINGS: join(folder, 'mappings'),
    REFERO_DIRECT_PORT: String(direct), REFERO_DIRECT_SEND_PORT: String(hisp.port), REFERO_LOOP_DIRECT: 'true', REFERO_OUTBOUND_DIRECT: 'true', REFERO_EMAIL_IN_PORT: String(door), REFERO_EMAIL_PORT: String(mail.port), REFERO_EMAIL_DISCLOSE: 'nothing', REFERO_PORTAL_URL: 'https://heart.example/portal',
    ...Object.fromEntries(Object.entries(theirs).flatMap(([who, loop]) => [[`REFERO_${loop}_HL7`, 'true'], [`REFERO_${loop}_FHIR`, 'true'], [`REFERO_${who}_PORT`, String(listening.port)], [`REFERO_${who}_FACILITY`, FACILITY], [`REFERO_${who}_URL`, fhir.base]])),
    REFERO_FAX_SERVICE: 'true', REFERO_LOOP_FAX: 'true', REFERO_OUTBOUND_FAX: 'true', REFERO_FAX_PROVIDER: 'generic-json', REFERO_FAX_FROM: '+16085550191', REFERO_SECRET_FAX_KEY: 'our-account', REFERO_SECRET_FAX_HOOK: HOOK,
    ...env,
  } })
  const { product } = scene
  const get = async (path: string): Promise<Answer> => (await product.api(path)).body
  const notices = async (reference: string, kind?: string): Promise<readonly Answer[]> => (await get(`/api/referrals/${reference}`)).notices.filter((one: Answer) => one.way !== null && (kind === undefined || one.kind === kind))
  const words = async (reference: string): Promise<string> => (await get(`/api/referrals/${reference}/timeline`)).events.map((one: Answer) => [one.says, ...one.why].join(' | ')).join('\n')
  const found: WaysWorld['found'] = async (what, look) => {
    let it = await look()
    await until(async () => {
      it ??= await look()
      return it !== undefined
    }, () => `${what}\n${product.output()}`)
    return it as NonNullable<typeof it>
  }
  const world: WaysWorld = {
    scene, hisp, mail, hl7, fhir, fax, now, get, notices, words, found,
    pass: (milliseconds) => {
      ahead += milliseconds
      writeFileSync(clockFile, String(ahead))
    },
    faxed: async (event, of, more) => {
      const status = await fax.tell(`http://127.0.0.1:${product.http}/hooks/fax?key=${HOOK}`, event, of, more)
      if (status !== 200) throw new Error(`the door for faxes answered ${status}\n${product.output()}`)
    },
    provider: async ({ npi, family, ways }) => {
      const { status, body } = await product.api('/api/providers', { by: 'dana', reason: 'asked how they want to be answered', npi, name: { family, given: ['Alex'] }, ways: Object.entries(ways).map(([way, address]) => ({ way, address })) })
      if (status !== 200) throw new Error(JSON.stringify(body))
      return body.id
    },
    refer: async (what) => {
      const answer = await scene.send(referral({ patient: person('HC1001'), ...what }))
      if (!/MSA\|AA\|/.test(answer)) throw new Error(answer)
      return found(`the referral ${what.number}`, async () => (await get(`/api/referrals?text=${what.number}`)).referrals?.[0]?.reference)
    },
    post: async (path, body, method) => {
      const { status, body: answer } = await product.api(path, { by: 'dana', reason: 'as agreed on the telephone', ...body }, undefined, method)
      if (status !== 200) throw new Error(`${status} ${JSON.stringify(answer)}`)
      return answer
    },
    says: async (reference, pattern) => {
      await until(async () => pattern.test(await words(reference)), () => `${reference} does not say ${pattern}`).catch(async (error) => {
        throw new Error(`${error.message}, but:\n${await words(reference)}\n${product.output()}`)
      })
      return words(reference)
    },
    mailTo: (address, about = '', number = 1) => found(`mail ${number} to ${address} about ${about}`, () => [...hisp.to(address), ...mail.to(address)].filter(({ text }) => text.includes(about))[number - 1]),
    faxTo: (address, number = 1) => found(`fax ${number} to ${address}`, () => fax.to(address)[number - 1]),
  }
  return world
}

/** So that it is ten o’clock in Chicago, on a Monday to Thursday: nothing then is closed. */
const untilMorning = (from: Date): number => {
  for (let ahead = 0; ; ahead += HOUR / 4) {
    const [day, hour] = new Intl.DateTimeFormat('en-US', { timeZone: 'America/Chicago', weekday: 'short', hour: '2-digit', hourCycle: 'h23' }).format(new Date(from.getTime() + ahead)).split(/,? /)
    if (hour === '10' && ['Mon', 'Tue', 'Wed', 'Thu'].includes(day ?? '')) return ahead
  }
}
