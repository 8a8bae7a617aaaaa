/** Hands a submission to the channel, and says what became of it. */
import type { Fate, Inbound, Receive, Tools } from '../../engine/contracts.js'
import { judged } from './documents.js'
import type { Upload } from './form-data.js'
import { type Complaint, documentComplaint, type Limits } from './form-page.js'
import { keyOf } from './referral.js'
import type { Speech } from './words.js'

export type Taken = { readonly verdict: 'accepted' } | { readonly verdict: 'rejected'; readonly reason: string | null } | { readonly verdict: 'error' }

/** Never rejects: what could not be kept is `error`, and may be sent again. */
export const hand = async (receive: Receive, inbound: Omit<Inbound, 'key'>, id: string, log: Tools['log']): Promise<Taken> => {
  try {
    return await receive({ ...inbound, key: keyOf(id) })
  } catch (error) {
    log('error', 'a referral of the portal could not be kept; its sender is told to send it again', { error })
    return { verdict: 'error' }
  }
}

/** `waiting`: not done with yet, or not known; `refused`: a person has to look at it. `opened`: it is a referral of its own, and adds to none that somebody else may have sent. */
export interface Landed { readonly state: 'waiting' | 'here' | 'refused'; readonly reference: string | null; readonly opened: boolean }

/** What became of a submission, within a time in milliseconds. */
export const landing = async ({ fate, clock }: Pick<Tools, 'fate' | 'clock'>, id: string, patience: number): Promise<Landed> => {
  const over = new AbortController()
  void clock.sleep(patience, over.signal).then(() => over.abort())
  try {
    return landed(await fate(keyOf(id), null, over.signal))
  } finally {
    over.abort()
  }
}

const landed = (fate: Fate | null): Landed => {
  if (fate === null) return { state: 'waiting', reference: null, opened: false }
  const [told] = fate.deliveries.flatMap(({ response }) => toldIn(response) ?? [])
  if (told) return { state: 'here', reference: told.reference, opened: told.what === 'opened' }
  return { state: fate.status !== 'transformed' || fate.deliveries.some(({ status }) => status !== 'sent') ? 'refused' : 'here', reference: null, opened: false }
}

/** What the desk answered to a delivery. */
const toldIn = (response: Buffer | null): { readonly what: unknown; readonly reference: string } | null => {
  try {
    const { what, reference } = JSON.parse(response?.toString() ?? '{}') as { readonly what?: unknown; readonly reference?: unknown }
    return typeof reference === 'string' ? { what, reference } : null
  } catch {
    return null
  }
}

/** The documents as they are taken, and what is wrong with the others. */
export const documentsFrom = (files: readonly Upload[], sizes: { readonly largest: number; readonly maximum: number }, limits: Limits, speech: Speech): { readonly documents: readonly Upload[]; readonly complaints: readonly Complaint[] } => {
  const looked = files.map((file) => judged(file, sizes.largest))
  const complaints = looked.flatMap((one, n) => (typeof one === 'string' ? [documentComplaint(n + 1, one, limits, speech)] : []))
  const whole = files.reduce((sum, { content }) => sum + content.length, 0)
  const over = whole > sizes.maximum ? [{ field: 'documents', says: speech.say('error-all', { all: limits.all }) }] : []
  return { documents: looked.filter((one) => typeof one !== 'string'), complaints: [...complaints, ...over] }
}
