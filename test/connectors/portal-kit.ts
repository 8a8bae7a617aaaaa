/** A portal on the engine's web server with a desk behind it, and browsers that come to it. */
import { join } from 'node:path'
import type { Bundle } from 'fhir/r4.js'
import type { Test } from 'tap'
import source from '../../connectors/portal/source.js'
import type { Fate, Inbound, Reply } from '../../engine/contracts.js'
import { attachmentsOf, contentOf, readMail } from '../../engine/formats/mime/mail.js'
import { openMappings } from '../../engine/mappings.js'
import { world } from '../referrals/desk-kit.js'
import { webServer } from './fax-kit.js'
import { accepted, type TestTools, testTools } from './tools.js'

export const ROOT = join(import.meta.dirname, '../../..')
export const LIMITS = { size: 100_000_000, header: 100_000, parts: 100, depth: 5 }
export const CODE = 'meadow-code-1234'
export const SETTINGS = { path: '/portal', url: 'http://127.0.0.1/portal', practice: { name: 'Heart Center', phone: '608-555-0190' }, link: { channel: 'portal-mail', from: 'Heart Center <referrals@heart.example>', domains: ['meadow.example'] }, codes: [{ practice: 'Meadow Family Medicine', code: CODE }] }
export const EVE = {
  patientLastName: 'Quillfeather', patientFirstName: 'Eve', patientBirthDate: '1961-06-15', patientSex: 'F', patientPhone: '608-555-0117', specialty: 'Cardiology', urgency: 'URGENT', reason: 'Palpitaciones, "raras" <b>',
  referrerLastName: 'Okafor', referrerNpi: '1548291735', referrerPractice: 'Meadow Family Medicine',
}
export type Settings = Parameters<typeof source.create>[0]
interface Page { readonly status: number; readonly text: string; readonly headers: Headers; readonly to: string }

/** A portal with a desk behind it, and what it gave. */
export const portal = async (t: Test, settings: Settings = SETTINGS, { reply = () => accepted, fate = async () => null }: { reply?: (given: number) => Reply | Promise<Reply>; fate?: (key: string) => Promise<Fate | null> } = {}) => {
  const data = t.testdir({})
  const web = await webServer(t, data)
  const mappings = openMappings(join(ROOT, 'mappings'))
  const { desk } = world(t)
  const given: Inbound[] = []
  const mails: Inbound[] = []
  let mailed: () => void = () => {}
  const tools: TestTools = {
    ...testTools(data, async (_channel, inbound) => { mails.push(inbound); mailed(); return accepted }), mapping: mappings.mapping, table: mappings.table, serve: web.serve, service: () => desk, fate,
  }
  const connector = source.create(settings, tools)
  await connector.start(async (inbound) => { given.push(inbound); return reply(given.length) })
  t.teardown(() => connector.stop())
  const visitor = () => {
    let cookie = ''
    const go = async (path: string, init: RequestInit = {}): Promise<Page> => {
      const response = await fetch(`${web.url}${path}`, { redirect: 'manual', ...init, headers: { ...(cookie && { cookie }), ...(init.headers as Record<string, string>) } })
      const set = response.headers.get('set-cookie')
      if (set) cookie = set.split(';', 1)[0] ?? ''
      return { status: response.status, text: await response.text(), headers: response.headers, to: response.headers.get('location') ?? '' }
    }
    const post = (path: string, fields: Record<string, string>, init: RequestInit = {}): Promise<Page> => go(path, { method: 'POST', body: new URLSearchParams(fields), ...init })
    const csrf = async (path: string): Promise<string> => hidden((await go(path)).text, 'csrf')
    const signIn = async (): Promise<void> => void await post('/portal/code', { csrf: await csrf('/portal'), code: CODE })
    /** The form as a browser sends it. */
    const filled = async (values: Record<string, string> = EVE, files: readonly (readonly [string, string | Buffer])[] = []): Promise<FormData> => {
      const { text } = await go('/portal/new')
      const data = new FormData()
      for (const [name, value] of Object.entries({ csrf: hidden(text, 'csrf'), submission: hidden(text, 'submission'), ...values })) data.set(name, value)
      for (const [name, content] of files) data.append('documents', new Blob([typeof content === 'string' ? content : new Uint8Array(content)]), name)
      return data
    }
    const send = (body: FormData, path = '/portal/new', headers: Record<string, string> = {}): Promise<Page> => go(path, { method: 'POST', body, headers })
    return { go, post, csrf, signIn, filled, send, cookie: () => cookie }
  }
  const mail = async (): Promise<Inbound> => {
    while (mails.length === 0) await new Promise<void>((resolve) => { mailed = resolve })
    return mails[0] as Inbound
  }
  return { url: web.url, given, mails, mail, desk, tools, connector, data, visitor }
}

export const hidden = (text: string, name: string): string => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1] ?? ''
export const bundleIn = ({ bytes }: Inbound): Bundle => JSON.parse(contentOf((attachmentsOf(readMail(bytes, LIMITS))[0] as ReturnType<typeof attachmentsOf>[number]).part).toString()) as Bundle
export const resource = (bundle: Bundle, type: string): Record<string, unknown> | undefined => bundle.entry?.map((entry) => entry.resource).find((one) => one?.resourceType === type) as Record<string, unknown> | undefined
export const fateWith = (response: object | null, status: Fate['status'] = 'transformed'): Fate => ({ mark: 'm', message: 1, status, reason: null, deliveries: response === null ? [] : [{ destination: 'desk', status: 'sent', reason: null, settled: false, attempts: 1, doubtful: false, at: new Date(0), payload: null, response: Buffer.from(JSON.stringify(response)) }] })
