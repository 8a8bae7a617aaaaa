/** The letters that a step may write: read and checked when it is made, chosen by kind and language for each notice. */
import { type Static, Type } from 'typebox'
import type { MappingDocument, Tools } from '../../engine/contracts.js'
import { check } from '../../engine/v2-to-fhir/mapping-errors.js'
import { CoverWords } from './cover.js'
import { type LetterTemplate, letterTemplate } from './letter-file.js'
import { letterValues, type ValueDefinitions } from './values.js'

const Words = Type.Object({
  locale: Type.String({ description: 'How dates are written: a locale of Intl, "en-US".' }),
  page: Type.String({ description: 'At the foot of a page: "Page {page} of {pages}".' }),
  said: Type.Optional(Type.Record(Type.String(), Type.String({ minLength: 1 }), { description: 'Codes and words of the desk, as this language says them; without one, they are written as they are.' })),
  replaced: Type.String({ description: 'What a PDF says of characters that it cannot show: {list}.' }),
  cover: Type.Optional(CoverWords),
}, { additionalProperties: false })

/** The content of mappings/letters/words.yaml: what is said beside the letters, by language. */
export const WordsFile = Type.Object({ languages: Type.Record(Type.String(), Words) }, { additionalProperties: false })

/** The letters of `letter: auto`, one a kind of notice. */
export const KINDS = ['acknowledgement', 'information', 'status', 'outcome', 'digest', 'overdue', 'hand-off', 'withdrawal', 'referral', 'report'] as const
const FALLBACK = 'en'

export interface ChosenLetter {
  readonly template: LetterTemplate
  readonly language: string
  readonly asked: boolean // whether it is in the language asked for, or none was
  readonly words: Static<typeof Words>
}

export interface Letters {
  readonly values: ValueDefinitions
  /** The letter of a name, null where there is none: in the language asked for, or its main language, or English. */
  choose(name: string, language: string | null): ChosenLetter | null
}

/** Reads the letters of these names in all their languages, with words for cover sheets where they will have `covers`. Throws a sentence that begins with file:line:column. */
export const readLetters = (names: readonly string[], tools: Pick<Tools, 'mapping'>, covers: boolean): Letters => {
  const values = letterValues(tools.mapping('letters/values'))
  const wordsFile: MappingDocument = tools.mapping('letters/words')
  const { languages: words } = check(WordsFile, wordsFile)
  const read = (name: string): ReadonlyMap<string, LetterTemplate> => {
    const main = tools.mapping(`letters/${name}/${FALLBACK}`)
    const first = letterTemplate(main, values)
    const others = first.languages.map((language, n) => {
      if (!words[language]) throw new Error(`${main.place('languages', n)}: letters/words.yaml has no "${language}"; there are ${Object.keys(words).join(', ')}.`)
      return [language, letterTemplate(tools.mapping(`letters/${name}/${language}`), values)] as const
    })
    return new Map([[FALLBACK, first], ...others])
  }
  const letters = new Map(names.map((name) => [name, read(name)]))
  if (!words[FALLBACK]) throw new Error(`${wordsFile.place('languages')}: "${FALLBACK}" is missing, which letters fall back to.`)
  for (const [language, { cover }] of covers ? Object.entries(words) : []) {
    if (!cover) throw new Error(`${wordsFile.place('languages', language)}: ${language} needs \`cover\`, the words on cover sheets of faxes.`)
  }
  return {
    values,
    choose(name, language) {
      const versions = letters.get(name)
      const wanted = language?.toLowerCase() ?? FALLBACK
      const found = [...(versions?.keys() ?? [])].find((one) => one.toLowerCase() === wanted) ?? [...(versions?.keys() ?? [])].find((one) => one.toLowerCase() === wanted.split('-')[0])
      const chosen = found ?? FALLBACK
      const template = versions?.get(chosen)
      const said = words[chosen]
      return template && said ? { template, language: chosen, asked: found !== undefined, words: said } : null
    },
  }
}
