/** The desk store's notices: given out oldest first to whom they are for, settled with their referral, gathered once. */
import type { DeskStore } from '../../referrals/desk-contracts.js'
import { after, changeOf, DONE, failure, NOON, noticeOf, open } from './desk-kit.js'
import type { OnDesk } from './desk-store.js'

const ids = (list: readonly { readonly id: number }[]): readonly number[] => list.map(({ id }) => id)
const statuses = async (desk: DeskStore, referral: string) => (await desk.notices(referral)).map(({ status }) => status)

export const noticeConformance = (on: OnDesk): void => {
  on('gives out open notices, oldest first, by kind, way, EHR, time and place', async (t, desk) => {
    const handOff = { kind: 'hand-off', way: null } as const
    await open(desk, 'a', { notices: [
      noticeOf('a'), noticeOf('a', { way: 'fax' }), noticeOf('a', { ...handOff, to: 'ehr epic-main' }), noticeOf('a', { ...handOff, to: 'ehr nextgen' }), noticeOf('a', { kind: 'status', notBefore: after(60) }),
    ] })
    await open(desk, 'b', { notices: [
      noticeOf('b', { status: 'waiting' }), noticeOf('b', { kind: 'status' }), noticeOf('b', { way: null }), noticeOf('b', { ...handOff, to: 'ehr epic-main' }), noticeOf('b', { kind: 'withdrawal', to: 'ehr epic-main', way: 'hl7' }),
    ] })
    const given = async (...[kinds, to, from = 0, at = NOON, limit = 50]: Partial<Parameters<DeskStore['openNotices']>>) => ids(await desk.openNotices(kinds ?? [], to ?? {}, from, at, limit))
    t.same(await given(['acknowledgement', 'status', 'acknowledgement'], { ways: ['email'] }), [1, 7])
    t.same(await given(['acknowledgement', 'status'], { ways: ['fax', 'email', 'fax'] }), [1, 2, 7])
    t.same(await given(['acknowledgement', 'status'], { ways: ['email'] }, 0, after(60)), [1, 5, 7], 'when its time has come')
    t.same(await given(['acknowledgement', 'status'], { ways: ['fax', 'email'] }, 1, after(60), 2), [2, 5], 'after a place, so many')
    t.same(await given(['hand-off'], { ehrs: ['epic-main'] }), [3, 9])
    t.same(await given(['hand-off', 'withdrawal'], { ehrs: ['nextgen', 'epic-main'] }), [3, 4, 9, 10])
    t.same(await given(['hand-off', 'withdrawal'], { ehrs: ['nextgen', 'epic-main'], ways: ['hl7'] }), [10])
    t.same(await given(['acknowledgement', 'hand-off']), [1, 2, 3, 4, 8, 9])
    t.same([await given([]), await given(['hand-off'], { ehrs: [] }), await given(['status'], { ways: [] })], [[], [], []])
  })

  on('settles notices with a change of their referral, as often as it is said', async (t, desk) => {
    await open(desk, 'a', { notices: [noticeOf('a'), noticeOf('a', { kind: 'status' })] })
    await open(desk, 'b', { notices: [noticeOf('b')] })
    await desk.commit(changeOf('a', 1, { settled: [{ id: 1, status: 'sent', fate: 'loop/email/7' }] }))
    t.match(await desk.notice(1), { status: 'sent', fate: 'loop/email/7', referral: 'a' })
    t.match(await desk.commit(changeOf('a', 2, { settled: [{ id: 1, status: 'sent', fate: 'loop/email/7' }, { id: 2, status: 'failed', fate: null }] })), DONE)
    t.same([await statuses(desk, 'a'), await statuses(desk, 'b')], [['sent', 'failed'], ['open']])
    t.ok(await failure(desk.commit(changeOf('a', 3, { settled: [{ id: 3, status: 'sent', fate: null }] }))), 'nobody settles the notice of another')
    t.same(await statuses(desk, 'b'), ['open'])
    await desk.commit(changeOf('a', 3, { settled: [{ id: 2, status: 'open', fate: null }] }))
    t.same(ids(await desk.openNotices(['status'], { ways: ['email'] }, 0, NOON, 9)), [2], 'a person may open it again')
  })

  on('gathers what waits for one recipient by one way into one digest, once', async (t, desk, reopen) => {
    const waits = { kind: 'status', status: 'waiting', notBefore: after(60) } as const
    await open(desk, 'a', { notices: [noticeOf('a', { ...waits, due: after(700) }), noticeOf('a', { ...waits, event: 2, way: 'fax' }), noticeOf('a')] })
    await open(desk, 'b', { notices: [noticeOf('b', { ...waits, event: 4, due: after(500) }), noticeOf('b', { ...waits, to: 'provider 18' }), noticeOf('b', { ...waits, event: 5, notBefore: after(90) })] })
    t.equal(await desk.gather(after(59)), 0)
    t.same(await Promise.all([desk.gather(after(60)), desk.gather(after(60))]), [3, 0])
    const digests = await desk.openNotices(['digest'], {}, 0, after(60), 9)
    t.same(digests.map(({ to, way, items, referral, event, due, status, kind }) => ({ to, way, items, referral, event, due, status, kind })).sort((one, other) => (`${one.to}${one.way}` < `${other.to}${other.way}` ? -1 : 1)), [
      { to: 'provider 17', way: 'email', items: [{ referral: 'a', event: 1 }, { referral: 'b', event: 4 }], due: after(500) },
      { to: 'provider 17', way: 'fax', items: [{ referral: 'a', event: 2 }], due: after(900) },
      { to: 'provider 18', way: 'email', items: [{ referral: 'b', event: 1 }], due: after(900) },
    ].map((digest) => ({ ...digest, referral: null, event: null, status: 'open', kind: 'digest' })))
    t.same([await statuses(desk, 'a'), await statuses(desk, 'b')], [['superseded', 'superseded', 'open'], ['superseded', 'superseded', 'waiting']])
    const kept = await reopen()
    t.equal(await kept.gather(after(89)), 0)
    t.equal(await kept.gather(after(90)), 1)
    t.same((await kept.openNotices(['digest'], { ways: ['email'] }, 0, after(90), 9)).at(-1)?.items, [{ referral: 'b', event: 5 }])
  })

  on('settles a digest by itself, and a digest only', async (t, desk) => {
    await open(desk, 'a', { notices: [noticeOf('a', { status: 'waiting' }), noticeOf('a')] })
    await desk.gather(NOON)
    const [digest] = await desk.openNotices(['digest'], {}, 0, NOON, 9)
    await desk.settleNotice(digest?.id ?? 0, 'sent', 'loop/email/9')
    await desk.settleNotice(digest?.id ?? 0, 'sent', 'loop/email/9')
    t.match(await desk.notice(digest?.id ?? 0), { status: 'sent', fate: 'loop/email/9' })
    t.ok(await failure(desk.settleNotice(2, 'sent', null)), 'a referral’s notice is settled with the referral')
    t.ok(await failure(desk.settleNotice(99, 'sent', null)))
    t.same(await statuses(desk, 'a'), ['superseded', 'open'])
  })
}
