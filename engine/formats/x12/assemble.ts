/** The acknowledgements of several transactions in one file as one answer: an interchange for each sender, with every TA1, and one 999 for each group that was sent. */
import { elementOf, elementsOf, nameOf, type Segment } from './body.js'
import { tolerantSegments } from './acknowledge.js'
import { type Separators, tolerantOpening } from './separators.js'

interface Group { readonly first: Segment; readonly header: readonly Segment[]; readonly sets: Segment[]; received: number; accepted: number; wrong: string }
interface Answer { readonly separators: Separators; readonly segments: readonly Segment[]; readonly notes: string[]; readonly groups: Map<string, Group> }

/** Each acknowledgement is one of `acknowledge`; what cannot be read among them is left out. */
export const assemble = (_bytes: Buffer, acknowledgements: readonly Buffer[]): Buffer => {
  const answers = new Map<string, Answer>()
  for (const bytes of acknowledgements) {
    const text = bytes.toString('latin1')
    const opening = tolerantOpening(text)
    if (!opening) continue
    const { separators, elements } = opening
    const segments = tolerantSegments(text, opening)
    const key = [elements[5], elements[6], elements[7], elements[8], ...Object.values(separators)].join(' ')
    const answer = answers.get(key) ?? { separators, segments, notes: [], groups: new Map() }
    answers.set(key, answer)
    take(answer, segments)
  }
  return Buffer.from([...answers.values()].map(written).join(''), 'latin1')
}

const take = ({ separators, notes, groups }: Answer, segments: readonly Segment[]): void => {
  let group: Group | null = null
  segments.forEach((segment, at) => {
    const name = nameOf(segment, separators)
    if (name === 'TA1' && !notes.includes(segment.text)) notes.push(segment.text)
    else if (name === 'AK1') {
      group = groups.get(segment.text) ?? { first: segment, header: segments.slice(at - 2, at), sets: [], received: 0, accepted: 0, wrong: '' }
      groups.set(segment.text, group)
    } else if (name === 'AK9' && group) {
      group.received += Number(elementOf(segment, 3, separators))
      group.accepted += Number(elementOf(segment, 4, separators))
      group.wrong ||= elementOf(segment, 5, separators)
      group = null
    } else group?.sets.push(segment)
  })
}

/** One interchange: its own header and number, the groups numbered from its number on. */
const written = ({ separators, segments, notes, groups }: Answer): string => {
  const line = (elements: readonly string[]): string => elements.join(separators.element) + separators.terminator
  const isa = segments[0]
  const number = elementOf(isa, 13, separators)
  const own = [...groups.values()]
  const inside = own.flatMap((group, at) => {
    const [gs] = group.header
    const control = String(Number(number) + at)
    const [verdict, wrong] = [group.accepted === 0 ? 'R' : group.accepted < group.received ? 'P' : 'A', group.wrong]
    const counts = ['AK9', verdict, String(group.received), String(group.received), String(group.accepted), ...(wrong ? [wrong] : [])]
    return [
      line((gs ? elementsOf(gs, separators) : []).with(6, control)), line(['ST', '999', '0001', '005010X231A1']), line([group.first.text]), ...group.sets.map(({ text }) => line([text])), line(counts),
      line(['SE', String(group.sets.length + 4), '0001']), line(['GE', '1', control]),
    ]
  })
  return [line([isa?.text ?? '']), ...notes.map((note) => line([note])), ...inside, line(['IEA', String(own.length), number])].join('')
}
