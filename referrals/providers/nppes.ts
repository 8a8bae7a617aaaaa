/** A record of the NPPES files as CMS disseminates them, by the names of their columns. */
import type { ProviderFacts } from '../contracts.js'

export type Record = readonly string[]
interface Wanted { readonly states?: readonly string[]; readonly zips?: readonly string[]; readonly taxonomies?: readonly string[] }

const PLACE = 'Business Practice Location Address'
const TAXONOMIES = 15
const TAXONOMY_SYSTEM = 'http://nucc.org/provider-taxonomy'

/** Reads the header; the function it returns gives the provider of a record, or null for one that is deactivated or not wanted. Throws a sentence. */
export const nppesReader = (header: Record, wanted: Wanted): ((record: Record) => ProviderFacts | null) => {
  const columns = new Map(header.map((name, index) => [name.trim(), index]))
  if (columns.has('Endpoint Type') && columns.has('Endpoint')) return endpoints(columns)
  for (const name of ['NPI', 'Entity Type Code', 'Provider Organization Name (Legal Business Name)', 'Provider Last Name (Legal Name)', 'Provider First Name']) {
    if (!columns.has(name)) throw new Error(`The file has no column \`${name}\`: it is no NPPES data file (npidata_pfile_….csv).`)
  }
  const taxonomies = Array.from({ length: TAXONOMIES }, (_, index) => ({ code: columns.get(`Healthcare Provider Taxonomy Code_${index + 1}`) ?? -1, primary: columns.get(`Healthcare Provider Primary Taxonomy Switch_${index + 1}`) ?? -1 }))
  return (record) => {
    const cell = (name: string): string => (record[columns.get(name) ?? -1] ?? '').trim()
    if (cell('NPI Deactivation Date') !== '' && cell('NPI Reactivation Date') === '') return null
    const [state, zip] = [cell(`Provider ${PLACE} State Name`), cell(`Provider ${PLACE} Postal Code`)]
    if (!oneOf(wanted.states, (each) => state.toUpperCase() === each.toUpperCase()) || !oneOf(wanted.zips, (each) => zip.startsWith(each))) return null
    const held = taxonomies.filter(({ code }) => record[code])
    if (!oneOf(wanted.taxonomies, (each) => held.some(({ code }) => record[code]?.startsWith(each)))) return null
    const main = held.find(({ primary }) => record[primary] === 'Y') ?? held[0]
    const person = cell('Entity Type Code') !== '2'
    const lines = [cell(`Provider First Line ${PLACE}`), cell(`Provider Second Line ${PLACE}`)].filter((line) => line !== '')
    const fields = { phone: cell(`Provider ${PLACE} Telephone Number`), fax: cell(`Provider ${PLACE} Fax Number`) }
    return {
      npi: cell('NPI'), identifiers: [],
      name: person ? { family: cell('Provider Last Name (Legal Name)'), given: [cell('Provider First Name'), cell('Provider Middle Name')].filter((name) => name !== ''), suffix: cell('Provider Name Suffix Text') || null, use: 'official' } : null,
      practice: person ? null : cell('Provider Organization Name (Legal Business Name)') || null,
      specialty: main === undefined ? null : { system: TAXONOMY_SYSTEM, code: record[main.code] ?? null, text: null },
      address: lines.length > 0 || zip ? { lines, city: cell(`Provider ${PLACE} City Name`) || null, state: state || null, postalCode: zip || null } : null,
      phones: [fields.phone].filter(Boolean), faxes: [fields.fax].filter(Boolean), emails: [], directAddresses: [],
    }
  }
}

const oneOf = (list: readonly string[] | undefined, test: (each: string) => boolean): boolean => list === undefined || list.length === 0 || list.some(test)

/** The endpoint file (endpoint_pfile_….csv): only Direct addresses. */
const endpoints = (columns: ReadonlyMap<string, number>) => (record: Record): ProviderFacts | null => {
  const cell = (name: string): string => (record[columns.get(name) ?? -1] ?? '').trim()
  if (cell('Endpoint Type').toUpperCase() !== 'DIRECT' || !cell('Endpoint').includes('@')) return null
  return { npi: cell('NPI'), identifiers: [], name: null, practice: null, specialty: null, address: null, phones: [], faxes: [], emails: [], directAddresses: [cell('Endpoint').replace(/^mailto:/i, '')] }
}
