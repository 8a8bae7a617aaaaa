/** MLLP against itself in a loop, and its framing alone. */
import t from 'tap'
import destination from '../../connectors/mllp/destination.js'
import { Deframer, forbidden } from '../../connectors/mllp/framing.js'
import source from '../../connectors/mllp/source.js'
import { connectorConformance } from '../conformance/connectors.js'
import { block, END, message, replyOf, SECRETS, VT } from './mllp-kit.js'

const large = message('LARGE', 'x'.repeat(5_000_000))

connectorConformance(t, 'mllp', {
  makeSource: (tools, at) => source.create({ port: at ? Number(new URL(at).port) : 0 }, tools),
  makeDestination: (at, tools) => destination.create({ host: '127.0.0.1', port: Number(new URL(at).port) }, tools),
  payloads: [message('1'), message('2', 'Größe 身長'), large, message('4', '\\X0B\\')].map((text) => Buffer.from(text)),
  reply: replyOf,
  hears: { rejected: 'refused', error: 'refused' },
  secrets: SECRETS,
  through: (_, port) => `mllp://127.0.0.1:${port}`,
})

interface Found { blocks: string[]; faults: string[]; stray: number; held: number }

function deframe(pieces: readonly Buffer[], longest = 1000, needsReturn = false, most = Number.POSITIVE_INFINITY): Found & { deframer: Deframer } {
  const found: Found = { blocks: [], faults: [], stray: 0, held: 0 }
  const deframer = new Deframer({
    block: (content) => found.blocks.push(content.toString('latin1')),
    malformed: (fault, head, at) => found.faults.push(`${fault} ${head.length} ${at}`),
    stray: (bytes) => {
      found.stray += bytes.length
    },
    hold: (bytes) => {
      if (bytes > 0 && found.held + bytes > most) return false
      found.held += bytes
      return true
    },
  }, longest, needsReturn)
  for (const piece of pieces) deframer.push(piece)
  return Object.assign(found, { deframer })
}
const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

t.test('framing gives the same blocks however the bytes are cut', (s) => {
  const stream = bytes(`junk\r\n${block('MSH one')}\n${block('MSH two\r')}${VT}MSH three\x1c${VT}MSH half${block('MSH four')}${block('')}${VT}${block('MSH f\x1cve')}${block('PID\x0bX')}${block('six')}`)
  const { deframer: _, ...whole } = deframe([stream])
  s.same(whole, { blocks: ['MSH one', 'MSH two\r', 'MSH three', 'MSH four', '', 'six'], faults: ['restarted 17 8', 'control 8 5', 'control 5 3'], stray: 7, held: 0 })
  let seed = 7
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
    return seed % below
  }
  for (let round = 0; round < 500 && s.passing(); round += 1) {
    const pieces: Buffer[] = []
    for (let at = 0; at < stream.length;) {
      const length = 1 + random(round % 2 === 0 ? 3 : 40)
      pieces.push(stream.subarray(at, at + length))
      at += length
    }
    const { deframer: __, ...cut } = deframe(pieces)
    if (JSON.stringify(cut) !== JSON.stringify(whole)) s.same(cut, whole, `cut as ${pieces.map(({ length }) => length).join()}`)
  }
  s.same({ ...deframe([...stream].map((byte) => Buffer.of(byte))), deframer: null }, { ...whole, deframer: null }, 'a byte at a time')
  s.end()
})

t.test('framing keeps a block within one piece where it is', (s) => {
  const piece = bytes(block('MSH'))
  const seen: Buffer[] = []
  new Deframer({ block: (content) => seen.push(content), malformed: () => {}, stray: () => {}, hold: () => true }, 10, false).push(piece)
  s.equal(seen[0]?.buffer, piece.buffer)
  s.equal(seen[0]?.byteOffset, piece.byteOffset + 1)
  s.end()
})

t.test('framing counts what it holds, and gives it back', (s) => {
  const opened = deframe([bytes(`${VT}abc`), bytes('def')])
  s.ok(opened.held >= 6)
  s.ok(opened.deframer.inside)
  opened.deframer.push(bytes(`${END}${VT}rest`))
  opened.deframer.end()
  s.equal(opened.held, 0)
  s.same(opened.blocks, ['abcdef'])
  opened.deframer.push(bytes(block('after the end')))
  s.same(opened.blocks, ['abcdef'])
  s.same(deframe([bytes(VT), bytes('a'.repeat(600)), bytes('a'.repeat(600))], 1000).faults, ['long 1200 1200'])
  s.same(deframe([bytes(block('a'.repeat(1001)))], 1000).faults, ['long 1001 1001'])
  s.same(deframe([bytes(VT), bytes('a'.repeat(600)), bytes('a'.repeat(300))], 1000, false, 900).faults, ['crowded 600 600'])
  s.same(deframe([bytes(block('a'.repeat(1000)))], 1000).blocks, ['a'.repeat(1000)])
  s.end()
})

t.test('framing ends a block that lacks its CR when nothing follows, unless it must have one', (s) => {
  for (const needsReturn of [false, true]) {
    const found = deframe([bytes(`${VT}abc\x1c`)], 1000, needsReturn)
    s.same(found.blocks, [])
    s.equal(found.deframer.ended, !needsReturn)
    found.deframer.settle()
    s.same(found.blocks, needsReturn ? [] : ['abc'])
    found.deframer.push(bytes(`\r${block('def')}`))
    s.same(found.blocks, ['abc', 'def'])
    s.same(found.faults, [])
  }
  s.match(deframe([bytes(`${VT}MSH a\x1c${block('MSH b')}`)], 1000, true), { blocks: ['MSH b'], faults: ['restarted 12 6'] })
  s.equal(forbidden(bytes('ab\x1cd\x0b')), 2)
  s.equal(forbidden(bytes('abc')), -1)
  s.end()
})
