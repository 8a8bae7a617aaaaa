/** The MLLP source: blocks however they arrive, answers in order, and what a sender may do wrong within one connection. */
import type { Socket } from 'node:net'
import t from 'tap'
import type { Reply } from '../../engine/contracts.js'
import { block, controlIdOf, END, listening, message, replyOf, sender, until, VT } from './mllp-kit.js'

t.test('one message in several packets, several in one, and one and a half', async (s) => {
  const { port, ids, said } = await listening(s)
  const peer = await sender(s, port)
  for (const part of [VT, 'MSH|^~\\&|S|C|R|P|2026', `0101||ADT^A04|SPLIT|P|2.5.1\r\x1c`]) {
    peer.write(part)
    await new Promise(setImmediate)
  }
  peer.write('\r')
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: 'SPLIT' })
  peer.write(['A', 'B', 'C'].map((id) => block(message(id))).join('') + VT + message('D').slice(0, 50))
  for (const id of ['A', 'B', 'C']) s.match(await peer.acknowledgement(), { code: 'AA', controlId: id })
  peer.write(message('D').slice(50) + END)
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: 'D' })
  s.same(ids(), ['SPLIT', 'A', 'B', 'C', 'D'])
  s.same([...said('warn'), ...said('error')], [])
})

t.test('answers keep the order of the messages of a connection, and an early one is written at once', async (s) => {
  const release = new Map<string, () => void>()
  const { port, taken } = await listening(s, {}, async (inbound, early) => {
    const id = controlIdOf(inbound.bytes.toString())
    if (id === '2') early?.(Buffer.from('MSH|^~\\&|E\rMSA|CA|2'))
    await new Promise<void>((resolve) => release.set(id, resolve))
    return id === '3' ? { ...replyOf(inbound), acknowledgements: [] } : replyOf(inbound)
  })
  const peer = await sender(s, port)
  peer.write(['1', '2', '3', '4'].map((id) => block(message(id))).join(''))
  s.match(await peer.acknowledgement(), { code: 'CA', controlId: '2' })
  await until(() => release.size === 4)
  for (const id of ['4', '3', '2', '1']) release.get(id)?.()
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '1' })
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '2' })
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '4' }, 'none is owed for the third')
  s.match(taken[0]?.origin, /^127\.0\.0\.1:[0-9]+$/)
})

t.test('a reply of several acknowledgements, and large ones, are written whole', async (s) => {
  const words = 'w'.repeat(100_000)
  const { port } = await listening(s, {}, async (inbound): Promise<Reply> => ({ ...replyOf(inbound), acknowledgements: ['one', words, 'three'].map((text) => Buffer.from(text)) }))
  const peer = await sender(s, port)
  peer.write(block(message('1')))
  s.equal(await peer.next(), 'one')
  s.equal(await peer.next(), words)
  s.equal(await peer.next(), 'three')
})

t.test('a sender that closes its half after its last message still gets every answer', async (s) => {
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { port, taken, said } = await listening(s, {}, async (inbound) => {
    await held
    return replyOf(inbound)
  })
  const peer = await sender(s, port, { allowHalfOpen: true })
  peer.write(`${block(message('1'))}${VT}${message('2')}\x1c`)
  peer.socket.end()
  await until(() => taken.length === 2)
  release()
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '1' })
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '2' }, 'also where the last CR is missing')
  s.equal(await peer.next(), null)
  s.same(said('warn'), [])
})

t.test('load balancer probes make no noise: connect and close, connect and reset', async (s) => {
  const { port, taken, said } = await listening(s)
  for (const end of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.destroy()]) {
    const peer = await sender(s, port)
    end(peer.socket)
    await peer.closed
  }
  const peer = await sender(s, port)
  peer.write(block(message('AFTER')))
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: 'AFTER' })
  s.equal(taken.length, 1)
  s.same([...said('info'), ...said('warn'), ...said('error')], [])
})

t.test('a sender may wait long before its first message, within the idle time; an idle one is closed', async (s) => {
  const { port, said } = await listening(s, { idle: '50ms' })
  const peer = await sender(s, port)
  s.equal(await peer.next(), null)
  await peer.closed
  s.same([...said('info'), ...said('warn')], [], 'without noise')
  const patient = await listening(s, { idle: '50ms' }, async (inbound) => {
    for (let n = 0; n < 2; n += 1) await (await sender(s, patient.port)).closed // two idle times pass
    return replyOf(inbound)
  })
  const waiting = await sender(s, patient.port)
  waiting.write(block(message('SLOW')))
  s.match(await waiting.acknowledgement(), { code: 'AA', controlId: 'SLOW' }, 'to wait for an answer is not to be idle')
})

