/** XDM packages: written, read, and refused. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import t from 'tap'
import { MessageFault } from '../../../engine/errors.js'
import { readXdm } from '../../../engine/formats/mime/xdm/read.js'
import { type NewXdm, writeXdm } from '../../../engine/formats/mime/xdm/write.js'
import { readZip, writeZip } from '../../../engine/formats/mime/xdm/zip.js'

const AT = new Date('2026-03-02T14:15:00Z')
const code = (one: string) => ({ code: one, scheme: '2.16.840.1.113883.6.1', display: `Code ${one}` })
const OUR = '1.3.6.1.4.1.99999'
const document = { contentType: 'text/xml', uniqueId: `${OUR}.4.1`, title: 'Referral <note>', created: AT, language: 'en-US', classCode: code('57133-1'), typeCode: code('57133-1'), formatCode: code('urn:hl7-org:sdwg:ccda-structuredBody:2.1'), confidentiality: code('N'), facilityType: code('394777002'), practiceSetting: code('394579002') }
const submission: NewXdm = {
  uniqueId: `${OUR}.5.7`, sourceId: `${OUR}.1`, time: AT, contentType: code('57133-1'), author: { person: '1548291734^Bell^Ines', institution: 'Meadow & Sons', telecom: '^^Internet^ines.bell@direct.meadow.example' },
  intendedRecipients: ['|^Rao^Anita|^^Internet^anita.rao@direct.heart.example'], patient: { id: { value: 'MRN-40077', authority: `${OUR}.9` }, name: 'Quillfeather^Odalys', birthDate: '19610409', sex: 'F' }, referral: { value: 'MFM-17', authority: `${OUR}.15` },
  documents: [{ ...document, content: Buffer.from('<ClinicalDocument/>') }, { ...document, uniqueId: `${OUR}.4.2`, contentType: 'x-application/hl7-v2+er7', content: Buffer.from('MSH|^~\\&|\r') }],
}

t.test('a package that is written is read as it was meant, is the same each time, and has names of 8.3', async (t) => {
  const zip = await writeXdm(submission)
  t.ok(zip.equals(await writeXdm(submission)))
  const read = await readXdm(zip)
  t.same(read.problems, [])
  t.same(read.documents.map(({ content, ...one }) => ({ ...one, text: content.toString() })), [
    { path: 'IHE_XDM/SUBSET01/DOC00001.XML', contentType: 'text/xml', listed: true, intact: true, title: 'Referral <note>', uniqueId: `${OUR}.4.1`, typeCode: '57133-1', formatCode: 'urn:hl7-org:sdwg:ccda-structuredBody:2.1', creationTime: '20260302141500', patientId: `MRN-40077^^^&${OUR}.9&ISO`, patientInfo: [`PID-3|MRN-40077^^^&${OUR}.9&ISO`, 'PID-5|Quillfeather^Odalys', 'PID-7|19610409', 'PID-8|F'], references: [`MFM-17^^^&${OUR}.15&ISO^urn:ihe:iti:xds:2013:referral`], text: '<ClinicalDocument/>' },
    { path: 'IHE_XDM/SUBSET01/DOC00002.HL7', contentType: 'x-application/hl7-v2+er7', listed: true, intact: true, title: 'Referral <note>', uniqueId: `${OUR}.4.2`, typeCode: '57133-1', formatCode: 'urn:hl7-org:sdwg:ccda-structuredBody:2.1', creationTime: '20260302141500', patientId: `MRN-40077^^^&${OUR}.9&ISO`, patientInfo: [`PID-3|MRN-40077^^^&${OUR}.9&ISO`, 'PID-5|Quillfeather^Odalys', 'PID-7|19610409', 'PID-8|F'], references: [`MFM-17^^^&${OUR}.15&ISO^urn:ihe:iti:xds:2013:referral`], text: 'MSH|^~\\&|\r' },
  ])
  t.same(read.submission, { uniqueId: `${OUR}.5.7`, sourceId: `${OUR}.1`, time: '20260302141500', intendedRecipients: ['|^Rao^Anita|^^Internet^anita.rao@direct.heart.example'] })
  const files = await readZip(zip)
  t.same(files.map(({ path }) => path), ['INDEX.HTM', 'README.TXT', 'IHE_XDM/SUBSET01/METADATA.XML', 'IHE_XDM/SUBSET01/DOC00001.XML', 'IHE_XDM/SUBSET01/DOC00002.HL7'])
  for (const { path } of files) for (const part of path.split('/')) t.match(part, /^[A-Z0-9_]{1,8}(?:\.[A-Z0-9]{1,3})?$/)
  t.notMatch(files[0]?.content.toString(), /Quillfeather/, 'the index says nothing of the patient')
  const metadata = files[2]?.content.toString() ?? ''
  for (const scheme of ['93606bcf', '41a5887f', 'f4f85eac', 'a09d5840', 'f33fb8ac', 'cccf5598', 'f0306f51', '58a6f841', '2e82c1f6', 'a54d6aa5', 'a7058bb9', 'aa543740', '6b5aea1a', '554ac39e', '96fdda7c']) t.match(metadata, `urn:uuid:${scheme}`)
  t.match(metadata, createHash('sha1').update('<ClinicalDocument/>').digest('hex'))
})

t.test('what is no OID is refused before anything is written', async (t) => {
  await t.rejects(writeXdm({ ...submission, sourceId: 'heart.example' }), /needs OIDs/)
  await t.rejects(writeXdm({ ...submission, documents: [] }), /at least one document/)
})

t.test('damage, missing metadata and unlisted documents are told, and the documents read all the same', async (t) => {
  const files = await readZip(await writeXdm(submission))
  const changed = (change: (path: string, content: Buffer) => Buffer | null) => writeZip(files.flatMap(({ path, content }) => { const to = change(path, content); return to ? [{ path, content: to }] : [] }), AT)
  const damaged = await readXdm(await changed((path, content) => (path.endsWith('DOC00001.XML') ? Buffer.from('<ClinicalDocument></ClinicalDocument>') : content)))
  t.same(damaged.documents.map(({ intact }) => intact), [false, true])
  t.match(damaged.problems, [/DOC00001\.XML is not as long/])
  const gone = await readXdm(await changed((path, content) => (path.endsWith('DOC00002.HL7') ? null : content)))
  t.match(gone.problems, [/DOC00002\.HL7, which is not in the package/])
  for (const metadata of [null, Buffer.from('<broken'), Buffer.from('<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>')]) {
    const bare = await readXdm(await changed((path, content) => (path.endsWith('METADATA.XML') ? metadata : content)))
    t.same(bare.documents.map(({ contentType, listed }) => [contentType, listed]), [['application/hl7-cda+xml', false], ['x-application/hl7-v2+er7', false]])
    t.match(bare.problems.at(-1), /no METADATA\.XML/)
  }
})

/** A zip of one entry, its sizes and name as one likes. */
const crafted = (name: string, content: Buffer, stated = content.length): Buffer => {
  const packed = deflateRawSync(content)
  const header = (local: boolean): Buffer => {
    const fields = Buffer.alloc(local ? 30 : 46)
    fields.writeUInt32LE(local ? 0x04034b50 : 0x02014b50, 0)
    const at = local ? 4 : 6
    fields.writeUInt16LE(20, at)
    fields.writeUInt16LE(8, at + 4)
    fields.writeUInt32LE(packed.length, at + 14)
    fields.writeUInt32LE(stated, at + 18)
    fields.writeUInt16LE(name.length, at + 22)
    return Buffer.concat([fields, Buffer.from(name)])
  }
  const [local, central] = [Buffer.concat([header(true), packed]), header(false)]
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(central.length, 12)
  end.writeUInt32LE(local.length, 16)
  return Buffer.concat([local, central, end])
}

