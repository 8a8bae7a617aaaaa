/** What somebody's mail or fax system says of something that was sent, as the step `read-receipt` writes it, and how far it brings the proof. */
import { type Static, Type } from 'typebox'
import { mistakes } from '../../engine/schema-errors.js'
import type { Proof, ProofStage } from '../desk-contracts.js'
import { DeskRefusal } from '../refusal.js'

export const PROOF_STAGES = ['accepted', 'queued', 'sending', 'processed', 'dispatched', 'delivered', 'failed', 'uncertain'] as const satisfies readonly ProofStage[]
const orNull = <Schema extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: Schema) => Type.Union([schema, Type.Null()])

export const ReceiptFile = Type.Object({
  receipt: Type.Object({
    kind: Type.Enum(['mdn', 'dsn', 'fax']),
    of: Type.Array(Type.String({ minLength: 1, maxLength: 1000 }), { maxItems: 200, description: 'Message-IDs with their brackets, and what a provider calls it: `documo:123`.' }),
    stage: Type.Enum([...PROOF_STAGES]), retryable: Type.Boolean(), pages: orNull(Type.Integer({ minimum: 0 })), recipient: orNull(Type.String({ maxLength: 1000 })), reason: orNull(Type.String({ maxLength: 2000 })),
    at: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}T[\\d:.]+(Z|[+-]\\d{2}:\\d{2})$', description: 'When, ISO 8601.' }),
  }, { additionalProperties: false }),
}, { additionalProperties: false })
export type Receipt = Static<typeof ReceiptFile>['receipt']

/** Throws a DeskRefusal that says what is wrong. */
export const readReceipt = (value: unknown): Receipt => {
  const found = mistakes(ReceiptFile, value, { name: 'a receipt', parts: 'field' })
  if (found.length > 0) throw new DeskRefusal(`The desk takes receipts as the step \`read-receipt\` writes them: ${found.slice(0, 3).map(({ message }) => message).join(' ')}`)
  return (value as Static<typeof ReceiptFile>).receipt
}

const RANK: Readonly<Record<ProofStage, number>> = { accepted: 0, queued: 1, sending: 2, processed: 3, dispatched: 4, delivered: 5, uncertain: -1, failed: -1 }
/** From here on the receiver's own system has it. */
export const isConfirmed = (stage: ProofStage, by: ProofStage = 'processed'): boolean => RANK[stage] >= RANK[by]

/** Stages never go back; what failed, or was given up as uncertain, may have arrived after all, as a later receipt says. What is still waited for may become uncertain. */
export const goesOn = ({ stage: from, confirmBy }: Pick<Proof, 'stage' | 'confirmBy'>, to: ProofStage): boolean => {
  if (from === to) return false
  if (to === 'failed') return !isConfirmed(from, 'dispatched')
  if (to === 'uncertain') return from !== 'failed' && (confirmBy !== null || !isConfirmed(from))
  return from === 'failed' || from === 'uncertain' ? isConfirmed(to) : RANK[to] > RANK[from]
}

/** In words, for the timeline. */
export const receiptWords = ({ kind, stage, pages, reason }: Pick<Receipt, 'kind' | 'stage' | 'pages' | 'reason'>): string => {
  const why = reason === null ? '' : `: ${reason.replace(/[.\s]+$/, '')}`
  if (stage === 'uncertain') return `Whether it arrived is not known${why}.`
  if (kind === 'fax') return stage === 'delivered' ? `Fax delivered${pages === null ? '' : `, ${pages} ${pages === 1 ? 'page' : 'pages'}`}.` : stage === 'failed' ? `Fax failed${why}.` : `Fax ${stage}${why}.`
  const proof = kind === 'mdn' ? `MDN ${stage}` : `DSN ${stage}`
  if (stage === 'failed') return `Their mail system could not deliver it (${proof})${why}.`
  return isConfirmed(stage) ? `Their mail system confirmed receipt (${proof}).` : `A mail system has it on its way (${proof})${why}.`
}

/** The proof with one more step; `waits`: nothing confirms it yet. What failed or is in doubt is not waited for any more. */
export const proofAfter = (proof: Proof, { stage, at, pages, reason }: Pick<Receipt, 'stage' | 'at' | 'pages' | 'reason'>, says: string, waits: boolean): Proof =>
  ({ ...proof, stage, at, pages: pages ?? proof.pages, reason, confirmBy: waits && stage !== 'failed' && stage !== 'uncertain' ? proof.confirmBy : null, steps: [...proof.steps, { stage, at, says }] })
