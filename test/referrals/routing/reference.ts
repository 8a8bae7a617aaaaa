/** Routing done the slow and obvious way, straight from the cells' text: what the fast one must agree with. Knows only what made.ts writes. */
import type { ReferralFacts, Triage } from '../../../referrals/contracts.js'

type Values = Readonly<Record<string, readonly string[]>>
interface Line { readonly cells: Readonly<Record<string, string>>; readonly line: number }

const valuesOf = (facts: ReferralFacts, triage: Triage): Values => {
  const [year, month] = (facts.patient.birthDate ?? '').split('-').map(Number) as [number, number]
  const [thisYear, thisMonth, today] = (facts.authoredOn ?? '').split('-').map(Number) as [number, number, number]
  const age = thisYear - year - (thisMonth > month || (thisMonth === month && today >= 15) ? 0 : 1) // all are born on a 15th
  return {
    specialty: triage.specialty ? [triage.specialty.value] : [], diagnosis: facts.diagnoses.map(({ code }) => (code ?? '').replace('.', '')), service: facts.services.map(({ code }) => code ?? ''),
    payer: facts.coverage.map(({ payer }) => (payer ?? '').toLowerCase()), zip: facts.patient.addresses.map(({ postalCode }) => postalCode ?? ''), language: facts.patient.language ? [facts.patient.language] : [],
    urgency: [triage.urgency.value], age: [String(age)], sex: facts.patient.sex ? [facts.patient.sex] : [],
  }
}

const names = (column: string, pattern: string, value: string): boolean => {
  const range = /^(\w+)-(\w+)$/.exec(pattern)
  switch (column) {
    case 'diagnosis':
      if (range) return (value.slice(0, 3) >= (range[1] as string) && value.slice(0, 3) <= (range[2] as string)) || (pattern === 'C43-C44' && value.startsWith('C4A')) || (pattern === 'M05-M14' && value.startsWith('M1A'))
      return value.startsWith(pattern.replace(/[.*]/g, ''))
    case 'service':
      if (/^\d{5}-\d{5}$/.test(pattern)) return /^\d{5}$/.test(value) && value >= pattern.slice(0, 5) && value <= pattern.slice(6)
      return pattern === '9*' ? /^9\d{4}$/.test(value) : value === pattern
    case 'payer': return pattern.split(' ').every((word) => value.split(' ').includes(word))
    case 'zip':
      if (range) return value >= (range[1] as string) && value <= (range[2] as string)
      return pattern.endsWith('*') ? value.startsWith(pattern.slice(0, -1)) : value === pattern
    case 'language': return value === pattern || value.startsWith(`${pattern}-`)
    case 'urgency': {
      const order = ['routine', 'urgent', 'asap', 'stat']
      return pattern.endsWith('+') ? order.indexOf(value) >= order.indexOf(pattern.slice(0, -1)) : value === pattern
    }
    case 'age': {
      const age = Number(value)
      if (pattern.startsWith('<=')) return age <= Number(pattern.slice(2))
      if (pattern.startsWith('>=')) return age >= Number(pattern.slice(2))
      if (pattern.startsWith('<')) return age < Number(pattern.slice(1))
      if (pattern.endsWith('+')) return age >= Number(pattern.slice(0, -1))
      return age >= Number(pattern.split('-')[0]) && age <= Number(pattern.split('-')[1])
    }
    default: return value === pattern
  }
}

const holds = (column: string, cell: string, values: readonly string[]): boolean => {
  const parts = cell.split('|')
  if (values.length === 0) return parts.includes('?')
  const wanted = parts.filter((part) => !part.startsWith('!') && part !== '?')
  const negated = parts.filter((part) => part.startsWith('!')).map((part) => part.slice(1))
  const some = (patterns: readonly string[]): boolean => patterns.some((pattern) => values.some((value) => pattern === '*' || names(column, pattern, value)))
  return (wanted.length > 0 ? some(wanted) : negated.length > 0) && !some(negated)
}

const CONDITIONS = ['specialty', 'diagnosis', 'service', 'payer', 'zip', 'language', 'urgency', 'age', 'sex']

export const referenceTable = (text: string): readonly Line[] => {
  const [header = '', ...lines] = text.split('\r\n')
  return lines.map((line, index) => ({ line: index + 2, cells: Object.fromEntries(header.split(',').map((name, column) => [name, line.split(',')[column] ?? ''])) }))
}

/** The ids of the rows that take it in the best rank (priority, then filled conditions), and of those that miss it in one condition. */
export const reference = (table: readonly Line[], facts: ReferralFacts, triage: Triage): { readonly best: readonly string[]; readonly near: readonly string[] } => {
  const values = valuesOf(facts, triage)
  const filled = ({ cells }: Line): readonly string[] => CONDITIONS.filter((column) => cells[column])
  const rank = (line: Line): number => Number(line.cells.priority) * 100 + filled(line).length
  const seen = [...table].sort((a, b) => rank(b) - rank(a)).map((line) => ({ line, missed: filled(line).filter((column) => !holds(column, line.cells[column] ?? '', values[column] ?? [])).length }))
  const taken = seen.filter(({ missed }) => missed === 0)
  const id = ({ line }: { readonly line: Line }): string => line.cells.row ?? ''
  return { best: taken.filter(({ line }) => rank(line) === rank((taken[0] as typeof taken[number]).line)).map(id), near: seen.filter(({ missed }) => missed === 1).slice(0, 5).map(id) }
}
