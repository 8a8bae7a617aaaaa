/** Whom a message means: finds them in the directory or adds them, and never makes one of two. */
import type { PersonName, ProviderFacts } from '../contracts.js'
import { type Book, type Fields, type Hand, waysIn } from './book.js'
import type { KnownProvider, Recognised, Seen } from './directory.js'
import { addressKey, compareNames, nameText, normalName, practiceKey } from './names.js'
import { isNpi } from './npi.js'

interface Found { readonly provider: KnownProvider; readonly how: string; readonly doubt?: string }

/** Runs within the caller's transaction. */
export const recognise = (book: Book, given: ProviderFacts, { at, via, from, preferred, by }: Seen): Recognised => {
  const hand: Hand = { at, by: by?.name ?? via, why: by?.why ?? 'as a message said' }
  const npi = given.npi?.replace(/\D/g, '') ?? null
  const valid = npi !== null && isNpi(npi)
  const name = given.name && normalName(given.name)
  const facts: ProviderFacts = { ...given, npi: valid ? npi : null, name: name?.family ? name : null }
  const doubts = given.npi && !valid ? [`The NPI ${given.npi.slice(0, 20)} was given, and its check digit is wrong.`] : []

  const key = onlyNamed(facts) && from !== undefined ? JSON.stringify([from, nameText(facts.name as PersonName), practiceKey(facts.practice ?? ''), ...facts.identifiers.map(({ system, value, type }) => [system, value, type])]) : null
  const found = find(book, facts) ?? byNameAndSender(book, key)
  if (found?.doubt) doubts.push(found.doubt)
  if (!found && !findable(facts)) doubts.push(NAMELESS)
  const clash = found ? null : conflict(book, facts)
  if (clash) doubts.push(clash)
  const id = found ? Number(found.provider.id) : book.insert(facts.name || (facts.npi && !facts.practice) ? 'person' : 'practice', at)
  if (!found) book.note(id, hand, 'added')
  if (key !== null) book.addNamed(key, id)
  const before = found?.provider ?? null
  const changed = fill(book, id, before, facts, hand)
  const learned = waysIn(facts).filter(([way, address]) => book.addWay(id, way, address, via))
  for (const [way, address] of learned) if (found) book.note(id, hand, `${way} ${address} learned`)
  for (const one of facts.identifiers) book.addIdentifier(id, one)
  if (preferred && preferred !== before?.preferred) {
    book.set(id, { preferred })
    book.note(id, hand, `prefers ${preferred}`)
  }
  for (const says of doubts) if (book.addDoubt(id, says)) book.note(id, hand, `uncertain: ${says}`)
  book.seen(id, at)
  if (!found || changed) book.index(id)
  return { provider: book.get(id) as KnownProvider, how: found?.how ?? 'new', isNew: !found, uncertain: doubts.join(' ') || null }
}

/** A name alone may be anybody’s. */
const NAMELESS = 'The message says nothing by which its sender could be known again.'
const findable = (facts: ProviderFacts): boolean => facts.npi !== null || facts.practice !== null || waysIn(facts).length > 0

const find = (book: Book, facts: ProviderFacts): Found | null => byNpi(book, facts) ?? byDirect(book, facts) ?? byNumberAndName(book, facts) ?? byPracticeAndName(book, facts) ?? thePractice(book, facts)

/** No number and no address: a name, and perhaps a practice. */
const onlyNamed = (facts: ProviderFacts): boolean => facts.name !== null && facts.npi === null && waysIn(facts).length === 0

/** What the same sender has said in the same words before means the same; what was doubtful then still is, until a person settles it. */
const byNameAndSender = (book: Book, key: string | null): Found | null => {
  const provider = key === null ? null : book.byNamed(key)
  return provider && { provider, how: 'by name and sender', ...(provider.uncertain.includes(NAMELESS) && { doubt: NAMELESS }) }
}

const byNpi = (book: Book, { npi, name }: ProviderFacts): Found | null => {
  const provider = npi === null ? null : book.byNpi(npi)
  if (!provider) return null
  const other = name && provider.name && fits(provider, name) === 'different'
  return { provider, how: 'by NPI', ...(other && { doubt: `A message calls the holder of NPI ${npi} ${nameText(name)}, who is known as ${nameText(provider.name)}.` }) }
}

