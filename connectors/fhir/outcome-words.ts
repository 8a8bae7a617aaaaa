/** What an OperationOutcome says is wrong, without what it quotes of the patient. */

const LONGEST = 500 // characters
const MOST_ISSUES = 5
/** Elements whose values are FHIR's own words, and may be repeated. */
const OWN_WORDS = new Set(['resourceType', 'system', 'code', 'url', 'reference', 'status', 'use', 'intent', 'priority', 'type', 'mode', 'required', 'contentType'])

interface Issue { readonly severity?: unknown; readonly code?: unknown; readonly diagnostics?: unknown; readonly details?: { readonly text?: unknown; readonly coding?: readonly { readonly display?: unknown; readonly code?: unknown }[] }; readonly expression?: readonly unknown[]; readonly location?: readonly unknown[] }

/** The errors of `outcome` in one line. Quoted text, numbers, and every word that `content` holds are masked. Empty where it is no OperationOutcome. */
export const wordsOf = (outcome: unknown, content: object): string => {
  const issues = (outcome as { issue?: unknown } | null)?.issue
  if (!Array.isArray(issues)) return ''
  const said = (issues as Issue[]).filter(({ severity }) => severity === undefined || severity === 'error' || severity === 'fatal').slice(0, MOST_ISSUES)
  if (said.length === 0) return ''
  const held = wordsIn(content)
  return said.map((issue) => wordsOfIssue(issue, held)).join('; ').slice(0, LONGEST)
}

const wordsOfIssue = ({ code, diagnostics, details, expression, location }: Issue, held: ReadonlySet<string>): string => {
  const [coding] = Array.isArray(details?.coding) ? details.coding : []
  const texts = [diagnostics, details?.text, coding?.display].filter((each): each is string => typeof each === 'string' && each !== '')
  const places = [expression, location].flatMap((each) => (Array.isArray(each) ? each : [])).filter((each): each is string => typeof each === 'string' && PATH.test(each))
  const text = masked(texts[0] ?? '', held)
  return [...(places.length > 0 ? [places.slice(0, 3).join(', ')] : []), text || (typeof code === 'string' && /^[a-z-]{1,40}$/.test(code) ? code : 'refused')].join(': ')
}

const PATH = /^[A-Za-z]+(\.[A-Za-z]+|\[\d+\]|\[x\])*$/
const ELEMENT = /^(?:Patient|Coverage|DocumentReference|ServiceRequest|Task|Appointment|Communication)(?:\.[a-z][A-Za-z]*(?:\[\d+\]|\[x\])?)*$/

const masked = (text: string, held: ReadonlySet<string>): string =>
  text.slice(0, 4 * LONGEST)
    .replace(/"[^"]*"|'[^']*'|“[^”]*”|‘[^’]*’|`[^`]*`/g, '…')
    .replace(/[^\s,;:()<>=]+/g, (token) => {
      const bare = token.replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}\]]+$/gu, '')
      if (ELEMENT.test(bare)) return token
      return /\p{N}/u.test(bare) || bare.toLowerCase().split(/[^\p{L}]+/u).some((part) => held.has(part)) ? '…' : token
    })
    .replace(/…(?:\s*…)+/g, '…').trim()

/** The words of two letters and more of every text that is not FHIR's own. */
const wordsIn = (content: unknown, found = new Set<string>()): ReadonlySet<string> => {
  if (typeof content === 'string') for (const word of content.slice(0, 20_000).toLowerCase().split(/[^\p{L}]+/u)) if (word.length > 1 && !PLAIN.has(word)) found.add(word)
  if (Array.isArray(content)) for (const each of content) wordsIn(each, found)
  else if (typeof content === 'object' && content !== null) for (const [name, value] of Object.entries(content)) if (!(OWN_WORDS.has(name) && typeof value === 'string') && name !== 'data') wordsIn(value, found)
  return found
}

/** Words that say nothing about anybody, and without which no sentence can be read. */
const PLAIN = new Set('is are was be the an of to in on for and or not no a by with must should may can at from this that it as has have value element field resource required missing invalid unknown unsupported allowed expected found'.split(' '))
