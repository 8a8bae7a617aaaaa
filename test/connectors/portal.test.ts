/** The portal's form over real sockets: what is entered and sent, what is refused, and what nobody can break. */
import http from 'node:http'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readForm } from '../../connectors/portal/form-data.js'
import source from '../../connectors/portal/source.js'
import type { Inbound } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { attachmentsOf, contentOf, readMail } from '../../engine/formats/mime/mail.js'
import { openMappings } from '../../engine/mappings.js'
import { bundleIn, CODE, EVE, fateWith, hidden, LIMITS, portal, resource, ROOT, SETTINGS, type Settings } from './portal-kit.js'
import { accepted, failing, rejected, testTools } from './tools.js'

t.test('a referral is entered and sent without any script, and comes with its documents byte for byte and the field of every value', async (t) => {
  const { given, visitor } = await portal(t, SETTINGS, { fate: async () => fateWith({ what: 'opened', reference: 'R-7K3M-9QX4' }) })
  const { go, signIn, filled, send } = visitor()
  const start = await go('/portal')
  t.match(start.headers.get('content-security-policy'), /default-src 'none'.*frame-ancestors 'none'/)
  t.notMatch(start.headers.get('content-security-policy'), /unsafe/)
  t.match(start.headers.get('set-cookie'), /HttpOnly; SameSite=Strict$/)
  t.notMatch(start.text, /<script>|style="|onclick/)
  t.match((await go('/portal/new')).to, '/portal', 'nobody enters a referral who is not known')
  await signIn()
  const form = await go('/portal/new', { headers: { 'accept-language': 'fr, es;q=0.8, en;q=0.5' } })
  t.match(form.text, /<html lang="es">[\s\S]*Apellidos/)
  for (const [, id] of form.text.matchAll(/<(?:input id|select id|textarea id)="(\w+)"/g)) t.match(form.text, `<label for="${id}">`, `${id} has a label`)
  const pdf = Buffer.concat([Buffer.from('%PDF-1.4\r\n'), Buffer.from(Array.from({ length: 256 }, (_, n) => n)), Buffer.from('\r\n--not-the-boundary\r\n')])
  const sent = await send(await filled(EVE, [['écg "1".pdf', pdf], ['note.txt', 'plain\ntext']]))
  t.equal(sent.status, 303)
  const [inbound] = given as [Inbound]
  const mail = readMail(inbound.bytes, LIMITS)
  t.match(inbound.bytes.toString('latin1'), /^X-Refero-Kind: portal\r$/m)
  t.same(attachmentsOf(mail).map(({ filename, type }) => [filename, type]), [['referral.json', 'application/fhir+json'], ['écg "1".pdf', 'application/pdf'], ['note.txt', 'text/plain']])
  t.ok(contentOf(attachmentsOf(mail)[1]?.part as never).equals(pdf))
  const bundle = bundleIn(inbound)
  t.match(resource(bundle, 'Patient'), { name: [{ family: 'Quillfeather', given: ['Eve'] }], birthDate: '1961-06-15', gender: 'female' })
  t.match(resource(bundle, 'ServiceRequest'), { priority: 'urgent', reasonCode: [{ text: EVE.reason }] })
  t.match(JSON.stringify(resource(bundle, 'Provenance')), /"urn:refero:value-source","valueString":"birthDate patientBirthDate".*"display":"portal form"/)
  const done = await go(sent.to)
  t.match(done.text, /R-7K3M-9QX4/)
  t.equal(done.headers.get('refresh'), null)
})

t.test('a double click is one referral; what was changed before it was sent again is another message', async (t) => {
  const { given, visitor } = await portal(t)
  const { signIn, filled, send, go } = visitor()
  await signIn()
  const form = await filled(EVE, [['a.txt', 'one']])
  const [first, second] = await Promise.all([send(form), send(form)])
  t.equal(first.to, second.to)
  t.equal(new Set(given.map(({ key }) => key)).size, 1, 'the engine keeps what has one key once')
  t.ok(given[0]?.bytes.equals(given[1]?.bytes as Buffer))
  form.set('reason', 'another')
  await send(form)
  t.equal(new Set(given.map(({ key }) => key)).size, 2)
  const waiting = await go(first.to)
  t.equal(waiting.headers.get('refresh'), '3', 'without a number yet the page looks again')
})

t.test('what is wrong is said in words that lead to the field, and what was entered is kept', async (t) => {
  const { given, visitor } = await portal(t)
  const { signIn, filled, send } = visitor()
  await signIn()
  const wrong = await send(await filled({ ...EVE, patientLastName: '', patientBirthDate: '2126-01-01', urgency: 'SOON', referrerNpi: '1548291734', diagnosis: '???' }))
  t.equal(wrong.status, 422)
  for (const id of ['patientLastName', 'patientBirthDate', 'urgency', 'referrerNpi', 'diagnosis']) t.match(wrong.text, new RegExp(`<a href="#${id}">[^<]+</a>[\\s\\S]*id="${id}"[^>]*aria-invalid="true" aria-describedby="[^"]*${id}-error`), id)
  t.match(wrong.text, /Palpitaciones, &quot;raras&quot; &lt;b&gt;/)
  t.notMatch(wrong.text, /<b>/)
  const files: readonly (readonly [string, string | Buffer, RegExp])[] = [
    ['letter.pdf', Buffer.from('MZ\x90\0'), /is a program/], ['letter.js', 'alert(1)', /is a program/], ['run.pdf', '#!/bin/sh', /is a program/], ['page.txt', '<html><script>', /of a kind/], ['ecg.pdf', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), /not what its name says/],
    ['empty.pdf', '', /is empty/], ['x.docx', 'PK\x03\x04 plain zip', /of a kind/], ['x.txt', '{"resourceType":"Bundle"}', /of a kind/], ['x.xml', '<?xml version="1.0"?><other/>', /of a kind/], ['macro.docx', 'PK\x03\x04[Content_Types].xml word/document.xml word/vbaProject.bin', /of a kind/],
    ['big.pdf', Buffer.concat([Buffer.from('%PDF-1.4'), Buffer.alloc(21 * 1024 ** 2)]), /larger than 20 MB/],
  ]
  for (const [name, content, says] of files) {
    const refused = await send(await filled(EVE, [['good.txt', 'good'], [name, content]]))
    t.equal(refused.status, 422, name)
    t.match(refused.text, says, name)
    t.match(refused.text, /The file 2[\s\S]*value="Quillfeather"[\s\S]*choose your documents again/)
  }
  const taken = [['x.docx', 'PK\x03\x04[Content_Types].xml word/document.xml'], ['x.xml', '<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"/>'], ['x.tif', 'II*\0'], ['x.heic', '\0\0\0\x18ftypheic'], ['x.jpg', Buffer.from('\xff\xd8\xff', 'latin1')]] as const
  t.equal((await send(await filled(EVE, taken))).status, 303)
  t.equal((await send(await filled(EVE, [['a.pdf', Buffer.concat([Buffer.from('%PDF-'), Buffer.alloc(19 * 1024 ** 2)])], ['b.pdf', Buffer.concat([Buffer.from('%PDF-'), Buffer.alloc(14 * 1024 ** 2)])]]))).status, 413, 'too much together is not even read')
  t.equal(given.length, 1)
})

