/** Consult notes and reports that come back: which are signed, which take the place of others, and what they say. */
import t from 'tap'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import { documentsOf, sameDocument } from '../../../referrals/canonical/documents.js'
import { isSound, mapped, v2 } from './kit.js'

const mdm = (change: (text: string) => string = (text) => text) => documentsOf(mapped(change(v2('mdm-t02-consult')), 'document'))
const oru = (name: string, change: (text: string) => string = (text) => text) => documentsOf(mapped(change(v2(name)), 'results'))
const asBundle = (resources: readonly FhirResource[]): Bundle => ({ resourceType: 'Bundle', type: 'collection', entry: resources.map((resource, index) => ({ fullUrl: `urn:uuid:0f6c2f40-0000-4000-8000-0000000000${10 + index}`, resource })) })

t.test('a consult note in an MDM is one document with its text, its PDF and its findings', async (t) => {
  const [note, ...others] = mdm()
  t.same(others, [])
  t.match(note, { id: 'urn:oid:1.3.6.1.4.1.99999.2.7|DOC-9', title: 'Consultation note', status: 'final', signed: true, withdrawn: false, replaces: null, appends: '|DOC-8', date: '2026-03-10T09:30:00-05:00' })
  t.equal(note?.text, 'Seen for palpitations.\nECG: sinus rhythm.\nPlan: metoprolol.\nReturn in 3 months.')
  t.same(note?.attachments.map(({ contentType, data }) => [contentType, data?.slice(0, 8)]), [['text/plain', 'U2VlbiBm'], ['application/pdf', 'JVBERi0x']])
  t.same(note?.resources.map(({ resourceType }) => resourceType), ['DocumentReference', 'Observation'])
  t.notMatch(JSON.stringify(note?.resources[0]), /Binary|"url":"urn:uuid/, 'the content is in it')
})

t.test('only what was signed is signed: TXA-17, and what takes it back', async (t) => {
  const state = (completion: string, availability = 'AV', event = 'T02') => mdm((text) => text.replace('|LA|R|AV|', `|${completion}|R|${availability}|`).replace('MDM^T02^MDM_T02', `MDM^${event}^MDM_T02`))[0]
  for (const code of ['AU', 'LA']) t.ok(state(code)?.signed, code)
  for (const code of ['DI', 'DO', 'IP', 'IN', 'PA', 'UC', 'ZZ']) t.notOk(state(code)?.signed, code)
  t.match(state('AU', 'UN'), { signed: false, withdrawn: false }, 'not available for care')
  t.match(state('AU', 'OB'), { signed: false, withdrawn: true, status: 'superseded' })
  t.match(state('AU', 'CA'), { signed: false, withdrawn: true, status: 'entered-in-error' })
  t.match(state('LA', 'AV', 'T11'), { signed: false, withdrawn: true, status: 'entered-in-error' })
})

t.test('T10 replaces, T06 adds; a number whose system is not told is that of any', async (t) => {
  t.match(mdm((text) => text.replace('MDM^T02^MDM_T02', 'MDM^T10^MDM_T02'))[0], { replaces: '|DOC-8', appends: null })
  t.match(mdm((text) => text.replace('MDM^T02^MDM_T02', 'MDM^T06^MDM_T02'))[0], { replaces: null, appends: '|DOC-8' })
  t.ok(sameDocument('|DOC-8', 'urn:oid:1.2|DOC-8'))
  t.notOk(sameDocument('urn:oid:1.3|DOC-8', 'urn:oid:1.2|DOC-8'))
  t.notOk(sameDocument('|DOC-8', '|DOC-9'))
})

t.test('a report in an ORU is one document: its text, its PDF once, its findings in lines', async (t) => {
  const [report, ...others] = oru('oru-r01-pathology')
  t.same(others, [])
  t.match(report, { id: '|S26-100', title: 'Surgical pathology', status: 'final', signed: true, contentType: 'application/pdf' })
  t.match(report?.text, /FINAL DIAGNOSIS:\nSigmoid colon: tubular adenoma/)
  t.match(report?.text, /\nHgb: 13\.2 g\/dl \(12\.0-16\.0\)\n/)
  t.match(report?.text, /Glucose: > 500 mg\/dL \(70-99\) HH/)
  t.notMatch(report?.text, /5778-6/, 'a result that could not be obtained is no line')
  t.equal(report?.attachments.filter(({ contentType }) => contentType === 'application/pdf').length, 1)
  t.equal(report?.resources[0]?.resourceType, 'DocumentReference')
})

t.test('a report is signed as OBR-25 says; where it says nothing, as its results do; never with a preliminary part', async (t) => {
  const state = (status: string, result = 'F') => oru('oru-r01-pathology', (text) => text.replace('|SP|F|', `|SP|${status}|`).replaceAll('||||||F', `||||||${result}`).replaceAll('|||F', `|||${result}`).replaceAll('|N|||C|', `|N|||${result}|`))[0]
  t.match([state('F'), state('C'), state('P'), state('R'), state('I'), state('X'), state('')].map((one) => [one?.status, one?.signed]), [['final', true], ['corrected', true], ['preliminary', false], ['partial', false], ['registered', false], ['cancelled', false], ['final', true]])
  t.match([state('F', 'P'), state('', 'P')].map((one) => one?.signed), [false, false])
})

t.test('a panel of several orders is a document for each', async (t) => {
  const reports = oru('oru-r01-panel')
  t.ok(reports.length > 1)
  t.equal(new Set(reports.map(({ id }) => id)).size, reports.length)
})

t.test('documents in FHIR: what replaces by reference, what is no longer current, a composition', async (t) => {
  const old: FhirResource = { resourceType: 'DocumentReference', status: 'superseded', masterIdentifier: { system: 'urn:x', value: '1' }, docStatus: 'final', content: [{ attachment: { url: 'https://ehr.example/Binary/1', contentType: 'application/pdf' } }] }
  const fresh: FhirResource = { resourceType: 'DocumentReference', status: 'current', docStatus: 'amended', relatesTo: [{ code: 'replaces', target: { reference: 'urn:uuid:0f6c2f40-0000-4000-8000-000000000010' } }], content: [{ attachment: { contentType: 'application/pdf', data: 'JVBERi0=' } }] }
  const unsaid: FhirResource = { resourceType: 'DocumentReference', status: 'current', content: [{ attachment: { contentType: 'application/pdf', data: 'JVBERi1=' } }] }
  const composed: FhirResource = { resourceType: 'Composition', status: 'final', type: { coding: [{ system: 'http://loinc.org', code: '11488-4', display: 'Consult note' }] }, title: 'Consult', date: '2026-03-10', author: [{ display: 'Rao' }], section: [{ title: 'Plan', text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Metoprolol</div>' } }] }
  const [first, second, third, fourth] = documentsOf(asBundle([old, fresh, unsaid, composed]))
  t.match(first, { withdrawn: true, signed: false, attachments: [{ url: 'https://ehr.example/Binary/1', data: null }] })
  t.match(second, { withdrawn: false, signed: true, status: 'amended', replaces: 'urn:x|1' })
  t.match(second?.id, /^sha256:[0-9a-f]{64}$/)
  t.match(third, { signed: false, status: 'unknown' }, 'what says nothing of its status is not signed')
  t.match(fourth, { signed: true, title: 'Consult', text: 'Plan\nMetoprolol' })
})

t.test('what a document consists of is valid R4', async (t) => {
  for (const document of [...mdm(), ...mdm((text) => text.replace('MDM^T02^MDM_T02', 'MDM^T11^MDM_T02')), ...oru('oru-r01-pathology'), ...oru('oru-r01-microbiology'), ...oru('oru-r01-panel')]) {
    isSound(t, asBundle(document.resources), document.id)
    const inside = document.resources.map((one) => `${one.resourceType}/${one.id}`)
    for (const [, named = ''] of JSON.stringify(document.resources).matchAll(/"reference":"([^"]+)"/g)) t.ok(inside.includes(named), `${named} came along`)
  }
})
