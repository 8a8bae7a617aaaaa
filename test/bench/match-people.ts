/** Made-up households for the matching bench: who lives where, and what becomes of a person on a referral form. Seeded; nobody in it exists. */
import type { Address, Chart, PatientFacts } from '../../referrals/contracts.js'

export type Random = () => number
/** Mulberry32. */
export const random = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
}
export const pick = <Value>(list: readonly Value[], next: Random): Value => list[Math.floor(next() * list.length)] as Value
/** The first ones are the commonest. */
const common = <Value>(list: readonly Value[], next: Random): Value => list[Math.floor(list.length * next() ** 2.2)] as Value
const digits = (count: number, next: Random): string => Array.from({ length: count }, () => Math.floor(next() * 10)).join('')

export interface Person {
  family: string; given: string; middle: string | null; suffix: string | null; sex: 'male' | 'female'; birthDate: string
  address: Address; phone: string; email: string | null; memberId: string | null; birthOrder: number | null
}
export type Household = Person[]

const MEN = 'James Robert John Michael David William Richard Joseph Thomas Christopher Charles Daniel Matthew Anthony Mark Donald Steven Andrew Paul Joshua Kenneth Kevin Brian Timothy Ronald Jason George Edward Jeffrey Ryan Jacob Nicholas Gary Eric Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Frank Raymond Jack Dennis Jerry Tyler Aaron Jose Adam Nathan Henry Zachary Douglas Peter Kyle Noah Ethan Jeremy Christian Walter Keith Austin Roger Terry Sean Gerald Carl Dylan Harold Jordan Jesse Bryan Lawrence Arthur Gabriel Bruce Logan Billy Joe Alan Juan Elijah Willie Albert Wayne Randy Mason Vincent Liam Roy Bobby Caleb Bradley Russell Lucas Jayden Jaylen Aidan Hayden Kayden'.split(' ')
const WOMEN = 'Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Karen Sarah Lisa Nancy Sandra Ashley Emily Kimberly Betty Margaret Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca Sharon Laura Cynthia Dorothy Amy Kathleen Angela Shirley Emma Brenda Pamela Nicole Anna Samantha Katherine Christine Debra Rachel Carolyn Janet Maria Olivia Heather Helen Catherine Diane Julie Victoria Joyce Lauren Kelly Christina Ruth Joan Virginia Judith Evelyn Hannah Andrea Megan Cheryl Jacqueline Madison Teresa Abigail Sophia Martha Sara Gloria Janice Kathryn Ann Isabella Judy Charlotte Julia Grace Amber Alice Jean Denise Frances Danielle Marilyn Natalie Beverly Diana Brittany Theresa Kayla Alexis Doris Lori Tiffany Hanna Marie Ella Mia'.split(' ')
const SHORT: Readonly<Record<string, readonly string[]>> = {
  James: ['Jim', 'Jimmy'], Robert: ['Bob', 'Rob'], John: ['Jack', 'Johnny'], Michael: ['Mike'], David: ['Dave'], William: ['Bill', 'Will'], Richard: ['Rick', 'Dick'], Joseph: ['Joe'], Thomas: ['Tom'], Christopher: ['Chris'],
  Charles: ['Chuck', 'Charlie'], Daniel: ['Dan', 'Danny'], Matthew: ['Matt'], Anthony: ['Tony'], Steven: ['Steve'], Andrew: ['Andy', 'Drew'], Joshua: ['Josh'], Kenneth: ['Ken'], Timothy: ['Tim'], Edward: ['Ed', 'Ted'], Elizabeth: ['Liz', 'Beth', 'Betty'],
  Patricia: ['Pat', 'Patty'], Jennifer: ['Jen', 'Jenny'], Barbara: ['Barb'], Susan: ['Sue'], Margaret: ['Peggy', 'Meg', 'Maggie'], Kimberly: ['Kim'], Deborah: ['Debbie'], Rebecca: ['Becky'], Katherine: ['Kate', 'Kathy'], Pamela: ['Pam'], Samantha: ['Sam'],
}
const REAL = 'Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts'.split(' ')
const made = (next: Random, count: number): string[] => {
  const [begin, middle, end] = ['Ba Ber Bo Cas Da De Fal Gar Hal Hol Jar Kel Kor La Mar Mon Nor Os Pel Ran Ros Sal Stan Tor Ul Van Wal Wes Yar Zim'.split(' '), 'den l mi nar r ri se ta ver wi z'.split(' '), 'berg by den field ford land ler ley man ner no ski son stein ton well wick wood'.split(' ')]
  return [...new Set(Array.from({ length: count * 2 }, () => pick(begin, next) + pick(middle, next) + pick(end, next)))].slice(0, count)
}
const STREETS = 'Oak Maple Cedar Pine Elm Washington Lake Hill Walnut Spring North Ridge Church Willow Mill Sunset Railroad Jefferson Center Highland Forest Jackson River Meadow Dogwood Hickory Laurel Chestnut Franklin Spruce Birch Poplar Cherry Locust Magnolia Orchard Prospect Sycamore Valley Vine'.split(' ')
const KINDS = ['St', 'Ave', 'Rd', 'Dr', 'Ln', 'Ct', 'Street', 'Avenue']

