/** What was said in a call, as one document that nobody has read yet; its recording is kept by reference and never fetched. */
import type { DocumentReference, DocumentReferenceContent } from 'fhir/r4.js'
import { MessageFault } from '../../engine/errors.js'
import { decode } from '../../engine/formats/carried.js'
import type { Json } from './form.js'

const UNREAD = { system: 'urn:refero:document', code: 'unread' }
const MOST_TURNS = 50_000

type Values = Readonly<Record<string, unknown>>
const valuesOf = (value: unknown): Values => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Values) : {})
const textOf = (value: unknown): string => (typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '')
const first = (values: Values, ...names: readonly string[]): string => names.map((name) => textOf(values[name])).find((text) => text !== '') ?? ''

/** The document of a call: `transcript` (text, or turns of `speaker`, `text`, `at`), `recording` (a URL or an identifier, or `{ url, id }`), `started`, `ended`, `agent`. Null where nothing was written down or recorded. */
export const callDocument = (body: Json): DocumentReference | null => {
  const call = valuesOf(body)
  const words = wordsOf(call.transcript)
  const recording = recordingOf(call.recording)
  const content: DocumentReferenceContent[] = [
    ...(words ? [{ attachment: { contentType: 'text/plain', data: Buffer.from(words).toString('base64'), title: 'Transcript of the call' } }] : []),
    ...(recording ? [{ attachment: { title: 'Recording of the call', url: recording } }] : []),
  ]
  if (content.length === 0) return null
  const period = { ...time('start', call.started), ...time('end', call.ended) }
  const agent = textOf(call.agent) || first(valuesOf(call.agent), 'name', 'id')
  return { ...unread(content), ...(agent && { author: [{ display: agent }] }), ...(Object.keys(period).length > 0 && { context: { period } }) }
}

/** A transcript that came as text: lines of `Speaker: words`, WebVTT or SRT, whole and byte for byte. */
export const textDocument = (bytes: Buffer): DocumentReference => {
  const isVtt = /^(?:\u00ef\u00bb\u00bf)?WEBVTT(?:\s|$)/.test(bytes.subarray(0, 20).toString('latin1'))
  return unread([{ attachment: { contentType: isVtt ? 'text/vtt' : 'text/plain', data: bytes.toString('base64'), title: 'Transcript of the call' } }])
}

const unread = (content: DocumentReferenceContent[]): DocumentReference =>
  ({ resourceType: 'DocumentReference', status: 'current', meta: { tag: [UNREAD] }, type: { text: 'Telephone call' }, content })

const wordsOf = (transcript: unknown): string => {
  if (!Array.isArray(transcript)) return textOf(transcript)
  if (transcript.length > MOST_TURNS) throw new MessageFault({ kind: 'unsupported', reason: `has more than ${MOST_TURNS} turns`, location: 'transcript' })
  return transcript.map((turn, index) => {
    const values = valuesOf(turn)
    const words = textOf(turn) || first(values, 'text', 'words', 'message', 'content')
    if (words === '') throw new MessageFault({ kind: 'value', reason: 'has no `text`', location: `transcript[${index}]` })
    const [speaker, at] = [first(values, 'speaker', 'role'), first(values, 'at', 'start', 'time')]
    return `${at && `[${moment(at)}] `}${speaker && `${speaker}: `}${words}`
  }).join('\n')
}

/** Seconds as hours, minutes and seconds; anything else as it was written. */
const moment = (at: string): string => {
  if (!/^\d{1,6}(?:\.\d+)?$/.test(at)) return at
  const seconds = Math.floor(Number(at))
  return [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((part) => String(part).padStart(2, '0')).join(':')
}

/** A URL of the web as it is; what is none names the recording in somebody's system. */
const recordingOf = (recording: unknown): string => {
  const reference = textOf(recording) || first(valuesOf(recording), 'url', 'id')
  return reference === '' || /^(?:https?:\/\/|urn:)[^\s<>"]+$/.test(reference) ? reference : `urn:refero:recording:${encodeURIComponent(decode(reference))}`
}

const time = (name: 'start' | 'end', value: unknown): Readonly<Record<string, string>> => {
  const text = textOf(value)
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) ? { [name]: text } : {}
}