t.test('bombs, lies about sizes, and names that lead out of the zip are refused', async (t) => {
  const zeros = Buffer.alloc(20 * 1024 ** 2)
  await t.rejects(readZip(crafted('A.XML', zeros)), /packed more tightly/)
  await t.rejects(readZip(crafted('A.XML', zeros, 1000)), MessageFault, 'a size that is a lie')
  await t.rejects(readZip(crafted('A.XML', Buffer.alloc(2000, 'x'), 1000)), MessageFault)
  for (const name of ['../../etc/passwd', '/etc/passwd', 'a/../../b', '..\\b', 'C:/b']) await t.rejects(readZip(crafted(name, Buffer.from('x'))), MessageFault, name)
  const many = await writeZip(Array.from({ length: 50 }, (_, n) => ({ path: `F${n}`, content: Buffer.from('x') })), AT)
  await t.rejects(readZip(many, { size: 1e6, total: 1e6, ratio: 200, entries: 49 }), /entries/)
  await t.rejects(readZip(many, { size: 100, total: 1e6, ratio: 200, entries: 100 }), /bytes long/)
  await t.rejects(readZip(await writeZip([1, 2, 3].map((n) => ({ path: `F${n}`, content: Buffer.alloc(400, n) })), AT), { size: 1e6, total: 1000, ratio: 200, entries: 9 }), /more than is taken/)
  for (const bytes of ['', 'PK', 'no zip at all']) await t.rejects(readXdm(Buffer.from(bytes)), MessageFault)
})

t.test('random damage to a package is refused or told', async (t) => {
  const zip = await writeXdm(submission)
  let seed = 7
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return (seed >> 8) % below
  }
  let taken = 0
  for (let n = 0; n < 400; n++) {
    const bytes = Buffer.from(n % 4 === 0 ? zip.subarray(0, random(zip.length)) : zip)
    if (bytes.length > 0) for (let hit = 0; hit < 1 + (n % 3); hit++) bytes[random(bytes.length)] = random(256)
    try {
      await readXdm(bytes)
      taken += 1
    } catch (error) {
      if (!(error instanceof MessageFault)) t.fail(`${n}: ${error instanceof Error ? error.stack : error}`)
    }
  }
  t.ok(taken > 0 && taken < 400, `${taken} of 400 could still be read`)
})

const SAMPLES = join(import.meta.dirname, '../../../../../shared/corpora/direct/xdm')
t.test('packages of others are read', { skip: existsSync(SAMPLES) ? false : 'the samples of the Edge Testing Tool are not here' }, async (t) => {
  for (const name of readdirSync(SAMPLES)) {
    const { documents } = await readXdm(readFileSync(join(SAMPLES, name)))
    t.same(documents.map(({ listed, intact }) => ({ listed, intact })), [{ listed: true, intact: true }], name)
  }
})
