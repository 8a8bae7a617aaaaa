/** What the tests of the canonical referral share: Bundles made of the HL7 v2 fixtures by the product's own maps, and R4's rules. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle, FhirResource } from 'fhir/r4.js'
import type t from 'tap'
import type { Json } from '../../../engine/formats/json/json-text.js'
import { invalid } from '../../../engine/formats/fhir/validate.js'
import { messageMap } from '../../../engine/v2-to-fhir/message-map.js'
import { toFhir } from '../../../engine/v2-to-fhir/to-fhir.js'
import { canonical } from '../../../referrals/canonical/canonical.js'
import { fhir, fixture, hl7v2, ROOT, tools } from '../../engine/v2-to-fhir/kit.js'
import { messageOf } from '../../conformance/transforms.js'

export { fhir }
export const RECEIVED_AT = '2026-03-02T14:15:01.000Z'

/** A message as a map turns it into FHIR. */
export const mapped = (text: string | Buffer, map: string): Bundle<FhirResource> =>
  toFhir(messageOf(hl7v2, Buffer.from(text)), messageMap(map, tools), { lookup: (table) => tools.table(table), timezone: 'America/Chicago' }) as unknown as Bundle<FhirResource>

/** A referral of the fixtures as the canonical Bundle. */
export const referral = (name: string, change: (text: string) => string = (text) => text): Bundle<FhirResource> => of(mapped(change(fixture(`hl7v2/${name}.hl7`).toString()), 'referral'))
export const of = (input: unknown): Bundle<FhirResource> => {
  const { bundle, problems } = canonical(input, RECEIVED_AT)
  if (!bundle) throw new Error(`no canonical bundle: ${problems.join(' ')}`)
  return bundle
}
export const v2 = (name: string): string => fixture(`hl7v2/${name}.hl7`).toString()

export const resource = <Name extends FhirResource['resourceType']>(bundle: Bundle, name: Name, index = 0): Extract<FhirResource, { resourceType: Name }> =>
  (bundle.entry ?? []).map((one) => one.resource as FhirResource).filter((one): one is Extract<FhirResource, { resourceType: Name }> => one.resourceType === name)[index] as Extract<FhirResource, { resourceType: Name }>
export const types = (bundle: Bundle): readonly string[] => (bundle.entry ?? []).map((one) => one.resource?.resourceType ?? '')

/** That R4 allows it, that every entry has a URL of its own, and that every urn:uuid that is referred to is there. */
export const isSound = (test: Pick<typeof t, 'same' | 'equal'>, bundle: Bundle, what = 'the Bundle'): void => {
  test.same(invalid(JSON.parse(JSON.stringify(bundle)) as Json), null, `${what} is valid R4`)
  const urls = (bundle.entry ?? []).map(({ fullUrl }) => fullUrl)
  test.equal(new Set(urls).size, urls.length, `${what} has no URL twice`)
  const named = [...JSON.stringify(bundle).matchAll(/"reference":"(urn:uuid:[^"]+)"/g)].map(([, url]) => url)
  test.same(named.filter((url) => !urls.includes(url)), [], `${what} refers to what is in it`)
}

export const file = (name: string): string => join(ROOT, 'fixtures/fhir', name)
export const stored = (name: string): Bundle<FhirResource> => JSON.parse(readFileSync(file(name), 'utf8')) as Bundle<FhirResource>
