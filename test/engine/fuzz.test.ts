/** Whatever strangers send to a door: its parser answers or refuses in a sentence, in bounded time and memory, and never with another error. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import t from 'tap'
import { MessageFault } from '../../engine/errors.js'
import { automatic } from '../../engine/formats/mime/automatic.js'
import { composeMail } from '../../engine/formats/mime/compose.js'
import { attachmentsOf, bodiesOf, contentOf, readMail } from '../../engine/formats/mime/mail.js'
import { mediaTypeOf } from '../../engine/formats/mime/sniff.js'
import { readEnvelope } from '../../engine/formats/mime/soap/envelope.js'
import { SoapFault } from '../../engine/formats/mime/soap/fault.js'
import { mtomSoap } from '../../engine/formats/mime/soap/mtom.js'
import { openTnef } from '../../engine/formats/mime/tnef.js'
import { readXdm } from '../../engine/formats/mime/xdm/read.js'
import { writeXdm } from '../../engine/formats/mime/xdm/write.js'
import { receiptsOf } from '../../transforms/read-receipt/receipts.js'
import { ROOT, transformTools } from '../transforms/tools.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const SEED = 20_261_124
const LIMITS = { size: 5_000_000, header: 256_000, parts: 200, depth: 20 }
const GROWTH = 48 * 1024 ** 2 // bytes that may stay: compiled code, caches that are bounded
const tools = transformTools()
const fixtures = (folder: string): readonly Buffer[] => readdirSync(join(ROOT, 'fixtures', folder)).map((name) => readFileSync(join(ROOT, 'fixtures', folder, name)))

interface Edit { readonly at: number; readonly kind: 'byte' | 'cut' | 'repeat' | 'insert'; readonly text: string; readonly value: number }
const TOKENS = ['\r\n', '\n\n', '--', ':', ';', '=', '"', '<', '>', '&', ']]>', '\0', '~', '*', '|', 'Content-Type: multipart/mixed; boundary=""', 'Content-Transfer-Encoding: base64', '--b--', 'ISA*', 'IEA*99999*', 'PK\x05\x06', '=?utf-8?b?', '\xff\xfe']
const edit: fc.Arbitrary<Edit> = fc.record({ at: fc.nat(1_000_000), kind: fc.constantFrom('byte', 'cut', 'repeat', 'insert'), text: fc.oneof(fc.constantFrom(...TOKENS), fc.string({ maxLength: 12 })), value: fc.nat(255) })
const edited = (source: Buffer, edits: readonly Edit[]): Buffer => edits.reduce((bytes, { at, kind, text, value }) => {
  const place = bytes.length === 0 ? 0 : at % bytes.length
  if (kind === 'byte') return Buffer.concat([bytes.subarray(0, place), Buffer.from([value]), bytes.subarray(place + 1)])
  if (kind === 'cut') return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1 + value * 4)])
  if (kind === 'repeat') return Buffer.concat([bytes.subarray(0, place), bytes.subarray(Math.max(0, place - value * 8), place), bytes.subarray(place)])
  return Buffer.concat([bytes.subarray(0, place), Buffer.from(text, 'latin1'), bytes.subarray(place)])
}, source)

/** Bytes that begin as real ones and were damaged, and bytes that never were any. */
const damaged = (sources: readonly Buffer[]): fc.Arbitrary<Buffer> => fc.oneof(
  { weight: 9, arbitrary: fc.tuple(fc.constantFrom(...sources), fc.array(edit, { minLength: 1, maxLength: 8 })).map(([source, edits]) => edited(source, edits)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3000 }).map((bytes) => Buffer.from(bytes)) },
)

const holds = (name: string, runs: number, sources: () => Promise<readonly Buffer[]> | readonly Buffer[], parse: (bytes: Buffer) => unknown): void => {
  t.test(`${name}: damaged in any way it is read or refused, and nothing stays in memory`, async (t) => {
    const all = await sources()
    const counts = { read: 0, refused: 0 }
    const one = async (bytes: Buffer): Promise<void> => {
      try {
        await parse(bytes)
        counts.read += 1
      } catch (error) {
        if (!(error instanceof MessageFault || error instanceof SoapFault)) throw error
        counts.refused += 1
      }
    }
    for (const source of all) await parse(source) // undamaged, each is read
    const property = fc.asyncProperty(damaged(all), one)
    await fc.assert(property, { seed: SEED, numRuns: runs, endOnFailure: true })
    collect()
    const before = process.memoryUsage().heapUsed + process.memoryUsage().external
    await fc.assert(property, { seed: SEED + 1, numRuns: runs, endOnFailure: true })
    collect()
    const grown = process.memoryUsage().heapUsed + process.memoryUsage().external - before
    t.ok(counts.read > 0 && counts.refused + counts.read === runs * 2, `${counts.read} were read and ${counts.refused} refused`)
    t.ok(grown < GROWTH, `${Math.round(grown / 1024)} kB more after ${runs} than before`)
  })
}

