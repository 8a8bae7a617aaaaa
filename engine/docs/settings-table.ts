/** Writes settings as Markdown: what each may be, what holds where nothing is said, and what it does. */
import { stringify } from 'yaml'
import { describe, type Schema } from '../schema-words.js'
import { DURATION_IS, SIZE_IS } from '../units.js'

interface Documented extends Schema {
  readonly default?: unknown
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, Schema>>
}

/** A table of all settings, those within others by their path. */
export const settingsTable = (schema: unknown, leaveOut: readonly string[] = []): string => {
  const rows = rowsOf(schema as Documented, '').filter(([name = '']) => !leaveOut.some((each) => name.startsWith(`${each}[].`)))
  if (rows.length === 0) return 'No settings: write `{}`.\n'
  return ['| setting | what it may be | where nothing is said | what it does |', '|---|---|---|---|', ...rows.map((cells) => `| ${cells.map((cell, index) => (index === 0 ? `\`${cell}\`` : inCell(cell))).join(' | ')} |`), ''].join('\n')
}

const rowsOf = (schema: Documented, path: string): string[][] => {
  const entries = Object.entries(schema.properties ?? {}) as [string, Documented][]
  const own = entries.flatMap(([key, setting]) => {
    const name = path ? `${path}.${key}` : key
    const needed = schema.required?.includes(key) && setting.default === undefined
    const inside = within(setting)
    return [[name, allowed(setting), otherwise(setting, needed === true), setting.description ?? ''], ...inside.flatMap((each) => rowsOf(each, setting.type === 'array' ? `${name}[]` : name))]
  })
  const patterns = Object.values(schema.patternProperties ?? {}) as Documented[]
  return [...own, ...(path === '' && own.length === 0 ? patterns.map((setting) => ['…', allowed(setting), '', [schema.description, setting.description].filter(Boolean).join(' ')]) : [])]
}

/** The settings inside a setting: of itself, of one of its alternatives, or of the items of a list. */
const within = (setting: Documented): Documented[] => {
  const branches = [setting, ...(setting.anyOf ?? []), ...(setting.items ? [setting.items] : [])] as Documented[]
  return branches.filter((each) => each.type === 'object' && each.properties !== undefined)
}

const allowed = (setting: Documented): string => {
  if (setting.type === 'array' && setting.items) return `a list: ${shortened(describe(setting.items))}`
  const words = shortened(describe(setting.pattern !== undefined && !isUnit(setting) ? { type: 'string' } : setting))
  return !setting.type && !setting.anyOf && !setting.oneOf && !setting.enum && !('const' in setting) ? 'anything' : words
}
const shortened = (words: string): string => words.replace(DURATION_IS, 'a duration, `30s`').replace(SIZE_IS, 'a size, `20MB`')
const isUnit = (setting: Documented): boolean => /^a (?:duration|size):/.test(describe(setting))

const otherwise = ({ default: value }: Documented, needed: boolean): string => {
  if (needed) return '**needed**'
  if (value === undefined) return ''
  return `\`${JSON.stringify(value).replace(/^"(.+)"$/, '$1')}\``
}

/** Text that stays within its cell. */
export const inCell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ')

/** An example as YAML, in a block. */
export const yamlBlock = (value: unknown): string => `\`\`\`yaml\n${stringify(value, { lineWidth: 0, flowCollectionPadding: true }).trimEnd()}\n\`\`\`\n`
