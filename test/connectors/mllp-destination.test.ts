/** The MLLP destination: what it makes of every way in which a receiver may answer, or not. */
import t from 'tap'
import { acknowledge, block, calling, controlIdOf, listening, message, type Peer, receiver, SECRETS } from './mllp-kit.js'

/** Answers every message of a connection with `code`. */
const obey = async (peer: Peer, code = 'AA'): Promise<void> => {
  for (let content = await peer.next(); content !== null; content = await peer.next()) peer.write(acknowledge(code, controlIdOf(content)))
}

t.test('AA and CA are sent; AE, CE, AR and CR are refused with their code; all by one connection', async (s) => {
  const { port, accept, count } = await receiver(s)
  const { send } = calling(s, port)
  const serving = accept().then(async (peer) => {
    for (const code of ['AA', 'CA', 'AE', 'CE', 'AR', 'CR']) peer.write(acknowledge(code, controlIdOf(await peer.next() ?? '')))
    return peer
  })
  for (const [n, code] of ['AA', 'CA', 'AE', 'CE', 'AR', 'CR'].entries()) {
    const outcome = await send(message(`${n}`))
    if (code[1] === 'A') s.match(outcome, { kind: 'sent' }, code)
    else s.match(outcome, { kind: 'refused', code, reason: new RegExp(`127\\.0\\.0\\.1:${port} answered ${code}`) })
    s.ok('response' in outcome && outcome.response?.includes(`MSA|${code}|${n}`), 'the answer is kept')
  }
  s.equal(count(), 1)
  await serving
})

t.test('an answer cut into pieces, without its last CR, or with a line end behind it, is one answer', async (s) => {
  const { port, accept } = await receiver(s)
  const { send } = calling(s, port)
  const serving = accept().then(async (peer) => {
    await peer.next()
    for (const byte of acknowledge('AA', '1')) {
      peer.write(byte)
      await new Promise(setImmediate)
    }
    await peer.next()
    peer.write(acknowledge('AA', '2').slice(0, -1))
    await peer.next()
    peer.write(`\r\n${acknowledge('AA', '3')}\n`)
  })
  for (const id of ['1', '2', '3']) s.match(await send(message(id)), { kind: 'sent' })
  await serving
})

t.test('nothing listens: unavailable, with where; a name without an address too', async (s) => {
  const { port, close } = await receiver(s)
  await close()
  s.same(await calling(s, port).send(message('1')), { kind: 'unavailable', reason: `127.0.0.1:${port} refuses connections: nothing listens there` })
  s.match(await calling(s, port, { host: 'refero.invalid' }).send(message('1')), { kind: 'unavailable', reason: /refero\.invalid:[0-9]+ / })
})

t.test('a connection that the receiver closed between two messages is opened again in silence', async (s) => {
  const { port, accept, count } = await receiver(s)
  const { send, lines } = calling(s, port)
  for (const [n, end] of [(peer: Peer) => peer.socket.end(), (peer: Peer) => peer.socket.resetAndDestroy(), (peer: Peer) => peer.socket.end()].entries()) {
    const sending = send(message(`${n}`))
    const peer = await accept()
    await peer.next()
    peer.write(acknowledge('AA', `${n}`))
    s.match(await sending, { kind: 'sent' })
    end(peer)
    await peer.closed
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate) // until the destination has seen it too
  }
  s.equal(count(), 3)
  s.same(lines, [])
})

t.test('a receiver that comes back is reached by the same destination', async (s) => {
  const first = await receiver(s)
  const { send } = calling(s, first.port)
  void first.accept().then((peer) => obey(peer))
  s.match(await send(message('1')), { kind: 'sent' })
  await first.close()
  s.match(await send(message('2')), { kind: /unavailable|unknown/ })
  s.match(await send(message('2')), { kind: 'unavailable' })
  const again = await receiver(s, first.port)
  void again.accept().then((peer) => obey(peer))
  s.match(await send(message('2')), { kind: 'sent' })
})

