/** The parts of a canonical referral that receipts ask about, by following the references of its ServiceRequest. */

export const PARTS = ['request', 'patient', 'referrer', 'role', 'practice', 'wanted', 'condition', 'coverage', 'payer', 'authorization', 'document'] as const
export type Part = (typeof PARTS)[number]

interface Resource { readonly resourceType: string; readonly id?: string; readonly [element: string]: unknown }
interface Entry { readonly fullUrl?: string; readonly resource?: Resource }

/** Every resource that is a part; none where the referral does not have it. */
export const referralParts = (bundle: unknown): Readonly<Record<Part, readonly Resource[]>> => {
  const entries = list<Entry>((bundle as { entry?: unknown } | null)?.entry)
  const known = new Map<string, Resource>()
  for (const { fullUrl, resource } of entries) {
    if (resource?.id) known.set(`${resource.resourceType}/${resource.id}`, resource)
    if (resource && fullUrl) known.set(fullUrl, resource)
  }
  const follow = (...references: unknown[]): readonly Resource[] => references.flat().flatMap((each) => known.get(String((each as { reference?: unknown } | undefined)?.reference)) ?? [])
  const all = entries.flatMap(({ resource }) => (resource ? [resource] : []))
  const request = all.filter(({ resourceType }) => resourceType === 'ServiceRequest').slice(0, 1)
  const [first] = request
  const role = follow(first?.requester)
  const person = (roles: readonly Resource[]): readonly Resource[] => roles.flatMap((each) => (each.resourceType === 'PractitionerRole' ? follow(each.practitioner) : [each]))
  const insurance = follow(first?.insurance ?? [])
  const coverage = insurance.filter(({ resourceType }) => resourceType === 'Coverage')
  return {
    request, role, coverage,
    patient: follow(first?.subject),
    referrer: person(role),
    practice: role.flatMap((each) => (each.resourceType === 'Organization' ? [each] : follow(each.organization))),
    wanted: person(follow(first?.performer ?? [])),
    condition: follow(first?.reasonReference ?? []),
    payer: coverage.flatMap(({ payor }) => follow(payor ?? [])),
    authorization: all.filter(({ resourceType, preAuthRef }) => resourceType === 'ClaimResponse' && preAuthRef),
    document: all.filter(({ resourceType }) => resourceType === 'DocumentReference'),
  }
}

const list = <Item>(value: unknown): readonly Item[] => (Array.isArray(value) ? value as Item[] : [])
