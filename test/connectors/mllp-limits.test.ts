/** The MLLP source at its limits: too long, too much, too many, not allowed, in use, stopping. */
import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import destination from '../../connectors/mllp/destination.js'
import source from '../../connectors/mllp/source.js'
import type { Reply } from '../../engine/contracts.js'
import { connectorTools } from '../conformance/connectors.js'
import { block, END, listening, message, Peer, replyOf, SECRETS, sender, until, VT } from './mllp-kit.js'

t.test('a message that is too long is rejected by its control id, and its connection closed', async (s) => {
  const { port, ids, said } = await listening(s, { block: '10kB' })
  const peer = await sender(s, port)
  peer.write(block(message('OK')) + VT + message('LONG', 'x'.repeat(200_000)))
  s.match(await peer.acknowledgement(), { code: 'AA', controlId: 'OK' })
  s.match(await peer.acknowledgement(), { code: 'AR', controlId: 'LONG', all: /longer than the 10240 bytes/ })
  s.equal(await peer.next(), null)
  s.same(ids(), ['OK'])
  s.match(said('warn'), [/too long/])
  const stranger = await sender(s, port)
  stranger.write(VT + 'z'.repeat(20_000))
  s.match(await stranger.acknowledgement(), { code: 'AR', controlId: '' }, 'also where it is no HL7 at all')
})

t.test('a 100 MB message is turned away while it is still being sent', async (s) => {
  const { port, said } = await listening(s, { block: '1MB' })
  const peer = await sender(s, port)
  const piece = Buffer.alloc(1_000_000, 'x')
  peer.write(VT + message('HUGE'))
  let sent = 0
  const more = (): void => {
    while (sent < 100 && peer.socket.writable) {
      sent += 1
      if (!peer.socket.write(piece)) {
        peer.socket.once('drain', more)
        return
      }
    }
  }
  more()
  s.match(await peer.acknowledgement(), { code: 'AR', controlId: 'HUGE' })
  await peer.closed
  s.match(said('warn'), [/too long/])
})

t.test('what all connections hold together is limited', async (s) => {
  const { port, said } = await listening(s, { block: '60kB', memory: '100kB' })
  const first = await sender(s, port)
  first.write(VT + message('1', 'x'.repeat(45_000)))
  const second = await sender(s, port)
  await until(() => first.socket.writableLength === 0)
  second.write(block(message('SYNC')))
  await second.next()
  second.write(VT + message('2', 'x'.repeat(45_000)))
  s.match(await Promise.race([first.acknowledgement(), second.acknowledgement()]), { code: 'AE', all: /again later/ })
  s.match(said('warn'), [/holds too many bytes/])
})

t.test('a sender that does not wait is slowed down, and loses nothing', async (s) => {
  let most = 0
  let open = 0
  const held: (() => void)[] = []
  let holding = true
  const { port, ids } = await listening(s, { unanswered: 8 }, async (inbound) => {
    open += 1
    most = Math.max(most, open)
    if (holding) await new Promise<void>((resolve) => held.push(resolve))
    open -= 1
    return replyOf(inbound)
  })
  const peer = await sender(s, port)
  const note = 'x'.repeat(60_000)
  for (let n = 0; n < 200; n += 1) peer.write(block(message(`${n}`, note)))
  await until(() => held.length >= 8)
  for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate)
  s.ok(ids().length < 12, 'no more is read than the bound, and what one read holds')
  holding = false
  for (const release of held) release()
  for (let n = 0; n < 200; n += 1) {
    const answer = await peer.acknowledgement()
    if (answer?.controlId !== `${n}`) s.fail(`answer ${n} is to ${answer?.controlId}`)
  }
  s.equal(ids().length, 200)
  s.ok(most < 12)
})

t.test('a sender that does not read its answers is not read either', async (s) => {
  const { port, taken } = await listening(s, {}, async (inbound): Promise<Reply> => ({ ...replyOf(inbound), acknowledgements: [Buffer.alloc(1_000_000, 'a')] }))
  const socket = connect({ port, host: '127.0.0.1' })
  s.teardown(() => {
    socket.destroy()
  })
  await once(socket, 'connect')
  const count = 60
  for (let n = 0; n < count; n += 1) socket.write(block(message(`${n}`, 'x'.repeat(20_000))))
  await until(() => taken.length > 0)
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate)
  s.ok(taken.length < count)
  const peer = new Peer(socket)
  for (let n = 0; n < count; n += 1) await peer.next()
  s.equal(taken.length, count)
})

t.test('connections over the limit are refused at once, and one that ends makes room', async (s) => {
  const { port, said } = await listening(s, { connections: 2 })
  const [first, second] = [await sender(s, port), await sender(s, port)]
  const third = await sender(s, port)
  s.equal(await third.next(), null)
  await until(() => said('warn').length > 0)
  s.match(said('warn'), [/too many connections/])
  second.write(block(message('2')))
  s.match(await second.acknowledgement(), { controlId: '2' })
  first.socket.end()
  await first.closed
  const fourth = await sender(s, port)
  fourth.write(block(message('4')))
  s.match(await fourth.acknowledgement(), { controlId: '4' })
})

