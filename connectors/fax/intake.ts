/** What becomes of one event: a fax is given on as a mail, what became of one as a report, and what cannot be used is kept and told. */
import type { Receive, Tools } from '../../engine/contracts.js'
import { documentProblem } from './document.js'
import type { FaxEvent, FaxStatus, ReceivedFax } from './events.js'
import type { Ledger } from './ledger.js'
import { faxMail, type Naming, type NewArrival, statusMail } from './mails.js'
import type { Tracking } from './tracking.js'

export interface Intake {
  readonly naming: Naming
  readonly receive: Receive
  readonly ledger: Ledger
  readonly tracking: Tracking
  readonly maximum: number // bytes of a document
  readonly log: Tools['log']
}

const FINAL = ['delivered', 'failed', 'uncertain']

/** True once the event is done with; false where the engine cannot keep it now. A fax comes with its document. */
export const takeEvent = async (event: FaxEvent, document: Buffer | null, origin: string, intake: Intake): Promise<boolean> => {
  if (event.kind === 'ignored') return true
  if (event.kind === 'status') return takeStatus(event, origin, intake)
  const problem = documentProblem(document ?? Buffer.alloc(0), intake.maximum)
  return problem === null ? give(await faxMail(event, document as Buffer, intake.naming), origin, intake) : tellOf(event, document ?? Buffer.alloc(0), problem, origin, intake)
}

/** Keeps what came beside its reason, and tells of it as a fax that was not received. */
export const tellOf = async (fax: ReceivedFax, document: Buffer, problem: string, origin: string, intake: Intake): Promise<boolean> => {
  const { kind: _, name: __, file: ___, ...said } = fax
  await intake.ledger.setAside(`${intake.naming.name}-${fax.id}`, document, problem)
  intake.log('warn', 'a fax cannot be taken; it is put aside with its reason, and told of', { provider: intake.naming.name, reason: problem })
  return takeStatus({ kind: 'status', ...said, direction: 'in', stage: 'failed', again: false, says: problem, words: null, tag: null }, origin, intake)
}

/** What is told of our own fax names its message, which the service may not know. */
const takeStatus = async (status: FaxStatus, origin: string, intake: Intake): Promise<boolean> => {
  const known = status.direction === 'out' ? await intake.tracking.find(status.id) : null
  if (!(await give(statusMail({ ...status, to: status.to ?? known?.to ?? null, tag: known?.tag ?? status.tag }, intake.naming), origin, intake))) return false
  if (known && FINAL.includes(status.stage)) await intake.tracking.forget(status.id)
  else if (known && known.stage !== status.stage) await intake.tracking.write({ ...known, stage: status.stage })
  return true
}

/** What a channel rejects is kept there, for a person. */
const give = async ({ bytes, key }: NewArrival, origin: string, { receive }: Intake): Promise<boolean> => (await receive({ bytes, origin, key })).verdict !== 'error'
