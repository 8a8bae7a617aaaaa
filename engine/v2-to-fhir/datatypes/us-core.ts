/** PID-10 and PID-22 as the US Core race and ethnicity extensions: the categories of OMB and the words, from all repetitions. */
import { systemOf } from '../code-systems.js'
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, leaf } from '../draft.js'
import { type Part, leafOf } from '../part.js'

const US_CORE = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-'
const CDC = 'urn:oid:2.16.840.1.113883.6.238'
const NULL_FLAVOR = 'http://terminology.hl7.org/CodeSystem/v3-NullFlavor'

/** The table gives a category (its first column) and whether it is one of OMB's or a detail of one (`level`). */
const extension = (name: 'race' | 'ethnicity'): Datatype => {
  const readAll = (parts: readonly Part[], use: Use): Draft | undefined => {
    const told = parts.filter((part) => part.whole !== '')
    const [first] = told
    if (!first) return undefined
    const table = use.lookup(`us-${name}`)
    const inner = told.flatMap((part): Draft[] => {
      const row = table.lookup(part.text.toUpperCase())
      const code = row?.code ?? (isCdc(part, use) ? part.text : undefined)
      if (!code) {
        if (part.text) use.issue(part, `is not a code of the CDC's ${name} code system: only its words are taken`)
        return []
      }
      const origin = part.part(1).origin
      const display = row?.display ? leaf(row.display, origin) : leafOf(part.part(2))
      const category = row && row.level !== 'detailed'
      const system = row?.level === 'null' ? NULL_FLAVOR : CDC
      return [{ url: category ? 'ombCategory' : 'detailed', valueCoding: { system: leaf(system, origin), code: leaf(code, origin), display } }]
    })
    const words = told.map((part) => part.part(2).text || table.lookup(part.text.toUpperCase())?.display || part.whole).join(', ')
    return { url: US_CORE + name, extension: [...inner, { url: 'text', valueString: leaf(words, told.length === 1 ? first.origin : first.origin.replace(/\[\d+\]$/, '')) }] }
  }
  return {
    makes: ['Extension'],
    read: (part, use) => readAll([part], use),
    readAll,
    write: (value): Written | undefined => {
      const held = value as { url?: string; extension?: readonly { url: string; valueCoding?: { code?: string; display?: string }; valueString?: string }[] }
      if (held.url !== US_CORE + name) return undefined
      const coding = held.extension?.find((each) => each.valueCoding)?.valueCoding
      return coding ? [coding.code, coding.display, 'CDCREC'] : ['', held.extension?.find(({ url }) => url === 'text')?.valueString]
    },
  }
}

const isCdc = (part: Part, use: Use): boolean => systemOf(part.part(3).text, use.lookup) === CDC && /^\d{4}-\d$/.test(part.text)

export const race = extension('race')
export const ethnicity = extension('ethnicity')
