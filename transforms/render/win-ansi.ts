/** What the fonts that every PDF reader has can show: windows-1252. Other letters are written without their marks, or as "?", and told. */

/** Letters that do not come apart into a letter and its mark. */
const PLAIN: Readonly<Record<string, string>> = {
  Ł: 'L', ł: 'l', Đ: 'D', đ: 'd', Ħ: 'H', ħ: 'h', ı: 'i', Ŋ: 'N', ŋ: 'n', Ŧ: 'T', ŧ: 't', Ə: 'E', ə: 'e', ẞ: 'SS', ĸ: 'k', ŉ: 'n',
  '\u2010': '-', '\u2011': '-', '\u2012': '-', '\u2015': '-', '\u2212': '-', '\u2044': '/', '\u2032': "'", '\u2033': '"', '\u02bb': "'", '\u02bc': "'", '\u2261': '=', '\u2264': '<=', '\u2265': '>=', '\u2192': '->', '\u2190': '<-', '\u00ad': '', '\u200b': '', '\u200c': '', '\u200d': '', '\ufeff': '',
}
/** The characters of windows-1252 beyond ISO 8859-1. */
const WINDOWS = new Set('€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ')

export interface Plain {
  readonly text: string
  readonly replaced: ReadonlyMap<string, string> // of a character that a reader would miss: what stands for it
}

/** The text in characters that can be shown. Line breaks stay. */
export const winAnsi = (text: string): Plain => {
  const replaced = new Map<string, string>()
  let plain = ''
  for (const character of text.normalize('NFC')) {
    const shown = shownAs(character)
    plain += shown
    if (shown !== character && /[\p{L}\p{N}\p{M}\p{S}]/u.test(character)) replaced.set(character, shown)
  }
  return { text: plain, replaced }
}

const shownAs = (character: string): string => {
  if (isShown(character)) return character
  if (/\p{Zs}/u.test(character)) return ' '
  const known = PLAIN[character]
  if (known !== undefined) return known
  const base = character.normalize('NFKD').replace(/\p{M}/gu, '')
  return [...base].every((one) => isShown(one) || PLAIN[one] !== undefined) && base !== '' ? [...base].map((one) => PLAIN[one] ?? one).join('') : '?'
}

const isShown = (character: string): boolean => character === '\n' || (character >= ' ' && character <= '~') || (character >= '\u00a0' && character <= '\u00ff' && character !== '\u00ad') || WINDOWS.has(character)
