/** What became of a referral that was sent as HL7 v2: by the bytes that went out and the answer that came. */
import type { Outcome, Readers, Sent, TheirId } from './receipt-contracts.js'
import { isSame, type ReceiptField } from './receipt-fields.js'

/** HL7 v2.5.1 §2.9.2 and table 0008: what the receiver said of the message that was sent. */
export interface Hl7Answer { readonly verdict: 'accepted' | 'refused' | 'none'; readonly words: string }

export const readHl7Answer = ({ read }: Readers, { payload }: Sent, response: Buffer | null): Hl7Answer => {
  if (!response || response.length === 0) return { verdict: 'none', words: 'no answer came' }
  const [code = ''] = read(response, 'MSA-1')
  const [ours = ''] = read(payload, 'MSH-10')
  const [theirs = ''] = read(response, 'MSA-2')
  if (code === '' || theirs !== ours) return { verdict: 'none', words: 'the answer is not about this message' }
  return code === 'AA' || code === 'CA' ? { verdict: 'accepted', words: `accepted (${code})` } : { verdict: 'refused', words: `refused (${code})` }
}

/** "REF^I12 LFM20260302000117: accepted (AA)" */
export const hl7Where = ({ read }: Readers, { payload }: Sent, answer: Hl7Answer): string =>
  `${[read(payload, 'MSH-9.1')[0], read(payload, 'MSH-9.2')[0]].filter(Boolean).join('^')} ${read(payload, 'MSH-10')[0] ?? ''}: ${answer.words}`

export const hl7Field = ({ read }: Readers, { payload }: Sent, response: Buffer | null, answer: Hl7Answer, field: ReceiptField, value: string): Outcome => {
  const paths = pathsOf(field, read(payload, 'MSH-9.1')[0] ?? '')
  const standing = paths.flatMap((path) => read(payload, path).filter(Boolean).map((each) => ({ path, each })))
  const carried = standing.find(({ each }) => isSame(field, value, each))
  if (!carried) {
    const [other] = standing
    if (other && !field.many && !paths.some((path) => path.includes('*'))) return { became: shown(other), state: 'different', note: 'the message says otherwise' }
    return { became: null, state: 'not-carried', note: paths.length === 0 ? 'this message has no place for it' : 'the message does not have it' }
  }
  if (answer.verdict === 'refused') return { became: shown(carried), state: 'not-carried', note: `the message was ${answer.words}` }
  const echoed = answer.verdict === 'accepted' && response ? paths.flatMap((path) => read(response, path).filter(Boolean).map((each) => ({ path, each }))) : []
  const confirmed = echoed.find(({ each }) => isSame(field, value, each))
  if (confirmed) return { became: shown(confirmed), state: 'written', note: 'the answer says it again' }
  const [other] = echoed
  if (other && !field.many && !other.path.includes('*')) return { became: shown(other), state: 'different', note: 'the answer says otherwise' }
  return { became: shown(carried), state: 'accepted-not-confirmed', note: answer.verdict === 'accepted' ? null : `${answer.words}: it may not have been taken` }
}

const pathsOf = ({ hl7v2: { any = [], ...own } }: ReceiptField, type: string): readonly string[] => [...((own as Readonly<Record<string, readonly string[]>>)[type] ?? []), ...any]
const shown = ({ path, each }: { readonly path: string; readonly each: string }): string => `${path.replace(/\[[*1]\]/g, '')} = ${each}`

const THEIRS: readonly (readonly [string, string])[] = [['filler number', 'ORC[*]-3.1'], ['filler number', 'OBR[*]-3.1'], ['their referral number', 'RF1-11.1']]

/** Of an EI (HL7 v2.5.1 §2.A.28): an OID says whose number it is. */
const systemOf = (component: (number: string) => readonly string[]): Pick<TheirId, 'system'> => {
  const [[oid, ...others], [type]] = [component('3'), component('4')]
  return type === 'ISO' && oid && others.length === 0 ? { system: `urn:oid:${oid}` } : {}
}

/** The receiver's own numbers in its answer, without those that we sent. */
export const hl7Ids = ({ read }: Readers, { payload }: Sent, response: Buffer | null): readonly TheirId[] => {
  if (!response) return []
  const found = THEIRS.flatMap(([kind, path]) => read(response, path).filter((value) => value && !read(payload, path).includes(value)).map((value) => ({ kind, value, at: path.replace('[*]', ''), ...systemOf((component) => read(response, path.replace(/1$/, component))) })))
  return found.filter(({ value }, at) => found.findIndex((each) => each.value === value) === at)
}
