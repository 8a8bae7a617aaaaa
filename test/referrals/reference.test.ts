/** The reference number: said, printed, scanned and typed back; wrong when one character of it is. */
import t from 'tap'
import { newReference, readReference, referencesIn } from '../../referrals/reference.js'

const ALPHABET = '23456789BCDFGHJKLMNPQRSTVWXYZ'

/** A repeatable random source (mulberry32), so that a failure can be looked at again. */
const seeded = (seed: number) => (below: number): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below
}
const random = seeded(20260302)
const SAMPLE = Array.from({ length: 400 }, () => newReference(random))
const symbolsOf = (reference: string): string => reference.slice(2).replace('-', '')
const written = (symbols: string): string => `R-${symbols.slice(0, 4)}-${symbols.slice(4)}`

t.test('a new number is short, has a check character, and is read as itself', async (t) => {
  for (const reference of [...SAMPLE, newReference()]) {
    if (!/^R-[2-9B-DF-HJ-NP-TV-Z]{4}-[2-9B-DF-HJ-NP-TV-Z]{4}$/.test(reference)) t.fail(reference)
    if (readReference(reference) !== reference) t.fail(`${reference} is not read as itself`)
  }
  t.equal(new Set(SAMPLE).size, SAMPLE.length, 'none comes twice among 400')
})

t.test('every single wrong character is detected', async (t) => {
  let tried = 0
  for (const reference of SAMPLE) {
    const symbols = symbolsOf(reference)
    for (let position = 0; position < symbols.length; position += 1) {
      for (const other of ALPHABET) {
        if (other === symbols[position]) continue
        tried += 1
        const wrong = symbols.slice(0, position) + other + symbols.slice(position + 1)
        if (readReference(written(wrong)) !== null) t.fail(`${written(wrong)} was taken for a number; ${reference} was meant`)
      }
    }
  }
  t.equal(tried, 400 * 8 * 28)
})

t.test('every two characters that changed places are detected, next to each other or not', async (t) => {
  let tried = 0
  for (const reference of SAMPLE) {
    const symbols = symbolsOf(reference)
    for (let one = 0; one < symbols.length; one += 1) {
      for (let other = one + 1; other < symbols.length; other += 1) {
        if (symbols[one] === symbols[other]) continue
        tried += 1
        const swapped = [...symbols]
        ;[swapped[one], swapped[other]] = [symbols[other] as string, symbols[one] as string]
        if (readReference(written(swapped.join(''))) !== null) t.fail(`${written(swapped.join(''))} was taken for a number; ${reference} was meant`)
      }
    }
  }
  t.ok(tried > 10_000, `${tried} were tried`)
})

t.test('a missing or an additional character is no number', async (t) => {
  for (const reference of SAMPLE.filter((one) => !one.startsWith('R-R')).slice(0, 100)) { // what follows R-R could be a number of its own
    const symbols = symbolsOf(reference)
    for (let position = 0; position < symbols.length; position += 1) {
      t.equal(referencesIn(`ref ${written(symbols.slice(0, position) + symbols.slice(position + 1))} x`).length, 0)
      t.same(referencesIn(`ref R-${symbols.slice(0, position)}7${symbols.slice(position)}, x`), [])
    }
  }
})

t.test('it is recognised wherever people and machines write it', async (t) => {
  for (const reference of SAMPLE.slice(0, 60)) {
    const [, first = '', second = ''] = reference.split('-')
    for (const text of [
      `Re: [${reference}]`, `RE: FW: ${reference} – missing information`, `Your reference: ${reference}.`, `<p>Ref.&nbsp;<b>${reference}</b></p>`, `(${reference})`, `"${reference}"`,
      `Please quote ${reference.toLowerCase()} when you reply`, `R ${first} ${second}`, `R-${first} - ${second}`, `R–${first}–${second}`, `R—${first}—${second}`, `R‑${first}‑${second}`, `R−${first}−${second}`,
      `R${first}${second}`, `R.${first}.${second}`, `R_${first}_${second}`, `Referral R-${first}${second} of 2 March`, `reference:${reference}`, `ref#${reference};`, `https://desk.example/r/${reference}?x=1`,
      `FAX COVER SHEET\nRef No:  ${reference}   Pages: 3`, `${reference}\r\n`, `~${reference}~`, `Ref:${reference}/2`,
    ]) t.same(referencesIn(text), [reference], JSON.stringify(text))
  }
})

t.test('what a scanner takes for another character is put right where only one can be meant', async (t) => {
  const withL = SAMPLE.filter((reference) => reference.includes('L')).slice(0, 30)
  t.ok(withL.length > 10)
  for (const reference of withL) {
    t.same(referencesIn(`Ref ${reference.replaceAll('L', '1')} end`), [reference])
    t.same(referencesIn(`Ref ${reference.replaceAll('L', 'I')} end`), [reference])
    t.same(referencesIn(`Ref ${reference.replaceAll('L', 'l')} end`), [reference])
  }
})

t.test('several numbers come in their order, each once', async (t) => {
  const [one = '', other = ''] = SAMPLE
  t.same(referencesIn(`${other} and ${one}, also ${other}`), [other, one])
  t.same(referencesIn(''), [])
})

t.test('a number that is only part of a longer word is none', async (t) => {
  const [reference = ''] = SAMPLE
  t.same(referencesIn(`X${reference} ${reference}X 4${reference}`), [])
})

/** Numbers as forms are full of them: of each kind thousands, so that one in 29 passing its check by chance would show. */
const digits = (count: number): string => Array.from({ length: count }, () => random(10)).join('')
const FALSE: Readonly<Record<string, () => string>> = {
  'telephone numbers': () => `Tel (608) 555-01${digits(2)}, fax 608.555.01${digits(2)}, +1 608 555 01${digits(2)}, cell: 60855501${digits(2)}`,
  NPIs: () => `NPI 1${digits(9)} NPI:1${digits(9)} (NPI# 1${digits(9)})`,
  'ICD codes': () => `R${digits(2)}.${digits(1)} R${digits(2)} R${digits(2)}.${digits(2)}, I48.91, R07.89, Dx: R${digits(2)}.${digits(1)} and R${digits(2)}.${digits(1)}`,
  'record numbers': () => `MRN ${digits(8)} MRN: R${digits(7)}, R${digits(8)}, R-${digits(8)} R${digits(8)} Acct ${digits(6)}-${digits(4)} Chart# ${digits(4)}-${digits(4)}`,
  dates: () => `DOB ${digits(2)}/${digits(2)}/19${digits(2)} on 20${digits(2)}-${digits(2)}-${digits(2)} at ${digits(2)}:${digits(2)}`,
  'member numbers': () => `Member W${digits(9)}01 GLH${digits(9)} 1EG4-TE5-MK73 group GRP${digits(4)}`,
  words: () => 'Re: referral for Mr R Brown, R knee MRI; R shoulder pain. RSVP by Tuesday. R-sided weakness. Rhythm strip. R BPPV noted. r/o BCLL',
}
for (const [kind, make] of Object.entries(FALSE)) {
  t.test(`${kind} are no reference numbers`, async (t) => {
    const found = Array.from({ length: 2000 }, () => make()).flatMap((text) => referencesIn(text))
    t.same(found, [])
  })
}

t.test('a very long text is read in a moment, up to a million characters', async (t) => {
  const [reference = ''] = SAMPLE
  t.same(referencesIn(`${'R '.repeat(300_000)}${'R-2222-'.repeat(30_000)} ${reference}`), [reference])
  t.same(referencesIn(`${' '.repeat(1_000_001)}${reference}`), [])
})
