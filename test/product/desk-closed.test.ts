/** A start on tables that cannot be used: what needs the desk waits and says why, all else runs, and the desk opens once they are mended. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { fixture, framed, freePort, refero, ROOT, sendRaw, startProduct, until, writeChannels } from './product.js'

const REFERRAL = readFileSync(fixture('hl7v2/ref-i12-cardiology.hl7'))
const channelsOf = (intake: number, plain: number): Record<string, string> => ({
  intake: `name: intake
description: Referrals.
source: { mllp: { host: 127.0.0.1, port: ${intake} } }
format: hl7v2
steps: [ to-fhir: { with: referral } ]
destinations: [ { name: desk, to: { referral: { action: open } } } ]
`,
  letters: `name: letters
description: What is owed.
source: { referral: { owed: [acknowledgement], by: [file, email, direct, fax] } }
format: fhir
destinations: [ { name: folder, to: { file: { folder: "\${REFERO_DATA}/letters", name: "{deliveryId}" } } } ]
`,
  plain: `name: plain
description: Nothing of referrals.
source: { mllp: { host: 127.0.0.1, port: ${plain} } }
format: hl7v2
destinations: [ { name: folder, to: { file: { folder: "\${REFERO_DATA}/plain", name: "{deliveryId}" } } } ]
`,
})

/** The shipped table with the row that takes what all others leave changed, and the line of it. */
const GOOD = readFileSync(join(ROOT, 'mappings/routing/default.csv'), 'utf8')
const LINE = GOOD.split('\n').findIndex((line) => line.startsWith('99,')) + 1

async function startWith(t: Test, table: string) {
  const folder = mkdtempSync(join(tmpdir(), 'refero-closed-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const [intake, plain] = [await freePort(), await freePort()]
  const file = join(folder, 'mappings/routing/default.csv')
  mkdirSync(join(folder, 'mappings/routing'), { recursive: true })
  writeFileSync(file, table)
  writeChannels(folder, channelsOf(intake, plain))
  return { product: await startProduct(t, { folder }), intake, plain, mend: () => writeFileSync(file, GOOD) }
}

t.test('tables that cannot be read: nothing is acknowledged for the desk until they are mended, and then it opens by itself', async (t) => {
  const { product, intake, plain, mend } = await startWith(t, GOOD.replace(/^99,(.*)epic-main,/m, '99,$1,'))
  const why = new RegExp(`default\\.csv:${LINE}:\\d+: The row does not say to which EHR it leads`)
  t.match(product.output(), /1 of 3 channels ready/)
  t.match(product.output(), new RegExp(`intake +failed: The referral desk is closed.*default\\.csv:${LINE}:`), 'the start says why, and where')

  t.equal(await sendRaw(intake, framed(REFERRAL)), null, 'nobody takes a referral')
  t.match(await sendRaw(plain, framed(REFERRAL)), /\rMSA\|AA\|/, 'a channel that needs no desk runs')
  const { channels } = (await product.api('/api/channels')).body
  t.match(channels, [{ name: 'intake', state: 'failed', trouble: why }, { name: 'letters', state: 'failed', trouble: why }, { name: 'plain', state: 'running', trouble: null }])
  t.match(await product.api('/api/referrals/worklist'), { status: 503, body: { code: 'DESK_CLOSED', message: why } })
  t.match(await product.api('/ready'), { status: 503, body: { wrong: [/no row takes/i, why, /channel intake is failed/, /channel letters is failed/] } })
  t.match((await refero(['channels', '--url', `http://127.0.0.1:${product.http}`, '--token', product.token])).err, new RegExp(`intake: .*default\\.csv:${LINE}:`))
  await until(async () => (await product.api('/api/incidents')).body.incidents.some(({ because }: { because: string | null }) => because !== null && why.test(because)), product.output)

  mend()
  await until(async () => (await product.api('/ready')).status === 200, product.output)
  t.match(await sendRaw(intake, framed(REFERRAL)), /\rMSA\|AA\|/)
  await until(async () => (await product.api('/api/messages?channel=letters')).body.messages.length === 1, product.output)
  t.equal((await product.api('/api/messages?channel=intake')).body.messages.length, 1)
  t.equal((await product.api('/api/referrals')).body.referrals.length, 1)
  t.equal(await product.stop(), 0)
})

t.test('a row that names an EHR that nobody knows is said at the start, and the desk works', async (t) => {
  const { product, intake, mend } = await startWith(t, GOOD.replace(/^99,(.*)epic-main/m, '99,$1epic-man'))
  const why = new RegExp(`default\\.csv:${LINE}:\\d+: No EHR is called \`epic-man\`; did you mean \`epic-main\``)
  t.match(product.output(), /3 of 3 channels ready/)
  t.match(product.output(), new RegExp(`default\\.csv:${LINE}:\\d+ error unknown-ehr: No EHR is called`))
  t.match(await product.api('/ready'), { status: 503, body: { wrong: [why] } })
  t.match(await sendRaw(intake, framed(REFERRAL)), /\rMSA\|AA\|/)
  mend()
  await until(async () => (await product.api('/ready')).status === 200, product.output)
})
