/** `npm run demo`: one referral from a practice's EHR to the closed loop, in front of your eyes. Ends by itself, with 1 where a step does not come in time; `--keep` leaves everything running. */
import type { ReferralEvent } from '../../referrals/desk-contracts.js'
import type { Receipt } from '../../referrals/hand-off/receipt-contracts.js'
import { field } from './hl7.js'
import type { Mail } from './mailbox.js'
import { person, PEOPLE } from './people.js'
import { referral } from './referral.js'
import { openScene, referenceIn, type Scene } from './scene.js'

const KEEP = process.argv.includes('--keep')
const COLOURED = process.stdout.isTTY && !process.env.NO_COLOR
const paint = (code: number) => (text: string): string => (COLOURED ? `\x1b[${code}m${text}\x1b[0m` : text)
const [bold, dim, green, red] = [paint(1), paint(2), paint(32), paint(31)]
const say = (text = ''): void => void process.stdout.write(`${text}\n`)

const closing: (() => unknown)[] = []
const t = { teardown: (close: () => unknown) => void closing.push(close) }
const close = async (): Promise<void> => {
  for (const one of closing.splice(0).reverse()) await one()
}

const NOTE = `Consultation, Heart Center Cardiology
Seen for palpitations. ECG: atrial fibrillation, ventricular rate 92.
Assessment: persistent atrial fibrillation, CHA2DS2-VASc 3.
Plan: start apixaban 5 mg twice daily; echocardiogram; return in four weeks.`

let started = 0
const seconds = (at: Date | string): string => `${((new Date(at).getTime() - started) / 1000).toFixed(2)} s`

/** One step of the referral's life: waits for what proves it, and tells it. */
async function step(name: string, within: number, look: () => Promise<readonly [at: Date | string, ...proof: string[]] | undefined>): Promise<void> {
  const end = Date.now() + within * 1000
  let found = await look()
  while (found === undefined) {
    if (Date.now() > end) throw new Error(`“${name}” did not come within ${within} s.`)
    await new Promise((resolve) => setTimeout(resolve, 20))
    found = await look()
  }
  const [at, ...proof] = found
  for (const [index, line] of proof.entries()) say(index === 0 ? `  ${green(seconds(at).padStart(8))}  ${bold(name.padEnd(26))}${line}` : `${' '.repeat(38)}${dim(line)}`)
}

async function play(scene: Scene): Promise<void> {
  const { ehr, mailbox } = scene
  await scene.load()
  say(`  ${dim(`${PEOPLE.length} charts of the EHR are in the patient index, by ADT^A28`)}\n`)

  const sent = referral({ number: '2026-0417', patient: person('HC1001') })
  started = Date.now()
  const answer = await scene.send(sent)
  const answered = new Date()
  const news = (fits: RegExp): Mail | undefined => mailbox.mails.find(({ subject }) => fits.test(subject))
  let reference = ''
  const event = (name: ReferralEvent['name']): Promise<ReferralEvent | undefined> => scene.event(reference, name)

  await step('received', 5, async () => [answered, `${type(sent)} ${field(sent, 'MSH-10')} from Meadow Family Medicine, answered ${msa(answer)}`])
  await step('acknowledged', 10, async () => {
    const mail = news(/^We have your referral/)
    reference = mail ? referenceIn(mail) : ''
    return mail && [mail.at, `mail to ${mail.to.join()}: “${mail.subject}”`]
  })
  await step('matched', 5, async () => {
    const matched = await event('matched')
    const [best] = matched?.facts.candidates ?? []
    return matched && [matched.recordedAt, `chart ${matched.facts.chart?.id} of ${matched.facts.chart?.source}, score ${best?.score.toFixed(3)}`, ...(best ? [`the same: ${sameIn(best.says)}`] : [])]
  })
  await step('routed', 5, async () => {
    const routed = await event('routed')
    const { route, row } = routed?.facts ?? {}
    return routed && [routed.recordedAt, [route?.location, route?.practitioner, route?.queue].filter(Boolean).join(', '), `by ${row?.replace(/^.*\/(?=mappings\/)/, '')}`]
  })
  await step("in the EHR's work queue", 10, async () => {
    const [item] = ehr.queue
    const written = item && (await event('written-back'))
    return written && item && [written.recordedAt, `${item.type} ${item.controlId} answered MSA|AA, its number there ${item.filler}, chart ${item.chart?.mrn}`, receiptWords(written.facts.receipt)]
  })
  const item = ehr.queue[0]
  if (!item) throw new Error('The work queue is empty.')

  const booking = await ehr.book(item, inDays(5))
  await step('scheduled', 10, async () => {
    const [told, mail] = [await event('scheduled'), news(/^News of your referral/)]
    return told && mail && [told.recordedAt, `SIU^S12 ${booking.id} for ${booking.start.toISOString().slice(0, 16).replace('T', ' ')} UTC with ${booking.with}`, `mail to ${mail.to.join()}: “${mail.subject}”, at ${seconds(mail.at)}`]
  })
  await ehr.arrive(booking)
  await step('seen', 10, async () => {
    const told = await event('seen')
    return told && [told.recordedAt, `ADT^A04, visit V-${booking.id}`]
  })
  const note = await ehr.write([item], NOTE)
  await step('consult note delivered', 10, async () => {
    const [told, mail] = [await event('outcome-sent'), mailbox.find(/Plan: start apixaban/) ?? mailbox.mails.at(-1)]
    return told && mail && [told.recordedAt, `MDM^T02 ${note.id}, signed; mail to ${mail.to.join()}: “${mail.subject}”`, `with ${mail.attachments.map(({ name, size }) => `${name} (${Math.ceil(size / 1024)} kB)`).join(', ')}`]
  })
  await step('closed', 5, async () => {
    const told = await event('closed')
    return told && [told.recordedAt, `${reference}: ${told.facts.reason ?? ''}`]
  })
  const events = await scene.timeline(reference)
  say(`\n  ${dim(`${events.length} events, ${mailbox.mails.length} mails, ${ehr.received.length} message to the EHR. The whole story: /api/referrals/${reference}/timeline`)}`)
}