t.test('closed or reset before the answer is unknown, and the next message has a new connection', async (s) => {
  const { port, accept } = await receiver(s)
  const { send } = calling(s, port)
  for (const end of [(peer: Peer) => peer.socket.end(), (peer: Peer) => peer.socket.resetAndDestroy()]) {
    const sending = send(message('1'))
    const peer = await accept()
    await peer.next()
    end(peer)
    s.match(await sending, { kind: 'unknown', reason: new RegExp(`^127\\.0\\.0\\.1:${port}: `) })
  }
  const half = send(message('2'))
  const peer = await accept()
  await peer.next()
  peer.write(acknowledge('AA', '2').slice(0, -5))
  peer.socket.end()
  s.match(await half, { kind: 'unknown' }, 'half an answer is none')
  const after = send(message('3'))
  void accept().then((fresh) => obey(fresh))
  s.match(await after, { kind: 'sent' })
})

t.test('no answer in time is unknown, and a late one is never credited to the next message', async (s) => {
  const { port, accept, count } = await receiver(s)
  const { send } = calling(s, port)
  const abort = new AbortController()
  const sending = send(message('SAME'), abort.signal)
  const slow = await accept()
  await slow.next()
  abort.abort()
  s.match(await sending, { kind: 'unknown', reason: /no acknowledgement within the time allowed/ })
  slow.write(acknowledge('AA', 'SAME'))
  const second = send(message('SAME'))
  const fresh = await accept()
  await fresh.next()
  slow.socket.destroy()
  fresh.write(acknowledge('AR', 'SAME'))
  s.match(await second, { kind: 'refused', code: 'AR' })
  s.equal(count(), 2)
})

t.test('the end of one message’s time is nothing to the next', async (s) => {
  const { port, accept, count } = await receiver(s)
  const { send } = calling(s, port)
  const before = new AbortController()
  const first = send(message('1'), before.signal)
  const peer = await accept()
  await peer.next()
  peer.write(acknowledge('AA', '1'))
  s.match(await first, { kind: 'sent' })
  const second = send(message('2'))
  before.abort()
  await peer.next()
  peer.write(acknowledge('AA', '2'))
  s.match(await second, { kind: 'sent' })
  s.equal(count(), 1)
})

t.test('aborted before or while connecting is unavailable: nothing was sent', async (s) => {
  const { port, count } = await receiver(s)
  const gone = new AbortController()
  gone.abort()
  const { send } = calling(s, port)
  s.match(await send(message('1'), gone.signal), { kind: 'unavailable' })
  s.equal(count(), 0)
  const abort = new AbortController()
  const sending = send(message('1'), abort.signal)
  abort.abort()
  s.match(await sending, { kind: 'unavailable', reason: /within the time allowed/ })
})

t.test('an answer to another message is unknown, and that connection is not used again', async (s) => {
  const { port, accept } = await receiver(s)
  const { send, lines } = calling(s, port)
  for (const answer of [acknowledge('AA', 'OTHER'), acknowledge('AA', 'OTHER') + acknowledge('AA', '1'), acknowledge('AA', ''), acknowledge('XX', '1'), block('this is no HL7'), block('MSH|^~\\&|A\rPID|1\r'), block('MSH|^~\\&|A\rMSA|AA|1\x0b\r')]) {
    const sending = send(message('1'))
    const peer = await accept()
    await peer.next()
    peer.write(answer)
    s.match(await sending, { kind: 'unknown' }, JSON.stringify(answer.slice(-20)))
    await peer.closed
  }
  const last = send(message('1'))
  void accept().then((peer) => obey(peer))
  s.match(await last, { kind: 'sent' })
  s.same(lines, [])
})

t.test('an answer that nobody asked for closes the connection before the next message', async (s) => {
  const { port, accept, count } = await receiver(s)
  const { send, lines } = calling(s, port)
  const sending = send(message('1'))
  const peer = await accept()
  await peer.next()
  peer.write(acknowledge('AA', '1') + acknowledge('AA', '1'))
  s.match(await sending, { kind: 'sent' })
  await peer.closed
  s.match(lines, [{ level: 'warn', event: /nothing was asked/ }])
  const next = send(message('2'))
  void accept().then((fresh) => obey(fresh))
  s.match(await next, { kind: 'sent' })
  s.equal(count(), 2)
})

