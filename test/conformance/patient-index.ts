/** What every patient index must do, whatever keeps it: PatientIndex of referrals/contracts.ts as tests. */
import type { Test } from 'tap'
import type { Chart, PatientFacts, PatientIndex } from '../../referrals/contracts.js'

/** Opens the index kept in a folder; what an earlier one kept there is still there. */
export type OpenIndex = (folder: string) => PatientIndex | Promise<PatientIndex>

export const ROSA: PatientFacts = {
  identifiers: [{ system: 'urn:oid:1.2.3', value: 'M100', type: 'MR' }], names: [{ family: 'Quintero', given: ['Rosa', 'Elena'], suffix: null, use: 'official' }], birthDate: '1971-04-23', sex: 'female',
  addresses: [{ lines: ['18 Larch Street'], city: 'Fairview', state: 'IL', postalCode: '62704' }], phones: ['217-555-0143'], emails: ['rosa.q@mail.example'], memberIds: ['W55501234'], birthOrder: null, deceased: false, language: 'es',
}
export const chartOf = (id: string, over: Partial<Chart> = {}): Chart => ({ ...ROSA, source: 'epic-main', id, active: true, ...over })
export const named = (family: string, ...given: string[]): PatientFacts['names'] => [{ family, given, suffix: null, use: null }]
/** Rosa as a form says her: without a number. */
export const form = (over: Partial<PatientFacts> = {}): PatientFacts => ({ ...ROSA, identifiers: [], memberIds: [], emails: [], ...over })
const key = (id: string, source = 'epic-main') => ({ source, id })

