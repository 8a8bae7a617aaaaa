/** What EHRs tell by FHIR, alone or in bundles, with numbers or with references as their servers write them. */
import t from 'tap'
import { a28, BY, carry, chart, DAY, EVE, feed, notices, open, ref, stage, state, world } from './desk-kit.js'

const at = (day: number): string => `2026-03-${String(day).padStart(2, '0')}T15:00:00Z`

t.test('FHIR: an appointment, a visit, a task and a document, alone or in a bundle, with or without a time of their own', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id } } = await open(w, ref())
  const base = 'https://ehr.example/fhir'
  await carry(w, { hand: { identifiers: [{ kind: 'request', value: `${base}/ServiceRequest/s1` }, { kind: 'task', value: `${base}/Task/t1` }] } })
  await w.clock.pass(DAY)
  const bundle = (resource: { readonly resourceType: string; readonly id: string; readonly [name: string]: unknown }): object => ({ resourceType: 'Bundle', type: 'subscription-notification', entry: [{ fullUrl: `${base}/${resource.resourceType}/${resource.id}`, resource }] })
  await feed(w, bundle({ resourceType: 'Task', id: 't1', status: 'accepted', intent: 'order', focus: { reference: 'ServiceRequest/s1' } }))
  t.equal(await stage(w, id), 'accepted', 'by the task itself, or by a relative reference')
  await feed(w, bundle({ resourceType: 'Task', id: 't1', status: 'accepted', intent: 'order', focus: { reference: 'ServiceRequest/s1' }, lastModified: w.clock.now().toISOString() }))
  t.equal((await notices(w, id, 'status')).length, 1, 'accepted again is no news')
  await feed(w, { resourceType: 'Appointment', id: 'a1', status: 'booked', start: at(9), basedOn: [{ reference: `${base}/ServiceRequest/s1` }], participant: [] })
  t.match(await state(w, id), { stage: 'scheduled', appointment: { start: '2026-03-09T15:00:00.000Z' } }, 'with no time of its own it was said when it was heard')
  await w.clock.pass(6 * DAY)
  await feed(w, bundle({ resourceType: 'Encounter', id: 'e1', status: 'in-progress', class: { code: 'AMB' }, basedOn: [{ reference: 'ServiceRequest/s1' }] }))
  t.equal(await stage(w, id), 'seen')
  const document = { resourceType: 'DocumentReference', id: 'd1', status: 'current', docStatus: 'preliminary', content: [{ attachment: { contentType: 'text/plain', data: Buffer.from('Signed').toString('base64') } }], context: { encounter: [{ reference: `${base}/Encounter/e1` }] }, masterIdentifier: { system: 'urn:x', value: 'd1' } }
  await feed(w, document)
  t.equal(await stage(w, id), 'seen')
  await feed(w, { ...document, docStatus: 'final' })
  t.equal(await stage(w, id), 'reported', 'by the visit')
  await t.rejects(w.desk.feedback({ command: 'x', bundle: 'text', by: BY, via: 'v', at: w.clock.now() }), { name: 'DeskRefusal' })
})

t.test('FHIR: what an EHR tells alone, with references as its own server writes them, is about what was handed over there; what we wrote ourselves tells nothing', async (t) => {
  const w = world(t)
  await chart(w, a28(EVE))
  const { state: { id, reference } } = await open(w, ref())
  await carry(w, { hand: { identifiers: [{ kind: 'request', value: '|ServiceRequest/s1' }, { kind: 'task', value: '|Task/t1' }] } })
  await w.clock.pass(DAY)
  const content = [{ attachment: { contentType: 'text/plain', data: Buffer.from('Referral').toString('base64') } }]
  t.match(await feed(w, { resourceType: 'DocumentReference', id: 'd0', identifier: [{ system: 'urn:refero:referral', value: `${reference}/summary` }], status: 'current', docStatus: 'final', description: `Referral ${reference}`, content }), { what: 'nothing' })
  const booked = { resourceType: 'Appointment', id: 'a1', status: 'booked', start: at(9), basedOn: [{ reference: 'ServiceRequest/s1' }], participant: [] }
  t.match(await feed(w, booked, 'ecw-north'), { what: 'nothing' }, 'the same name on another server is another order')
  t.match(await feed(w, booked, null), { what: 'stray', told: [] }, 'nor is it that of a specialist: a person sees it')
  await feed(w, booked)
  t.equal(await stage(w, id), 'scheduled')
  await w.clock.pass(6 * DAY)
  await feed(w, { resourceType: 'Encounter', id: 'e1', status: 'finished', class: { code: 'AMB' }, appointment: [{ reference: 'Appointment/a1' }] })
  t.equal(await stage(w, id), 'seen', 'an appointment that has no number is known by where it is')
  t.match(await feed(w, { resourceType: 'DocumentReference', id: 'd2', status: 'current', docStatus: 'final', content, context: { encounter: [{ reference: 'Encounter/e2' }] } }), { what: 'nothing' }, 'another visit')
  await feed(w, { resourceType: 'DocumentReference', id: 'd1', masterIdentifier: { value: 'd1' }, status: 'current', docStatus: 'final', content, context: { encounter: [{ reference: 'Encounter/e1' }] } })
  t.equal(await stage(w, id), 'reported')
})
