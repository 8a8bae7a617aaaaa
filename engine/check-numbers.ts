/** Finds codes and ids that YAML would change because they look like numbers: 012 is 12, 1e3 is 1000. */
import type { Problem } from './problem.js'
import type { YamlSource } from './yaml-source.js'

/** Warns of each, except where `known` has something to say already. */
export const unquotedNumbers = (yaml: YamlSource, known: readonly Problem[]): Problem[] => {
  const problems: Problem[] = []
  for (const [keys, { text, value, plain }] of yaml.scalars()) {
    if (!plain || typeof value !== 'number' || text.includes('${') || String(value) === text) continue
    const position = yaml.position(keys)
    if (known.some(({ line, column }) => line === position.line && column === position.column)) continue
    problems.push({
      file: yaml.file, ...position, rule: 'number-as-text', severity: 'warning',
      message: `${text} without quotes is the number ${value}.`, hint: `If it is a code or an id, quote it: "${text}".`,
    })
  }
  return problems
}
