/** Observations as what was observed and its value in words. */
import type { CodeableConcept, Observation, ObservationComponent, Quantity } from 'fhir/r4.js'
import type { Coded, ReferralFacts } from '../contracts.js'
import { type Located, codings, ownWords, said } from './reading.js'
import type { Placed } from './view.js'

type Finding = ReferralFacts['findings'][number]
const NOT_OBSERVED = new Set(['cancelled', 'entered-in-error'])

export const findings = ({ resource, at }: Placed<Observation>): readonly Located<Finding>[] => {
  if (NOT_OBSERVED.has(resource.status)) return []
  const parts = (resource.component ?? []).map((one, index) => finding(one, `${at}.component[${index}]`)).filter((one) => one.value.value !== null)
  const whole = finding(resource, at)
  return whole.value.value !== null || parts.length === 0 ? [whole, ...parts] : parts
}

const finding = (observed: Observation | ObservationComponent, at: string): Located<Finding> => ({ value: { what: what(observed.code, at), value: observedValue(observed) }, at })

const what = (code: CodeableConcept, at: string): Coded => {
  const [coded] = codings(code, `${at}.code`)
  return coded?.value ?? { system: null, code: null, text: ownWords(code, `${at}.code`)[0]?.value ?? said(code.text, at)[0]?.value ?? null }
}

/** The value as a person would write it: "4.1 mmol/L", "> 150 mm[Hg]"; null where there is none. */
export const observedValue = (observed: Observation | ObservationComponent): string | null => {
  const { valueQuantity, valueString, valueCodeableConcept, valueRange, valueRatio, valueBoolean } = observed
  if (valueQuantity) return quantity(valueQuantity)
  if (valueString !== undefined) return valueString.trim() || null
  if (valueCodeableConcept) return valueCodeableConcept.text ?? valueCodeableConcept.coding?.find(({ display }) => display)?.display ?? valueCodeableConcept.coding?.[0]?.code ?? null
  if (valueRange) return [valueRange.low, valueRange.high].map((one) => (one && quantity(one)) ?? '').join(' – ').trim() || null
  if (valueRatio) return [valueRatio.numerator, valueRatio.denominator].map((one) => (one && quantity(one)) ?? '').join(' : ') || null
  if (valueBoolean !== undefined) return valueBoolean ? 'yes' : 'no'
  return observed.valueInteger?.toString() ?? observed.valueDateTime ?? observed.valueTime ?? observed.valuePeriod?.start ?? null
}

const quantity = ({ comparator, value, unit, code }: Quantity): string | null => (value === undefined ? null : [comparator, value, unit ?? code].filter((one) => one !== undefined).join(' '))