/** A Direct address may be a practice's: with a name that is another's, it says nothing. */
const byDirect = (book: Book, facts: ProviderFacts): Found | null => {
  for (const address of facts.directAddresses) {
    const holders = book.byWay('direct', address)
    if (facts.name) {
      const named = holders.filter((one) => one.kind === 'person' && one.name && fits(one, facts.name as PersonName) !== 'different')
      const [only] = named
      if (only && named.length === 1) {
        if (!facts.npi || !only.npi || facts.npi === only.npi) return { provider: only, how: 'by Direct address' }
        if (fits(only, facts.name) === 'same') return { provider: only, how: 'by Direct address', doubt: `A message gives ${address} the NPI ${facts.npi}; ${only.npi} is known, and is kept.` }
      }
      const nameless = holders.filter(({ kind, name }) => kind === 'person' && name === null)
      if (nameless.length === 1 && holders.length === 1 && mayBe(nameless[0] as KnownProvider, facts)) return { provider: nameless[0] as KnownProvider, how: 'by Direct address' }
      continue
    }
    const practice = holders.find(({ kind }) => kind === 'practice') ?? practiceOf(book, holders)
    const [only] = holders
    if (only && holders.length === 1 && mayBe(only, facts)) return { provider: only, how: 'by Direct address' }
    if (practice && mayBe(practice, facts)) return { provider: practice, how: 'by Direct address, which several share: their practice' }
  }
  return null
}

/** The same name at the same fax, or else telephone or e-mail address. */
const byNumberAndName = (book: Book, facts: ProviderFacts): Found | null => {
  const { name } = facts
  if (!name) return null
  for (const [way, addresses] of [['fax', facts.faxes], ['phone', facts.phones], ['email', facts.emails]] as const) {
    for (const address of addresses) {
      const provider = onlyOne(book.byWay(way, address), facts, name)
      if (provider) return { provider, how: `by ${way} and name` }
    }
  }
  return null
}

/** The whole name in a practice that is called the same: an initial is not enough. */
const byPracticeAndName = (book: Book, facts: ProviderFacts): Found | null => {
  const { name, practice } = facts
  if (!name || !practice) return null
  const same = book.byPractice(practice, 'person').filter((one) => one.name && fits(one, name) === 'same' && mayBe(one, facts) && samePlace(one, facts))
  return same.length === 1 ? { provider: same[0] as KnownProvider, how: 'by practice and name' } : null
}

/** What names no person is the practice: of that fax, telephone or e-mail address, else of that name at that place. */
const thePractice = (book: Book, facts: ProviderFacts): Found | null => {
  if (facts.name) return null
  for (const [way, addresses] of [['fax', facts.faxes], ['phone', facts.phones], ['email', facts.emails]] as const) {
    for (const address of facts.npi ? [] : addresses) {
      const holders = book.byWay(way, address)
      const practice = holders.find((one) => one.kind === 'practice' && sameOrNoPractice(one, facts)) ?? practiceOf(book, holders)
      if (practice && sameOrNoPractice(practice, facts)) return { provider: practice, how: `by ${way}, which is the practice’s; who sent it is not said` }
      if (way === 'email' && holders.length === 1 && !facts.practice) return { provider: holders[0] as KnownProvider, how: 'by e-mail address' }
    }
  }
  return practiceNamed(book, facts)
}

const practiceNamed = (book: Book, facts: ProviderFacts): Found | null => {
  if (!facts.practice) return null
  const same = book.byPractice(facts.practice, 'practice').filter((one) => mayBe(one, facts) && samePlace(one, facts))
  return same.length === 1 ? { provider: same[0] as KnownProvider, how: 'by the name of the practice' } : null
}

/** Why an address that is known did not lead to whom it is known for. */
const conflict = (book: Book, { npi, directAddresses }: ProviderFacts): string | null => {
  if (!npi) return null
  for (const address of directAddresses) {
    const other = book.byWay('direct', address).find((one) => one.npi !== null && one.npi !== npi && one.kind === 'person')
    if (other) return `${address} is also the Direct address of NPI ${other.npi} (provider ${other.id}).`
  }
  return null
}