export interface Town { readonly next: Random; readonly families: readonly string[]; readonly homes: readonly { readonly address: Address; readonly phone: string }[] }
export const town = (seed: number): Town => {
  const next = random(seed)
  const bare = { next, families: [...REAL, ...made(next, 3000)], homes: [] }
  return { ...bare, homes: Array.from({ length: 25 }, () => ({ address: newAddress(bare), phone: newPhone(bare) })) }
}
const newAddress = ({ next }: Town): Address => {
  const zip = 62500 + Math.floor(80 * next() ** 1.5)
  const flat = next() < 0.2 ? [`Apt ${1 + Math.floor(next() * 40)}`] : []
  return { lines: [`${1 + Math.floor(next() * 2400)} ${pick(STREETS, next)} ${pick(KINDS, next)}`, ...flat], city: `Town ${zip % 40}`, state: 'IL', postalCode: String(zip) }
}
const newPhone = ({ next }: Town): string => `${pick(['217', '309', '618'], next)}-${200 + Math.floor(next() * 790)}-${digits(4, next)}`
const newDate = (from: number, to: number, next: Random): string =>
  `${from + Math.floor(next() * (to - from + 1))}-${String(1 + Math.floor(next() * 12)).padStart(2, '0')}-${String(1 + Math.floor(next() * 28)).padStart(2, '0')}`
const newGiven = (sex: Person['sex'], next: Random): string => common(sex === 'male' ? MEN : WOMEN, next)

const newPerson = (town: Town, like: Partial<Person>, from: number, to: number): Person => {
  const { next } = town
  const sex = like.sex ?? (next() < 0.5 ? 'male' : 'female')
  const given = like.given ?? newGiven(sex, next)
  return {
    family: common(town.families, next), middle: next() < 0.7 ? newGiven(sex, next) : null, suffix: null, birthDate: newDate(from, to, next), address: newAddress(town), phone: newPhone(town),
    email: next() < 0.35 ? `${given.toLowerCase()}.${digits(5, next)}@mail.example` : null, memberId: next() < 0.6 ? `W${digits(9, next)}` : null, birthOrder: null, ...like, sex, given,
  }
}

/** One to six people: alone, a couple, children, twins, a father and his Jr. */
export const household = (town: Town): Household => {
  const { next } = town
  const head = newPerson(town, next() < 0.015 ? pick(town.homes, next) : {}, 1930, 2003)
  const home = [head]
  const shared = (): Partial<Person> => ({ family: head.family, address: head.address, phone: next() < 0.6 ? head.phone : newPhone(town), memberId: next() < 0.7 ? head.memberId : null })
  if (next() < 0.55) home.push(spouseOf(town, head))
  const year = Number(head.birthDate.slice(0, 4))
  const children = year < 1998 && next() < 0.5 ? 1 + Math.floor(next() * 3) : 0
  for (let n = 0; n < children; n++) home.push(newPerson(town, shared(), year + 20, Math.min(2025, year + 38)))
  const last = home.at(-1)
  if (children > 0 && last && next() < 0.05) home.push(twinOf(town, last))
  if (head.sex === 'male' && year < 1985 && next() < 0.06) home.push(juniorOf(town, head))
  return home
}
export const spouseOf = (town: Town, head: Person): Person => {
  const year = Number(head.birthDate.slice(0, 4))
  return newPerson(town, { sex: head.sex === 'male' ? 'female' : 'male', family: town.next() < 0.85 ? head.family : common(town.families, town.next), address: head.address, phone: town.next() < 0.6 ? head.phone : newPhone(town), memberId: head.memberId }, year - 5, year + 5)
}
export const childOf = (town: Town, head: Person): Person =>
  newPerson(town, { family: head.family, address: head.address, phone: head.phone, memberId: head.memberId }, Math.min(2024, Number(head.birthDate.slice(0, 4)) + 20), 2025)
