/** Property: an appointment, a document, a referral and its answer keep every fact that the way back claims, whatever a sender fills in. */
import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import type { Message } from '../../engine/contracts.js'
import toFhir from '../../transforms/to-fhir/index.js'
import toHl7v2 from '../../transforms/to-hl7v2/index.js'
import { hl7v2, message, tools } from '../engine/v2-to-fhir/kit.js'

/** Numbers that are the same for the same seed (mulberry32). */
const numbers = (seed: number): (() => number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Dice {
  number(to: number): number
  pick(...words: readonly string[]): string
  /** The words, or nothing in one case of three. */
  maybe(words: string): string
  time(): string
  word(): string
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzäßçñ &~^|\\'
const ESCAPES: Readonly<Record<string, string>> = { '|': '\\F\\', '^': '\\S\\', '&': '\\T\\', '~': '\\R\\', '\\': '\\E\\' }

const dice = (seed: number): Dice => {
  const next = numbers(seed)
  const number = (to: number): number => Math.floor(next() * to)
  const two = (from: number, to: number): string => String(from + number(to - from + 1)).padStart(2, '0')
  const self: Dice = {
    number,
    pick: (...words) => words[number(words.length)] ?? '',
    maybe: (words) => (number(3) === 0 ? '' : words),
    time: () => `20${two(24, 30)}${two(1, 12)}${two(1, 28)}${two(0, 23)}${two(0, 59)}${two(0, 59)}${self.pick('-0500', '+0000', '+0530', '-0930')}`,
    // Ends in letters: blanks around a value say nothing.
    word: () => `x${Array.from({ length: 1 + number(12) }, () => LETTERS[number(LETTERS.length)] ?? '').map((letter) => ESCAPES[letter] ?? letter).join('')}x`,
  }
  return self
}

const id = (roll: Dice): string => `${roll.pick('A', 'B', 'C')}-${roll.number(99_999)}^${roll.pick('HC', 'LFM')}${roll.maybe('^1.3.6.1.4.1.99999.4^ISO')}`
const person = (roll: Dice): string => `${1_000_000_000 + roll.number(899_999_999)}^${roll.word()}^${roll.word()}`
const coded = (roll: Dice): string => `${roll.pick('K1', 'K2', '7.5')}^${roll.word()}^${roll.pick('L', 'LN', 'C4', 'I10')}`
const patient = (roll: Dice): string => `PID|1||${roll.number(9999)}^^^HC^MR||${roll.word()}^${roll.word()}||19${roll.pick('61', '79', '99')}0${1 + roll.number(9)}15|${roll.pick('F', 'M', 'O')}`
const header = (type: string): string => `MSH|^~\\&|SCHED|HEART|EHR|LFM|20260302120000-0600||${type}|M-1|P|2.5.1||||||UNICODE UTF-8`
const numbered = (count: number, make: (at: number) => string): readonly string[] => Array.from({ length: count }, (_, index) => make(index + 1))

const siu = (roll: Dice): readonly string[] => {
  const event = roll.pick('S12', 'S13', 'S14', 'S15', 'S16', 'S17', 'S26')
  const status = ({ S15: 'Cancelled', S16: 'Cancelled', S17: 'Deleted', S26: 'Noshow' } as const)[event] ?? roll.pick('Booked', 'Pending', 'Waitlist', 'Started', 'Complete')
  const times = (at: number): string => `${roll.time()}|||${5 * at}|min^minute^UCUM||${roll.pick('Booked', 'Pending', 'Waitlist', 'Cancelled')}`
  const length = roll.maybe('min^minute^UCUM')
  return [
    header(`SIU^${event}^SIU_S12`),
    `SCH|${id(roll)}|${roll.maybe(id(roll))}|||||${roll.maybe(coded(roll))}|${roll.maybe(coded(roll))}|${length && 15 * (1 + roll.number(8))}|${length}|^^^${roll.time()}^${roll.time()}|${roll.maybe(person(roll))}||||${roll.maybe(person(roll))}||||${roll.maybe(person(roll))}|||||${status}|${roll.maybe(id(roll))}|${roll.maybe(id(roll))}`,
    ...(roll.maybe('x') ? [`NTE|1||${roll.word()}\\.br\\${roll.word()}`] : []),
    patient(roll),
    'RGS|1',
    ...numbered(roll.number(3), (at) => `AIS|${at}||${coded(roll)}|${times(at)}`),
    ...numbered(roll.number(3), (at) => `AIG|${at}||E${at}^${roll.word()}|EQ^${roll.word()}^L||||${times(at)}`),
    ...numbered(roll.number(3), (at) => `AIL|${at}||W${at}^^^HC|C^Clinic^HL70305||${times(at)}`),
    ...numbered(roll.number(4), (at) => `AIP|${at}||${person(roll)}|${coded(roll)}||${times(at)}`),
  ]
}

const mdm = (roll: Dice): readonly string[] => {
  const event = roll.pick('T02', 'T04', 'T06', 'T08', 'T10')
  const pieces = 1 + roll.number(3)
  return [
    header(`MDM^${event}^MDM_T02`),
    patient(roll),
    `TXA|1|${coded(roll)}|TX|${roll.maybe(roll.time())}||${roll.maybe(roll.time())}|${roll.maybe(roll.time())}|${roll.time()}|${person(roll)}|${roll.maybe(person(roll))}||${id(roll)}|${roll.maybe(id(roll))}|${roll.maybe(id(roll))}|${roll.maybe(id(roll))}|${roll.maybe('a.txt')}|${roll.pick('AU', 'LA', 'IP')}|${roll.pick('U', 'R', 'V')}|${roll.pick('AV', 'OB', 'CA', 'UN')}||${roll.maybe(roll.word())}||${roll.maybe(person(roll))}||${roll.maybe(roll.word())}`,
    ...numbered(pieces, (at) => `OBX|${at}|${roll.pick('TX', 'FT')}|11488-4^Consultation note^LN||${roll.word()}${roll.maybe(`\\.br\\${roll.word()}`)}${roll.maybe(`~${roll.word()}`)}||||||F`),
    ...numbered(roll.number(3), (at) => `OBX|${pieces + at}|ED|P^Printed^LN||^AP^PDF^Base64^${Buffer.from(`%PDF ${roll.number(999_999)}`).toString('base64')}||||||F`),
  ]
}

const referred = (roll: Dice, ...statuses: readonly string[]): readonly string[] => [
  `RF1|${roll.pick(...statuses)}|${roll.pick('S', 'A', 'R')}|${roll.maybe(coded(roll))}|${roll.maybe(coded(roll))}|${roll.maybe(coded(roll))}|${id(roll)}|2026030${1 + roll.number(9)}|20260615|${roll.maybe(roll.time())}|${roll.maybe(coded(roll))}|${roll.maybe(id(roll))}`,
  ...numbered(roll.number(2), () => `AUT||${roll.word()}|${roll.word()}|20260301|20260601|${id(roll)}||${1 + roll.number(9)}|${1 + roll.number(9)}|20260302`),
  `PRD|RP^Referring Provider^HL70286|${roll.word()}^${roll.word()}|||||1548291735^NPI`,
  `PRD|RT^Referred to Provider^HL70286|${roll.word()}^${roll.word()}|||||1234567893^NPI`,
  patient(roll),
  ...numbered(roll.number(3), (at) => `NTE|${at}||${roll.word()}\\.br\\${roll.word()}`),
]

const rri = (roll: Dice): readonly string[] =>
  [header(`RRI^${roll.pick('I12', 'I13')}^RRI_I12`), `MSA|${roll.pick('AA', 'AE', 'AR')}|C-${roll.number(99_999)}`, ...referred(roll, 'A', 'P', 'R', 'E', 'PA')]
const ref = (roll: Dice): readonly string[] => [header(`REF^${roll.pick('I12', 'I13')}^REF_I12`), ...referred(roll, 'A', 'P')]

const REFERRAL = ['RF1-1', 'RF1-2', 'RF1-3', 'RF1-4', 'RF1-5', 'RF1-6', 'RF1-7', 'RF1-8', 'RF1-9', 'RF1-10', 'RF1-11', 'AUT-2', 'AUT-3', 'AUT-4', 'AUT-5', 'AUT-6', 'AUT-8', 'AUT-9', 'AUT-10', 'PRD-1', 'PRD-2', 'PRD-7', 'PID-3', 'PID-5', 'PID-7', 'PID-8', 'NTE-3']

/** What the way back claims: every value at these paths comes back as it was. */
const CLAIMS: Readonly<Record<string, { readonly make: (roll: Dice) => readonly string[]; readonly from: string; readonly to: string; readonly paths: readonly string[] }>> = {
  SIU: { make: siu, from: 'appointment', to: 'siu', paths: [
    'MSH-9', 'SCH-1', 'SCH-2', 'SCH-7', 'SCH-8', 'SCH-9', 'SCH-10', 'SCH-11.4', 'SCH-11.5', 'SCH-12', 'SCH-16', 'SCH-20', 'SCH-25', 'SCH-26', 'SCH-27', 'NTE-3', 'PID-3', 'PID-5', 'PID-7', 'PID-8',
    'AIS-3', 'AIS-4', 'AIS-7', 'AIS-8', 'AIS-10', 'AIG-3.1', 'AIG-3.2', 'AIG-4', 'AIG-8', 'AIG-11', 'AIG-14', 'AIL-3', 'AIL-4', 'AIL-6', 'AIL-9', 'AIL-12', 'AIP-3', 'AIP-4', 'AIP-6', 'AIP-9', 'AIP-10', 'AIP-12'] },
  MDM: { make: mdm, from: 'document', to: 'mdm-t02', paths: [
    'MSH-9', 'PID-3', 'PID-5', 'PID-7', 'PID-8', 'TXA-2', 'TXA-4', 'TXA-6', 'TXA-7', 'TXA-8', 'TXA-9', 'TXA-10', 'TXA-12', 'TXA-13', 'TXA-14', 'TXA-15', 'TXA-16', 'TXA-17', 'TXA-18.1', 'TXA-19', 'TXA-21', 'TXA-23', 'TXA-25', 'OBX-5'] },
  RRI: { make: rri, from: 'referral-answer', to: 'rri', paths: ['MSH-9', 'MSA-1', 'MSA-2', ...REFERRAL] },
  REF: { make: ref, from: 'referral', to: 'ref-i12', paths: ['MSH-9', ...REFERRAL] },
}

const SEEDS = 12

/** Everything that a message says at a path, in all segments of its name; of documents the text as a whole. */
const said = (bytes: Buffer, path: string): readonly string[] => {
  const body = hl7v2.parse(bytes)
  const values = Array.from({ length: 9 }, (_, index) => [1, 2].map((repetition) => {
    const at = path.replace(/^(\w{3})-(\d+)/, `$1[${index + 1}]-$2[${repetition}]`)
    const parts = /\./.test(path) ? [at] : [at, ...Array.from({ length: 13 }, (_each, component) => `${at}.${component + 2}`)]
    return parts.map((each) => hl7v2.read(body, each)[0] ?? '').join('^').replace(/\^+$/, '')
  })).flat().filter((value) => value !== '')
  return path === 'OBX-5' ? values.join('\n').split('\n').sort() : values.sort()
}

t.test('what is said is said again after the way to FHIR and back', async (t) => {
  for (const [name, { make, from, to, paths }] of Object.entries(CLAIMS)) {
    const there = toFhir.create({ with: from }, tools)
    const back = toHl7v2.create({ with: to }, tools)
    let facts = 0
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const bytes = Buffer.from(`${make(dice(seed)).join('\r')}\r`)
      const [mapped] = (await there(message(bytes))) as readonly Message<Bundle>[]
      const [returned] = mapped ? ((await back(mapped)) as readonly Message[]) : []
      const got = hl7v2.serialize(returned?.body)
      for (const path of paths) {
        const [wanted, found] = [said(bytes, path), said(got, path)]
        facts += wanted.length
        if (wanted.some((value) => !found.includes(value))) t.same(found, wanted, `${name} with seed ${seed} keeps ${path}`)
      }
    }
    t.ok(facts > 20 * SEEDS / 2, `${name}: ${facts} facts in ${SEEDS} messages`)
  }
})
