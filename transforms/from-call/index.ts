/** The step `from-call`: a telephone call, its form and its transcript, becomes a referral. */
import type { Bundle } from 'fhir/r4.js'
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault } from '../../engine/errors.js'
import { madeBody } from '../../engine/formats/fhir/made.js'
import { checkRow } from '../../engine/formats/table/body.js'
import { rowMap } from '../../engine/v2-to-fhir/row-map.js'
import { rowToFhir } from '../../engine/v2-to-fhir/row-to-fhir.js'
import { stableId } from '../../engine/v2-to-fhir/stable-id.js'
import { formOf, isForm, type Json } from './form.js'
import { callDocument, textDocument } from './transcript.js'

export default defineTransform({
  name: 'from-call',
  summary: 'Turns a telephone call into a FHIR Bundle around a referral: what its form says as values, its transcript whole and marked unread, its recording by reference.',
  settings: Type.Object({
    with: Type.Optional(Type.String({ pattern: '^[a-z0-9][a-z0-9/-]*$', default: 'calls/default', description: 'Where the values of the form go: a file of mappings/ without `.yaml`.' })),
  }, { additionalProperties: false }),
  examples: [{}, { with: 'calls/default' }],
  produces: 'fhir',
  create({ with: name = 'calls/default' }, tools) {
    const map = rowMap(name, tools)
    return (message) => {
      const { body, wholly } = read(message.format, message.body)
      const form = formOf(body, map.profile, tools)
      checkRow(form)
      const id = (...names: readonly string[]): string => stableId(message.channel, 'call', message.header.controlId ?? String(message.id), ...names)
      const document = wholly === null ? callDocument(body) : textDocument(wholly)
      if (document === null && !isForm(form)) throw new MessageFault({ kind: 'required', reason: 'the call has neither a transcript, nor a recording, nor a form of which anything is known' })
      const bundle = rowToFhir({ ...message, body: form }, map, { sender: 'a telephone call', nobody: 'not read yet' })
      const entries = (bundle.entry ?? []).map((entry) => (entry.resource?.resourceType === 'ServiceRequest' && document ? { ...entry, resource: { ...entry.resource, supportingInfo: [{ reference: id('document') }] } } : entry))
      const whole: Bundle = { ...bundle, entry: [...entries, ...(document ? [{ fullUrl: id('document'), resource: document }] : [])] }
      return [{ ...message, format: 'fhir', body: madeBody(whole) }]
    }

    /** JSON as it is; of text, the JSON in it or the transcript that it is. */
    function read(format: string, body: unknown): { readonly body: Json; readonly wholly: Buffer | null } {
      if (format === 'json') return { body: body as Json, wholly: null }
      if (format !== 'text' || !Buffer.isBuffer(body)) throw new MessageFault({ kind: 'unsupported', reason: `from-call takes messages of format json or text, and this is ${format}` })
      const start = body.subarray(0, 100).toString('latin1').replace(/^\u00ef\u00bb\u00bf/, '').trimStart()
      if (start === '') throw new MessageFault({ kind: 'required', reason: 'the transcript is empty' })
      return start.startsWith('{') ? { body: tools.format('json').parse(body) as Json, wholly: null } : { body: {}, wholly: body }
    }
  },
})
