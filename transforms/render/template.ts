/** Sentences with values in them: `Dear {recipient-name}[, of {recipient-practice}],`. What is in square brackets is left out where a value in it is missing. */

export type Piece = string | { readonly value: string } | { readonly optional: readonly Piece[] }
export type Template = readonly Piece[]

/** The pieces of a text. Throws a sentence where brackets do not fit together. */
export const parseTemplate = (text: string): Template => {
  const pieces: Piece[] = []
  let optional: Piece[] | null = null
  for (const [piece] of text.matchAll(/\{[^{}]*\}|[[\]]|[^{}[\]]+|[{}]/g)) {
    if (piece === '[') {
      if (optional) throw new Error('has `[` within `[…]`, and one cannot hold another')
      optional = []
    } else if (piece === ']') {
      if (!optional) throw new Error('has `]` without `[` before it')
      pieces.push({ optional })
      optional = null
    } else if (piece === '{' || piece === '}') throw new Error(`has \`${piece}\` alone; a value is written \`{name}\``)
    else (optional ?? pieces).push(piece.startsWith('{') ? { value: piece.slice(1, -1).trim() } : piece)
  }
  if (optional) throw new Error('has `[` without `]` behind it')
  return pieces
}

/** The names of the values in a template. */
export const valuesOf = (template: Template): readonly string[] =>
  template.flatMap((piece) => (typeof piece === 'string' ? [] : 'value' in piece ? [piece.value] : valuesOf(piece.optional)))

/** The text, or null where a value that is not optional is missing. */
export const filled = (template: Template, textOf: (name: string) => string | null): string | null => {
  let text = ''
  for (const piece of template) {
    if (typeof piece === 'string') text += piece
    else if ('value' in piece) {
      const value = textOf(piece.value)
      if (value === null) return null
      text += value
    } else text += filled(piece.optional, textOf) ?? ''
  }
  return text
}
