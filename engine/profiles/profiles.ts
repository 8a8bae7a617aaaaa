/** Fills channels from profiles: `uses: ehr/epic`, `with: { host, port }`. What the channel itself says wins. */
import { existsSync, readFileSync } from 'node:fs'
import { problemAt } from '../complaint.js'
import type { Mappings } from '../mappings.js'
import { didYouMean } from '../nearest.js'
import type { Problem } from '../problem.js'
import { fieldsSchema, flaws, PLACEHOLDER, type ProfileContent, ProfileFile } from './profile-file.js'
import { merged, sourceOf, type Tree, treeOf, without, withEntry } from './profile-tree.js'
import { type Keys, mistakes } from '../schema-errors.js'
import type { Sources } from '../substitute.js'
import { readYaml, type ScalarSource, type YamlSource } from '../yaml-source.js'

/** A profile as read; `problems` are of its own file. */
export interface Profile {
  readonly name: string // by which it is used: `ehr/epic`
  readonly file: string // where it lies
  readonly yaml: YamlSource
  readonly content: ProfileContent | null // null where it has problems
  readonly problems: readonly Problem[]
}

/** The names of all profiles. */
export const profileNames = (mappings: Pick<Mappings, 'names'>): readonly string[] => mappings.names(FOLDER).map(path => path.slice(FOLDER.length))

/** Reads the profile of that name, or null if there is none. */
export const readProfile = (name: string, mappings: Pick<Mappings, 'file'>, sources: Sources): Profile | null => {
  const file = mappings.file(`${FOLDER}${name}`)
  if (!NAME.test(name) || !existsSync(file)) return null
  const yaml = readYaml(file, readFileSync(file, 'utf8'), sources)
  const problems = [...yaml.problems]
  if (yaml.value !== undefined && problems.length === 0) {
    const written = (keys: Keys): string | null => yaml.scalar(keys)?.text ?? null
    problems.push(...mistakes(ProfileFile, yaml.value, { name: 'a profile', written }).map(({ keys, at, rule, message }) => problemAt(yaml, keys, { rule, message }, at)))
    if (problems.length === 0) problems.push(...flaws(yaml.value as ProfileContent).map(({ keys, message }) => problemAt(yaml, keys, { rule: 'profile', message })))
  }
  return { name, file, yaml, content: problems.length === 0 ? (yaml.value as ProfileContent) : null, problems }
}

export interface Filled {
  readonly yaml: YamlSource // to be read like one file
  readonly profiles: readonly Profile[]
  readonly problems: readonly Problem[]
}

/** A channel file with all that it `uses` filled in. Without `uses` it is the file as it was read. */
export const fillFromProfiles = (own: YamlSource, mappings: Pick<Mappings, 'file' | 'names'>, sources: Sources): Filled => {
  const root = treeOf(own, own.value)
  const users: readonly Keys[] = [[], ...items(child(root, 'destinations')).map((_, index) => ['destinations', index])]
  if (!users.some(keys => ['uses', 'with'].some(key => at(root, [...keys, key])))) return { yaml: own, profiles: [], problems: [] }
  const filler = new Filler(own, mappings, sources)
  const destinations = child(root, 'destinations')
  const filled = destinations?.kind === 'list'
    ? withEntry(root, 'destinations', { ...destinations, items: destinations.items.map((item, index) => filler.fill(item, ['destinations', index])) })
    : root
  const channel = filler.fill(filled, [])
  return { yaml: sourceOf(channel, own), profiles: [...filler.profiles.values()], problems: filler.problems }
}

const FOLDER = 'profiles/'
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9][A-Za-z0-9_-]*)*$/

/** Fills one channel file, and gathers what is wrong. */
class Filler {
  readonly profiles = new Map<string, Profile>()
  readonly problems: Problem[] = []
  readonly #own: YamlSource
  readonly #mappings: Pick<Mappings, 'file' | 'names'>
  readonly #sources: Sources

  constructor(own: YamlSource, mappings: Pick<Mappings, 'file' | 'names'>, sources: Sources) {
    this.#own = own
    this.#mappings = mappings
    this.#sources = sources
  }