/** Exactly one whose whole name it is; else exactly one of whom an initial may be. */
const onlyOne = (holders: readonly KnownProvider[], facts: ProviderFacts, name: PersonName): KnownProvider | null => {
  const people = holders.filter((one) => one.kind === 'person' && one.name && mayBe(one, facts))
  for (const grade of ['same', 'likely']) {
    const fitting = people.filter((one) => fits(one, name) === grade)
    if (fitting.length > 0) return fitting.length === 1 ? (fitting[0] as KnownProvider) : null
  }
  return null
}

const fits = ({ name }: KnownProvider, other: PersonName): ReturnType<typeof compareNames> => (name ? compareNames(name, other) : 'likely')
/** Two NPIs are two providers. */
const mayBe = ({ npi }: KnownProvider, facts: ProviderFacts): boolean => npi === null || facts.npi === null || npi === facts.npi
const sameOrNoPractice = ({ practice }: KnownProvider, facts: ProviderFacts): boolean => !practice || !facts.practice || practiceKey(practice) === practiceKey(facts.practice)

/** Not in two places: the ZIP codes agree, or one is not known; a number in common says it too. */
const samePlace = (one: KnownProvider, facts: ProviderFacts): boolean => {
  const [zip, other] = [one.address?.postalCode?.slice(0, 5), facts.address?.postalCode?.slice(0, 5)]
  if (zip && other) return zip === other
  const known = new Set([...one.faxes, ...one.phones].map((number) => addressKey('fax', number)))
  const said = [...facts.faxes, ...facts.phones].map((number) => addressKey('fax', number))
  return known.size === 0 || said.length === 0 || said.some((number) => known.has(number))
}

/** The practice that all of them belong to. */
const practiceOf = (book: Book, people: readonly KnownProvider[]): KnownProvider | null => {
  const ids = [...new Set(people.map(({ practiceId }) => practiceId))]
  return ids.length === 1 && ids[0] ? book.get(Number(ids[0])) : null
}

/** Writes what was empty; another way of writing a name is an alias. Returns whether words changed. */
const fill = (book: Book, id: number, before: KnownProvider | null, facts: ProviderFacts, hand: Hand): boolean => {
  const fields: Fields = {}
  const learned: string[] = []
  if (facts.npi && !before?.npi) { fields.npi = facts.npi; learned.push(`NPI ${facts.npi}`) }
  if (facts.name && !before?.name && before?.kind !== 'practice') { fields.name = facts.name; learned.push(`name ${nameText(facts.name)}`) }
  if (facts.practice && !before?.practice) { fields.practice = facts.practice; learned.push(`practice ${facts.practice}`) }
  if (facts.specialty && !before?.specialty) { fields.specialty = facts.specialty; learned.push('specialty') }
  if (facts.address && !before?.address) { fields.address = facts.address; learned.push('address') }
  const person = before ? before.kind === 'person' : facts.name !== null
  if (person && facts.name && !before?.practiceId) {
    const practice = practiceFor(book, facts, hand)
    if (practice !== null && practice !== id) { fields.practiceId = practice; learned.push(`belongs to provider ${practice}`) }
  }
  if (Object.keys(fields).length > 0) book.set(id, fields)
  if (before) for (const what of learned) book.note(id, hand, `${what} learned`)
  const aliases = [
    facts.name && before?.name && nameText(facts.name) !== nameText(before.name) ? nameText(facts.name) : null,
    facts.practice && before?.practice && facts.practice !== before.practice ? facts.practice : null,
  ].filter((alias) => alias !== null)
  const added = aliases.filter((alias) => book.addAlias(id, alias))
  for (const alias of added) book.note(id, hand, `also called ${alias}`)
  return learned.length > 0 || added.length > 0
}

/** The practice of a person: found, or added with the fax and telephone that they share. Null where nothing names one. */
const practiceFor = (book: Book, facts: ProviderFacts, hand: Hand): number | null => {
  const own: ProviderFacts = { ...facts, name: null, npi: null, specialty: null, identifiers: [], emails: [], directAddresses: [] }
  const found = thePractice(book, own)
  if (found) return Number(found.provider.id)
  if (!facts.practice) return null
  const id = book.insert('practice', hand.at)
  book.set(id, { practice: facts.practice, address: facts.address })
  for (const [way, address] of waysIn(own)) book.addWay(id, way, address, hand.by)
  book.note(id, hand, 'added')
  book.index(id)
  return id
}
