/** What the pages say, in the language of whoever reads them (mappings/portal/words.yaml, and letters/words.yaml for what a referral's status is called). */
import { Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'
import { check } from '../../engine/v2-to-fhir/mapping-errors.js'
import type { MissingItem } from '../../referrals/contracts.js'
import { LANGUAGES, type Language } from './form-file.js'

const KEYS = [
  'title', 'practice-title', 'skip', 'start-heading', 'link-heading', 'link-says', 'link-label', 'link-button', 'link-sent-heading', 'link-sent', 'code-heading',
  'code-label', 'code-button', 'code-wrong', 'follow-heading', 'follow-says', 'follow-reference', 'follow-reference-hint', 'follow-birth',
  'follow-button', 'follow-wrong', 'enter-heading', 'enter-says', 'enter-button', 'enter-wrong-heading', 'enter-wrong', 'form-heading', 'form-says', 'required', 'choose',
  'documents', 'documents-hint', 'documents-again', 'send', 'sending', 'errors-heading', 'error-required', 'error-date', 'error-future', 'error-choice', 'error-matches',
  'error-longest', 'error-npi', 'npi-other', 'document-empty', 'document-program', 'document-kind', 'document-mismatch', 'document-large', 'error-all', 'error-form',
  'error-store', 'error-refused', 'sent-heading', 'sent-reference', 'sent-says', 'sent-waiting', 'sent-person', 'sent-again', 'follow-it', 'status-heading', 'status-now',
  'timeline', 'appointment', 'with', 'at', 'missing-heading', 'add-heading', 'add-says', 'add-note', 'add-button', 'add-sent', 'nothing-sent', 'documents-heading',
  'download', 'reason', 'no-heading', 'no-says', 'expired-heading', 'expired', 'many-heading', 'many', 'large-heading', 'unavailable-heading', 'unavailable', 'again',
  'leave', 'call', 'mail-subject', 'mail-text',
] as const
export type Word = typeof KEYS[number]

const Words = Type.Object(Object.fromEntries(KEYS.map((key) => [key, Type.String({ minLength: 1 })])), { additionalProperties: false })
/** The content of mappings/portal/words.yaml. */
export const WordsFile = Type.Object({ en: Words, es: Words }, { additionalProperties: false })
const ItemsFile = Type.Object({ items: Type.Array(Type.Object({ item: Type.String(), says: Type.Object({ en: Type.String(), es: Type.Optional(Type.String()) }) })) })
const SaidFile = Type.Object({ languages: Type.Record(Type.String(), Type.Object({ locale: Type.String(), said: Type.Optional(Type.Record(Type.String(), Type.String())) })) })

export interface Speech {
  readonly language: Language
  readonly locale: string
  say(word: Word, values?: Readonly<Record<string, string | number>>): string
  /** The desk's own words, as this language says them. */
  said(words: string): string
  /** What a missing item is called; what the desk wrote of it, where triage/completeness.yaml does not have it. */
  item(item: MissingItem): string
}

/** Throws a sentence with file:line:column. */
export const readWords = (tools: Pick<Tools, 'mapping'>): Readonly<Record<Language, Speech>> => {
  const words = check(WordsFile, tools.mapping('portal/words')) as Readonly<Record<Language, Readonly<Record<string, string>>>>
  const { languages } = check(SaidFile, tools.mapping('letters/words'))
  const { items } = check(ItemsFile, tools.mapping('triage/completeness'))
  const speech = (language: Language): Speech => ({
    language, locale: languages[language]?.locale ?? language,
    say: (word, values = {}) => (words[language][word] ?? word).replace(/\{([a-z]+)\}/g, (whole, name: string) => String(values[name] ?? whole)),
    item: ({ item, says }) => {
      const known = items.find((one) => one.item === item)?.says
      return known?.[language] ?? known?.en ?? says
    },
    said: (text) => languages[language]?.said?.[text] ?? text,
  })
  return { en: speech('en'), es: speech('es') }
}

/** The first language of `Accept-Language` (RFC 9110 §12.5.4) that we speak, by its weight; English else. */
export const languageOf = (accepted: string): Language => {
  const wanted = accepted.slice(0, 500).split(',').map((one, at) => {
    const [tag = '', ...parameters] = one.trim().toLowerCase().split(/\s*;\s*/)
    const weight = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1)
    return { language: tag.split('-')[0], weight: Number.isFinite(weight) ? weight : 0, at }
  }).filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight || a.at - b.at)
  return wanted.map(({ language }) => LANGUAGES.find((one) => one === language)).find((one) => one !== undefined) ?? 'en'
}