t.test('a message that does not come to its end in time closes the connection; those before it are answered', async (s) => {
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { port, taken, said } = await listening(s, { blockTime: '60ms' }, async (inbound) => {
    await held
    return replyOf(inbound)
  })
  const peer = await sender(s, port)
  peer.write(block(message('WHOLE')) + VT + message('HALF').slice(0, 40))
  const drip = setInterval(() => peer.write('x'), 10)
  s.teardown(() => clearInterval(drip))
  await until(() => said('warn').length > 0)
  clearInterval(drip)
  s.match(said('warn'), [/too long over one message/])
  release()
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: 'WHOLE' })
  s.equal(await peer.next(), null)
  s.equal(taken.length, 1)
})

t.test('a message without its end block is dropped and said, and sent again on a new connection it is taken', async (s) => {
  const { port, ids, said } = await listening(s)
  const broken = await sender(s, port)
  broken.write(VT + message('CUT'))
  broken.socket.end()
  await broken.closed
  s.match(said('warn'), [/closed the connection in the middle of a message/])
  const reset = await sender(s, port)
  reset.write(block(message('BEFORE')) + VT + message('CUT'))
  await reset.next()
  reset.socket.resetAndDestroy()
  await until(() => said('warn').length === 2)
  s.match(said('warn')[1], /broke in the middle of a message/)
  const again = await sender(s, port)
  again.write(block(message('CUT')))
  s.match(await again.acknowledgement(), { code: 'AA', controlId: 'CUT' })
  s.same(ids(), ['BEFORE', 'CUT'])
})

t.test('a message begun again on the same connection replaces what was unfinished', async (s) => {
  const { port, ids, said } = await listening(s)
  const peer = await sender(s, port)
  peer.write(VT + message('FIRST').slice(0, 60) + block(message('SECOND')))
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: 'SECOND' })
  s.same(ids(), ['SECOND'], 'two patients are never mixed')
  s.match(said('warn'), [/begun again before it ended/])
})

t.test('a control character of MLLP inside a message is rejected by its control id, and the others go on', async (s) => {
  const { port, ids, said } = await listening(s)
  const peer = await sender(s, port)
  peer.write(block(message('1')) + block(message('VT', 'soft\x0bbreak')) + block(message('FS', 'a\x1cb')) + block(message('2')))
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '1' })
  s.match(await peer.acknowledgement(), { code: 'AR', controlId: 'VT', all: /0x0B or 0x1C.*at byte [0-9]+/ })
  s.match(await peer.acknowledgement(), { code: 'AR', controlId: 'FS' })
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '2' })
  s.same(ids(), ['1', '2'])
  s.match(said('warn'), [/control character/], 'said once a minute')
})

t.test('an end block without its CR: tolerated, or not an end', async (s) => {
  const tolerant = await listening(s)
  const peer = await sender(s, tolerant.port)
  peer.write(`${VT}${message('1')}\x1c`)
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '1' }, 'after a moment of silence')
  peer.write(`${VT}${message('2')}\x1c${VT}${message('3')}\x1c\r`)
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '2' })
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '3' })
  const strict = await listening(s, { endOfData: 'required' })
  const other = await sender(s, strict.port)
  other.write(`${VT}${message('1')}\x1c${block(message('2'))}`)
  s.match(await other.acknowledgement(), { code: 'AA', controlId: '2' })
  s.same(strict.ids(), ['2'])
  s.match(strict.said('warn'), [/begun again/])
})

t.test('an unreadable message is for the engine to answer, and those after it are still taken', async (s) => {
  const { port } = await listening(s, {}, async (inbound) => replyOf(inbound, inbound.bytes.includes('MSH') ? 'accepted' : 'rejected'))
  const peer = await sender(s, port)
  peer.write(block(message('1')) + block('no header at all') + block(message('3')))
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '1' })
  s.match(await peer.acknowledgement(), { code: 'AR', controlId: '' })
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: '3' })
})

t.test('bytes between blocks are skipped and said once; line ends are nothing', async (s) => {
  const { port, ids, lines, said } = await listening(s)
  const peer = await sender(s, port)
  peer.write(`\r\n\n${block(message('1'))}\r\n`)
  await peer.next()
  s.same(said('warn'), [])
  peer.write(`GARBAGE${block(message('2'))}MORE${block(message('3'))}`)
  await peer.next()
  await peer.next()
  s.match(said('warn'), [/outside of a block/])
  s.match(lines.find(({ level }) => level === 'warn')?.facts, /"bytes":7/)
  s.same(ids(), ['1', '2', '3'])
  const stranger = await sender(s, port)
  stranger.write('GET / HTTP/1.1\r\n'.repeat(5000))
  s.equal(await stranger.next(), null, 'who speaks another language is closed')
  s.match(said('warn').at(-1), /does not speak MLLP/)
  const secure = await listening(s)
  const hello = await sender(s, secure.port)
  hello.write(Buffer.from([0x16, 0x03, 0x01, 0x00, 0xf4]))
  s.equal(await hello.next(), null)
  s.match(secure.said('warn'), [/speaks TLS/])
})
