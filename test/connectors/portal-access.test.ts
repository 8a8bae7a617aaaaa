/** The portal over real sockets: who comes in, what programs send, and what whoever sent a referral may know of it. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Inbound } from '../../engine/contracts.js'
import { attachmentsOf, contentOf, readMail } from '../../engine/formats/mime/mail.js'
import { signingKey, statusLink } from '../../engine/web/signed.js'
import { bundleIn, CODE, EVE, fateWith, hidden, LIMITS, portal, resource } from './portal-kit.js'
import { accepted, failing, rejected } from './tools.js'

t.test('a link comes by e-mail to whom is known, works once, and the page tells nobody who is', async (t) => {
  const { mail, mails, visitor, tools, connector } = await portal(t)
  const { post, csrf, go } = visitor()
  const token = await csrf('/portal')
  const unknown = await post('/portal/link', { csrf: token, email: 'nobody@elsewhere.example' })
  const known = await post('/portal/link', { csrf: token, email: 'ines.bell@meadow.example' })
  t.equal(unknown.text, known.text)
  const sent = await mail()
  const text = contentOf(readMail(sent.bytes, LIMITS)).toString()
  t.match(sent.bytes.toString(), /^To: ines\.bell@meadow\.example\r$/m)
  const link = /\/portal\/enter\?t=[\w.-]+/.exec(text)?.[0] ?? ''
  for (const _ of [1, 2]) t.equal((await go(link)).status, 200, 'a program that looks at mails uses nothing up')
  const fields = { csrf: await csrf('/portal'), t: new URL(link, 'http://x').searchParams.get('t') ?? '' }
  t.equal((await post('/portal/enter', { ...fields, t: `${fields.t}x` })).status, 403)
  t.equal((await post('/portal/enter', fields)).to, '/portal/new')
  t.match((await go('/portal/new')).text, /value="ines\.bell@meadow\.example"/)
  const other = visitor()
  t.equal((await other.post('/portal/enter', { ...fields, csrf: await other.csrf('/portal') })).status, 403, 'a link that was used')
  for (let n = 0; n < 6; n++) await other.post('/portal/link', { csrf: await other.csrf('/portal'), email: 'ines.bell@meadow.example' })
  await connector.stop()
  t.equal(mails.length, 3, 'a mailbox is not flooded')
  await connector.start(async () => accepted)
  t.equal((await other.post('/portal/enter', { ...fields, csrf: await other.csrf('/portal') })).status, 403, 'nor after a restart')
  tools.clock.advance(16 * 60_000)
  t.equal((await other.go(/\/portal\/enter\?t=[\w.-]+/.exec(contentOf(readMail(mails[1]?.bytes as Buffer, LIMITS)).toString())?.[0] ?? '')).status, 403, 'a link whose time has passed')
})

t.test('access codes are not guessed', async (t) => {
  const { visitor } = await portal(t)
  const { post, csrf } = visitor()
  const token = await csrf('/portal')
  const answers = []
  for (let n = 0; n < 12; n++) answers.push((await post('/portal/code', { csrf: token, code: n === 11 ? CODE : `wrong-code-${n}` })).status)
  t.same([...new Set(answers.slice(0, 10))], [403])
  t.same(answers.slice(10), [429, 429], 'the right one comes too late')
})

t.test('the status is for who has the number and the date of birth; any other answer is the same', async (t) => {
  const { desk, visitor, given, tools, data } = await portal(t)
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [
    { fullUrl: 'urn:uuid:6f1c0f6e-0000-4000-8000-000000000001', resource: { resourceType: 'Patient', name: [{ family: 'Quillfeather', given: ['Eve'] }], birthDate: '1961-06-15' } },
    { fullUrl: 'urn:uuid:6f1c0f6e-0000-4000-8000-000000000002', resource: { resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: { reference: 'urn:uuid:6f1c0f6e-0000-4000-8000-000000000001' }, reasonCode: [{ text: 'Palpitations' }] } },
  ] }
  const { state } = await desk.open({ command: 'c1', bundle, direction: 'inbound', by: { kind: 'channel', name: 'x' }, via: 'x', at: tools.clock.now() })
  const { reference } = state
  await desk.tell({ command: 'c2', referral: state.id, news: [
    { name: 'accepted', at: '2026-03-03T15:00:00Z', by: { kind: 'person', name: 'Nurse Secret' }, facts: { words: 'internal words' } },
    { name: 'scheduled', at: '2026-03-03T16:00:00Z', by: { kind: 'person', name: 'Nurse Secret' }, facts: { appointment: { id: '7', start: '2026-03-10T19:00:00Z', with: 'Dr Rao', at: 'Main St' } } },
  ] })
  const ask = async (values: Record<string, string>) => {
    const one = visitor()
    return { one, page: await one.post('/portal/status', { csrf: await one.csrf('/portal'), ...values }) }
  }
  const wrongs = [{ reference, birthDate: '1961-06-16' }, { reference: 'R-2222-2222', birthDate: '1961-06-15' }, { reference: 'rubbish', birthDate: '' }, { reference, birthDate: '' }]
  const texts = []
  for (const wrong of wrongs) {
    const { page } = await ask(wrong)
    t.equal(page.status, 422)
    texts.push(page.text.replace(/value="[^"]*"/g, ''))
  }
  t.equal(new Set(texts).size, 1)
  const { one, page } = await ask({ reference: reference.toLowerCase().replace(/-/g, ' '), birthDate: '1961-06-15' })
  t.equal(page.status, 303, page.text)
  const seen = await one.go(page.to)
  t.match(seen.text, /Received[\s\S]*Accepted[\s\S]*Scheduled: Tuesday, March 10, 2026 at 2:00\sPM CDT with Dr Rao at Main St/)
  t.notMatch(seen.text, /Nurse|internal|Quillfeather|matched|candidate/i)
  t.match((await one.go(page.to, { headers: { 'accept-language': 'es' } })).text, /Cita acordada/)
  t.equal((await visitor().go(page.to)).status, 404, 'another browser')
  const more = new FormData()
  for (const [name, value] of Object.entries({ csrf: hidden(seen.text, 'csrf'), submission: hidden(seen.text, 'submission'), reference, patientPhone: '608-555-0117', patientLastName: 'Somebody' })) more.set(name, value)
  more.append('documents', new Blob(['%PDF-1.4']), 'ecg.pdf')
  t.match((await one.send(more, '/portal/more')).to, `n=${reference}&sent=1`)
  t.match(given[0]?.bytes.toString(), `X-Refero-Reference: ${reference}`)
  t.equal(resource(bundleIn(given[0] as Inbound), 'Patient')?.name, undefined, 'only what was asked for is taken')
  more.set('reference', 'R-2222-2222')
  t.equal((await one.send(more, '/portal/more')).status, 404, 'nothing is added to what one may not see')
  const key = signingKey(undefined, data)
  t.equal(statSync(join(data, 'portal.key')).mode & 0o777, 0o600)
  const until = new Date(tools.clock.now().getTime() + 1000)
  const link = statusLink(key, '/portal', reference, until)
  t.match(await visitor().go(link), { status: 200, text: /Main St/ })
  t.equal((await visitor().go(link.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')))).status, 403)
  tools.clock.advance(2000)
  t.equal((await visitor().go(link)).status, 403, 'a link whose time has passed')
  const guesses = []
  for (let n = 0; n < 12; n++) guesses.push((await ask({ reference, birthDate: `19${60 + n}-01-01` })).page.status)
  t.equal(guesses.at(-1), 429)
})

t.test('programs send the form as JSON or FHIR, and are told the number or the field at fault', async (t) => {
  const api = { path: '/intake/referrals', token: 'a-token' }
  const { url, given } = await portal(t, { api, rate: { requests: 60, within: '1m' } }, { reply: (n) => (n === 4 ? failing : n === 5 ? rejected : accepted), fate: async (key) => (key.endsWith('x') ? null : fateWith({ what: 'opened', reference: 'R-7K3M-9QX4' })) })
  const at = `${url}/intake/referrals`
  const post = async (body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(at, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body), headers: { authorization: 'Bearer a-token', 'content-type': 'application/json', ...headers } })
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) }
  }
  const pdf = Buffer.from('%PDF-1.4 x')
  const first = await post({ ...EVE, documents: [{ filename: 'a.pdf', data: pdf.toString('base64') }] }, { 'idempotency-key': 'k1' })
  t.match(first, { status: 201, body: { reference: 'R-7K3M-9QX4', state: 'here' } })
  t.equal(first.headers.get('location'), first.body.status)
  t.ok(contentOf(attachmentsOf(readMail(given[0]?.bytes as Buffer, LIMITS))[1]?.part as never).equals(pdf))
  await post({ ...EVE, documents: [{ filename: 'a.pdf', data: pdf.toString('base64') }] }, { 'idempotency-key': 'k1' })
  t.equal(given[0]?.key, given[1]?.key, 'sent again it is the same')
  const fhir = '{ "resourceType": "ServiceRequest", "status": "active", "intent": "order" }'
  t.equal((await post(fhir, { 'content-type': 'application/fhir+json' })).status, 201)
  t.equal(contentOf(readMail(given[2]?.bytes as Buffer, LIMITS).parts[0] ?? readMail(given[2]?.bytes as Buffer, LIMITS)).toString(), fhir)
  t.equal((await post(EVE)).status, 503)
  t.match(await post(EVE), { status: 422, body: { problems: [{ reason: /PID-3/ }] } })
  t.match(await (await fetch(`${at}/${first.body.id}`, { headers: { authorization: 'Bearer a-token' } })).json(), { reference: 'R-7K3M-9QX4' })
  const table: readonly (readonly [unknown, string, RegExp])[] = [
    [{ ...EVE, patientBirthDate: '15.06.1961' }, '/patientBirthDate', /YYYY-MM-DD/], [{ ...EVE, reason: undefined }, '/reason', /required/], [{ ...EVE, reason: 7 }, '/reason', /no text/], [{ ...EVE, urgancy: 'x' }, '/urgancy', /did you mean "urgency"/], [{ ...EVE, urgency: 'SOON' }, '/urgency', /ROUTINE, URGENT, STAT/],
    [{ ...EVE, documents: {} }, '/documents', /list/], [{ ...EVE, documents: [{ data: '***' }] }, '/documents/0/data', /Base64/], [{ ...EVE, documents: [{ filename: 'x.pdf', data: 'TVqQ' }] }, '/documents/0/data', /program/], ['[]', '', /object/], ['{', '', /JSON/], [{ ...EVE, 'a/b~c': 'x' }, '/a~1b~0c', /no field/],
  ]
  for (const [body, pointer, reason] of table) {
    const answer = await post(body)
    t.equal(answer.status, 422, pointer)
    t.match(answer.body.problems, [{ pointer, reason }], pointer)
    t.notMatch(JSON.stringify(answer.body), /Quillfeather/)
  }
  t.match(await post({ resourceType: 'Patient' }, { 'content-type': 'application/fhir+json' }), { status: 422, body: { resourceType: 'OperationOutcome', issue: [{ severity: 'error', code: 'processing', diagnostics: '/resourceType is neither ServiceRequest nor Bundle' }] } }, 'FHIR is answered in FHIR')
  for (const entry of [undefined, [], 'x', [null, { resource: null }, { resource: { resourceType: 'Patient' } }]]) t.match(await post({ resourceType: 'Bundle', type: 'collection', entry }, { 'content-type': 'application/fhir+json' }), { status: 422, body: { issue: [{ diagnostics: /^\/entry .*ServiceRequest/ }] } })
  t.equal((await post(EVE, { authorization: 'Bearer other' })).status, 401)
  t.equal((await post(EVE, { 'content-type': 'text/plain' })).status, 415)
  const many = await Promise.all(Array.from({ length: 60 }, () => post('{')))
  t.ok(many.some(({ status }) => status === 429))
  t.equal(given.length, 5)
})

t.test('an API without a token takes what this machine sends itself', async (t) => {
  const { url } = await portal(t, { api: { path: '/intake/referrals', local: true } })
  const post = (headers: Record<string, string>) => fetch(`${url}/intake/referrals`, { method: 'POST', body: '{', headers: { 'content-type': 'application/json', ...headers } })
  t.equal((await post({})).status, 422)
  t.equal((await post({ 'x-forwarded-for': '203.0.113.9' })).status, 403, 'not what a proxy brings')
})

t.test('used links are forgotten once they would not hold any longer', async (t) => {
  const { connector, data, mail, tools, visitor } = await portal(t)
  const { post, csrf } = visitor()
  await post('/portal/link', { csrf: await csrf('/portal'), email: 'ines.bell@meadow.example' })
  const token = /enter\?t=([\w.-]+)/.exec(contentOf(readMail((await mail()).bytes, LIMITS)).toString())?.[1] ?? ''
  await post('/portal/enter', { csrf: await csrf('/portal'), t: token })
  const used = () => readdirSync(join(data, 'portal', 'used')).length
  t.equal(used(), 1)
  tools.clock.advance(16 * 60_000)
  await connector.stop()
  await connector.start(async () => accepted)
  t.equal(used(), 0)
})