  /** The channel or destination at these keys, laid on the profiles that it uses. */
  fill(user: Tree, keys: Keys): Tree {
    if (user.kind !== 'map') return user
    const uses = user.entries.get('uses')
    if (!uses) {
      if (user.entries.has('with')) this.#wrong([...keys, 'with'], 'unknown-setting', '`with` has no effect without `uses`.', 'Name a profile with `uses`, or remove it.', 'key')
      return user
    }
    const names: readonly Tree[] = uses.kind === 'list' ? uses.items : [uses]
    const used = names.flatMap(name => {
      const profile = this.#profile(name, keys)
      return profile ? [{ profile, keys: name.from.keys }] : []
    })
    if (used.length < names.length || !this.#fits(used.map(({ profile }) => profile), user.entries.get('with'), [...keys, 'with'])) return without(user, 'uses', 'with')
    const bases = used.map(({ profile, keys: at }) => this.#part(profile, keys, at))
    return [...bases, without(user, 'uses', 'with')].reduce(merged)
  }

  #wrong(keys: Keys, rule: string, message: string, hint = '', at: 'key' | 'value' = 'value'): void {
    if (!this.#own.scalar(keys)?.unresolved) this.problems.push(problemAt(this.#own, keys, { rule, message, hint }, at))
  }

  #profile(named: Tree, user: Keys): Profile & { readonly content: ProfileContent } | null {
    const { keys } = named.from
    if (named.kind !== 'scalar' || typeof named.value !== 'string') {
      this.#wrong(keys, 'wrong-value', '`uses` must be the name of a profile, or a list of names.')
      return null
    }
    const profile = this.profiles.get(named.value) ?? readProfile(named.value, this.#mappings, this.#sources)
    if (!profile) {
      this.#wrong(keys, 'unknown-name', `No profile is called \`${named.value.slice(0, 100)}\`${didYouMean(named.value, profileNames(this.#mappings))}`)
      return null
    }
    this.profiles.set(profile.name, profile)
    const { content } = profile
    if (!content) {
      for (const { file, line, column, rule, message, hint } of profile.problems) this.#wrong(keys, rule, `${file}:${line}:${column}: ${message}`, hint)
      return null
    }
    if (content.channel && user.length > 0) {
      this.#wrong(keys, 'wrong-value', `\`${profile.name}\` fills a channel, and is used here by a destination.`, 'Use it at the top of the file.')
      return null
    }
    return { ...profile, content }
  }

  /** Whether `with:` has what the profiles ask for; each profile takes the fields that it knows. */
  #fits(profiles: readonly (Profile & { readonly content: ProfileContent })[], given: Tree | undefined, keys: Keys): boolean {
    const before = this.problems.length
    if (given && given.kind !== 'map') this.#wrong(keys, 'wrong-value', '`with` must be settings, `{ … }`.')
    else {
      const values = given ? this.#data(given) : {}
      const known = new Set(profiles.flatMap(({ content }) => Object.keys(content.fields ?? {})))
      for (const name of Object.keys(values)) {
        if (!known.has(name)) this.#wrong([...keys, name], 'unknown-setting', `\`${name}\` is not a field of ${profiles.map(profile => `\`${profile.name}\``).join(' or ')}${didYouMean(name, known)}`, '', 'key')
      }
      for (const { name, content } of profiles) {
        const fields = content.fields ?? {}
        const own = Object.fromEntries(Object.entries(values).filter(([key]) => Object.hasOwn(fields, key)))
        const written = (below: Keys): string | null => {
          const scalar = this.#own.scalar([...keys, ...below])
          return !scalar || scalar.secrets.length > 0 || scalar.text.length > 80 || fields[String(below[0])]?.type === 'secret' ? null : scalar.text
        }
        for (const wrong of mistakes(fieldsSchema(fields), own, { name: `\`${name}\``, written })) {
          if (given) this.#wrong([...keys, ...wrong.keys], wrong.rule, wrong.message, '', wrong.at)
          else this.#wrong([...keys.slice(0, -1), 'uses'], wrong.rule, wrong.message)
        }
        for (const key of Object.keys(own)) {
          const scalar = this.#own.scalar([...keys, key])
          if (fields[key]?.type === 'secret' && scalar && scalar.secrets.length === 0 && (scalar.variables.length === 0 || scalar.defaulted)) {
            this.#wrong([...keys, key], 'secret-in-clear', `\`${key}\` is a secret, and is written here for all to read.`, `Keep it out of the file: write \${secret:a-name}.`)
          }
        }
      }
    }
    return this.problems.length === before
  }

  #data(given: Tree): Record<string, unknown> {
    return given.kind === 'map' ? Object.fromEntries([...given.entries].map(([key, child]) => [key, child.kind === 'scalar' ? child.value : child.kind === 'list' ? [] : {}])) : {}
  }