const type = (text: string): string => field(text, 'MSH-9').split('^').slice(0, 2).join('^')
const msa = (text: string): string => ['MSA', field(text, 'MSA-1'), field(text, 'MSA-2')].join('|')
const inDays = (days: number): Date => new Date(Math.ceil(Date.now() / 3_600_000) * 3_600_000 + days * 86_400_000)

const sameIn = (says: readonly string[]): string => says.flatMap((one) => /^the (.+) is the same$/.exec(one)?.[1] ?? []).join(', ')

/** Of the field-level write receipt: how many fields became what. */
function receiptWords(receipt: unknown): string {
  const { fields = [] } = (receipt ?? {}) as Partial<Receipt>
  const count = (...states: readonly Receipt['fields'][number]['state'][]): number => fields.filter(({ state }) => states.includes(state)).length
  const lost = count('not-carried', 'different')
  return `receipt: ${count('written')} fields confirmed by its answer, ${count('accepted-not-confirmed')} sent and not contradicted, ${lost === 0 ? 'none lost' : `${lost} lost or changed`}`
}

async function main(): Promise<number> {
  say(`\n${bold('Refero')}: a referral, from the practice that sends it to the closed loop\n`)
  const scene = await openScene(t)
  const { product, ehr, mailbox } = scene
  say(`  engine    http://127.0.0.1:${product.http}   ${dim(`referrals mllp://127.0.0.1:${product.mllp}, in ${product.folder}`)}`)
  say(`  EHR       mllp://127.0.0.1:${ehr.port}   ${dim('a simulator: work queue, schedule, notes')}`)
  say(`  referrer  smtp://127.0.0.1:${mailbox.port}   ${dim('ines.bell@meadow.example')}`)
  try {
    await play(scene)
  } catch (error) {
    say(`\n  ${red(error instanceof Error ? error.message : String(error))}\n\n${product.output()}`)
    return 1
  }
  if (!KEEP) return 0
  say(`\n  It goes on running; Ctrl-C ends it.\n  curl -H "Authorization: Bearer ${product.token}" http://127.0.0.1:${product.http}/api/referrals`)
  await stopped
  return 0
}

/** Ctrl-C, at any time, ends what was started too. */
const stopped = new Promise<number>((resolve) => process.once('SIGINT', () => resolve(KEEP ? 0 : 130)))
const code = await Promise.race([stopped, main().catch((error: unknown) => {
  say(red(String(error)))
  return 1
})])
await close()
say()
process.exit(code)
