/** The `fax` destination: submits a mail’s document to a fax service; what becomes of it the source of the same name tells. */
import { Type } from 'typebox'
import type { Outcome } from '../../engine/contracts.js'
import { defineDestination } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { Size, size, withDefault } from '../../engine/units.js'
import { type Facts, readFacts } from './facts.js'
import { outgoingOf } from './outgoing.js'
import { textAt } from './places.js'
import type { Outgoing, Provider, Sent } from './provider.js'
import { providerOf, SENDING } from './providers/index.js'
import { type Account, answerOf, call } from './requests.js'
import { type Api, ApiSettings, COUNTRY, MAPPING, NAME } from './settings.js'
import { Tracking } from './tracking.js'

const DEFAULTS = { maximum: '25MB', country: '1' } as const

export default defineDestination({
  name: 'fax',
  summary: 'Submits the first PDF or TIFF of a mail to `+1…@fax.invalid` to a fax service, and answers with the id by which the service tells of it.',
  settings: Type.Object({
    provider: Type.Enum([...SENDING], { description: 'The service.' }),
    name: Type.Optional(NAME),
    mapping: Type.Optional(MAPPING),
    api: ApiSettings,
    from: Type.Optional(Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$', description: 'Our number at the service: `+16085550100`. Without it, the mail’s From where that is a number.' })),
    callback: Type.Optional(Type.String({ pattern: '^https://[^\\s]+$', maxLength: 1000, description: 'Where the service is to tell what becomes of it, for services that are told with each fax.' })),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest document.')),
    country: Type.Optional(COUNTRY),
  }, { additionalProperties: false }),
  examples: [
    { provider: 'documo', api: { key: `\${secret:documo-key}` }, from: '+16085550100' },
    { provider: 'telnyx', api: { key: `\${secret:telnyx-key}`, connection: '1293384261075731499' }, from: '+16085550100' },
    { provider: 'hylafax', api: { host: '127.0.0.1', user: 'refero', password: `\${secret:hylafax}` } },
  ],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const provider = providerOf(settings.provider)
    const name = settings.name ?? provider.name
    const api = settings.api as Api
    for (const needed of provider.needs.destination ?? []) if (api[needed] === undefined) throw new Error(`\`${provider.name}\` needs \`api.${needed}\`.`)
    const maximum = size(settings.maximum)
    const tracking = new Tracking(tools.dataFolder, name)
    let facts: Facts | null = null

    return {
      async open() {
        facts = readFacts(tools.mapping(settings.mapping ?? `fax/${provider.name}`))
        if (!provider.send && !facts.send) throw new Error(`the mapping of \`${provider.name}\` does not say how a fax is sent: it has no \`send\`.`)
      },
      async deliver({ payload, id, channel }, signal) {
        if (!facts) return { kind: 'unavailable', reason: 'the fax service’s mapping is not read' }
        let fax: Outgoing
        try {
          fax = outgoingOf(payload, { from: settings.from ?? null, callback: settings.callback ?? null, country: settings.country, maximum, tag: `<${channel}.${id}@fax.invalid>` })
        } catch (error) {
          if (error instanceof MessageFault) return { kind: 'refused', reason: error.message }
          throw error
        }
        const sent = await submit(fax, provider, { facts, api, maximum }, signal)
        if (sent.kind !== 'sent') return sent
        await tracking.write({ id: sent.id, tag: fax.tag, to: fax.to, at: tools.clock.now().toISOString(), stage: 'queued' }).catch((error: unknown) => tools.log('warn', 'what was sent by fax cannot be noted; its status is told without its Message-ID', { error }))
        return { kind: 'sent', response: Buffer.from(JSON.stringify({ tracking: `${name}:${sent.id}`, stage: 'queued' })) } satisfies Outcome
      },
      async close() {
        facts = null
      },
    }
  },
})

const submit = async (fax: Outgoing, provider: Provider, account: Account, signal: AbortSignal): Promise<Sent> => {
  if (provider.send) return provider.send(fax, account, signal)
  const { upload, send } = account.facts
  const variables = variablesOf(fax)
  if (upload) {
    const uploaded = answerOf(await call(account, upload, variables, signal, fax.file), upload)
    if ('kind' in uploaded) return uploaded.kind === 'unknown' ? { kind: 'unavailable', reason: `the upload of the document: ${uploaded.reason}` } : uploaded // no fax was asked for yet
  }
  if (!send) return { kind: 'unavailable', reason: 'the mapping does not say how a fax is sent' }
  const answer = answerOf(await call(account, send, variables, signal, fax.file), send)
  if ('kind' in answer) return answer
  const id = textAt(answer.source, send.id)
  return id === null ? { kind: 'unknown', reason: 'the service took the fax and gave no id; see `send.id` of its mapping' } : { kind: 'sent', id }
}

/** What a service’s requests may hold of a fax: numbers with and without `+`, and without the country. */
const variablesOf = ({ to, from, tag, callback }: Outgoing): Readonly<Record<string, string | null>> => ({
  to, from, tag, tagBase64: Buffer.from(tag).toString('base64'), callback, toDigits: to.slice(1), fromDigits: from?.slice(1) ?? null, toNational: to.replace(/^\+1?/, ''), fromNational: from?.replace(/^\+1?/, '') ?? null, reference: tag.replace(/[^A-Za-z0-9._-]+/g, '').slice(0, 64),
})
