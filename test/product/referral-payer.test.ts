/** Payers, over real sockets and files: an X12 request from their SFTP server, answered there, and what they decide about it by FHIR. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { removeSshd, sshdIsMissing, startSshd } from '../connectors/sshd.js'
import { type Answer, fixture, startProduct, until } from './product.js'

const sshd = sshdIsMissing === null ? await startSshd() : null
if (sshd) t.teardown(() => removeSshd(sshd))
const [out, back] = [join(sshd?.home ?? '', 'out'), join(sshd?.home ?? '', 'in')]
if (sshd) for (const folder of [out, back]) mkdirSync(folder)
const product = await startProduct(t, { env: {
  REFERO_LOG_LEVEL: 'warn',
  ...(sshd && {
    REFERO_PAYER_SFTP: 'true', REFERO_PAYER_SFTP_HOST: sshd.server.host, REFERO_PAYER_SFTP_PORT: String(sshd.server.port), REFERO_PAYER_SFTP_USER: sshd.server.user, REFERO_SECRET_PAYER_KEY: sshd.server.key,
    REFERO_PAYER_SFTP_HOSTKEY: sshd.server.hostKey, REFERO_PAYER_SFTP_FOLDER: out, REFERO_PAYER_SFTP_ANSWERS: back, REFERO_PAYER_SFTP_EVERY: '200ms',
  }),
} })
const REQUEST = readFileSync(fixture('x12/278-request.x12'))
/** As a payer's server gets it: under another name until it is whole. */
const leave = (name: string, bytes: Buffer): void => {
  writeFileSync(join(out, `.${name}`), bytes)
  renameSync(join(out, `.${name}`), join(out, name))
}
const referrals = async (): Promise<readonly Answer[]> => (await product.api('/api/referrals?limit=200')).body.referrals
const one = async (reference: string): Promise<Answer> => (await product.api(`/api/referrals/${reference}`)).body
const pas = async (body: Buffer | string, type = 'application/fhir+json'): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://127.0.0.1:${product.http}/intake/pas`, { method: 'POST', headers: { 'content-type': type }, body })
  return { status: response.status, text: await response.text() }
}
const timeline = async (reference: string): Promise<string> => JSON.stringify((await product.api(`/api/referrals/${reference}/timeline`)).body.events)

t.test('a request on a payer’s server is one referral, answered beside it; what cannot be read is refused there, and others go on', { skip: sshdIsMissing ?? false }, async (t) => {
  leave('a.278', REQUEST)
  await until(async () => (await referrals()).length === 1, product.output)
  await until(() => existsSync(join(back, 'a.278.answer')), product.output)
  t.match(readFileSync(join(back, 'a.278.answer'), 'utf8'), /IK5\*A~/)
  leave('b.278', REQUEST)
  leave('broken.278', REQUEST.subarray(0, 600))
  leave('c.278', Buffer.from(REQUEST.toString('latin1').replaceAll('000000101', '000000102').replaceAll('R2026-00117', 'R2026-00118').replaceAll('GL20260302001', 'GL20260302002').replaceAll('EVERYWOMAN*EVE', 'TARR*MARNIE').replaceAll('GLH551920034', 'GLH551920035'), 'latin1'))
  await until(() => ['b', 'broken', 'c'].every((name) => existsSync(join(back, `${name}.278.answer`))), () => `${readdirSync(back)}\n${product.output()}`)
  t.match(readFileSync(join(back, 'broken.278.answer'), 'utf8'), /TA1\*000000101\*[0-9]{6}\*[0-9]{4}\*R\*/)
  t.match(readdirSync(join(out, 'failed')), ['broken.278', 'broken.278.reason.txt'])
  await until(async () => (await referrals()).length === 2, product.output)
  t.equal((await referrals()).length, 2, 'the same file under another name is no second referral')
})

t.test('what the payer decides by FHIR comes to the referral that it names; a refusal waits for a person, and what fits none too', async (t) => {
  if (!sshd) writeFileSync(join(product.folder, 'data/payer/a.278'), REQUEST)
  await until(async () => (await referrals()).length > 0, product.output)
  const { reference } = (await referrals()).at(-1)
  t.match(await pas(readFileSync(fixture('fhir/pas-pended.json'))), { status: 200 })
  await until(async () => /authorization pended/.test(await timeline(reference)), product.output)
  t.match(await pas(readFileSync(fixture('fhir/pas-denied.json'))), { status: 200 })
  await until(async () => (await one(reference)).holds.some(({ reason }: Answer) => /not certified.*Requires medical review/.test(reason)), product.output)
  t.match(await pas(readFileSync(fixture('fhir/pas-certified.json'))), { status: 200 })
  await until(async () => /number GLA990127, 3 visits, 2026-03-05 – 2026-06-05/.test(await timeline(reference)), product.output)
  t.notOk((await one(reference)).holds.some(({ reason }: Answer) => /not certified/.test(reason)), 'the payer has decided otherwise since')
  const strays = (await product.api('/api/referrals/strays')).body.strays.length
  t.match(await pas(readFileSync(fixture('fhir/pas-certified.json'), 'utf8').replaceAll('R2026-00117', 'R2026-99999').replaceAll('EVERYWOMAN', 'NOBODY').replaceAll('GLH551920034', 'X1')), { status: 200 })
  t.equal((await product.api('/api/referrals/strays')).body.strays.length, strays + 1)
  const before = (await referrals()).length
  for (const [wrong, type] of [['', undefined], ['{"resourceType":"Patient"}', undefined], ['not json', undefined], [Buffer.from([0xff, 0xfe, 0x7b]), undefined], ['{"resourceType":"Bundle"}', undefined]] as const) {
    const { status, text } = await pas(wrong, type)
    t.match(status, /^4/, String(wrong))
    t.ok(text.length > 20, text)
  }
  t.equal((await referrals()).length, before)
})
