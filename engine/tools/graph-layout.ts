/** Places a graph's nodes in columns from left to right, so that few edges cross and none runs through a box. */
import type { Graph, GraphEdge, GraphNode } from './graph.js'

export const TEXT = { title: 14, detail: 12, label: 11, line: 17 } as const // pixels

export interface Box { readonly node: GraphNode; readonly x: number; readonly y: number; readonly width: number; readonly height: number }
export interface Route { readonly edge: GraphEdge; readonly points: readonly (readonly [x: number, y: number])[]; readonly label: readonly [x: number, y: number] }
export interface Layout { readonly boxes: readonly Box[]; readonly routes: readonly Route[]; readonly width: number; readonly height: number }

const MARGIN = 24
const BETWEEN = 28 // between boxes of a column
const PADDING = 14
const LONGEST = 56 // characters of a line

/** Pixels that a text takes at a size, taken generously: an SVG cannot ask for it. */
const textWidth = (text: string, size: number): number => text.length * size * 0.58

/** A line that fits; what is left out shows as an ellipsis. */
export const fitting = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text)

interface Place { readonly id: string; readonly node: GraphNode | null; readonly width: number; readonly height: number; readonly column: number; y: number } // node: null where an edge only passes

export const layOut = ({ nodes, edges }: Graph): Layout => {
  const column = columnsOf(nodes, edges)
  const places = nodes.map((node): Place => ({ id: node.id, node, ...sizeOf(node), column: column.get(node.id) ?? 0, y: 0 }))
  const links: (readonly [string, string])[] = []
  const through = new Map<GraphEdge, readonly string[]>()
  for (const [index, edge] of edges.entries()) {
    const [from, to] = [column.get(edge.from) ?? 0, column.get(edge.to) ?? 0]
    const passed = Array.from({ length: Math.max(0, to - from - 1) }, (_, step) => `passing ${index} ${step}`)
    passed.forEach((id, step) => { places.push({ id, node: null, width: 0, height: 10, column: from + 1 + step, y: 0 }) })
    const path = [edge.from, ...passed, edge.to]
    through.set(edge, path)
    for (let step = 1; step < path.length; step++) links.push([path[step - 1] ?? '', path[step] ?? ''])
  }
  const byId = new Map(places.map((place) => [place.id, place]))
  const columns = Array.from({ length: Math.max(0, ...places.map((place) => place.column)) + 1 }, (_, at) => places.filter((place) => place.column === at))
  arrange(columns, links, byId)
  const starts = startsOf(columns, edges, column)
  const top = Math.min(...places.map(({ y }) => y), 0)
  for (const place of places) place.y += MARGIN - top
  const left = (place: Place): number => starts[place.column] ?? 0
  const boxes = places.flatMap((place) => (place.node ? [{ node: place.node, x: left(place), y: place.y, width: place.width, height: place.height }] : []))
  const widths = columns.map((all) => Math.max(0, ...all.map(({ width }) => width)))
  const routes = edges.map((edge) => {
    const path = (through.get(edge) ?? []).flatMap((id) => byId.get(id) ?? [])
    const points = path.flatMap((place, at): (readonly [number, number])[] => {
      const y = place.y + place.height / 2
      if (place.node) return [[at === 0 ? left(place) + place.width : left(place), y]]
      return [[left(place), y], [left(place) + (widths[place.column] ?? 0), y]]
    })
    const [[x1, y1] = [0, 0], [x2, y2] = [0, 0]] = points.slice(-2)
    return { edge, points, label: [(x1 + x2) / 2, (y1 + y2) / 2] as const }
  })
  const right = Math.max(0, ...columns.map((_, at) => (starts[at] ?? 0) + (widths[at] ?? 0)))
  return { boxes, routes: apart(routes), width: right + MARGIN, height: Math.max(0, ...places.map(({ y, height }) => y + height)) + MARGIN }
}

const sizeOf = ({ title, details }: GraphNode): { width: number; height: number } => ({
  width: Math.max(90, textWidth(fitting(title), TEXT.title) * 1.08, ...details.map((each) => textWidth(fitting(each), TEXT.detail))) + 2 * PADDING,
  height: (1 + details.length) * TEXT.line + 2 * PADDING - 6,
})

