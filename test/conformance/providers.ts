/** What every provider directory must do, whatever keeps it: the whole of ProviderDirectory as tests. */
import type { Test } from 'tap'
import type { PersonName, ProviderFacts } from '../../referrals/contracts.js'
import type { Changed, KnownProvider, ProviderDirectory } from '../../referrals/providers/directory.js'
import { person } from '../referrals/routing/made.js'

/** Opens the directory that is kept in a folder; `now` is its clock. */
export type OpenProviders = (folder: string, now: () => Date) => ProviderDirectory | Promise<ProviderDirectory>

export const NOON = new Date('2026-03-02T12:00:00Z')
export const named = (family: string, ...given: readonly string[]): PersonName => ({ family, given, suffix: null, use: null })
const seen = (via = 'referrals-fax', minutes = 0) => ({ at: new Date(NOON.getTime() + minutes * 60_000), via })
const provider = (changed: Changed): KnownProvider => { if (!changed.done) throw new Error(changed.because); return changed.provider }

const [NPI, OTHER] = ['1234567893', '1245319599']
const FAX = '(608) 555-0142'

export const providerConformance = (t: Test, kind: string, open: OpenProviders): Promise<unknown> => t.test(`the ${kind} provider directory`, async (t) => {
  type Body = (t: Test, directory: ProviderDirectory, reopen: () => Promise<ProviderDirectory>) => Promise<void>
  const on = (sentence: string, body: Body): void => {
    void t.test(sentence, async (t) => {
      const folder = t.testdir()
      const now = (): Date => NOON
      let directory = await open(folder, now)
      try {
        await body(t, directory, async () => {
          await directory.close()
          directory = await open(folder, now)
          return directory
        })
      } finally {
        await directory.close()
      }
    })
  }
  /** The ids of whom each of these facts means, one after the other. */
  const ids = async (directory: ProviderDirectory, many: readonly Partial<ProviderFacts>[]): Promise<readonly string[]> => {
    const found: string[] = []
    for (const facts of many) found.push((await directory.recognise(person(facts), seen())).provider.id)
    return found
  }

  on('keeps all that a message says of a provider, and gives it back after it was closed', async (t, directory, reopen) => {
    const facts = person({
      npi: NPI, name: named('OKAFOR', 'NKECHI', 'A', 'MD'), practice: 'Lakeside Family Practice, LLC', specialty: { system: 'http://nucc.org/provider-taxonomy', code: '207Q00000X', text: null }, identifiers: [{ system: 'urn:license', value: 'W1', type: 'MD' }],
      address: { lines: ['1 Lake St'], city: 'Madison', state: 'WI', postalCode: '53703' }, phones: ['608-555-0100'], faxes: [FAX], emails: ['nokafor@lakeside.example'], directAddresses: ['nokafor@direct.lakeside.example'],
    })
    const { provider: one, isNew, how, uncertain } = await directory.recognise(facts, { ...seen(), preferred: 'fax' })
    t.same([isNew, how, uncertain], [true, 'new', null])
    t.same(one, {
      id: one.id, kind: 'person', ...facts, name: named('Okafor', 'Nkechi', 'A'), practiceId: one.practiceId, aliases: [], preferred: 'fax', firstSeen: NOON.toISOString(), lastSeen: NOON.toISOString(), uncertain: [],
      ways: [
        { way: 'fax', address: FAX, learned: 'referrals-fax' }, { way: 'direct', address: 'nokafor@direct.lakeside.example', learned: 'referrals-fax' },
        { way: 'email', address: 'nokafor@lakeside.example', learned: 'referrals-fax' }, { way: 'phone', address: '608-555-0100', learned: 'referrals-fax' },
      ],
    })
    const kept = await reopen()
    t.same(await kept.get(one.id), one)
    t.match(await kept.get(one.practiceId as string), { kind: 'practice', practice: 'Lakeside Family Practice, LLC', npi: null, faxes: [FAX] })
    t.equal(await kept.get('999'), null)
    t.equal(await kept.get('x'), null)
  })

  on('knows the same person by NPI, by Direct address, and by fax and name', async (t, directory) => {
    const direct = ['Nokafor@Direct.lakeside.example']
    const [first = '', ...others] = await ids(directory, [
      { npi: NPI, name: named('Okafor', 'Nkechi'), directAddresses: ['nokafor@direct.lakeside.example'], faxes: [FAX] }, { npi: NPI }, { directAddresses: direct }, { directAddresses: direct, name: named('OKAFOR, NKECHI A MD') },
      { faxes: ['+1 608.555.0142'], name: named('Okafor', 'N') }, { faxes: [FAX], name: named('Nkechi Okafor') }, { name: named('Okafor', 'Nkechi'), phones: ['6085550100'], faxes: ['6085550142'] }, { phones: ['(608) 555-0100'], name: named('Okafor', 'Nkechi') },
    ])
    t.same(others, others.map(() => first))
    t.same((await directory.get(first))?.aliases, ['N Okafor', 'Nkechi A Okafor'])
  })

  on('never makes one of two people who share a fax, a telephone, a Direct address, or a family name', async (t, directory) => {
    const shared = { faxes: [FAX], phones: ['608-555-0100'], directAddresses: ['office@direct.lakeside.example'], practice: 'Lakeside' }
    const found = await ids(directory, [
      { ...shared, name: named('Okafor', 'Nkechi') }, { ...shared, name: named('Okafor', 'Chidi') }, { ...shared, name: named('Rao', 'Anita') }, { ...shared, name: { ...named('Rao', 'Anita'), suffix: 'Jr' }, npi: NPI },
      { name: named('Okafor', 'Nkechi'), practice: 'Riverside' }, { name: named('Okafor', 'Nkechi') },
    ])
    t.same(new Set(found).size, 5, 'only Anita Rao, whose NPI was learned, was met twice')
    t.equal(found[2], found[3])
    t.notSame((await ids(directory, [{ faxes: [FAX], name: named('Okafor') }]))[0], found[0], 'a family name of two is neither')
  })

  on('takes what names no person for the practice that shares the fax', async (t, directory) => {
    const [okafor, rao] = await ids(directory, [{ faxes: [FAX], practice: 'Lakeside Family Practice', name: named('Okafor', 'Nkechi') }, { faxes: [FAX], name: named('Rao', 'Anita') }])
    const { provider: practice, how, isNew } = await directory.recognise(person({ faxes: ['608-555-0142'] }), seen())
    t.match(practice, { kind: 'practice', practice: 'Lakeside Family Practice', name: null })
    t.match([how, isNew], [/by fax, which is the practice’s/, false])
    t.same([(await directory.get(okafor ?? ''))?.practiceId, (await directory.get(rao ?? ''))?.practiceId], [practice.id, practice.id])
    const unknown = await ids(directory, [{ faxes: ['608-555-0177'] }, { faxes: ['608-555-0177'] }])
    t.equal(unknown[0], unknown[1], 'and adds one that is not named, once')
    t.same(await ids(directory, [{ practice: 'LAKESIDE FAMILY PRACTICE LLC', phones: [] }]), [practice.id])
    const twoTowns = await ids(directory, [{ practice: 'Lakeside', address: { lines: [], city: null, state: null, postalCode: '53703' } }, { practice: 'Lakeside', address: { lines: [], city: null, state: null, postalCode: '54601-1234' } }])
    t.not(twoTowns[0], twoTowns[1])
  })

  on('flags another NPI at the same Direct address, and overwrites none', async (t, directory) => {
    const directAddresses = ['nokafor@direct.lakeside.example']
    const { provider: one } = await directory.recognise(person({ npi: NPI, name: named('Okafor', 'Nkechi'), directAddresses }), seen())
    const again = await directory.recognise(person({ npi: OTHER, name: named('Okafor', 'Nkechi'), directAddresses }), seen('referrals-direct'))
    t.match(again, { provider: { id: one.id, npi: NPI }, uncertain: /1245319599; 1234567893 is known, and is kept/ })
    const stranger = await directory.recognise(person({ npi: OTHER, name: named('Rao', 'Anita'), directAddresses }), seen())
    t.match(stranger, { isNew: true, provider: { npi: OTHER }, uncertain: /is also the Direct address of NPI 1234567893/ })
    const renamed = await directory.recognise(person({ npi: NPI, name: named('Chen', 'Wei') }), seen())
    t.match(renamed, { provider: { id: one.id, name: { family: 'Okafor' } }, uncertain: /A message calls the holder of NPI 1234567893 Wei Chen, who is known as Nkechi Okafor/ })
    const mistyped = await directory.recognise(person({ npi: '1234567894', name: named('Silva', 'Ana') }), seen())
    t.match(mistyped, { provider: { npi: null }, uncertain: 'The NPI 1234567894 was given, and its check digit is wrong.' })
    t.same((await directory.search({ uncertain: true, limit: 9 })).map(({ id }) => id), [mistyped.provider.id, stranger.provider.id, one.id])
    t.same(provider(await directory.update(one.id, { settled: true }, 'Pat', 'called them')).uncertain, [])
    const nobody = await directory.recognise(person({}), seen())
    t.match(nobody.uncertain, /says nothing by which its sender could be known again/)
  })

  on('knows again whom only a name is known of, where the same sender says the same, and stays uncertain until a person settles it', async (t, directory) => {
    const lonely = (more: Partial<ProviderFacts> = {}, from: string | null = 'lakeside') => directory.recognise(person({ name: named('LONELY', 'DOC'), ...more }), { ...seen(), ...(from !== null && { from }) })
    const { provider: one, uncertain } = await lonely()
    t.match(uncertain, /says nothing by which/)
    for (let i = 0; i < 3; i++) t.match(await lonely(), { isNew: false, how: 'by name and sender', uncertain, provider: { id: one.id, uncertain: [uncertain] } })
    const state = { system: null, value: 'WI-1', type: 'SL' }
    for (const other of [await lonely({}, 'northside'), await lonely({}, null), await lonely({ name: named('LONELY', 'D') }), await lonely({ identifiers: [state] }), await lonely({ practice: 'Lakeside' })]) t.match(other, { isNew: true }, 'other words, or another sender')
    const initial = await lonely({ name: named('LONELY'), practice: 'Lakeside' })
    t.equal((await lonely({ name: named('LONELY'), practice: 'LAKESIDE, LLC' })).provider.id, initial.provider.id, 'a family name in a practice')
    await directory.update(one.id, { settled: true }, 'Pat', 'called them')
    t.match(await lonely(), { isNew: false, uncertain: null })
    const { provider: other } = await directory.recognise(person({ npi: NPI, name: named('Lonely', 'Doc') }), seen())
    await directory.merge(other.id, one.id, 'Pat', 'one person')
    t.equal((await lonely()).provider.id, other.id, 'through merges')
  })

  on('orders the ways back, with what was asked for first, and learns each once', async (t, directory) => {
    const { provider: one } = await directory.recognise(person({ npi: NPI, name: named('Okafor', 'Nkechi'), faxes: [FAX], phones: ['608-555-0100'] }), seen())
    await directory.learn(one.id, '360x', 'referrals@direct.lakeside.example', 'their capability statement')
    await directory.learn(one.id, 'fax', '6085550142', 'again')
    await directory.learn(one.id, 'portal', 'nokafor', 'registration')
    await directory.learn('999', 'portal', 'x', 'nobody')
    t.same((await directory.get(one.id))?.ways.map(({ way, learned }) => `${way} ${learned}`), ['360x their capability statement', 'fax referrals-fax', 'portal registration', 'phone referrals-fax'])
    t.same(provider(await directory.update(one.id, { preferred: 'portal', forget: [{ way: '360x', address: 'REFERRALS@direct.lakeside.example' }] }, 'Pat', 'they asked')).ways.map(({ way }) => way), ['portal', 'fax', 'phone'])
  })

  on('writes who changed what, when and why, and refuses what cannot be', async (t, directory) => {
    const [one = '', two = ''] = await ids(directory, [{ npi: NPI, name: named('Okafor', 'Nkechi') }, { name: named('Rao', 'Anita'), practice: 'North' }])
    t.same(await directory.update(two, { npi: '123' }, 'Pat', 'x'), { done: false, because: '123 is no NPI: ten digits, the first 1 or 2, the last the check digit.' })
    t.same(await directory.update(two, { npi: NPI }, 'Pat', 'x'), { done: false, because: `NPI ${NPI} is that of provider ${one}; merge them where they are the same.` })
    t.same(await directory.update('999', {}, 'Pat', 'x'), { done: false, because: 'There is no provider 999.' })
    t.equal(provider(await directory.update(two, { npi: OTHER, practice: 'North Clinic' }, 'Pat', 'their letterhead')).npi, OTHER)
    const history = await directory.history(two)
    t.match(history[0], { at: NOON.toISOString(), by: 'referrals-fax', what: 'added' })
    t.same(history.at(-1), { at: NOON.toISOString(), by: 'Pat', what: 'practice changed from "North" to "North Clinic"', why: 'their letterhead' })
    t.same(await directory.merge(one, two, 'Pat', 'x'), { done: false, because: `They have two NPIs, ${NPI} and ${OTHER}: they are two providers.` })
  })

  on('merges two entries of one provider, and leads from the old id, its names and its addresses to the survivor', async (t, directory, reopen) => {
    const [one = '', two = '', three = ''] = await ids(directory, [{ npi: NPI, name: named('Okafor', 'Nkechi') }, { name: named('Okafor-Bell', 'Nkechi'), faxes: [FAX], identifiers: [{ system: null, value: 'B7', type: null }] }, { name: named('Bell', 'N'), phones: ['608-555-0199'] }])
    provider(await directory.merge(two, three, 'Pat', 'her married name'))
    const merged = provider(await directory.merge(one, two, 'Pat', 'her own word'))
    t.match(merged, { id: one, npi: NPI, aliases: ['N Bell', 'Nkechi Okafor-Bell'], faxes: [FAX], phones: ['608-555-0199'], identifiers: [{ system: null, value: 'B7', type: null }] })
    const kept = await reopen()
    t.same([(await kept.get(two))?.id, (await kept.get(three))?.id], [one, one])
    t.same((await kept.search({ text: 'bell', limit: 9 })).map(({ id }) => id), [one])
    t.ok((await kept.history(one)).some(({ what, why }) => what === `provider ${two} merged into this one` && why === 'her own word'))
    t.ok((await kept.history(two)).some(({ what }) => what === `merged into provider ${two}`), 'the history of all of them')
    t.match(await kept.merge(one, three, 'Pat', 'again'), { done: false, because: /is provider .* already/ })
    t.equal((await ids(kept, [{ faxes: [FAX], name: named('Okafor', 'N') }]))[0], one)
  })

  on('finds providers by words, number, way and address, newest first', async (t, directory) => {
    await directory.recognise(person({ npi: NPI, name: named('Okafor', 'Nkechi'), practice: 'Lakeside', faxes: [FAX] }), seen('a', 0))
    await directory.recognise(person({ name: named("O'Brien", 'Séan'), directAddresses: ['sob@direct.north.example'] }), seen('a', 5))
    const found = async (query: Parameters<ProviderDirectory['search']>[0]): Promise<readonly (string | undefined)[]> => (await directory.search(query)).map(({ name, practice }) => name?.family ?? practice ?? undefined)
    t.same(await found({ text: 'nke oka', limit: 5 }), ['Okafor'])
    t.same(await found({ text: 'sean', limit: 5 }), ["O'Brien"])
    t.same(await found({ text: 'lakes', limit: 5 }), ['Lakeside', 'Okafor'])
    t.same([await found({ npi: NPI, limit: 5 }), await found({ npi: OTHER, limit: 5 })], [['Okafor'], []])
    t.same(await found({ way: 'direct', limit: 5 }), ["O'Brien"])
    t.same(await found({ way: 'fax', address: '1-608-555-0142', limit: 1 }), ['Okafor'])
    t.same([await found({ limit: 1 }), await found({ text: '"*', limit: 5 })], [["O'Brien"], []])
  })

  on('adds many at once, and only to whom is known where nobody is named', async (t, directory) => {
    const many = [person({ npi: NPI, name: named('Okafor', 'Nkechi') }), person({ npi: NPI, directAddresses: ['nokafor@direct.lakeside.example'] }), person({ npi: OTHER, directAddresses: ['x@direct.north.example'] })]
    t.same(await directory.add(many, seen('nppes.csv')), { added: 1, known: 1, skipped: 1 })
    t.same((await directory.search({ npi: NPI, limit: 1 }))[0]?.directAddresses, ['nokafor@direct.lakeside.example'])
  })

  on('makes one of a provider that several messages bring at once', async (t, directory) => {
    const found = await Promise.all(Array.from({ length: 20 }, () => directory.recognise(person({ npi: NPI, name: named('Okafor', 'Nkechi') }), seen())))
    t.equal(new Set(found.map(({ provider: one }) => one.id)).size, 1)
    t.equal(found.filter(({ isNew }) => isNew).length, 1)
  })
})
