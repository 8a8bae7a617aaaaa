/** A letter ready to be rendered: its words in order, whatever it will look like. */
import type { LetterTemplate, TestedValues } from './letter-file.js'
import { filled, valuesOf } from './template.js'

export type Block =
  | { readonly kind: 'heading'; readonly text: string }
  | { readonly kind: 'paragraph'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'facts'; readonly rows: readonly (readonly [label: string, value: string])[] }

/** `portal`: the address at which the recipient follows the referral. */
export interface Practice { readonly name?: string; readonly phone?: string; readonly fax?: string; readonly address?: string; readonly portal?: string }

export interface Letter {
  readonly language: string
  readonly subject: string
  readonly blocks: readonly Block[]
  readonly reference: string // printed on every page
  readonly practice: Practice
  readonly words: { readonly page: string; readonly replaced: string }
}

const MOST_IN_SUBJECT = 3 // reference numbers of a digest

/**
 * The subject and the blocks that a template makes of values. A block is left out where its condition does not hold, where it is of another disclosure, or where
 * a value in it is missing, and a heading where nothing stands under it; the subject is null where a value in it is missing.
 */
export const fill = (template: LetterTemplate, disclosed: boolean, values: (name: string) => readonly string[]): { readonly subject: string | null; readonly blocks: readonly Block[] } => {
  const joined = (name: string): string | null => values(name).join(', ') || null
  const short = (name: string): string | null => {
    const all = values(name)
    return all.length > MOST_IN_SUBJECT ? `${all.slice(0, MOST_IN_SUBJECT).join(', ')} (+${all.length - MOST_IN_SUBJECT})` : joined(name)
  }
  const holds = (tested: TestedValues): boolean => tested.every(({ name, among }) => values(name).some((value) => among === null || among.includes(value)))
  const shown = template.blocks.map((block): readonly Block[] => {
    if (block.disclose !== null && (block.disclose === 'all') !== disclosed) return []
    if ((block.when && !holds(block.when)) || block.unless.some(holds)) return []
    if (block.kind === 'facts') {
      const rows = block.rows.flatMap(([label, value]) => {
        const text = filled(value, joined)
        return text === null ? [] : [[label, text] as const]
      })
      return rows.length > 0 ? [{ kind: 'facts', rows }] : []
    }
    if (block.kind === 'list') {
      const [over = ''] = valuesOf(block.text)
      const items = values(over).flatMap((one) => filled(block.text, (name) => (name === over ? one : joined(name))) ?? [])
      return items.length > 0 ? [{ kind: 'list', items }] : []
    }
    const text = filled(block.text, joined)
    return text ? [{ kind: block.kind, text }] : []
  })
  const blocks = shown.flatMap((made, at) => (template.blocks[at]?.kind === 'heading' && under(template, at).every((one) => shown[one]?.length === 0) ? [] : made))
  return { subject: filled(template.subject, short), blocks }
}

/** The blocks that a heading is over: the paragraph behind it, or the facts and lists up to the next heading or paragraph. */
const under = ({ blocks }: LetterTemplate, heading: number): readonly number[] => {
  const kinds = blocks.slice(heading + 1).map(({ kind }) => kind)
  const end = kinds.findIndex((kind) => kind === 'heading' || kind === 'paragraph')
  const count = kinds[0] === 'paragraph' ? 1 : end < 0 ? kinds.length : end
  return Array.from({ length: count }, (_, at) => heading + 1 + at)
}
