/** What became of a message, as the desk is told it: from the deliveries of the channel and what receivers answered. */
import fhirpath from 'fhirpath'
import type { Fate, Tools } from '../../engine/contracts.js'
import type { Desk } from '../../referrals/desk.js'
import type { Readers } from '../../referrals/hand-off/receipt-contracts.js'
import type { ProofStage } from '../../referrals/desk-contracts.js'
import type { NoticeFate } from '../../referrals/settling.js'

/** `staff`: it was written for them to send, so nobody answers it. Delivered once each destination has it; uncertain where one is held in doubt; failed otherwise. */
export async function fateOf(desk: Desk, tools: Tools, notice: number, { mark, status, reason, deliveries }: Fate, staff: boolean): Promise<NoticeFate> {
  const current = deliveries.filter((one) => !(one.status === 'error' && one.settled && deliveries.some((other) => other !== one && other.destination === one.destination && other.status === 'sent')))
  const bad = current.find((one) => one.status !== 'sent')
  const sent = status === 'transformed' && current.length > 0 && !bad
  const outcome = sent ? 'sent' : bad?.status === 'held' && bad.doubtful ? 'uncertain' : 'failed'
  const at = new Date(Math.max(...current.map((one) => one.at.getTime()), 0) || tools.clock.now())
  const [first] = current
  const readers = readersOf(tools)
  const landed = await desk.landing(notice, sent && first?.payload ? { payload: first.payload, response: first.response, at } : null, readers)
  return { mark, outcome, at, channel: tools.channel, reason: sent ? null : (bad?.reason ?? reason ?? 'the channel sent it to nobody'), doubtful: current.some((one) => one.doubtful), ...landed, ...(sent && (staff ? { staff } : { ...sentOf(current), ...acknowledgedBy(current, readers) })) }
}

const HEAD = 16_384 // bytes of a mail in which its Message-ID stands
const STAGES: readonly string[] = ['accepted', 'queued', 'sending'] satisfies readonly ProofStage[]

/** By which names receipts will speak of it: the Message-ID of a mail, and what the receiver calls it, where its answer says so (`tracking`). */
function sentOf(deliveries: Fate['deliveries']): Pick<NoticeFate, 'sentAs' | 'stage'> {
  const answers = deliveries.map(({ response }) => answerOf(response))
  const ids = deliveries.flatMap(({ payload }) => /^message-id:\s*(<[^<>\s]{1,998}>)/im.exec(headOf(payload))?.[1] ?? [])
  const stage = answers.map((one) => one.stage).find((one): one is ProofStage => typeof one === 'string' && STAGES.includes(one))
  return { sentAs: [...new Set([...ids, ...answers.flatMap(({ tracking }) => (typeof tracking === 'string' && tracking !== '' ? [tracking.slice(0, 1000)] : []))])], ...(stage && { stage }) }
}

/** Where the receiver itself has answered that it has it: what it was sent as, or is kept as there, and its answer in a sentence. */
function acknowledgedBy(deliveries: Fate['deliveries'], { read }: Readers): Partial<Pick<NoticeFate, 'sentAs' | 'stage' | 'answer'>> {
  const answers = deliveries.flatMap(({ payload, response }): readonly { readonly name: string; readonly says: string }[] => {
    if (!response || !payload) return []
    if (!isHl7(payload) || !isHl7(response)) return keptAs(answerOf(response)).map((name) => ({ name, says: `kept as ${name}` }))
    const [name = ''] = read(payload, 'MSH-10')
    return [{ name, says: `${read(response, 'MSA-1')[0] ?? ''} to ${name}` }]
  })
  return answers.length === 0 ? {} : { sentAs: answers.map(({ name }) => name), stage: 'processed', answer: `Their system answered: ${answers.map(({ says }) => says).join(', ')}.` }
}

const isHl7 = (bytes: Buffer): boolean => bytes.subarray(0, 3).toString('latin1') === 'MSH'

/** The resource that a FHIR server answers with, or those of a transaction, as it calls them. */
const keptAs = ({ resourceType, id, entry }: { readonly resourceType?: unknown; readonly id?: unknown; readonly entry?: unknown }): readonly string[] => {
  const places = Array.isArray(entry) ? (entry as readonly { readonly response?: { readonly location?: unknown } }[]).flatMap(({ response }) => (typeof response?.location === 'string' ? /[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}(?=$|\/_history)/.exec(response.location)?.[0] ?? [] : [])) : []
  return places.length === 0 && typeof resourceType === 'string' && typeof id === 'string' ? [`${resourceType}/${id}`] : places
}

/** The fields before the first empty line; nothing of what is no mail. */
const headOf = (payload: Buffer | null): string => {
  const text = payload?.subarray(0, HEAD).toString('latin1') ?? ''
  return /^[A-Za-z][A-Za-z0-9-]*:/.test(text) ? (text.split(/\r?\n\r?\n/, 1)[0] ?? '') : ''
}

const answerOf = (response: Buffer | null): { readonly tracking?: unknown; readonly stage?: unknown; readonly resourceType?: unknown; readonly id?: unknown; readonly entry?: unknown } => {
  if (response === null || response[0] !== 0x7b) return {}
  try {
    return JSON.parse(response.toString()) as object
  } catch {
    return {} // an answer in another form names nothing
  }
}

/** A message is parsed once, however many of its fields are read. */
const readersOf = (tools: Tools): Readers => {
  const format = tools.format('hl7v2')
  const bodies = new WeakMap<Buffer, unknown>()
  const bodyOf = (message: Buffer): unknown => {
    const body = bodies.get(message) ?? format.parse(message)
    bodies.set(message, body)
    return body
  }
  return {
    read: (message, path) => format.read(bodyOf(message), path),
    evaluate: (resource, expression) => compiled(expression)(resource).map((value: unknown) => (typeof value === 'object' ? JSON.stringify(value) : String(value))),
  }
}

const expressions = new Map<string, (resource: object) => unknown[]>()
const compiled = (expression: string): ((resource: object) => unknown[]) => {
  const known = expressions.get(expression)
  if (known) return known
  const made = fhirpath.compile(expression) as (resource: object) => unknown[]
  expressions.set(expression, made)
  return made
}