const mails = (): readonly Buffer[] => fixtures('mime')
holds('MIME', 3000, mails, (bytes) => {
  const mail = readMail(bytes, LIMITS)
  automatic(mail)
  bodiesOf(mail, 'text/plain')
  for (const { part } of attachmentsOf(mail)) mediaTypeOf(contentOf(part))
})
holds('multipart forms', 2000, () => [Buffer.from('Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\nContent-Disposition: form-data; name="fax"\r\n\r\n{"id":1}\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.4\r\n--b--\r\n')], (bytes) => attachmentsOf(readMail(bytes, LIMITS)).map(({ part }) => contentOf(part)))
holds('MDN, DSN and fax statuses', 3000, () => mails().filter((bytes) => bytes.includes('multipart/report')), (bytes) => receiptsOf(readMail(bytes, LIMITS), new Date('2026-03-02T14:00:00Z')))
holds('X12', 2000, () => fixtures('x12'), (bytes) => {
  const format = tools.format('x12')
  for (const one of format.separate(bytes) ?? [bytes]) {
    format.readHeader(one)
    format.parse(one)
    format.acknowledge(one, 'done', 'accepted')
  }
})
holds('C-CDA and other XML', 600, () => fixtures('xml'), (bytes) => tools.format('xml').parse(bytes))

const code = { code: '57133-1', scheme: '2.16.840.1.113883.6.1', display: 'Referral note' }
holds('XDM packages', 600, async () => [await writeXdm({
  uniqueId: '1.2.3.1', sourceId: '1.2.3.2', time: new Date('2026-03-02T14:00:00Z'), contentType: code, author: { institution: 'Meadow' }, intendedRecipients: [],
  patient: { id: { value: 'T719', authority: '1.2.3.4' }, name: 'Quillfeather^Odalys', birthDate: '19610309', sex: 'F' },
  documents: [{ content: Buffer.from('MSH|^~\\&|'), contentType: 'x-application/hl7-v2+er7', uniqueId: '1.2.3.5', title: 'order', created: new Date('2026-03-02T14:00:00Z'), language: 'en-US', classCode: code, typeCode: code, formatCode: code, confidentiality: code, facilityType: code, practiceSetting: code }],
})], (bytes) => readXdm(bytes))

const soap = mtomSoap('<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://www.w3.org/2005/08/addressing"><s:Header><a:Action>urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b</a:Action><a:MessageID>urn:uuid:1</a:MessageID></s:Header><s:Body><x xmlns="urn:ihe:iti:xds-b:2007"/></s:Body></s:Envelope>', 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b', [{ id: 'document', contentType: 'text/xml', content: Buffer.from('<a/>') }])
holds('XDR (SOAP, MTOM)', 1000, () => [soap.body], (bytes) => readEnvelope(soap.contentType, bytes))

const property = (tag: number, value: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(tag)
  head.writeUInt32LE(value.length, 4)
  return Buffer.concat([Buffer.from([2]), head.subarray(0, 8), value, Buffer.from([value.reduce((sum, byte) => sum + byte, 0) & 0xff, 0])])
}
holds('winmail.dat', 2000, () => [Buffer.concat([Buffer.from([0x78, 0x9f, 0x3e, 0x22, 1, 0]), property(0x00069002, Buffer.alloc(14)), property(0x00018010, Buffer.from('card.pdf\0')), property(0x0006800f, Buffer.from('%PDF-1.4'))])], openTnef)

t.test('boundaries within boundaries, and a header of a million fields, take no longer than they are long', async (t) => {
  const nested = Array.from({ length: 5_000 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`).join('')
  t.throws(() => readMail(Buffer.from(nested), LIMITS), MessageFault)
  t.throws(() => readMail(Buffer.from(`${'X: y\r\n'.repeat(400_000)}\r\n`), LIMITS), MessageFault)
  const many = await composeMail({ messageId: '<a@b.example>', date: new Date(0), to: [], subject: 'many', attachments: Array.from({ length: 300 }, (_, n) => ({ filename: `${n}.pdf`, type: 'application/pdf', content: Buffer.from('%PDF') })) })
  t.throws(() => readMail(many, LIMITS), { message: /more than 200 parts/ })
})
