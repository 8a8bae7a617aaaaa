/** XTN, a telephone number, fax number or electronic address (2.A.89). */
import type { Datatype, Use, Written } from '../datatype.js'
import { type Draft, type Leaf, leaf } from '../draft.js'
import { type Part, leafOf } from '../part.js'
import { period } from './cx.js'
import { dateTimeText } from './dtm.js'
import { type Used, usage, usageCode } from './use.js'

const DIRECT = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct'

/** The number as written (XTN.12, or XTN.1 of older versions), or put together from its parts. */
const number = (part: Part): Leaf | undefined => {
  const written = leafOf(part.part(12)) ?? leafOf(part.part(1))
  if (written) return written
  const [country, area, local, extension] = [5, 6, 7, 8].map((at) => part.part(at).text)
  if (!local) return undefined
  const words = [country && `+${country.replace(/^\+/, '')}`, area && `(${area})`, local, extension && `x${extension}`].filter(Boolean).join(' ')
  return leaf(words, part.origin)
}

/** An address at a Direct domain ("rao@direct.heart.example") is likely one for secure mail; only its name says so. */
const mail = (address: Leaf): Leaf =>
  /@(.+\.)?direct\./i.test(String(address.value)) ? { ...address, confidence: 0.9 } : address

export const XTN: Datatype = {
  makes: ['ContactPoint', 'string', 'url'],
  read: (part, use) => {
    const address = leafOf(part.part(4)) ?? (part.text.includes('@') ? leafOf(part.part(1)) : undefined)
    const value = address ? mail(address) : number(part)
    if (!value || use.target !== 'ContactPoint') return value
    const kind = use.lookup('telecom-system').lookup(part.part(3).text.toUpperCase())
    const code = use.lookup('telecom-use').lookup(part.part(2).text)
    const given = address ? 'email' : (kind?.code || code?.system || 'phone')
    const system = leaf(given === 'email' && !address ? 'other' : given, (part.part(3).text ? part.part(3) : part).origin)
    const used = kind?.use ? leaf(kind.use, part.part(3).origin) : usage(part.part(2), 'telecom-use', 'code', use)
    const direct: Draft | undefined = value.confidence === undefined ? undefined : [{ url: DIRECT, valueBoolean: { ...leaf(true, value.origin), confidence: 0.9 } }]
    const { confidence: _, ...plain } = value
    return { extension: direct, system, value: plain, use: used, rank: rank(part.part(18)), period: period(part.part(13), part.part(14), use) }
  },
  write: (value, use): Written | undefined => {
    if (typeof value === 'string') return value
    const held = value as ContactPoint
    if (!held.value) return undefined
    const dates = [dateTimeText(held.period?.start), dateTimeText(held.period?.end), '', '', '', held.rank ? String(held.rank) : '']
    if (held.system === 'email') return ['', 'NET', 'Internet', held.value, '', '', '', '', '', '', '', '', ...dates]
    if (held.system === 'url' || held.system === 'other') return [held.value, useCode(held, use), equipment(held), '', '', '', '', '', '', '', '', '', ...dates]
    const parts = northAmerican(held.value)
    if (!parts) return [held.value, useCode(held, use), equipment(held), '', '', '', '', '', '', '', '', '', ...dates]
    const { country, area, exchange, line, extension } = parts
    const old = `(${area})${exchange}-${line}${extension && `X${extension}`}` // XTN.1 as HL7 v2.5.1 §2.A.75 (TN) writes it
    return [old, useCode(held, use), equipment(held), '', country, area, `${exchange}${line}`, extension, '', '', '', held.value, ...dates]
  },
}

/** The parts of a number of the North American plan, however it is punctuated: neither its area code nor its exchange begins with 0 or 1. A number of seven digits has no area, and is sent as it stands. */
const northAmerican = (value: string): { readonly country: string; readonly area: string; readonly exchange: string; readonly line: string; readonly extension: string } | null => {
  const [, country = '', area, exchange = '', line = '', extension = ''] = /^(?:tel:)?(?:\+?(1)[-. ]*)?\(?([2-9]\d\d)\)?[-. ]*([2-9]\d\d)[-. ]*(\d{4})(?:[ ,;]*(?:x|ext\.?|extension)[ =.]*(\d{1,10}))?$/i.exec(value.trim()) ?? []
  return area === undefined ? null : { country, area, exchange, line, extension }
}

interface ContactPoint extends Used { readonly system?: string; readonly value?: string; readonly rank?: number; readonly period?: { readonly start?: string; readonly end?: string } }

const useCode = (held: ContactPoint, use: Use): string => (held.use === 'mobile' ? '' : usageCode(held, 'telecom-use', use))

const equipment = ({ system, use }: ContactPoint): string => (system === 'phone' && use === 'mobile' ? 'CP' : { phone: 'PH', fax: 'FX', pager: 'BP' }[system ?? 'phone'] ?? '')

const rank = (part: Part): Leaf | undefined => (/^[1-9]\d{0,2}$/.test(part.text) ? leaf(Number(part.text), part.origin) : undefined)