t.test('a store that fails says so, keeps the form, and loses nothing when it is sent again', async (t) => {
  const { given, visitor } = await portal(t, SETTINGS, { reply: (n) => { if (n === 1) return failing; if (n === 2) throw new Error('Quillfeather'); return n === 3 ? rejected : accepted } })
  const { signIn, filled, send } = visitor()
  await signIn()
  const form = await filled()
  for (const _ of [1, 2]) {
    const answer = await send(form)
    t.equal(answer.status, 503)
    t.match(answer.text, /NOT sent[\s\S]*value="Quillfeather"/)
    t.equal(hidden(answer.text, 'submission'), form.get('submission'))
  }
  t.equal((await send(form)).status, 422, 'what can never be a referral')
  t.equal((await send(form)).status, 303)
  t.equal(new Set(given.map(({ key }) => key)).size, 1)
})

t.test('forms of others, of nobody, of the wrong kind or in another charset are refused', async (t) => {
  const { given, visitor, url } = await portal(t)
  const { signIn, filled, send, post, go, cookie } = visitor()
  t.equal((await post('/portal/code', { code: CODE })).status, 403, 'no session')
  await signIn()
  const form = await filled()
  form.delete('csrf')
  t.equal((await send(form)).status, 403, 'no token')
  form.set('csrf', await visitor().csrf('/portal'))
  t.equal((await send(form)).status, 403, 'the token of another session')
  t.equal((await send(await filled(), '/portal/new', { 'sec-fetch-site': 'cross-site' })).status, 403)
  t.equal((await visitor().send(await filled())).status, 403, 'nobody')
  t.equal((await go('/portal/new', { headers: { cookie: `${cookie().slice(0, -3)}xxx` } })).to, '/portal', 'a cookie that was changed')
  for (const [type, body] of [['application/json', '{}'], ['text/plain', 'x'], ['multipart/form-data; boundary=x', '--x\r\n\r\nno name\r\n--x--']] as const) t.equal((await go('/portal/new', { method: 'POST', body, headers: { 'content-type': type } })).status, 400, type)
  const latin = await go('/portal/new', { method: 'POST', body: new Uint8Array(Buffer.from('--x\r\nContent-Disposition: form-data; name="reason"\r\n\r\nni\xf1o\r\n--x--', 'latin1')), headers: { 'content-type': 'multipart/form-data; boundary=x' } })
  t.equal(latin.status, 400, 'bytes that are no UTF-8')
  for (const method of ['PUT', 'DELETE']) t.equal((await go('/portal/new', { method })).status, 405)
  for (const path of ['/portal/../x', '/portal/constructor', '/portal/new/below', '/portal/__proto__']) t.equal((await go(path)).status, 404, path)
  await new Promise<void>((resolve) => { // half a body, and then gone
    const slow = http.request(`${url}/portal/new`, { method: 'POST', headers: { cookie: cookie(), 'content-type': 'multipart/form-data; boundary=x', 'content-length': 1000 } }, () => undefined)
    slow.on('error', () => undefined).on('close', resolve).write('--x\r\n', () => slow.destroy())
  })
  t.equal((await send(await filled())).status, 303, 'others go on')
  t.equal(given.length, 1)
})

