/** Keys that a setting names: the text itself, or a file beside the channel's own. */
import type { Tools } from '../contracts.js'

/** Throws a sentence, without the key, where it is neither. */
export const keyText = (setting: string, value: string, tools: Pick<Tools, 'beside'>): string => {
  if (value.includes('-----BEGIN ')) return value
  try {
    return tools.beside(value).text
  } catch (error) {
    throw new Error(`\`${setting}\` is neither the text of a key nor a file that can be read (${(error as NodeJS.ErrnoException).code ?? 'UNKNOWN'}).`, { cause: error })
  }
}
