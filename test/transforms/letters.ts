/** What the tests of letters share: notices of the fixtures, changed as needed, and what their letters say. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import t from 'tap'
import type { Message, Tools } from '../../engine/contracts.js'
import { attachmentsOf, contentOf, type Mail } from '../../engine/formats/mime/mail.js'
import render from '../../transforms/render/index.js'
import { fixture, ROOT, transformTools } from './tools.js'

export type Settings = Parameters<typeof render.create>[0]
// biome-ignore lint/suspicious/noExplicitAny: fixtures are taken apart freely here
export type Resource = Record<string, any>

export const tools = transformTools()
export const mime = tools.format('mime')
export const LETTERS = join(ROOT, 'mappings/letters')
export const letters = readdirSync(LETTERS, { withFileTypes: true }).filter((one) => one.isDirectory()).flatMap(({ name }) => readdirSync(join(LETTERS, name)).map((file) => ({ name, language: file.replace('.yaml', '') })))
export const WHO: Partial<Settings> = { from: 'Heart Center <referrals@heart.example>', practice: { name: 'Heart Center', phone: '5555550100', fax: '555-555-0101', address: '1 Main St' } }
export const ALL: Partial<Settings> = { ...WHO, disclose: 'all' }

export const notice = (name: string): Message => fixture(`fhir/notice-${name}.json`)
/** A notice with something changed in its resources, by type. */
export const changed = (message: Message, change: (resources: (type: string) => Resource, bundle: Resource) => void): Message => {
  const bundle = JSON.parse(tools.format('fhir').serialize(message.body).toString()) as Resource
  change((type) => (bundle.entry as { resource: Resource }[]).map(({ resource }) => resource).find((one) => one.resourceType === type) as Resource, bundle)
  return { ...message, body: tools.format('fhir').parse(Buffer.from(JSON.stringify(bundle))) }
}
export const mailOf = async (message: Message, settings: Partial<Settings> = ALL, given: Tools = tools): Promise<Mail> => {
  const result = await render.create({ letter: 'auto', ...settings }, given)(message)
  t.ok(Array.isArray(result) && result.length === 1)
  return (result as readonly Message[])[0]?.body as Mail
}
export const say = (mail: Mail, path: string): string => mime.read(mail, path).join('\n')
export const pdfOf = (mail: Mail): Buffer => attachmentsOf(mail).filter(({ type }) => type === 'application/pdf').map(({ part }) => contentOf(part))[0] ?? Buffer.alloc(0)

/** The text of each page of a PDF of ours, as a reader would show it. */
export const pagesOf = (pdf: Buffer): readonly string[] =>
  [...pdf.toString('latin1').matchAll(/stream\r?\n([\s\S]*?)\r?\nendstream/g)].map(([, stream = '']) => inflateSync(Buffer.from(stream, 'latin1')).toString('latin1')).filter((page) => page.includes('BT')).map((page) =>
    [...page.matchAll(/\[((?:<[0-9a-f]*>|[^\]<])*)\] TJ/g)].map(([, line = '']) => [...line.matchAll(/<([0-9a-f]*)>/g)].map(([, hex = '']) => new TextDecoder('windows-1252').decode(Buffer.from(hex, 'hex'))).join('')).join('\n'))
