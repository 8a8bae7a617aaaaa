/** A letter as plain text in lines of at most 76 characters. */
import type { Block, Letter } from './letter.js'

const WIDTH = 76

export const renderText = ({ blocks }: Letter): string => `${blocks.map(shown).join('\n\n')}\n`

const shown = (block: Block): string => {
  if (block.kind === 'heading') return `${wrap(block.text)}\n${'-'.repeat(Math.min(WIDTH, [...block.text].length))}`
  if (block.kind === 'paragraph') return wrap(block.text)
  if (block.kind === 'list') return block.items.map((item) => wrap(item, '- ', '  ')).join('\n')
  return block.rows.map(([label, value]) => wrap(`${label}: ${value}`, '', '  ')).join('\n')
}

/** Each line broken at spaces; a word that is longer than a line stands alone on it, whole, so that an address can still be followed. */
const wrap = (text: string, first = '', then = ''): string =>
  text.split('\n').map((line, n) => {
    const lines: string[] = []
    let current = n === 0 ? first : then
    let empty = true
    for (const word of line.split(/ +/)) {
      if (!empty && [...current].length + 1 + [...word].length > WIDTH) {
        lines.push(current)
        current = then
        empty = true
      }
      current += empty ? word : ` ${word}`
      empty = false
    }
    return [...lines, current].map((one) => one.trimEnd()).join('\n')
  }).join('\n')