  /** What one profile brings, its fields filled; a destination’s profile brings a channel one destination, called like the profile. */
  #part({ name, yaml, content }: Profile & { readonly content: ProfileContent }, user: Keys, used: Keys): Tree {
    const kind = content.channel ? 'channel' : 'destination'
    const part = treeOf(yaml, content[kind], [kind], used)
    const filled = filledIn(part, field => this.#value(field, yaml, content, [...user, 'with', field])) ?? { kind: 'map', from: part.from, entries: new Map() }
    if (kind === 'channel' || user.length > 0) return filled
    const called: Tree = { kind: 'scalar', from: part.from, value: name.slice(name.lastIndexOf('/') + 1), source: undefined }
    return { kind: 'map', from: part.from, entries: new Map([['destinations', { kind: 'list', from: part.from, items: [withEntry(filled, 'name', called)] }]]) }
  }

  #value(field: string, yaml: YamlSource, content: ProfileContent, keys: Keys): Value | null {
    const scalar = this.#own.scalar(keys)
    if (scalar) return { scalar, filled: { field, place: this.#own.place(...keys), given: true } }
    const otherwise = content.fields?.[field]?.default === undefined ? undefined : yaml.scalar(['fields', field, 'default'])
    return otherwise ? { scalar: otherwise, filled: { field, place: yaml.place('fields', field, 'default'), given: false } } : null
  }
}

interface Value { readonly scalar: ScalarSource; readonly filled: NonNullable<ScalarSource['filled']>[number] }

/** Puts values in the place of `<with.name>`. What has nothing to fill it is left out, and so is what is left with nothing. */
const filledIn = (tree: Tree, value: (field: string) => Value | null): Tree | null => {
  if (tree.kind === 'list') {
    const items = tree.items.map(item => filledIn(item, value)).filter(item => item !== null)
    return items.length === 0 && tree.items.length > 0 ? null : { ...tree, items }
  }
  if (tree.kind === 'map') {
    const entries = [...tree.entries].flatMap(([key, child]) => {
      const filled = filledIn(child, value)
      return filled ? [[key, filled] as const] : []
    })
    return entries.length === 0 && tree.entries.size > 0 ? null : { ...tree, entries: new Map(entries) }
  }
  const text = tree.value
  if (typeof text !== 'string' || !tree.source?.text.includes('<with.')) return tree
  const used: Value[] = []
  let missing = false
  const put = text.replace(PLACEHOLDER, (whole, field: string) => {
    const found = value(field)
    if (!found) missing = true
    else used.push(found)
    return found ? String(found.scalar.value) : whole
  })
  if (missing) return null
  const [only] = used
  const result = only && used.length === 1 && WHOLE.test(text) ? only.scalar.value : put
  const parts = [tree.source, ...used.map(({ scalar }) => scalar)]
  const source: ScalarSource = {
    text: String(result), value: result, plain: false, unresolved: parts.some(({ unresolved }) => unresolved), defaulted: parts.some(({ defaulted }) => defaulted),
    variables: parts.flatMap(({ variables }) => variables), secrets: parts.flatMap(({ secrets }) => secrets), filled: used.map(({ filled }) => filled),
  }
  return { ...tree, value: result, source }
}

const WHOLE = /^<with\.[A-Za-z0-9-]+>$/

const child = (tree: Tree, key: string): Tree | undefined => (tree.kind === 'map' ? tree.entries.get(key) : undefined)
const items = (tree: Tree | undefined): readonly Tree[] => (tree?.kind === 'list' ? tree.items : [])
const at = (tree: Tree, keys: Keys): Tree | undefined =>
  keys.reduce<Tree | undefined>((node, key) => (typeof key === 'number' ? items(node)[key] : node && child(node, key)), tree)
