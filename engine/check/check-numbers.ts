/** Finds codes and ids that YAML would change because they look like numbers: 012 is 12, 1e3 is 1000. */
import { problemAt } from '../complaint.js'
import type { Problem } from '../problem.js'
import type { YamlSource } from '../yaml-source.js'

/** Warns of each, except where `known` has something to say already. */
export const unquotedNumbers = (yaml: YamlSource, known: readonly Problem[]): Problem[] => {
  const problems: Problem[] = []
  for (const [keys, { text, value, plain }] of yaml.scalars()) {
    if (!plain || typeof value !== 'number' || text.includes('${') || String(value) === text) continue
    const position = yaml.position(keys)
    const { line, column } = position.used ?? position
    if (known.some(problem => problem.line === line && problem.column === column)) continue
    problems.push(problemAt(yaml, keys, { rule: 'number-as-text', severity: 'warning', message: `${text} without quotes is the number ${value}.`, hint: `If it is a code or an id, quote it: "${text}".` }))
  }
  return problems
}