t.test('endless answers and endless noise are unknown', async (s) => {
  const { port, accept } = await receiver(s)
  const { send } = calling(s, port, { answer: '10kB' })
  for (const flood of [`\x0b${'x'.repeat(20_000)}`, 'noise'.repeat(5000)]) {
    const sending = send(message('1'))
    const peer = await accept()
    await peer.next()
    peer.write(flood)
    s.match(await sending, { kind: 'unknown' })
    await peer.closed
  }
})

t.test('what settles an enhanced-mode message is the first answer it asks for, or the application’s', async (s) => {
  const { port, accept, count } = await receiver(s)
  const { send, lines } = calling(s, port)
  const enhanced = (id: string) => message(id, '', 'AL|AL')
  const sending = send(enhanced('1'))
  const peer = await accept()
  await peer.next()
  peer.write(acknowledge('CA', '1'))
  s.match(await sending, { kind: 'sent' })
  const second = send(enhanced('2'))
  await peer.next()
  peer.write(acknowledge('AE', '1') + acknowledge('CA', '2'))
  s.match(await second, { kind: 'sent' }, 'the late application answer to the first is not taken for its answer')
  s.match(lines, [{ level: 'warn', event: /taken before/, facts: /"code":"AE"/ }])
  s.equal(count(), 1)
  const silent = await send(message('3', '', 'NE|NE'))
  s.same(silent, { kind: 'sent' }, 'no answer is asked for, and none is waited for')
  s.equal(controlIdOf(await peer.next() ?? ''), '3')

  const patient = calling(s, port, { acknowledgement: 'application' })
  const waiting = patient.send(enhanced('4'))
  const other = await accept()
  await other.next()
  other.write(acknowledge('CA', '4') + acknowledge('AR', '4'))
  s.match(await waiting, { kind: 'refused', code: 'AR' })
  const careless = calling(s, port, { acknowledgement: 'none' })
  s.same(await careless.send(message('5')), { kind: 'sent' })
})

t.test('a message that MLLP cannot carry is refused and not sent', async (s) => {
  const { port, count } = await receiver(s)
  const { send } = calling(s, port)
  for (const bad of ['\x0b', '\x1c']) s.match(await send(message('1', `a${bad}b`)), { kind: 'refused', reason: /control character .* at byte [0-9]+/ })
  s.equal(count(), 0)
})

t.test('a lane asks one thing at a time, and close ends what is under way as unknown', async (s) => {
  const { port, accept } = await receiver(s)
  const { send, destination } = calling(s, port)
  const first = send(message('1'))
  s.match(await send(message('2')), { kind: 'unavailable', reason: /still being asked/ })
  const peer = await accept()
  await peer.next()
  s.match(await send(message('2')), { kind: 'unavailable' })
  await destination.close()
  s.match(await first, { kind: 'unknown', reason: /closed before/ })
  await peer.closed
  await destination.close()
  const again = send(message('3'))
  void accept().then((fresh) => obey(fresh))
  s.match(await again, { kind: 'sent' }, 'and it can be used again')
  await destination.close()
})

t.test('a thousand messages in a row go by one connection', async (s) => {
  const { port, taken, ids } = await listening(s)
  const { send } = calling(s, port)
  for (let n = 0; n < 1000; n += 1) if ((await send(message(`${n}`))).kind !== 'sent') s.fail(`${n}`)
  s.same(ids(), Array.from({ length: 1000 }, (_, n) => `${n}`))
  s.equal(new Set(taken.map(({ origin }) => origin)).size, 1)
})

t.test('no reason holds content', async (s) => {
  const { port, accept } = await receiver(s)
  const said: string[] = []
  for (const answer of [`${acknowledge('AE', '1').slice(0, -3)}|${SECRETS[0]} is unknown\r\x1c\r`, acknowledge('AA', SECRETS[0] ?? ''), block(SECRETS.join())]) {
    const { send, lines } = calling(s, port)
    const sending = send(message('1'))
    const peer = await accept()
    await peer.next()
    peer.write(answer)
    const outcome = await sending
    said.push(`${'reason' in outcome ? outcome.reason : s.fail('it has a reason')} ${JSON.stringify(lines)}`)
  }
  for (const secret of SECRETS) s.notOk(said.join().includes(secret))
})
