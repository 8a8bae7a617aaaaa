/** What a newcomer does, from the README: start, send, look, and stop; in an empty folder, with the built product. */
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fixture, framed, refero, sendRaw, startProduct, until } from './product.js'

const REFERRAL = fixture('hl7v2/ref-i12-cardiology.hl7')

t.test('a referral sent to a fresh engine is acknowledged, opened by the desk, answered with a letter, and can be found', async (t) => {
  const product = await startProduct(t)
  t.match(product.output(), new RegExp(`referrals-hl7 +mllp://\\S+:${product.mllp}`), 'one line says where the channel listens')
  t.match(product.output(), /\n\d+ of \d+ channels ready[.,]/)
  t.match(product.output(), /npx refero send fixtures\/hl7v2\/ref-i12-cardiology.hl7/, 'it says what to try next')

  const sent = await refero(['send', REFERRAL, '--to', `mllp://127.0.0.1:${product.mllp}`])
  t.equal(sent.code, 0, sent.err)
  t.match(sent.out, /^MSH\|.*\nMSA\|[AC]A\|/)

  const letters = join(product.folder, 'data/letters')
  await until(() => existsSync(letters) && readdirSync(letters).some((name) => name.endsWith('.eml')), product.output)
  t.match(readFileSync(join(letters, readdirSync(letters)[0] as string), 'utf8'), /^Subject: We have your referral R-/m)

  const [listed] = (await product.api('/api/referrals')).body.referrals
  const timeline = async (): Promise<string> => JSON.stringify((await product.api(`/api/referrals/${listed.reference}/timeline`)).body)
  await until(async () => /A letter was written for staff to send, the acknowledgement: through loop-file; by (?:Direct|fax)/.test(await timeline()), product.output)
  t.notMatch(await timeline(), /confirmation is waited for/, 'nobody’s system confirms what staff send')

  const { body } = await product.api('/api/messages?channel=referrals-hl7')
  t.equal(body.messages.length, 1)
  t.equal(body.messages[0].header.type, 'REF^I12')
  await until(async () => (await product.api('/api/messages/1')).body.deliveries[0].status === 'sent')
  const one = (await product.api('/api/messages/1')).body
  t.same(one.history.map(({ what }: { what: string }) => what).sort(), ['acknowledged', 'received', 'sent', 'transformed'])
  t.equal(one.content.text, readFileSync(REFERRAL, 'utf8'), 'what was received is kept as it came')
  const mrn = one.index.find(({ name }: { name: string }) => name === 'mrn').value
  t.equal((await product.api(`/api/messages?field=mrn&value=${mrn}`)).body.messages.length, 1)
  t.equal((await product.api('/api/messages?field=mrn&value=nobody')).body.messages.length, 0)

  const again = await refero(['send', REFERRAL, '--to', `mllp://127.0.0.1:${product.mllp}`])
  t.equal(again.out, sent.out, 'a duplicate gets the same answer, byte for byte')
  t.equal((await product.api('/api/messages?channel=referrals-hl7')).body.messages.length, 1, 'and is not kept twice')

  t.equal((await fetch(`http://127.0.0.1:${product.http}/health`)).status, 200)
  const ready = await product.api('/ready')
  t.match(ready, { status: 200, body: { ready: true, wrong: [] } })
  t.equal(await product.stop(), 0)
  t.match(product.output(), /Stopped/)
})

t.test('a file dropped into the inbox goes the same way, through two channels', async (t) => {
  const product = await startProduct(t)
  await until(() => existsSync(join(product.folder, 'data/inbox')))
  copyFileSync(REFERRAL, join(product.folder, 'data/inbox/today.hl7'))
  const letters = join(product.folder, 'data/letters')
  await until(() => existsSync(letters) && readdirSync(letters).some((name) => name.endsWith('.eml')), product.output)
  const { body } = await product.api('/api/messages?type=REF^I12')
  t.same(body.messages.map(({ channel }: { channel: string }) => channel), ['referrals-hl7', 'referrals-folder'])
  await until(() => readdirSync(join(product.folder, 'data/inbox/done')).length === 1)
})

t.test('the operations API asks for its token, which is stored hashed and can be made anew', async (t) => {
  const product = await startProduct(t)
  t.equal((await product.api('/api/messages', undefined, { authorization: '' })).status, 401)
  t.equal((await product.api('/api/messages', undefined, { authorization: 'Bearer wrong' })).status, 401)
  t.equal((await product.api('/api/messages')).status, 200)
  for (const name of readdirSync(join(product.folder, 'data'))) {
    const file = join(product.folder, 'data', name)
    if (statSync(file).isFile()) t.notOk(readFileSync(file, 'latin1').includes(product.token), `${name} does not hold the token`)
  }
  const made = await refero(['token', '--data', join(product.folder, 'data')])
  t.equal((await product.api('/api/messages')).status, 401, 'the old one no longer holds')
  t.equal((await product.api('/api/messages', undefined, { authorization: `Bearer ${made.out.trim()}` })).status, 200)
})

t.test('a message is replayed after its difference is shown, and a wrong number is a clear error', async (t) => {
  const product = await startProduct(t)
  await sendRaw(product.mllp, framed(readFileSync(REFERRAL)))
  await until(async () => (await product.api('/api/messages/1')).body.deliveries?.[0]?.status === 'sent')
  const env = { REFERO_TOKEN: product.token, REFERO_HTTP_PORT: String(product.http) }
  const shown = await refero(['replay', '1', '--dry-run'], { env })
  t.match(shown, { code: 0, err: /would be transformed, with 1 deliveries[\s\S]*the same content as before/ })
  const unconfirmed = await refero(['replay', '1'], { env })
  t.match(unconfirmed, { code: 1, err: /--yes/ })
  t.match(await refero(['replay', '1', '--yes', '--by', 'dana'], { env }), { code: 0, out: /goes through its steps again/ })
  await until(async () => (await product.api('/api/messages/1')).body.deliveries.length === 2)
  t.ok((await product.api('/api/messages/1')).body.history.some(({ what, by }: { what: string; by: string }) => what === 'replayed' && by === 'dana'))
  t.match(await refero(['replay', '77', '--yes'], { env }), { code: 2, err: /No message has the number 77/ })
  t.match(await refero(['replay', '1', '--yes'], { env: { ...env, REFERO_TOKEN: 'wrong' } }), { code: 2, err: /token/ })
})

t.test('two engines do not run on one data folder', async (t) => {
  const product = await startProduct(t)
  const second = await refero(['serve', '--data', join(product.folder, 'data')], { env: { REFERO_HTTP_PORT: '0', REFERO_MLLP_PORT: '1' } })
  t.match(second, { code: 2, err: /Another engine is running on this data folder/ })
})

t.test('commands explain themselves, and a slip is answered with the nearest word', async (t) => {
  const help = await refero(['help'])
  t.equal(help.code, 0)
  for (const name of ['serve', 'check', 'test', 'send', 'replay', 'deploy', 'rollback', 'channel']) t.match(help.out, new RegExp(`refero ${name} `), name)
  t.match(await refero(['help', 'send']), { code: 0, out: /--to URL/ })
  t.match(await refero(['sned']), { code: 2, err: /did you mean `send`/ })
  t.match(await refero(['send', '--too', 'x']), { code: 2, err: /--too/ })
  t.match(await refero(['send', 'no-such-file']), { code: 2, err: /no-such-file: there is no such file/ })
  t.match(await refero(['send', REFERRAL, '--to', 'mllp://127.0.0.1:1']), { code: 2, out: /unavailable/ })
})
