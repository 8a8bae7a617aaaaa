/** Patterns of file names: `*` any text, `?` one character, `[a-z]` and `[!a-z]` one of or none of these, `{a,b}` either, `\` takes the next as it is. */

/** Says whether a name (never a path) matches, upper and lower case being different. Throws a sentence for a pattern that cannot be read. */
export const glob = (pattern: string): ((name: string) => boolean) => {
  let source = ''
  let choosing = false
  const characters = [...pattern]
  for (let n = 0; n < characters.length; n++) {
    const character = characters[n] ?? ''
    if (character === '/') throw unreadable(pattern, 'it is about names, and cannot hold a slash')
    if (character === '*') source += characters[n + 1] === '*' ? '' : '[^]*'
    else if (character === '?') source += '[^]'
    else if (character === '[') {
      const end = characters.indexOf(']', n + 2)
      if (end < 0) throw unreadable(pattern, 'a [ has no ]')
      source += oneOf(characters.slice(n + 1, end))
      n = end
    } else if (character === '{' && choosing) throw unreadable(pattern, 'a { cannot stand inside another')
    else if (character === '{') source += open()
    else if (character === '}' && choosing) source += close()
    else if (character === ',' && choosing) source += '|'
    else source += literal(character === '\\' ? (characters[++n] ?? '\\') : character)
  }
  if (choosing) throw unreadable(pattern, 'a { has no }')
  const expression = new RegExp(`^${source}$`, 'u')
  return (name) => expression.test(name)

  function open(): string {
    choosing = true
    return '(?:'
  }
  function close(): string {
    choosing = false
    return ')'
  }
}

const oneOf = (characters: readonly string[]): string => {
  const negated = characters[0] === '!' || characters[0] === '^'
  const set = characters.slice(negated ? 1 : 0).map((character) => character.replace(/[\\\]^[]/, '\\$&')).join('')
  return `[${negated ? '^' : ''}${set}]`
}

const literal = (character: string): string => character.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&')

const unreadable = (pattern: string, why: string): Error => new Error(`The pattern \`${pattern.slice(0, 100)}\` cannot be read: ${why}.`)
