/** The `fhir` destination: hands a canonical referral to an EHR’s FHIR R4 server, and answers with what became of each part. */
import type { Outcome, Tools } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { connect, Ended } from './exchange.js'
import { DEFAULTS, evidence, handOff, type Progress } from './hand-off.js'
import { publish } from './published-keys.js'
import { type Referral, readReferral } from './referral.js'
import { checkServer } from './server-check.js'
import { Settings } from './settings.js'
import { publicKeys } from './smart.js'

export default defineDestination({
  name: 'fhir',
  summary: 'Hands a referral over to an EHR’s FHIR R4 server: finds the patient, writes what is wanted, each thing once however often it is repeated, and answers with what became of it.',
  settings: Settings,
  examples: [
    { base: 'https://ehr.example/fhir/r4', auth: { smart: { clientId: 'refero', key: `\${secret:ehr-key}`, keyId: 'refero-1', scopes: ['system/Patient.rs', 'system/ServiceRequest.crs'], publish: '/keys/ehr.json' } }, patient: { system: 'urn:oid:2.16.840.1.113883.3.99999.1' } },
    { base: 'https://ehr.example/fhir', auth: { bearer: `\${secret:ehr-token}` }, patient: { system: 'urn:oid:2.16.840.1.113883.3.99999.1', create: 'conditional' }, write: ['document', 'task', 'appointment'], document: { as: 'text' } },
    { base: 'http://localhost:8080/fhir', auth: 'none', patient: { system: 'urn:practice:mrn' } },
    { base: 'https://ehr.example/fhir', auth: { bearer: `\${secret:ehr-token}` }, patient: { system: 'urn:practice:mrn' }, profile: 'eclinicalworks-cloud' },
  ],
  create(given, tools) {
    const settings = withProfile(given, tools)
    checkServer(settings)
    checkSettings(settings)
    const session = connect(settings, tools.clock)
    const smart = typeof settings.auth === 'object' && 'smart' in settings.auth ? settings.auth.smart : null
    const keys = smart ? publicKeys(smart) : []
    let unpublish = (): void => {}

    return {
      async open() {
        if (smart?.publish) unpublish = publish(tools.serve, smart.publish, keys)
      },
      async deliver({ payload }, signal) {
        let referral: Referral
        try {
          referral = readReferral(JSON.parse(payload.toString()))
        } catch (error) {
          return { kind: 'refused', reason: error instanceof MessageFault ? error.message : 'the payload is no JSON' } satisfies Outcome
        }
        const progress: Progress = { patient: null, writes: [], leftOut: [] }
        const response = (ended: Ended | null): Buffer => Buffer.from(JSON.stringify(evidence(settings.base, referral.number, tools.clock.now(), progress, ended)))
        try {
          await handOff(session(signal), referral, settings, progress)
          return { kind: 'sent', response: response(null) }
        } catch (error) {
          if (!(error instanceof Ended)) throw error
          return error.outcome.kind === 'refused' ? { ...error.outcome, response: response(error) } : error.outcome
        }
      },
      async close() {
        unpublish()
        unpublish = () => {}
      },
    }
  },
})

/** What is written is what the EHR's profile says. Throws a sentence where it says nothing of it. */
const withProfile = ({ profile, ...settings }: Settings, tools: Pick<Tools, 'mapping'>): Settings => {
  if (profile === undefined) return settings
  if (settings.write) throw new Error('`profile` says what is written; leave `write` out, or write without a profile.')
  const { ways = [] } = tools.mapping(`ehr/${profile}`).value as { readonly ways?: readonly { readonly by?: string; readonly write?: Settings['write'] }[] }
  const write = ways.find(({ by }) => by === 'fhir')?.write
  if (!write) throw new Error(`the EHR profile ${profile} has no way by \`fhir\`: nothing is known to be taken so.`)
  return { ...settings, write }
}

/** Throws a sentence for settings that contradict each other. */
const checkSettings = ({ write, document, task, communication }: Settings): void => {
  const written: readonly string[] = write ?? DEFAULTS.write
  for (const [name, given] of [['document', document], ['task', task], ['communication', communication]] as const) {
    if (given && !written.includes(name)) throw new Error(`\`${name}\` says how something is written that \`write\` does not name; add it there, or leave it out.`)
  }
  if (document?.accepts && !document.accepts.includes(document.as === 'text' ? 'text/plain' : 'application/pdf')) throw new Error('`document.accepts` does not hold what the summary itself is; add it, or change `document.as`.')
}
