/** mappings/triage/wordings.yaml: other ways to write what the tables say (abbreviations, everyday words, Spanish), read as if they said it. */
import { Type } from 'typebox'
import type { MappingDocument } from '../../engine/contracts.js'
import { phraseSet } from './phrases.js'
import { readTable } from './read-table.js'
import { type Word, wordsOf } from './words.js'

/** The content of mappings/triage/wordings.yaml; phrases as phrases.ts describes them. */
export const WordingsFile = Type.Object({
  wordings: Type.Array(Type.Object({
    is: Type.String({ minLength: 1, maxLength: 80 }), // plain words, as the other tables say it
    written: Type.Array(Type.String({ minLength: 1, maxLength: 800 }), { minItems: 1 }),
  }, { additionalProperties: false })),
}, { additionalProperties: false })

/** The words of a text with its other wordings replaced; each new word stands where the whole wording stood. */
export type Reword = (words: readonly Word[]) => readonly Word[]

/** Throws a sentence for each mistake, at its file:line:column. */
export const rewording = (file: MappingDocument): Reword => {
  const { wordings } = readTable(WordingsFile, 'the table of wordings', file, (table, complaints) => {
    table.wordings.forEach(({ is, written }, index) => {
      complaints.phrases(['wordings', index, 'written'], written)
      if (/[()[\]|*#]/.test(is)) complaints.add(['wordings', index, 'is'], `\`${is}\` must be plain words: it is what the text is read as.`)
    })
  })
  const find = phraseSet(wordings.flatMap(({ is, written }) => {
    const plain = wordsOf(is)
    return written.map((phrase) => [phrase, plain] as const)
  }))
  return (words) => {
    const made: Word[] = []
    let at = 0
    // By where they begin: the longest at the first place.
    for (const { meaning, from, to } of find(words).sort((a, b) => a.from - b.from || b.to - a.to)) {
      if (from < at) continue
      const [first, last] = [words[from] as Word, words[to - 1] as Word]
      made.push(...words.slice(at, from), ...meaning.map(({ text, capital }): Word => ({ ...first, to: last.to, text, capital })))
      at = to
    }
    return at === 0 ? words : [...made, ...words.slice(at)]
  }
}