t.test('only allowed addresses are listened to', async (s) => {
  const { port, taken, said } = await listening(s, { allow: ['10.0.0.0/8', '::1', '192.168.1.7'] })
  const peer = await sender(s, port)
  s.equal(await peer.next(), null)
  s.match(said('warn'), [/not allowed/])
  s.equal(taken.length, 0)
  const open = await listening(s, { allow: ['127.0.0.0/8'] })
  const welcome = await sender(s, open.port)
  welcome.write(block(message('1')))
  s.match(await welcome.acknowledgement(), { controlId: '1' })
})

t.test('many connections at once are each answered', async (s) => {
  const { port, taken } = await listening(s, { connections: 1000 })
  const peers = await Promise.all(Array.from({ length: 500 }, () => sender(s, port)))
  for (const [n, peer] of peers.entries()) peer.write(block(message(`${n}`)))
  const answers = await Promise.all(peers.map((peer) => peer.acknowledgement()))
  s.ok(answers.every((answer, n) => answer?.controlId === `${n}`))
  s.equal(taken.length, 500)
})

t.test('a port in use, an unknown address: start rejects with a sentence, and can be tried again', async (s) => {
  const { port, source: first } = await listening(s)
  const { tools } = connectorTools()
  const second = source.create({ port }, tools)
  await s.rejects(second.start(async (inbound) => replyOf(inbound)), { message: `Cannot listen: port ${port} on 127.0.0.1 is in use by another program.` })
  await first.stop()
  s.equal(await second.start(async (inbound) => replyOf(inbound)), `mllp://127.0.0.1:${port}`)
  await second.stop()
  await s.rejects(source.create({ port: 0, host: '203.0.113.1' }, tools).start(async (inbound) => replyOf(inbound)), { message: /this machine has no address 203\.0\.113\.1/ })
  await second.stop()
})

t.test('a stop answers what was taken, takes nothing more and closes every connection', async (s) => {
  let release: () => void = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { port, taken, source: stopping } = await listening(s, { unanswered: 1 }, async (inbound) => {
    await held
    return replyOf(inbound)
  })
  const idle = await sender(s, port)
  const busy = await sender(s, port)
  busy.write(block(message('TAKEN')) + VT + message('HALF').slice(0, 30))
  await until(() => taken.length === 1)
  let stopped = false
  const stop = stopping.stop().then(() => {
    stopped = true
  })
  s.equal(await idle.next(), null)
  busy.write(`${message('HALF').slice(30)}${END}${block(message('LATE', 'x'.repeat(5_000_000)))}`)
  const refused = connect({ port, host: '127.0.0.1' })
  s.match((await once(refused, 'error'))[0], { code: 'ECONNREFUSED' })
  s.notOk(stopped)
  release()
  s.match(await busy.acknowledgement(), { code: 'AA', controlId: 'TAKEN' })
  s.equal(await busy.next(), null)
  s.equal(await busy.closed, 'end', 'what was left unread does not tear the connection down')
  await stop
  s.equal(taken.length, 1, 'the sender of the others has no answer, and sends them again')
})

t.test('a message that the engine cannot even answer closes its connection', async (s) => {
  const { port, said } = await listening(s, {}, async () => {
    throw new Error(`broken on ${SECRETS[0]}`)
  })
  const peer = await sender(s, port)
  peer.write(block(message('1')))
  s.equal(await peer.next(), null)
  s.match(said('error'), [/could not be taken/])
})

t.test('settings that cannot work are refused with a sentence', async (s) => {
  const { tools } = connectorTools()
  s.throws(() => source.create({ port: 1, allow: ['10.0.0.0/33'] }, tools), { message: /neither an address such as/ })
  s.throws(() => source.create({ port: 1, allow: ['example.org'] }, tools), { message: /`example\.org`/ })
  s.throws(() => source.create({ port: 1, block: '2MB', memory: '1MB' }, tools), { message: /less than one message may have/ })
  s.throws(() => source.create({ port: 1, blockTime: '0s' }, tools), { message: /no message/ })
  s.throws(() => source.create({ port: 1, tls: { cert: 'a', key: 'b', clientAuth: 'require' } }, tools), { message: /needs `tls\.clients`/ })
  s.throws(() => source.create({ port: 1, tls: { cert: 'a', key: 'b', names: ['x'] } }, tools), { message: /senders have no names/ })
  s.throws(() => destination.create({ host: 'a', port: 1, tls: { cert: 'a' } }, tools), { message: /go together/ })
  for (const example of source.examples) s.ok(source.create(example, tools))
  for (const example of destination.examples) s.ok(destination.create(example, tools))
  s.same(source.claims?.({ port: 2575 }), ['port 2575'])
  s.same(source.claims?.({ port: 0 }), [])
})