/** Each node right of all that lead to it; a source beside what it feeds, receivers in the last column. A circle is cut where it closes. */
const columnsOf = (nodes: readonly GraphNode[], edges: readonly GraphEdge[]): Map<string, number> => {
  const found = new Map<string, number>()
  const depth = (id: string, trail: readonly string[]): number => {
    const known = found.get(id)
    if (known !== undefined) return known
    const before = edges.filter(({ to, from }) => to === id && from !== id && !trail.includes(from)).map(({ from }) => depth(from, [...trail, id]))
    const at = before.length === 0 ? 0 : Math.max(...before) + 1
    found.set(id, at)
    return at
  }
  for (const { id } of nodes) depth(id, [])
  for (const { id, kind } of nodes) if (kind === 'channel' && found.get(id) === 0) found.set(id, 1)
  for (const { id, kind } of nodes) if (kind === 'source') found.set(id, Math.max(0, Math.min(...edges.filter(({ from }) => from === id).map(({ to }) => found.get(to) ?? 1)) - 1))
  const last = Math.max(0, ...found.values())
  for (const { id, kind } of nodes) if (kind === 'destination') found.set(id, last)
  return found
}

const PASSES = 8

/** Orders each column by the middle of what it is linked to, and moves boxes there as far as they do not overlap. */
const arrange = (columns: readonly Place[][], links: readonly (readonly [string, string])[], byId: ReadonlyMap<string, Place>): void => {
  const neighbours = new Map<string, Place[]>()
  for (const [from, to] of links) {
    for (const [one, other] of [[from, to], [to, from]] as const) {
      const place = byId.get(other)
      if (place) neighbours.set(one, [...(neighbours.get(one) ?? []), place])
    }
  }
  for (const places of columns) stack(places)
  const wanted = (place: Place, beside: (other: Place) => boolean): number => {
    const middles = (neighbours.get(place.id) ?? []).filter(beside).map(({ y, height }) => y + height / 2)
    return middles.length === 0 ? place.y : middles.reduce((sum, each) => sum + each, 0) / middles.length - place.height / 2
  }
  for (let pass = 0; pass < PASSES; pass++) {
    const order = pass % 2 === 0 ? columns : [...columns].reverse()
    for (const places of order) {
      const target = new Map(places.map((place) => [place, wanted(place, (other) => (pass >= PASSES - 2 ? true : pass % 2 === 0 ? other.column < place.column : other.column > place.column))]))
      places.sort((a, b) => (target.get(a) ?? 0) - (target.get(b) ?? 0))
      const clusters: { places: Place[]; offsets: number[]; start: number }[] = []
      for (const place of places) {
        clusters.push({ places: [place], offsets: [0], start: target.get(place) ?? 0 })
        for (let last = clusters.at(-1), before = clusters.at(-2); last && before && before.start + extent(before) + BETWEEN > last.start; last = clusters.at(-1), before = clusters.at(-2)) {
          clusters.splice(-2, 2, joined(before, last, target))
        }
      }
      for (const { places: inside, offsets, start } of clusters) inside.forEach((place, index) => { place.y = start + (offsets[index] ?? 0) })
    }
  }
}

interface Cluster { places: Place[]; offsets: number[]; start: number }

const extent = ({ places, offsets }: Cluster): number => (offsets.at(-1) ?? 0) + (places.at(-1)?.height ?? 0)

/** Boxes that would overlap become one block, placed so that all are as near as can be to where they want to be. */
const joined = (above: Cluster, below: Cluster, target: ReadonlyMap<Place, number>): Cluster => {
  const shift = extent(above) + BETWEEN
  const places = [...above.places, ...below.places]
  const offsets = [...above.offsets, ...below.offsets.map((offset) => offset + shift)]
  const start = places.reduce((sum, place, index) => sum + (target.get(place) ?? 0) - (offsets[index] ?? 0), 0) / places.length
  return { places, offsets, start }
}

const stack = (places: readonly Place[]): void => {
  let y = 0
  for (const place of places) {
    place.y = y
    y += place.height + BETWEEN
  }
}

/** Where each column begins: the space before it holds the labels of the edges that end in it. */
const startsOf = (columns: readonly Place[][], edges: readonly GraphEdge[], column: ReadonlyMap<string, number>): number[] => {
  const starts: number[] = []
  let x = MARGIN
  for (const [at, places] of columns.entries()) {
    if (at > 0) x += Math.max(0, ...edges.filter(({ to }) => column.get(to) === at).map(({ label }) => textWidth(fitting(label), TEXT.label))) + 70
    starts.push(x)
    x += Math.max(0, ...places.map(({ width }) => width))
  }
  return starts
}

/** Labels that would lie on each other are moved down. */
const apart = (routes: readonly Route[]): Route[] => {
  const placed: Route[] = []
  for (const route of [...routes].sort((a, b) => a.label[1] - b.label[1])) {
    const [x, wanted] = route.label
    const half = (other: Route): number => textWidth(fitting(other.edge.label), TEXT.label) / 2
    let y = wanted
    for (const other of placed) if (Math.abs(other.label[0] - x) < half(other) + half(route) && Math.abs(other.label[1] - y) < TEXT.line) y = other.label[1] + TEXT.line
    placed.push({ ...route, label: [x, y] })
  }
  return placed
}
