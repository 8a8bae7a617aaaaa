/** Writes a payer's answer as the Bundle that a 278 response makes: the request with its numbers, the patient, who pays, and the decisions. */
import type { Bundle, ClaimResponse, FhirResource, Identifier } from 'fhir/r4.js'
import type { CodeTable, Message } from '../../engine/contracts.js'
import type { Origin } from '../../engine/v2-to-fhir/draft.js'
import { traced } from '../../engine/v2-to-fhir/provenance.js'
import { stableId } from '../../engine/v2-to-fhir/stable-id.js'
import type { Answer, PayerDecision } from './answers.js'

const ACTIONS = 'https://codesystem.x12.org/005010/306'

/** Whoever asks for it again gets the same. */
export const bundleOf = (answer: Answer, message: Message, actions: CodeTable): Bundle => {
  const { response, asked, group, theirs, patient, insurer, coverage, place } = answer
  const id = (...names: readonly string[]): string => stableId(message.channel, 'pas', message.header.controlId ?? '', String(message.id), place, ...names)
  const recorded = message.receivedAt.toISOString()
  const decisions = answer.decisions.length > 0 ? answer.decisions : [NOTHING]
  const whose = patient ? { reference: id('patient') } : { display: response?.patient.display ?? 'not named' }
  const payer = insurer ? { reference: id('payer') } : { display: response?.insurer.display ?? 'not named' }
  const member = patient?.identifier?.find(({ type }) => type?.coding?.some(({ code }) => code === 'MB'))?.value
  const paid = coverage !== null || member !== undefined
  const from = (path: string, origin: string): Origin => ({ path, origin })
  const made: { readonly fullUrl: string; readonly resource: FhirResource; readonly origins: readonly Origin[] }[] = [
    {
      fullUrl: id('request'), origins: [from('identifier', place)],
      resource: {
        resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject: whose,
        ...(asked.length + theirs.length > 0 && { identifier: [...asked.map((one) => typed(one, 'PLAC')), ...theirs.map((one) => typed(one, 'FILL'))] }), ...(group?.value && { requisition: { ...(group.system && { system: group.system }), value: group.value } }),
        insurance: [...(paid ? [{ reference: id('coverage') }] : []), ...decisions.map((_one, index) => ({ reference: id('decision', String(index)) }))],
      },
    },
    ...(patient ? [{ fullUrl: id('patient'), origins: [from('$this', 'Patient')], resource: withoutLinks({ ...patient, gender: patient.gender ?? 'unknown' }) }] : []),
    ...(insurer ? [{ fullUrl: id('payer'), origins: [from('$this', 'Organization')], resource: withoutLinks(insurer) }] : []),
    ...(paid ? [{ fullUrl: id('coverage'), origins: [from('$this', coverage ? 'Coverage' : 'Patient.identifier')], resource: { ...(coverage ? withoutLinks(coverage) : { resourceType: 'Coverage' as const, status: 'active' as const, subscriberId: member as string }), beneficiary: whose, payor: [payer] } }] : []),
    ...decisions.map((decision, index) => decided(decision, index)),
  ]
  return {
    resourceType: 'Bundle', type: 'collection', timestamp: recorded,
    entry: [
      ...made.map(({ fullUrl, resource }) => ({ fullUrl, resource })),
      ...traced(made.map(({ fullUrl, origins }) => ({ fullUrl, builder: { json: {}, origins: [...origins], items: new Map(), refer: () => undefined } })), { controlId: message.header.controlId, type: 'ClaimResponse', recorded, id, sent: undefined, sender: insurer?.name ?? 'a payer' }),
    ],
  }

  function decided(one: PayerDecision, index: number): (typeof made)[number] {
    const { action, number, visits, period, reasons, at } = one
    const known = action === null ? undefined : actions.lookup(action)
    const failed = action === null && number === null && (answer.errors.length > 0 || response?.outcome === 'error')
    const words = [...new Set(reasons.map(({ text, coding }) => text ?? coding?.find(({ display }) => display)?.display ?? `code ${coding?.[0]?.code ?? 'not said'}`))]
    const said = known?.says ?? (action === null ? (failed ? 'could not be decided' : undefined) : `answered with ${action}`)
    const adjudication = [
      ...(action === null ? [] : [{ category: { text: 'decision' }, reason: { coding: [{ system: ACTIONS, code: action }, ...reasons.flatMap(({ coding }) => coding ?? [])], ...(words.length > 0 && { text: words.join('; ') }) } }]),
      ...(visits === null ? [] : [{ category: { text: 'visits authorized' }, value: visits }]),
    ]
    const resource: ClaimResponse = {
      resourceType: 'ClaimResponse', status: action === 'C' ? 'cancelled' : 'active', use: 'preauthorization', type: response?.type ?? { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/claim-type', code: 'professional' }] },
      patient: whose, insurer: payer, created: response?.created ?? recorded, outcome: failed ? 'error' : ((known?.code ?? response?.outcome ?? 'complete') as ClaimResponse['outcome']),
      ...(said && { disposition: said }), ...(number !== null && { preAuthRef: number }), ...(period && { preAuthPeriod: period }),
      ...(adjudication.length > 0 && { item: [{ itemSequence: 1, adjudication }] }), ...(answer.errors.length > 0 && { error: answer.errors.map((text) => ({ code: { text } })) }),
    }
    const origins = [...(said ? [from('disposition', at)] : []), ...(number === null ? [] : [from('preAuthRef', at)]), ...(period ? [from('preAuthPeriod', at)] : []), ...(visits === null ? [] : [from('item[0].adjudication', at)])]
    return { fullUrl: id('decision', String(index)), resource, origins: origins.length > 0 ? origins : [from('$this', at)] }
  }
}

const NOTHING: PayerDecision = { action: null, number: null, visits: null, period: null, reasons: [], at: 'OperationOutcome' }

const typed = ({ system, value }: Identifier, code: 'PLAC' | 'FILL'): Identifier => ({ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code }] }, ...(system && { system }), ...(value && { value }) })

/** What it says itself: whom else it points at stays behind. */
const withoutLinks = <Resource extends FhirResource>(resource: Resource): Resource => {
  const { id: _id, meta: _meta, text: _text, contained: _contained, extension: _extension, generalPractitioner: _doctors, managingOrganization: _keeper, link: _link, partOf: _whole, endpoint: _ends, policyHolder: _holder, subscriber: _subscriber, contract: _contract, ...rest } = resource as Resource & Record<string, unknown>
  return rest as unknown as Resource
}
