/** The step `read-receipt`: reports of deliveries, as standards have them and as systems write them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { messageOf } from '../conformance/transforms.js'
import { randomOf } from '../referrals/routing/made.js'
import type { Receipt } from '../../transforms/read-receipt/receipts.js'
import { pieces, ROOT, transformTools } from './tools.js'

const tools = transformTools()
const step = pieces.transforms.get('read-receipt')?.create({}, tools)
const read = async (text: string | Buffer): Promise<readonly Receipt[] | { filtered: string }> => {
  const result = await step?.(messageOf(tools.format('mime'), Buffer.from(text)))
  return Array.isArray(result) ? result.map(({ body }) => (body as { receipt: Receipt }).receipt) : (result as { filtered: string })
}
const report = (type: string, fields: string, more = ''): string =>
  `From: postmaster@meadow.example\r\nMessage-ID: <r@meadow.example>\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n--b\r\nContent-Type: message/${type}\r\n\r\n${fields}\r\n${more}--b--\r\n`
const mdn = (disposition: string, more = ''): string => report('disposition-notification', `Final-Recipient: rfc822; dr@direct.meadow.example\r\nOriginal-Message-ID: <notice-17@direct.heart.example>\r\nDisposition: ${disposition}\r\n${more}`)

t.test('an MDN says that it was processed, dispatched or failed, whatever its spelling', async (t) => {
  const spellings: readonly (readonly [string, string])[] = [
    ['automatic-action/MDN-sent-automatically; processed', 'processed'], ['Automatic-Action/mdn-sent-automatically;PROCESSED', 'processed'], ['automatic-action / MDN-sent-automatically ;\r\n  dispatched', 'dispatched'],
    ['manual-action/MDN-sent-manually; displayed', 'dispatched'], ['automatic-action/MDN-sent-automatically; failed', 'failed'], ['automatic-action/MDN-sent-automatically; denied', 'failed'],
    ['manual-action/MDN-sent-manually; deleted', 'failed'], ['automatic-action/MDN-sent-automatically; processed/error', 'failed'], ['automatic-action/MDN-sent-automatically; processed/warning', 'uncertain'], ['', 'uncertain'],
  ]
  for (const [disposition, stage] of spellings) t.match(await read(mdn(disposition)), [{ kind: 'mdn', stage, of: ['<notice-17@direct.heart.example>'], recipient: 'dr@direct.meadow.example' }], disposition)
})

t.test('a failure says why', async (t) => {
  t.match(await read(mdn('automatic-action/MDN-sent-automatically; failed', 'Failure: the recipient is not trusted\r\n')), [{ stage: 'failed', reason: 'the recipient is not trusted', retryable: false }])
})

t.test('a DSN says of each recipient what became of it', async (t) => {
  const text = report('delivery-status', 'Reporting-MTA: dns; mail.meadow.example\r\nOriginal-Envelope-Id: notice-17@direct.heart.example\r\n\r\nFinal-Recipient: rfc822; a@meadow.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 no such user\r\n\r\nFinal-Recipient: rfc822; b@meadow.example\r\nAction: delayed\r\nStatus: 4.4.1\r\n\r\nFinal-Recipient: rfc822; c@meadow.example\r\naction: Delivered\r\nstatus: 2.0.0\r\n')
  t.match(await read(text), [
    { kind: 'dsn', recipient: 'a@meadow.example', stage: 'failed', retryable: false, reason: '550 no such user', of: ['<notice-17@direct.heart.example>'] },
    { recipient: 'b@meadow.example', stage: 'sending' }, { recipient: 'c@meadow.example', stage: 'delivered' },
  ])
})

t.test('the message that came back says which one it was', async (t) => {
  const back = '--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <notice-18@heart.example>\r\nSubject: x\r\n\r\nbody\r\n'
  t.match(await read(report('delivery-status', 'Final-Recipient: rfc822; a@meadow.example\r\nAction: failed\r\nStatus: 4.2.2\r\n', back)), [{ of: ['<notice-18@heart.example>'], stage: 'failed', retryable: true }])
  const bounce = 'From: MAILER-DAEMON@meadow.example\r\nSubject: Undelivered Mail Returned to Sender\r\nMessage-ID: <x@meadow.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <notice-19@heart.example>\r\n\r\n--b--\r\n'
  t.match(await read(bounce), [{ of: ['<notice-19@heart.example>'], stage: 'failed' }])
})

t.test('a fax says how far it came, and whether it may be tried again', async (t) => {
  t.match(await read(readFileSync(join(ROOT, 'fixtures/mime/fax-status-busy.eml'))), [{ kind: 'fax', of: ['documo:71'], stage: 'failed', retryable: true, reason: 'busy', recipient: '+16085550142', pages: null }])
  const delivered = readFileSync(join(ROOT, 'fixtures/mime/fax-status-busy.eml'), 'utf8').replace('Action: failed', 'Action: delivered\r\nX-Refero-Pages: 3').replace('4.4.2', '2.0.0')
  t.match(await read(delivered), [{ stage: 'delivered', pages: 3 }])
})

t.test('other mail is no report', async (t) => {
  t.match(await read(readFileSync(join(ROOT, 'fixtures/mime/referral-with-pdf.eml'))), { filtered: /no report/ })
  t.match(await read('From: a@meadow.example\r\nSubject: Undeliverable furniture\r\nIn-Reply-To: <notice-1@heart.example>\r\n\r\nWe moved.\r\n'), { filtered: /no report/ })
})

t.test('damaged reports are read as far as they go, and never take long', async (t) => {
  const next = randomOf(11)
  const random = (below: number): number => Math.floor(next() * below)
  const sources = ['mdn-processed.eml', 'fax-status-busy.eml'].map((name) => readFileSync(join(ROOT, 'fixtures/mime', name)))
  let reports = 0
  for (let round = 0; round < 2_000; round++) {
    const bytes = Buffer.from(sources[random(2)] as Buffer)
    for (let change = random(6); change >= 0; change--) bytes[random(bytes.length)] = random(3) === 0 ? 0x0a : random(256)
    try {
      if (Array.isArray(await read(bytes))) reports += 1
    } catch (error) {
      if (!/MessageFault/.test((error as Error).constructor.name)) t.fail(String((error as Error).stack))
    }
  }
  t.ok(reports > 1_000, `${reports} of 2000`)
})

const CORPUS = join(ROOT, '../shared/corpora/direct')
t.test('public MDNs and DSNs are read', { skip: existsSync(CORPUS) ? false : 'the public corpora are not here' }, async (t) => {
  for (const name of [...readdirSync(join(CORPUS, 'mdn')).map((one) => `mdn/${one}`), 'messages/MDN.eml', 'messages/DSN.eml']) {
    const bytes = readFileSync(join(CORPUS, name))
    const found = await read(bytes).catch((error: Error) => ({ filtered: error.message }))
    t.ok(Array.isArray(found) && found.every(({ stage }) => ['processed', 'dispatched'].includes(stage)), `${name}`)
  }
})