t.test('settings that contradict each other are said in a sentence', async (t) => {
  const mappings = openMappings(join(ROOT, 'mappings'))
  const tools = { ...testTools(''), mapping: mappings.mapping, table: mappings.table }
  const { link, ...without } = SETTINGS
  const table: readonly (readonly [Settings, RegExp])[] = [
    [{}, /a `path` for the form, an `api`/], [{ path: '/portal' }, /`practice`/], [{ path: '/portal', practice: { name: 'x' } }, /must be known/], [{ ...without, url: undefined as never, link }, /needs `url`/], [{ api: { path: '/x' } }, /whoever sends must be known/],
    [{ api: { path: '/x', token: 'x', local: true } }, /leave one out/], [{ ...SETTINGS, key: 'short' }, /fewer than 32/], [{ ...SETTINGS, maximum: '40MB' }, /36MB/], [{ ...SETTINGS, largest: '33MB' }, /`largest`/], [{ ...SETTINGS, link: { ...SETTINGS.link, from: 'x' } }, /one e-mail address/],
  ]
  for (const [settings, says] of table) t.throws(() => source.create(settings, tools), { message: says })
  const own = t.testdir({ portal: {} })
  writeFileSync(join(own, 'portal', 'form.yaml'), 'sections: { a: { en: A, es: A } }\nfields:\n  name: { section: b, to: "patient name[*].family", label: { en: N, es: N } }\n')
  const wrong = openMappings(own, join(ROOT, 'mappings'))
  t.throws(() => source.create(SETTINGS, { ...tools, mapping: wrong.mapping, table: wrong.table }), { message: /form\.yaml:3:\d+: there is no section "b"; there are a\./ })
})

t.test('no form that anybody sends does more than be refused', async (t) => {
  let seed = 7
  const random = (below: number): number => { seed = (seed * 1103515245 + 12345) % 2 ** 31; return seed % below }
  const whole = Buffer.from('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue\r\n--b\r\nContent-Disposition: form-data; name="documents"; filename="x.pdf"\r\nContent-Type: application/pdf\r\n\r\n%PDF\r\n--b--\r\n')
  const pieces = ['--b', '--b--', '\r\n', '\n', '\r\n\r\n', 'Content-Disposition: form-data; name=', '"', ';', 'filename*=utf-8\'\'%zz', 'Content-Type: multipart/mixed; boundary=b', '\0', '\xff', '=?utf-8?B?', 'Content-Transfer-Encoding: base64']
  let read = 0
  for (let n = 0; n < 3000; n++) {
    const bytes = Buffer.from(whole)
    for (let changes = random(6); changes >= 0; changes--) bytes[random(bytes.length)] = random(256)
    const at = random(bytes.length)
    const body = Buffer.concat([bytes.subarray(0, at), Buffer.from(pieces[random(pieces.length)] ?? '', 'latin1'), bytes.subarray(random(2) === 0 ? at : random(bytes.length))])
    try {
      const { fields, files } = readForm(random(10) === 0 ? 'application/x-www-form-urlencoded' : `multipart/form-data; boundary=${random(8) === 0 ? '"b' : 'b'}`, body)
      for (const { filename } of files) t.ok(filename.length <= 200 && !/[/\\\0-\x1f]/.test(filename) || t.fail(filename))
      read += fields.size + files.length
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
    }
  }
  t.ok(read > 100, 'some could be read')
  t.throws(() => readForm('multipart/form-data; boundary=b', Buffer.from('--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'.repeat(300))), MessageFault)
  t.throws(() => readForm('application/x-www-form-urlencoded', Buffer.from('a=1&'.repeat(100_000))), MessageFault)
})

