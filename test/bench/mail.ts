/** `node dist/test/bench/mail.js [mails at once, 1]`: what a 25 MB e-mail costs the process that takes it by SMTP, and reads its attachment: peak resident memory and time. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createTransport } from 'nodemailer'
import smtp from '../../connectors/smtp/source.js'
import mime from '../../engine/formats/mime/index.js'
import { attachmentsOf, contentOf, type Mail } from '../../engine/formats/mime/mail.js'
import { connectorTools } from '../conformance/connectors.js'

const SIZE = 25 * 1024 ** 2 // bytes of a mail as it goes over the wire

if (process.send) {
  const { tools } = connectorTools()
  const format = mime.create({}, tools)
  const source = smtp.create({ port: 0, recipients: ['heart.example'] }, tools)
  const at = await source.start(async ({ bytes }) => {
    const found = attachmentsOf(format.parse(bytes) as Mail).map(({ part }) => contentOf(part).length)
    process.send?.({ bytes: bytes.length, found })
    return { verdict: 'accepted', reason: null, acknowledgements: [] }
  })
  process.on('message', () => {
    process.send?.({ peak: process.resourceUsage().maxRSS / 1024 })
    process.disconnect()
    void source.stop()
  })
  process.send({ port: Number(new URL(at).port), before: process.memoryUsage().rss / 1024 ** 2 })
} else {
  const count = Number(process.argv[2] ?? 1)
  const taker = fork(import.meta.filename)
  const [{ port, before }] = (await once(taker, 'message')) as [{ port: number; before: number }]
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
  const content = Buffer.alloc(Math.floor(SIZE * 57 / 78), 0x5a)
  const started = performance.now()
  await Promise.all(Array.from({ length: count }, (_, n) => transport.sendMail({ from: `bell${n}@meadow.example`, to: 'referrals@heart.example', subject: 'Chart', text: 'x', attachments: [{ filename: 'chart.bin', content }] })))
  const took = performance.now() - started
  taker.send('peak')
  for await (const [said] of on(taker)) if ('peak' in said) console.log(`${count} × ${(SIZE / 1024 ** 2).toFixed(0)} MB: ${before.toFixed(0)} MB resident before, ${said.peak?.toFixed(0)} MB at the peak, ${took.toFixed(0)} ms`)
}

async function* on(child: ReturnType<typeof fork>): AsyncGenerator<[{ readonly peak?: number }]> {
  while (child.connected) yield (await Promise.race([once(child, 'message'), once(child, 'disconnect').then(() => [{}])])) as [{ peak?: number }]
}
