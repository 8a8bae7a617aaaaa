/** The word lists of the settings, as sets and tables to look words up in. */
import type { MatchingSettings } from './settings.js'
import { words } from './strings.js'

export interface Vocabulary {
  readonly newborn: ReadonlySet<string>
  readonly names: ReadonlySet<string>
  readonly persons: ReadonlySet<string>
  readonly birthDates: ReadonlySet<string>
  readonly phones: ReadonlySet<string>
  readonly emails: ReadonlySet<string>
  readonly addresses: ReadonlySet<string>
  readonly postalCodes: ReadonlySet<string>
  readonly identifiers: ReadonlySet<string>
  readonly notOfPersons: ReadonlySet<string>
  readonly streetWords: ReadonlyMap<string, string>
  readonly units: ReadonlySet<string>
  /** `name`: one is short for the other; `both`: both are short for a third. */
  nickname(a: string, b: string): 'name' | 'both' | null
}

export const vocabulary = (settings: MatchingSettings): Vocabulary => {
  const { placeholders, notOfPersons, streetWords, units } = settings
  const plain = (list: readonly string[]): Set<string> => new Set(list.map(word => words(word).join('')))
  const groups = new Map<string, Set<number>>()
  settings.nicknames.forEach((group, at) => {
    for (const name of group) groups.set(name, (groups.get(name) ?? new Set()).add(at))
  })
  return {
    newborn: plain(placeholders.newborn), names: plain(placeholders.names), persons: new Set(placeholders.persons.map(each => words(each).join(' '))),
    birthDates: new Set(placeholders.birthDates), phones: new Set(placeholders.phones), emails: new Set(placeholders.emails),
    addresses: plain(placeholders.addresses), postalCodes: new Set(placeholders.postalCodes), identifiers: plain(placeholders.identifiers),
    notOfPersons: new Set(notOfPersons), units: new Set(units),
    streetWords: new Map(Object.entries(streetWords).flatMap(([short, long]) => long.map(word => [word, short] as const))),
    nickname: (a, b) => {
      const [ours, theirs] = [groups.get(a), groups.get(b)]
      if (!ours || !theirs) return null
      const shared = [...ours].filter(group => theirs.has(group))
      if (shared.some(group => settings.nicknames[group]?.[0] === a || settings.nicknames[group]?.[0] === b)) return 'name'
      return shared.length > 0 ? 'both' : null
    },
  }
}
