/** The desk store's changes: whole or not at all, once, from the state they were made from; what is kept is read back as it was given. */
import type { Change } from '../../referrals/desk-contracts.js'
import { after, changeOf, documentOf, DONE, eventOf, failure, NOON, noticeOf, open, stateOf } from './desk-kit.js'
import type { OnDesk } from './desk-store.js'

const WHOLE: Change = changeOf('a', 0, {
  command: 'referrals-hl7/desk/1', events: [eventOf(1, 'received', { facts: { words: 'Ünïcode “quoted”' } }), 'read', eventOf(3, 'matched', { applied: false, because: 'there is one already', recordedAt: after(1) })],
  state: { stage: 'routed', provider: '17', holds: { patient: { since: NOON, reason: 'two charts' } }, patient: { status: 'matched', chart: { source: 'epic-main', id: '4711' } } },
  keys: [{ kind: 'placer', value: 'P1' }, { kind: 'patient', value: 'epic-main|4711' }, { kind: 'placer', value: 'P1' }], notices: [noticeOf('a'), noticeOf('a', { kind: 'hand-off', to: 'ehr epic-main', way: null, tried: ['fax'] })],
  documents: [documentOf('letter'), documentOf('note')], bundle: JSON.stringify({ resourceType: 'Bundle', text: 'ä'.repeat(50_000) }), nextDue: after(60), found: { text: 'Quillfeather', payer: 'Acme' },
})

