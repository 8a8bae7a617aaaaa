/** Our reference number where a Bundle carries it: as an identifier, or written in its notes or subject. */
import { readReference, referencesIn } from '../reference.js'
import { type Located, each, said } from './reading.js'
import { identifiersOf } from './references.js'
import type { View } from './view.js'

/** Of the identifier of type FILL that carries our number. */
export const REFERENCE_SYSTEM = 'urn:refero:referral'

/** First as an identifier of the request or its task, then of anything else; in words only where they name no more than one. */
export const ownReference = (view: View): readonly Located<string>[] => {
  const own = [view.request, view.task].flatMap((placed) => (placed ? [placed] : []))
  const named = [...own, ...view.all.filter((placed) => !own.includes(placed as never))].flatMap(({ resource, at }) =>
    identifiersOf(resource).flatMap(({ system, value = '' }, index) => {
      const reference = system === REFERENCE_SYSTEM ? readReference(value) : referencesIn(value)[0]
      return reference ? [{ value: reference, at: `${at}.identifier${Array.isArray((resource as { identifier?: unknown }).identifier) ? `[${index}]` : ''}` }] : []
    }))
  if (named.length > 0) return named
  const written = words(view).flatMap(({ value, at }) => referencesIn(value).map((reference) => ({ value: reference, at })))
  return new Set(written.map(({ value }) => value)).size === 1 ? written : []
}

/** What is given for a number of ours and is none: its check character is wrong, or it has another form. */
export const mistakenReferences = (view: View): readonly string[] =>
  [...new Set(view.all.flatMap(({ resource }) => identifiersOf(resource)).flatMap(({ system, value }) => (system === REFERENCE_SYSTEM && value && readReference(value) === null ? [value.slice(0, 40)] : [])))]

/** Where people write it: notes, reasons, what a document or message is called. Not the text of documents, which may quote another referral's. */
const words = (view: View): readonly Located<string>[] => [
  ...[view.request, ...view.further, view.task].flatMap((placed) => (placed ? each(placed.resource.note, `${placed.at}.note`, ({ text }, at) => said(text, `${at}.text`)) : [])),
  ...[view.request, ...view.further].flatMap((placed) => (placed ? each(placed.resource.reasonCode, `${placed.at}.reasonCode`, ({ text }, at) => said(text, `${at}.text`)) : [])),
  ...said(view.task?.resource.description, `${view.task?.at}.description`),
  ...view.of('Communication').flatMap(({ resource, at }) => [...said(resource.topic?.text, `${at}.topic.text`), ...each(resource.payload, `${at}.payload`, ({ contentString }, place) => said(contentString, `${place}.contentString`))]),
  ...view.of('DocumentReference').flatMap(({ resource, at }) => [...said(resource.description, `${at}.description`), ...each(resource.content, `${at}.content`, ({ attachment }, place) => said(attachment.title, `${place}.attachment.title`))]),
]
