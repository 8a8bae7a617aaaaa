/** No name, number or date of a patient in any line that the engine prints, whatever happens to the message. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { fixture, framed, freePort, sendRaw, startProduct, until } from './product.js'

/** The words of a message that tell of a person: fields of PID, NK1, IN1 and the like; long enough not to be found by chance. */
function personalWords(message: string): readonly string[] {
  const segments = message.split(/[\r\n]+/).filter((segment) => /^(PID|NK1|GT1|IN1|PD1|MRG|PRD)\|/.test(segment))
  return segments.flatMap((segment) => segment.split(/[|^~&]/)).filter((word) => word.length >= 5 && !/^(HL7|[A-Z]{3}$)/.test(word))
}

t.test('nothing of a message reaches the log, at the most talkative level, through success and failure', async (t) => {
  const down = await freePort()
  const port = await freePort()
  const product = await startProduct(t, {
    env: { REFERO_LOG_LEVEL: 'debug' },
    channels: {
      all: `name: all
description: everything that can go wrong
source: { mllp: { host: 127.0.0.1, port: ${port} } }
format: hl7v2
index: { mrn: PID-3.1, name: PID-5 }
destinations:
  - name: nobody-there
    to: { mllp: { host: 127.0.0.1, port: ${down} } }
    retry: { every: 50ms, attempts: 2 }
  - name: as-fhir
    to: { file: { folder: "\${REFERO_DATA}/fhir", name: "{controlId}-{deliveryId}" } }
    steps: [ { to-fhir: { with: referral } } ]
  - name: refused
    to: { mllp: { host: 127.0.0.1, port: ${port}, connectTimeout: 1s } }
    steps: [ { set: { MSH-9.1: ZZZ } }, { keep: { types: [XXX] } } ]
`,
    },
  })
  const folder = fixture('hl7v2')
  const messages = readdirSync(folder).filter((name) => name.endsWith('.hl7')).map((name) => readFileSync(join(folder, name)))
  const words = new Set<string>()
  for (const message of messages) {
    for (const word of personalWords(message.toString('latin1'))) words.add(word)
    await sendRaw(port, framed(message))
    await sendRaw(port, framed(message.subarray(message.indexOf(0x0d) + 1))) // no MSH: unreadable
    await sendRaw(port, framed(Buffer.concat([Buffer.from('MSH|^~\\&|'), message.subarray(message.indexOf('PID'))]))) // a patient where the header is
  }
  await until(async () => (await product.api('/api/messages?status=received')).body.messages.length === 0)
  await until(async () => (await product.api('/api/messages?status=queued')).body.messages.length === 0, product.output)
  await product.stop()
  const output = product.output()
  t.ok(words.size > 50, `${words.size} words to look for`)
  t.ok(output.split('\n').length > messages.length * 3, 'the log was talkative')
  for (const word of words) if (output.includes(word)) t.fail(`“${word}” is in the log: ${output.split('\n').find((line) => line.includes(word))}`)
  t.pass('every word was looked for')
})