export const twinOf = (town: Town, other: Person): Person => {
  const twin = newPerson(town, { family: other.family, address: other.address, phone: other.phone, memberId: other.memberId, birthDate: other.birthDate, ...(town.next() < 0.65 ? { sex: other.sex } : {}) }, 2000, 2000)
  return twin.given === other.given ? twinOf(town, other) : { ...twin, birthOrder: other.birthOrder === null ? null : 2 }
}
export const juniorOf = (town: Town, head: Person): Person => {
  const year = Number(head.birthDate.slice(0, 4))
  return newPerson(town, { sex: head.sex, given: head.given, middle: head.middle, suffix: town.next() < 0.7 ? 'Jr' : null, family: head.family, address: head.address, phone: head.phone, memberId: head.memberId }, year + 20, Math.min(2025, year + 38))
}

export const slip = (text: string, next: Random): string => {
  const at = Math.floor(next() * text.length)
  const letter = 'abcdefghijklmnopqrstuvwxyz'[Math.floor(next() * 26)] ?? 'x'
  return [text.slice(0, at) + letter + text.slice(at + 1), text.slice(0, at) + text.slice(at + 1), text.slice(0, at) + letter + text.slice(at), text.slice(0, at) + (text[at + 1] ?? '') + (text[at] ?? '') + text.slice(at + 2)][Math.floor(next() * 4)] || text
}
/** A person as a form says them: moved, married, misheard, left out. */
export const onForm = (town: Town, who: Person): PatientFacts => {
  const { next } = town
  const often = (chance: number): boolean => next() < chance
  const facts = { ...who }
  if (often(0.12)) [facts.address, facts.phone] = [newAddress(town), often(0.5) ? newPhone(town) : who.phone]
  if (often(0.1)) facts.phone = newPhone(town)
  if (who.sex === 'female' && who.birthDate < '2004' && often(0.05)) facts.family = often(0.2) ? `${who.family}-${common(town.families, next)}` : common(town.families, next)
  if (often(0.06)) facts.given = pick(SHORT[who.given] ?? [who.given], next)
  if (often(0.03)) facts.given = slip(facts.given, next)
  if (often(0.03)) facts.family = slip(facts.family, next)
  if (often(0.005)) [facts.given, facts.family] = [facts.family, facts.given]
  const [year = '', month = '', day = ''] = who.birthDate.split('-')
  if (often(0.01)) facts.birthDate = Number(day) <= 12 ? `${year}-${day}-${month}` : who.birthDate
  else if (often(0.02)) facts.birthDate = pick([`${year.slice(0, 3)}${digits(1, next)}-${month}-${day}`, `${year}-${month}-${String(1 + Math.floor(next() * 28)).padStart(2, '0')}`], next)
  const middle = next()
  facts.middle = middle < 0.4 ? null : middle < 0.65 ? facts.middle?.slice(0, 1) ?? null : facts.middle
  const address = often(0.03) ? { ...facts.address, lines: facts.address.lines.map(line => slip(line, next)) } : facts.address
  return {
    ...asFacts(facts),
    addresses: often(0.1) ? [] : [address], phones: often(0.15) ? [] : often(0.01) ? ['000-000-0000'] : [often(0.02) ? slip(facts.phone, next) : facts.phone], emails: often(0.7) ? [] : asFacts(facts).emails,
    memberIds: often(0.5) ? [] : asFacts(facts).memberIds, sex: often(0.08) ? null : often(0.005) ? (who.sex === 'male' ? 'female' : 'male') : who.sex,
    birthDate: often(0.012) ? null : often(0.003) ? '1900-01-01' : facts.birthDate, names: [{ ...nameOf(facts), suffix: often(0.5) ? null : facts.suffix }],
  }
}
const nameOf = ({ family, given, middle, suffix }: Person) => ({ family, given: middle ? [given, middle] : [given], suffix, use: null })
export const asFacts = (who: Person): PatientFacts => ({
  identifiers: [], names: [nameOf(who)], birthDate: who.birthDate, sex: who.sex, addresses: [who.address], phones: [who.phone], emails: who.email ? [who.email] : [],
  memberIds: who.memberId ? [who.memberId] : [], birthOrder: who.birthOrder, deceased: false, language: null,
})
export const asChart = (who: Person, id: number): Chart => ({ ...asFacts(who), identifiers: [{ system: 'bench', value: `P${id}`, type: 'MR' }], source: 'bench', id: String(id), active: true })
