/** The `xca` destination: asks an on-ramp for the chart of a referral's patient (IHE XCA: ITI-38, ITI-39; XCPD: ITI-55), and feeds each document to a channel. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { type Static, Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import type { NewAssertion } from '../../engine/formats/mime/soap/saml.js'
import { duration, Duration, size, Size, withDefault } from '../../engine/units.js'
import { authenticationSettings, checkAuthentication } from '../../engine/web/authentication.js'
import { ClientTls, readTls } from '../../engine/web/tls.js'
import { fetchChart, type Plan } from './chart.js'
import { type Gateway, openGateway } from './gateway.js'
import { subjectOf } from './patient.js'

const DEFAULTS = { documents: 20, maximum: '25MB', total: '100MB', purpose: 'TREATMENT' } as const
const Url = (description: string) => Type.String({ pattern: '^https?://[^\\s]+$', maxLength: 2000, description })
const OID = '^[0-2](?:\\.(?:0|[1-9][0-9]*))+$'
const Oid = (description: string) => Type.String({ pattern: OID, maxLength: 64, description })
const Codes = (description: string) => Type.Optional(Type.Array(Type.String({ pattern: '^[^^\\s]{1,100}\\^\\^[^^\\s]{1,100}$' }), { minItems: 1, maxItems: 50, uniqueItems: true, description }))
const Text = (description: string) => Type.String({ minLength: 1, maxLength: 1000, description })

const Saml = Type.Object({
  issuer: Text('Who we are as an issuer, as the on-ramp knows us.'), subject: Text('On whose behalf it is asked: a person, or the practice.'), organization: Text('Our practice.'),
  role: Type.Object({ code: Text('SNOMED CT: `224608005`.'), display: Text('In words: `Administrative healthcare staff`.') }, { additionalProperties: false }),
  purpose: Type.Optional(Type.String({ pattern: '^[A-Z]{1,40}$', default: DEFAULTS.purpose, description: 'The purpose of use.' })),
  audience: Type.Optional(Text('Whom the assertion is for.')),
  cert: Type.String({ minLength: 1, maxLength: 1_000_000, description: 'Our certificate: PEM text, or a file.' }), key: Type.String({ minLength: 1, maxLength: 1_000_000, description: `Its private key: \`\${secret:name}\`.` }),
}, { additionalProperties: false, description: 'Says in each request who asks and what for, as a signed SAML 2.0 assertion of WS-Security (XUA).' })

export default defineDestination({
  name: 'xca',
  summary: 'Asks an on-ramp for the chart of a referral’s patient (XCA: ITI-38, ITI-39; XCPD: ITI-55), and gives each document to a channel.',
  settings: Type.Object({
    query: Url('The gateway’s address of Cross Gateway Query.'),
    retrieve: Type.Optional(Url('That of Cross Gateway Retrieve; the same where nothing is said.')),
    feed: Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$', description: 'The channel that gets each document as a MIME message.' }),
    ids: Type.Optional(Type.Record(Type.String({ minLength: 1, maxLength: 500 }), Type.String({ pattern: OID, maxLength: 64 }), { description: 'Of identifier systems of patients, the OID by which the gateway knows them. Numbers of other systems are not asked by.' })),
    home: Type.Optional(Type.String({ pattern: '^urn:oid:[0-2](?:\\.(?:0|[1-9][0-9]*))+$', maxLength: 80, description: 'The community that is asked by such a number, where the gateway has several: `urn:oid:…`.' })),
    discover: Type.Optional(Type.Object({
      url: Type.Optional(Url('The address of Cross Gateway Patient Discovery; that of `query` where nothing is said.')),
      sender: Oid('The OID of our device.'), receiver: Oid('That of theirs.'), home: Oid('That of our community.'),
    }, { additionalProperties: false, description: 'Of patients without such a number: asks who is known there by name, birth date and sex, and takes nobody of another name or birth date.' })),
    classCodes: Codes('Only documents of these classes: `34133-9^^2.16.840.1.113883.6.1`.'), typeCodes: Codes('Only documents of these types.'), formatCodes: Codes('Only documents of these formats.'),
    since: Type.Optional(withDefault(Duration, '2y', 'Only documents about services that ended in this time. Without it, all.')),
    documents: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: DEFAULTS.documents, description: 'The most documents that are taken, the newest first.' })),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest document.')), total: Type.Optional(withDefault(Size, DEFAULTS.total, 'All documents of one patient together.')),
    saml: Type.Optional(Saml),
    ...authenticationSettings,
    tls: Type.Optional(ClientTls),
  }, { additionalProperties: false }),
  examples: [
    { query: 'https://on-ramp.example/xca', feed: 'missing-chart-in', ids: { 'urn:oid:1.3.6.1.4.1.99999.9': '1.3.6.1.4.1.99999.9' }, token: `\${secret:on-ramp}` },
    { query: 'https://on-ramp.example/xca/query', retrieve: 'https://on-ramp.example/xca/retrieve', feed: 'missing-chart-in', discover: { sender: '1.3.6.1.4.1.99999.1', receiver: '1.3.6.1.4.1.99998.1', home: '1.3.6.1.4.1.99999' }, classCodes: ['34133-9^^2.16.840.1.113883.6.1'], since: '2y', documents: 5, tls: { cert: 'heart.pem', key: `\${secret:heart-key}` } },
  ],
  leadsTo: ({ feed }) => feed,
  create(settings, tools) {
    const { query, retrieve = query, discover, ids = {}, since } = settings
    const urls = [query, retrieve, ...(discover ? [discover.url ?? query] : [])].map((one) => new URL(one))
    if (urls.some(({ username, password }) => username || password)) throw new Error('an address cannot hold a user or password; use `basic`.')
    if (settings.tls && urls.every(({ protocol }) => protocol !== 'https:')) throw new Error('`tls` needs an address that begins with https://.')
    if (!discover && Object.keys(ids).length === 0) throw new Error('nobody could be asked for: set `ids`, `discover` or both.')
    checkAuthentication(settings)
    const [maximum, total] = [size(settings.maximum ?? DEFAULTS.maximum), size(settings.total ?? DEFAULTS.total)]
    const plan = (): Plan => ({
      query: new URL(query), retrieve: new URL(retrieve), discover: discover ? { ...discover, url: new URL(discover.url ?? query) } : null, home: settings.home ?? null,
      filter: { classCodes: settings.classCodes ?? [], typeCodes: settings.typeCodes ?? [], formatCodes: settings.formatCodes ?? [], from: since === undefined ? null : dtm(tools.clock.now().getTime() - duration(since)) },
      documents: settings.documents ?? DEFAULTS.documents, maximum, total, feed: settings.feed,
    })
    let gateway: Gateway | null = null
    return {
      async open() {
        gateway = openGateway({ ...settings, assertion: settings.saml ? assertionOf(settings.saml, tools) : null, tls: settings.tls ? readTls(settings.tls, tools) : {} }, tools)
      },
      async deliver({ id, channel, destination, payload, attempts, receivedAt }, signal) {
        if (!gateway) return { kind: 'unavailable', reason: 'the connection is not open' }
        const subject = subjectOf(payload, ids)
        if (typeof subject === 'string') return { kind: 'refused', reason: subject }
        return fetchChart(subject, plan(), gateway.ask(`${channel}/${destination}/${id}/${attempts}`, signal), tools, receivedAt)
      },
      async close() {
        gateway?.close()
        gateway = null
      },
    }
  },
})

const dtm = (at: number): string => new Date(at).toISOString().replace(/[-T:]|\..*$/g, '').slice(0, 8)

const assertionOf = ({ cert, key, purpose = DEFAULTS.purpose, ...named }: Static<typeof Saml>, tools: Tools): NewAssertion => {
  try {
    const { cert: certificate = '', key: own = '' } = readTls({ cert, key }, tools)
    if (!new X509Certificate(certificate).checkPrivateKey(createPrivateKey(own))) throw new Error('They do not belong together.')
    return { ...named, purpose, certificate, key: own }
  } catch (error) {
    throw new Error('`saml.cert` and `saml.key` are not a certificate and its private key, as PEM text or files that can be read.', { cause: error })
  }
}
