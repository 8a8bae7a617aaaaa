/** Draws a graph as SVG: one file without scripts, fonts or anything else from outside. */
import type { Graph, GraphNode } from './graph.js'
import { type Box, fitting, layOut, type Route, TEXT } from './graph-layout.js'

const COLOURS: Readonly<Record<GraphNode['kind'], readonly [fill: string, line: string]>> = {
  source: ['#eaf3fb', '#3b78ab'], channel: ['#ffffff', '#30363d'], destination: ['#eaf6ec', '#3c8a4c'], missing: ['#fdecea', '#b3261e'],
}
const FONT = 'font-family="Helvetica, Arial, sans-serif"'

/** The drawing, as wide and high as it needs to be. */
export const svg = (graph: Graph): string => {
  const { boxes, routes, width, height } = layOut(graph)
  const [w, h] = [Math.ceil(width), Math.ceil(height)]
  return `<?xml version="1.0" encoding="UTF-8"?>
<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img" ${FONT}>
<title>Channels</title>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#57606a"/></marker></defs>
<rect width="${w}" height="${h}" fill="#ffffff"/>
${[...routes.map(line), ...boxes.map(box), ...routes.map(label)].join('\n')}
</svg>
`
}

const line = ({ points }: Route): string => {
  const [[x = 0, y = 0] = [], ...rest] = points
  let [px, py] = [x, y]
  const curves = rest.map(([nx, ny]) => {
    const middle = (px + nx) / 2
    const curve = py === ny ? `L${round(nx)},${round(ny)}` : `C${round(middle)},${round(py)} ${round(middle)},${round(ny)} ${round(nx)},${round(ny)}`
    ;[px, py] = [nx, ny]
    return curve
  })
  return `<path d="M${round(x)},${round(y)} ${curves.join(' ')}" fill="none" stroke="#57606a" stroke-width="1.4" marker-end="url(#arrow)"/>`
}

const label = ({ edge, label: [x, y] }: Route): string =>
  `<text x="${round(x)}" y="${round(y - 4)}" font-size="${TEXT.label}" text-anchor="middle" fill="#30363d" stroke="#ffffff" stroke-width="4" paint-order="stroke"><title>${escaped(edge.label)}</title>${escaped(fitting(edge.label))}</text>`

const box = ({ node, x, y, width, height }: Box): string => {
  const [fill, colour] = COLOURS[node.kind]
  const middle = round(x + width / 2)
  const lines = node.details.map((detail, index) => `<text x="${middle}" y="${round(y + 24 + (index + 1) * TEXT.line)}" font-size="${TEXT.detail}" text-anchor="middle" fill="#57606a"><title>${escaped(detail)}</title>${escaped(fitting(detail))}</text>`)
  return `<g${node.enabled ? '' : ' opacity="0.5"'}><rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${node.kind === 'channel' ? 4 : 14}" fill="${fill}" stroke="${colour}" stroke-width="1.5"${node.enabled ? '' : ' stroke-dasharray="5 3"'}/>
<text x="${middle}" y="${round(y + 24)}" font-size="${TEXT.title}" font-weight="bold" text-anchor="middle" fill="${colour}"><title>${escaped(node.title)}</title>${escaped(fitting(node.title))}</text>
${lines.join('\n')}</g>`
}

const round = (value: number): string => String(Math.round(value * 10) / 10)

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escaped = (text: string): string => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd').replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
