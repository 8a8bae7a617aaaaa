/** Whose a number is that does not say so: the same digits of two systems are two numbers. */
import type { Key, KeyKind } from './desk-contracts.js'

/** Kinds of numbers that somebody gives; a reference is ours, and a URL says whose it is. */
const GIVEN: readonly KeyKind[] = ['placer', 'filler', 'request', 'task', 'appointment', 'visit', 'document']
/** A resource on a FHIR server that is not named. */
const ON_A_SERVER = /^\|[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/

export const ehrScope = (ehr: string): string => `ehr ${ehr}`
export const channelScope = (channel: string): string => `channel ${channel}`
export const providerScope = (provider: string): string => `provider ${provider}`

/** The provider that a notice is for; null where it is for an EHR, or for nobody who is known. */
export const providerTo = (to: string): string | null => /^provider (.+)$/.exec(to)?.[1] ?? null

/** A number without a system is that of `scope`; it is no key where nobody knows whose it is. An EHR is one server; who else speaks may be several. */
export const scoped = (key: Key, scope: string | null): readonly Key[] => {
  const [, group, value] = GIVEN.includes(key.kind) ? (/^(group )?(\|.*)$/s.exec(key.value) ?? []) : []
  if (value === undefined) return [key]
  return scope === null || (ON_A_SERVER.test(value) && !scope.startsWith('ehr ')) ? [] : [{ kind: key.kind, value: `${group ?? ''}${scope}${value}` }]
}