export const patientIndexConformance = (t: Test, name: string, open: OpenIndex): Promise<unknown> => t.test(`the ${name} patient index`, async (t) => {
  const on = (sentence: string, body: (t: Test, index: PatientIndex, reopen: () => Promise<PatientIndex>) => Promise<void>): void => {
    void t.test(sentence, async (t) => {
      const folder = t.testdir()
      let index = await open(folder)
      try {
        await body(t, index, async () => {
          await index.close()
          index = await open(folder)
          return index
        })
      } finally {
        await index.close()
      }
    })
  }
  const ids = async (index: PatientIndex, facts = form(), options = {}): Promise<readonly string[]> => (await index.match(facts, options)).candidates.map(({ chart }) => `${chart.source} ${chart.id}`)

  on('an empty index knows nobody', async (t, index) => {
    t.match(await index.match(form()), { grade: 'none', candidates: [], reasons: [/no chart shares/] })
    t.equal(await index.count(), 0)
    t.equal(await index.get(key('100')), null)
    await index.put([])
  })

  on('a chart that is put is found, explained, and still there after reopening', async (t, index, reopen) => {
    await index.put([chartOf('100')])
    const again = await reopen()
    t.same(await again.get(key('100')), chartOf('100'))
    const match = await again.match(form())
    t.match(match, { grade: 'certain', candidates: [{ chart: { id: '100' }, contradictions: [] }] })
    const [candidate] = match.candidates
    t.ok(candidate && candidate.score >= 0.9 && candidate.score <= 1)
    t.ok(Math.abs((candidate?.compared.reduce((sum, { weight }) => sum + weight, 0) ?? 0) - (candidate?.weight ?? 1)) < 1e-9, 'what was compared adds up to the weight')
    t.match(candidate?.compared.find(({ field }) => field === 'birthDate'), { ours: '1971-04-23', theirs: '1971-04-23', agreement: 'same', says: 'the date of birth is the same' })
  })

  on('putting a chart again changes nothing, and a changed chart replaces all that it said', async (t, index) => {
    await index.put([chartOf('100')])
    const before = await index.match(form())
    await index.put([chartOf('100'), chartOf('100')])
    t.same(await index.match(form()), before)
    t.equal(await index.count(), 1)
    await index.put([chartOf('100', { names: named('Okafor', 'Ada'), birthDate: '1980-11-02', phones: [], addresses: [], emails: [], memberIds: [], identifiers: [] })])
    t.same(await ids(index), [], 'nothing of what it said before finds it')
    t.same(await ids(index, form({ names: named('Okafor', 'Ada'), birthDate: '1980-11-02' })), ['epic-main 100'])
  })

  on('a chart without a number is refused, and its neighbours are not', async (t, index) => {
    const [bad, good] = await Promise.allSettled([index.put([chartOf('')]), index.put([chartOf('100')])])
    t.match(bad, { status: 'rejected', reason: { message: /a source and an id/ } })
    t.equal(good.status, 'fulfilled')
    t.equal(await index.count(), 1)
    t.equal((await index.match(form())).grade, 'certain')
  })

  on('of two charts of one system neither is certain; narrowed to one that has one, it is', async (t, index) => {
    await index.put([chartOf('100'), chartOf('200'), chartOf('300', { source: 'nextgen', names: named('Quintero', 'Ramon'), sex: 'male', birthDate: '1999-01-17' })])
    t.match(await index.match(form()), { grade: 'possible', reasons: [/more than one chart is above the certain line/] })
    t.match(await index.match(form(), { sources: ['nextgen'] }), { grade: 'none' })
    t.same(await ids(index, form(), { limit: 1 }), ['epic-main 100'])
  })

  on('charts of two systems that agree do not compete; those that do not agree do', async (t, index) => {
    await index.put([chartOf('100'), chartOf('E-7', { source: 'ecw' })])
    t.match(await index.match(form()), { grade: 'certain', candidates: [{}, {}] })
    t.match(await index.match(form(), { sources: ['ecw'] }), { grade: 'certain', candidates: [{ chart: { source: 'ecw' } }] })
    await index.put([chartOf('E-7', { source: 'ecw', birthOrder: 2, names: named('Quintero', 'Rosalia') }), chartOf('100', { birthOrder: 1 })])
    t.equal((await index.match(form({ names: named('Quintero', 'R') }))).grade, 'possible')
  })

  on('a merged chart leads to its survivor, through chains, and is never a candidate', async (t, index, reopen) => {
    await index.put([chartOf('1', { names: named('Hale', 'Rosa') }), chartOf('2'), chartOf('3')])
    await index.merge(key('2'), key('1'))
    await index.merge(key('3'), key('2'))
    const again = await reopen()
    for (const id of ['1', '2', '3']) t.equal((await again.get(key(id)))?.id, '3')
    t.match(await again.match(form()), { grade: 'certain', candidates: [{ chart: { id: '3' } }] })
    t.same(await ids(again, form({ names: named('Hale', 'Rosa') })), ['epic-main 3'], 'by the name that only the merged chart has')
    await again.put([chartOf('1', { names: named('Hale', 'Rosie') })])
    t.equal((await again.get(key('1')))?.id, '3', 'a later message about the merged chart changes that not')
  })

  on('merging and taking it back leaves everything as it was', async (t, index) => {
    await index.put([chartOf('1'), chartOf('2')])
    const before = await index.match(form())
    await index.merge(key('2'), key('1'))
    await index.merge(key('2'), key('1'))
    t.same(await ids(index), ['epic-main 2'])
    await index.unmerge(key('2'), key('1'))
    t.same(await index.match(form()), before)
    t.equal((await index.get(key('1')))?.id, '1')
    await index.unmerge(key('2'), key('1'))
  })

  on('a merge with an unknown chart takes effect when that chart comes', async (t, index) => {
    await index.put([chartOf('1')])
    await index.merge(key('2'), key('1'))
    t.equal((await index.get(key('1')))?.id, '1', 'until then the chart stands for itself')
    t.same(await ids(index), ['epic-main 1'])
    await index.merge(key('2'), key('0'))
    await index.put([chartOf('2')])
    t.same(await ids(index), ['epic-main 2'])
    t.equal((await index.get(key('0')))?.id, '2', 'nor need the merged one have been known')
  })

  on('of two merges that contradict each other the later counts, and nothing goes in circles', async (t, index) => {
    await index.put([chartOf('1'), chartOf('2'), chartOf('3')])
    await index.merge(key('2'), key('1'))
    await index.merge(key('3'), key('2'))
    await index.merge(key('1'), key('3'))
    t.equal((await index.get(key('3')))?.id, '1')
    t.equal((await index.get(key('2')))?.id, '1')
    t.equal((await index.get(key('1')))?.id, '1')
    await t.rejects(index.merge(key('1'), key('1')), /into itself/)
  })

  on('what was asked in one turn is done in order', async (t, index) => {
    const [, , match, count] = await Promise.all([index.put([chartOf('1')]), index.merge(key('2'), key('1')), index.match(form()), index.count(), index.put([chartOf('2')])])
    t.equal(match.candidates.length, 1)
    t.ok(count >= 1)
    await index.close()
    await t.rejects(index.count(), /closed/)
  })
})
