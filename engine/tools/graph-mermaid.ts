/** Writes a graph as Mermaid, which GitHub, GitLab and many wikis draw. */
import type { Graph, GraphNode } from './graph.js'

const SHAPES: Readonly<Record<GraphNode['kind'], readonly [string, string]>> = { source: ['([', '])'], channel: ['[', ']'], destination: ['[(', ')]'], missing: ['{{', '}}'] }

/** The flow from left to right; what is not enabled is drawn faint. */
export const mermaid = ({ nodes, edges }: Graph): string => {
  const names = new Map(nodes.map(({ id }, index) => [id, `n${index + 1}`]))
  const faint = nodes.filter(({ enabled }) => !enabled).map(({ id }) => names.get(id))
  return [
    'flowchart LR',
    ...nodes.map(({ id, kind, title, details }) => `  ${names.get(id)}${SHAPES[kind][0]}"${[`<b>${escaped(title)}</b>`, ...details.map(escaped)].join('<br/>')}"${SHAPES[kind][1]}`),
    ...edges.map(({ from, to, label }) => `  ${names.get(from)} -->|"${escaped(label)}"| ${names.get(to)}`),
    ...(faint.length > 0 ? ['  classDef faint opacity:0.5', `  class ${faint.join(',')} faint`] : []),
    '',
  ].join('\n')
}

/** Mermaid writes characters of its own as entity codes with `#` in the place of `&`. */
const escaped = (text: string): string => text.replace(/[^\p{L}\p{N} .,:/→·-]/gu, (character) => `#${character.codePointAt(0)};`)
