/** Every HL7 v2 message of the public corpora: none crashes the format, the well formed come back byte for byte, each refusal says why. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { MessageFormat } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { readAcknowledgement } from '../../engine/formats/hl7v2/acknowledgement.js'
import { segments } from '../../engine/formats/hl7v2/view.js'
import { formatWith } from '../engine/formats/hl7v2-setup.js'

interface Entry { readonly path: string; readonly malformed: boolean; readonly kind: 'msg' | 'batch' }

const corpora = join(import.meta.dirname, '../../../../shared/corpora')
const PATHS = ['MSH-3', 'MSH-9.2', 'MSH-10', 'PID-3.1', 'PID-3[*].4.2', 'PID-5', 'PID-11[2].5', 'PV1-3.1', 'OBX[*]-5', 'OBX[2]-3.2', 'ORC-2.1', 'OBR[*]-4', 'ZZZ-1']

/** What became of one message: null where it was taken and came back byte for byte, else why it was refused. */
const reasonAgainst = (format: MessageFormat, bytes: Buffer): string | null => {
  try {
    format.readHeader(bytes)
    const body = format.parse(bytes)
    for (const path of PATHS) format.read(body, path)
    for (const segment of segments(body)) for (let field = 1; field < 20; field++) for (const one of segment.repetitions(field)) one.subcomponent(one.components, 2)
    if (!format.serialize(body).equals(bytes)) throw new Error('the message came back changed')
    const added = format.serialize(body).includes('\\') ? 'added | here\r' : 'added'
    const changed = format.write(body, 'ZRF-1', added)
    const parts = format.split(changed, 'OBR')
    for (const part of parts) format.parse(format.serialize(part))
    if (format.read(format.parse(format.serialize(changed)), 'ZRF-1')[0] !== added) throw new Error('what was written does not read the same')
    return null
  } catch (error) {
    if (error instanceof MessageFault) return error.message
    throw error
  }
}

t.test('the public corpora', async t => {
  const index = join(corpora, 'hl7v2/index.json')
  if (!existsSync(index)) {
    t.comment('skipped: the corpora are not here (../shared/corpora/hl7v2)')
    return
  }
  const format = formatWith()
  const entries: readonly Entry[] = JSON.parse(readFileSync(index, 'utf8'))
  const counts = { taken: 0, takenMalformed: 0, refused: 0, batches: 0 }
  const reasons = new Map<string, number>()
  for (const { path, malformed: marked, kind } of entries) {
    const malformed = marked || path.includes('malformed') // one batch holds a header cut short, and only its name says so
    const bytes = readFileSync(join(corpora, path))
    let parts: readonly Buffer[]
    try {
      parts = format.separate(bytes) ?? [bytes]
    } catch (error) {
      t.ok(error instanceof MessageFault, `${path} is refused for a reason`)
      parts = []
      if (!malformed) t.fail(`${path} is well formed and was refused: ${String(error)}`)
    }
    if (kind === 'batch') counts.batches++
    for (const part of parts) {
      const reason = reasonAgainst(format, part)
      if (reason === null) counts[malformed ? 'takenMalformed' : 'taken']++
      else {
        counts.refused++
        reasons.set(reason.replace(/\d+/g, 'n'), (reasons.get(reason.replace(/\d+/g, 'n')) ?? 0) + 1)
        if (!malformed) t.fail(`${path} is well formed and was refused: ${reason}`)
      }
      const answer = format.acknowledge(part, 'done', 'rejected', { kind: 'unreadable', reason: 'a reason' })
      if (answer !== null && readAcknowledgement(answer)?.code !== 'AR') t.fail(`${path} got an acknowledgement that cannot be read`)
    }
  }
  t.ok(counts.taken > 1000, 'the well formed are taken')
  t.comment(counts)
  for (const [reason, count] of [...reasons].sort((a, b) => b[1] - a[1])) t.comment(`${count} × ${reason}`)
})