export const commitConformance = (on: OnDesk): void => {
  on('keeps a change whole, and gives everything back after it was closed', async (t, desk, reopen) => {
    t.same(await desk.commit(WHOLE), { ...DONE, referral: 'a' })
    const kept = await reopen()
    t.same(await kept.state('a'), WHOLE.state)
    t.same(await kept.events('a'), WHOLE.events)
    t.equal(await kept.bundle('a'), WHOLE.bundle)
    t.same(await kept.documents('a'), WHOLE.documents.map((document) => ({ ...document, referral: 'a' })))
    t.same(await kept.notices('a'), WHOLE.notices.map((notice, position) => ({ ...notice, id: position + 1, fate: null })))
    t.same(await kept.find(WHOLE.keys.slice(0, 2)), WHOLE.keys.slice(0, 2).map((key) => ({ key, referral: 'a' })))
    t.equal(await kept.nextDue(), after(60))
    t.equal(await kept.done(WHOLE.command), 'a')
    t.same((await kept.search({ limit: 5, text: 'quillfeather', payer: 'Acme' })).map(({ id }) => id), ['a'])
  })

  on('says of what is not there that it is not there', async (t, desk) => {
    t.same([await desk.state('x'), await desk.bundle('x'), await desk.events('x'), await desk.documents('x'), await desk.notices('x'), await desk.done('x'), await desk.notice(9)], [null, null, [], [], [], null, null])
    t.same([await desk.find([{ kind: 'placer', value: 'x' }, { kind: 'pair', value: 'x' }]), await desk.due(after(0), 5), await desk.nextDue(), await desk.gather(after(0))], [[], [], null, 0])
  })

  on('does a command once, whatever the change says the second time, and after it was closed too', async (t, desk, reopen) => {
    await desk.commit(WHOLE)
    const again = { ...WHOLE, state: { ...WHOLE.state, id: 'b' }, expected: 7 }
    t.same(await desk.commit(again), { done: true, repeated: true, referral: 'a' })
    t.same(await (await reopen()).commit(again), { done: true, repeated: true, referral: 'a' })
  })

  on('does one of several that ask for the same command at once', async (t, desk) => {
    const answers = await Promise.all([1, 2, 3].map(() => desk.commit(WHOLE)))
    t.same(answers.map((answer) => answer.done && answer.repeated), [false, true, true])
    t.equal((await desk.notices('a')).length, 2)
  })

  on('refuses a change that was made from another state, and keeps nothing of it', async (t, desk) => {
    await open(desk, 'a')
    for (const expected of [0, 2]) {
      const refused = changeOf('a', expected, { command: 'late', notices: [noticeOf('a')], keys: [{ kind: 'placer', value: 'P' }], bundle: '{}', nextDue: NOON, found: { text: 'late', payer: null } })
      t.same(await desk.commit(refused), { done: false, because: 'changed', by: null })
    }
    t.same(await desk.commit(changeOf('new', 3)), { done: false, because: 'changed', by: null }, 'nor one of a referral that there is not')
    t.same([await desk.done('late'), await desk.notices('a'), await desk.find([{ kind: 'placer', value: 'P' }]), await desk.bundle('a'), await desk.nextDue()], [null, [], [], null, null])
    t.same(await desk.state('a'), stateOf('a', 1))
    const rivals = await Promise.all(['one', 'two'].map((command) => desk.commit(changeOf('a', 1, { command }))))
    t.same(rivals.map(({ done }) => done), [true, false], 'one of two made from the same state')
  })

  on('lets nobody take the number of another referral, except those that several may have', async (t, desk) => {
    const shared = [{ kind: 'patient', value: '4711' }, { kind: 'pair', value: '4711|17' }] as const
    await open(desk, 'a', { keys: [{ kind: 'placer', value: 'P1' }, ...shared] })
    for (const kind of ['reference', 'placer', 'request'] as const) {
      await desk.commit(changeOf('a', (await desk.state('a'))?.sequence, { command: kind, keys: [{ kind, value: 'same' }] }))
      t.same(await desk.commit(changeOf('b', 0, { keys: [...shared, { kind, value: 'same' }], command: `b ${kind}` })), { done: false, because: 'taken', by: 'a' }, kind)
    }
    t.equal(await desk.state('b'), null)
    t.same(await desk.find(shared), shared.map((key) => ({ key, referral: 'a' })), 'nothing of what was refused is kept')
    t.match(await desk.commit(changeOf('b', 0, { keys: [...shared, { kind: 'filler', value: 'P1' }] })), DONE, 'the same number of another kind is another')
    t.same(await desk.find(shared), shared.flatMap((key) => [{ key, referral: 'b' }, { key, referral: 'a' }]), 'the newest first')
    t.match(await desk.commit(changeOf('a', (await desk.state('a'))?.sequence, { keys: [{ kind: 'placer', value: 'P1' }, ...shared] })), DONE, 'its own is no error')
    for (const kind of ['filler', 'appointment', 'visit', 'document', 'task', 'number'] as const) {
      for (const id of ['a', 'b']) t.match(await desk.commit(changeOf(id, (await desk.state(id))?.sequence, { command: `${id} ${kind}`, keys: [{ kind, value: 'both' }] })), DONE)
      t.same((await desk.find([{ kind, value: 'both' }])).map(({ referral }) => referral), ['b', 'a'], `a ${kind} may be of several referrals`)
    }
  })

  on('throws where events are not numbered on, and keeps nothing; its neighbours of the same turn are kept', async (t, desk) => {
    await open(desk, 'a')
    const gaps = [changeOf('a', 1, { events: [eventOf(3, 'noted')] }), changeOf('a', 1, { events: [eventOf(2, 'noted'), eventOf(2, 'noted')] }), { ...changeOf('a', 1), state: stateOf('a', 9) }]
    for (const [position, gap] of gaps.entries()) {
      const command = `gap ${position}`
      const [before, own, behind] = await Promise.allSettled([desk.commit(changeOf(`before ${position}`)), desk.commit({ ...gap, command }), desk.commit(changeOf(`behind ${position}`))])
      t.match([before, own, behind], [{ value: DONE }, { status: 'rejected' }, { value: DONE }])
      t.equal(await desk.done(command), null)
    }
    t.ok(await failure(desk.commit(changeOf('none', 0, { events: [] }))), 'a referral begins with an event')
    t.equal((await desk.events('a')).length, 1)
  })

  on('throws where a stage, a direction, a status or a time is none', async (t, desk) => {
    const wrong = [
      changeOf('a', 0, { state: { stage: 'lost' as never } }), changeOf('a', 0, { state: { direction: 'sideways' as never } }), changeOf('a', 0, { notices: [noticeOf('a', { status: 'gone' as never })] }),
      changeOf('a', 0, { documents: [documentOf('d', { status: 'lost' as never })] }), changeOf('a', 0, { nextDue: 'soon' }), changeOf('a', 0, { state: { receivedAt: '2026-03-02T12:00:00' } }),
    ]
    for (const change of wrong) t.ok(await failure(desk.commit(change)))
    t.equal(await desk.state('a'), null)
  })

  on('replaces documents by their id and their referral, and withdraws them', async (t, desk) => {
    await open(desk, 'a', { documents: [documentOf('one'), documentOf('two')] })
    await open(desk, 'b', { documents: [documentOf('one', { title: 'of b' })] })
    await desk.commit(changeOf('a', 1, { documents: [documentOf('three'), documentOf('one', { status: 'superseded', resources: '[]' })], withdrawn: ['two', 'unknown'] }))
    t.same((await desk.documents('a')).map(({ id, status, resources }) => [id, status, resources.length > 2]), [['one', 'superseded', false], ['two', 'withdrawn', true], ['three', 'current', true]])
    t.same((await desk.documents('b')).map(({ title, status }) => [title, status]), [['of b', 'current']])
  })

  on('replaces the bundle and the words only where they are given', async (t, desk) => {
    await open(desk, 'a', { bundle: '{"first":true}', found: { text: 'Thistlewood', payer: 'Acme' } })
    await desk.commit(changeOf('a', 1))
    t.equal(await desk.bundle('a'), '{"first":true}')
    t.equal((await desk.search({ text: 'thistle', payer: 'Acme', limit: 5 })).length, 1)
    await desk.commit(changeOf('a', 2, { bundle: '{"second":true}', found: { text: 'Quillfeather', payer: null } }))
    t.equal(await desk.bundle('a'), '{"second":true}')
    t.same(await Promise.all([{ text: 'thistle' }, { payer: 'Acme' }, { text: 'quill' }].map(async (query) => (await desk.search({ ...query, limit: 5 })).length)), [0, 0, 1])
  })

  on('says what is due, the longest overdue first, and when the next is', async (t, desk) => {
    for (const [id, seconds] of [['late', 20], ['later', 30], ['latest', 10]] as const) await open(desk, id, { nextDue: after(seconds) })
    await open(desk, 'never')
    t.same(await desk.due(after(9), 5), [])
    t.same(await desk.due(after(20), 5), ['latest', 'late'])
    t.same(await desk.due(after(99), 2), ['latest', 'late'])
    t.equal(await desk.nextDue(), after(10))
    await desk.commit(changeOf('latest', 1))
    t.equal(await desk.nextDue(), after(20))
    await desk.commit(changeOf('late', 1, { nextDue: '2026-03-02T15:00:40+03:00' }))
    t.same([await desk.due(after(40), 5), await desk.nextDue()], [['later', 'late'], after(30)], 'times of another zone are compared as instants')
  })

  on('streams events of all referrals in the order they were recorded', async (t, desk, reopen) => {
    await open(desk, 'a', { events: ['received', 'read'] })
    await open(desk, 'b', { events: [eventOf(1, 'received', { recordedAt: after(5) })] })
    await desk.commit(changeOf('a', 2, { events: [eventOf(3, 'accepted', { recordedAt: after(9) })] }))
    const said = async (...given: Parameters<typeof desk.stream>) => (await desk.stream(...given)).map(({ position, referral, event }) => `${position} ${referral} ${event.name}`)
    t.same(await said(0, null, 9), ['1 a received', '2 a read', '3 b received', '4 a accepted'])
    t.same(await said(1, ['received', 'accepted', 'received'], 9), ['3 b received', '4 a accepted'])
    t.same(await said(0, ['read', 'accepted', 'received'], 2), ['1 a received', '2 a read'])
    t.same(await said(2, null, 1), ['3 b received'])
    t.same(await said(0, [], 9), [])
    t.same(await Promise.all([after(0), after(1), after(6), after(60)].map((before) => desk.lastPosition(before))), [0, 2, 3, 4])
    t.equal(await desk.position('referral-events'), null)
    await desk.moveTo('referral-events', 3)
    await desk.moveTo('referral-events', 2)
    await desk.moveTo('other', 4)
    const kept = await reopen()
    t.same([await kept.position('referral-events'), await kept.position('other')], [2, 4])
  })

  on('keeps what no referral could be given, once for each command, until a person has settled it', async (t, desk, reopen) => {
    const stray = { at: NOON, via: 'scheduling', what: 'SIU^S12 appointment 18467', reason: 'two referrals fit', candidates: ['a', 'b'], bundle: '{"a":1}' }
    t.same([await desk.addStray('one', stray), await desk.addStray('two', { ...stray, candidates: [] }), await desk.addStray('one', stray), await desk.addStray('three', stray)], [1, 2, 1, 3])
    const settled = { at: after(5), by: 'alice', how: 'given to a' }
    t.same([await desk.settleStray(2, settled), await desk.settleStray(2, { ...settled, by: 'bob' }), await desk.settleStray(9, settled)], [true, false, false])
    await desk.settleStray(1, { ...settled, at: after(6) })
    const kept = await reopen()
    t.same(await kept.strays(true, 9), [{ ...stray, id: 3, settled: null }])
    t.same(await Promise.all([1, 3, 9].map((id) => kept.stray(id))), [{ ...stray, id: 1, settled: { ...settled, at: after(6) } }, { ...stray, id: 3, settled: null }, null])
    t.same((await kept.strays(false, 9)).map(({ id, settled }) => [id, settled?.by]), [[1, 'alice'], [2, 'alice']], 'the last settled first')
    t.equal((await kept.strays(false, 1)).length, 1)
  })
}
