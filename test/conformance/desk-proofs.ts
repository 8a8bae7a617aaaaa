/** The desk store's proofs: what notices were sent as, how far they came, what is late, and receipts that came before it was known what they are about. */
import type { Proof } from '../../referrals/desk-contracts.js'
import { after, changeOf, DONE, NOON, noticeOf, open } from './desk-kit.js'
import type { OnDesk } from './desk-store.js'

const proofOf = (notice: number, over: Partial<Proof> = {}): Proof => ({ notice, stage: 'accepted', at: NOON, reason: null, pages: null, confirmBy: after(3600), sentAs: [`<${notice}@heart.example>`], steps: [], ...over })
const DAY = 86_400

export const proofConformance = (on: OnDesk): void => {
  on('keeps the proof of a notice with the change that it belongs to, and finds the notice by each of its names', async (t, desk, reopen) => {
    await open(desk, 'a', { notices: [noticeOf('a'), noticeOf('a'), noticeOf('a')] })
    await open(desk, 'b', { notices: [noticeOf('b')] })
    t.same(await desk.proof(1), null)
    t.match(await desk.commit(changeOf('a', 1, { proofs: [proofOf(1), proofOf(2, { sentAs: ['<2@heart.example>', 'documo:2'] })] })), DONE)
    t.match(await desk.commit(changeOf('a', 1, { command: 'too late', proofs: [proofOf(3)] })), { done: false })
    await desk.putProof(proofOf(4))
    const kept = await reopen()
    t.same([await kept.proof(1), await kept.proof(3), (await kept.proofs('a')).map(({ notice }) => notice)], [proofOf(1), null, [1, 2]])
    t.same([await kept.sentAs(['documo:2']), await kept.sentAs(['<2@heart.example>', 'documo:2', 'x', '<1@heart.example>']), await kept.sentAs([]), await kept.sentAs(["' or 1"])], [[2], [1, 2], [], []])
  })

  on('gives what should have been confirmed, the longest due first, until nothing is waited for', async (t, desk) => {
    await open(desk, 'a', { notices: [noticeOf('a'), noticeOf('a'), noticeOf('a')], proofs: [proofOf(1, { confirmBy: after(60) }), proofOf(2, { confirmBy: after(30) }), proofOf(3, { confirmBy: null })] })
    t.same([await desk.proofsDue(after(29), 9), await desk.proofsDue(after(60), 9), await desk.proofsDue(after(60), 1)], [[], [2, 1], [2]])
    await desk.commit(changeOf('a', 1, { proofs: [proofOf(2, { stage: 'processed', confirmBy: null })] }))
    t.same(await desk.proofsDue(after(60), 9), [1])
  })

  on('keeps a receipt of what is not known for a week, found by its names, until it is taken', async (t, desk, reopen) => {
    await desk.keepEarly('r1', ['<1@heart.example>', 'documo:1'], NOON, '{"stage":"processed"}')
    await desk.keepEarly('r1', ['<1@heart.example>'], after(1), 'said again')
    await desk.keepEarly('r2', ['<1@heart.example>'], after(2), '{"stage":"dispatched"}')
    await desk.keepEarly('none', [], after(2), '{}')
    const kept = await reopen()
    t.same(await kept.early(['documo:1', '<1@heart.example>', 'x']), [{ command: 'r1', content: '{"stage":"processed"}' }, { command: 'r2', content: '{"stage":"dispatched"}' }])
    t.same(await kept.earlyOfSent(), [])
    await open(kept, 'a', { notices: [noticeOf('a')], proofs: [proofOf(1)] })
    t.same((await kept.earlyOfSent()).map(({ command, notice }) => [command, notice]), [['r1', 1], ['r2', 1]])
    await kept.forgetEarly('r1')
    t.same((await kept.early(['documo:1', '<1@heart.example>'])).map(({ command }) => command), ['r2'])
    await kept.keepEarly('later', ['x'], after(7 * DAY), '{}')
    t.equal((await kept.early(['<1@heart.example>'])).length, 1, 'a week is not over')
    await kept.keepEarly('later still', ['x'], after(7 * DAY + 3), '{}')
    t.same(await kept.early(['<1@heart.example>']), [])
  })

  on('keeps no more of them than there is room for, the newest', async (t, desk) => {
    const many = Array.from({ length: 300 }, (_, name) => `<${name}@flood.example>`)
    await desk.keepEarly('many names', many, NOON, '{}')
    t.equal((await desk.early(many.slice(20))).length, 0, 'by its first names alone')
    await Promise.all(Array.from({ length: 10_100 }, (_, number) => desk.keepEarly(`flood ${number}`, [`<f${number}@flood.example>`], after(1 + number), '{}')))
    t.same((await desk.early(['<f10099@flood.example>', '<f200@flood.example>'])).map(({ command }) => command), ['flood 200', 'flood 10099'])
    t.same(await desk.early(['<f0@flood.example>', '<f98@flood.example>', ...many]), [])
  })
}
