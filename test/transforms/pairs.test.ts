/** Beside other people's bundles of the same messages: how many of their facts ours has, by message type, and that it never becomes fewer. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ROOT } from '../engine/v2-to-fhir/kit.js'
import { type Fact, facts, KINDS, ours, pairs, theirs } from './pairs.js'

interface Opinion {
  readonly facts: string // a pattern of facts of theirs that ours need not have
  readonly type?: string // a pattern of the pairs it is about
  readonly reason: string
}
const json = <Content>(name: string): Content => JSON.parse(readFileSync(join(ROOT, 'test/transforms', name), 'utf8')) as Content
const opinions = json<readonly Opinion[]>('pairs-opinions.json')
const floors = json<Readonly<Record<string, number>>>('pairs-floors.json')

interface Count { pairs: number; found: number; expected: number; opinions: number; readonly kinds: Map<string, [number, number]> }

t.test('beside other people’s bundles, no message type says less than it did', async (t) => {
  t.setTimeout(300_000)
  const all = pairs()
  if (all.length === 0) return t.comment('skipped: there is no corpus beside the project')
  const counts = new Map<string, Count>()
  const used = new Set<Opinion>()
  const without = new Map<string, number>()
  for (const pair of all) {
    const bundle = await ours(pair)
    if (!bundle) {
      without.set(pair.type, (without.get(pair.type) ?? 0) + 1)
      continue
    }
    const count = counts.get(pair.type) ?? { pairs: 0, found: 0, expected: 0, opinions: 0, kinds: new Map() }
    counts.set(pair.type, count)
    count.pairs += 1
    const known = facts(bundle)
    for (const fact of facts(theirs(pair))) {
      const opinion = known.has(fact) ? undefined : opinionOn(fact, pair.type)
      if (opinion) used.add(opinion)
      if (opinion) count.opinions += 1
      else tell(count, fact, known.has(fact))
    }
  }
  t.comment(['message'.padEnd(22), 'pairs', ...KINDS.map((kind) => kind.padStart(10)), '     all', '  opinions'].join(' '))
  for (const [type, { pairs: number, found, expected, opinions: differ, kinds }] of counts) {
    const cells = KINDS.map((kind) => { const [had, wanted] = kinds.get(kind) ?? [0, 0]; return `${had}/${wanted}`.padStart(10) })
    t.comment([type.padEnd(22), String(number).padStart(5), ...cells, `${found}/${expected}`.padStart(10), `${Math.round((100 * found) / Math.max(1, expected))} %`.padStart(5), String(differ).padStart(5)].join(' '))
    t.ok(found >= (floors[type] ?? 0), `${type}: ${found} of ${expected}, and ${floors[type] ?? 0} before`)
  }
  for (const [type, number] of without) t.comment(`${type}: ${number} pairs, and no mapping is for it`)
  t.same(Object.keys(floors).filter((type) => !counts.has(type)), [], 'every floor is of a type that is still mapped')
  t.same(opinions.filter((opinion) => !used.has(opinion)).map(({ facts: pattern }) => pattern), [], 'every opinion is still needed')
})

const opinionOn = (fact: Fact, type: string): Opinion | undefined => opinions.find((each) => new RegExp(each.facts).test(fact) && (!each.type || new RegExp(each.type).test(type)))

const tell = (count: Count, fact: Fact, found: boolean): void => {
  const [kind = ''] = fact.split(' ')
  const [had, wanted] = count.kinds.get(kind) ?? [0, 0]
  count.kinds.set(kind, [had + Number(found), wanted + 1])
  count.expected += 1
  count.found += Number(found)
}
