/** `refero graph` draws what joins what: complete, escaped, and without one box on another. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type Graph, graphOf } from '../../engine/tools/graph.js'
import { layOut } from '../../engine/tools/graph-layout.js'
import { mermaid } from '../../engine/tools/graph-mermaid.js'
import { svg } from '../../engine/tools/graph-svg.js'
import { loadChannels } from '../../engine/channel-loader.js'
import { command } from './command-line.js'
import { context } from './stand-ins.js'

const CHANNELS = {
  'intake.yaml': 'name: intake\nsource: { mllp: { port: 2575 } }\nformat: hl7v2\nsteps: [ keep: { types: [ADT] }, split: { by: OBR } ]\ndestinations:\n  - { name: on, to: { channel: { name: desk } }, partition: PID-3.1 }\n  - { name: far, to: { channel: { name: archive } } }\n',
  'files.yaml': 'name: files\nsource: { file: { folder: "in & <out>" } }\nformat: hl7v2\nacknowledge: delivered\nconcurrency: 4\ndestinations:\n  - { name: desk, to: { channel: { name: desk } } }\n',
  'desk.yaml': 'name: desk\nsource: { channel: {} }\nformat: fhir\ndestinations:\n  - { name: epic, to: { mllp: { host: epic.local, port: 6661 } }, whenRefused: hold }\n  - { name: archive, to: { channel: { name: archive } } }\n  - { name: web, to: { http: { url: "http://me:hunter2@web.example.org/in?key=hunter3" } } }\n',
  'archive.yaml': 'name: archive\nenabled: false\nsource: { channel: {} }\nformat: fhir\ndestinations:\n  - { name: box, to: { outbox: { folder: "a\\"b" } } }\n  - { name: epic, to: { mllp: { host: epic.local, port: 6661 } } }\n  - { name: gone, to: { channel: { name: nowhere } } }\n',
}
const folder = t.testdir({ channels: CHANNELS })
const { channels } = await loadChannels(join(folder, 'channels'), context())
// the address holds a password, which check refuses: the graph is asked about it all the same
const drawn = graphOf(channels, context().pieces)
const node = (graph: Graph, id: string) => graph.nodes.find((each) => each.id === id)

t.test('channels, what feeds them, where they send, and which leads to which', async (t) => {
  const withoutDesk = !channels.some(({ definition }) => definition.name === 'desk')
  t.ok(withoutDesk, 'a file with a password in it is broken, so its channel is only led to')
  t.match(node(drawn, 'channel desk'), { kind: 'missing', details: ['there is no such channel'] })
  const { channels: all } = await loadChannels(join(t.testdir({ channels: { ...CHANNELS, 'desk.yaml': CHANNELS['desk.yaml'].replace('me:hunter2@', '') } }), 'channels'), context())
  const graph = graphOf(all, context().pieces)
  t.match(node(graph, 'channel intake'), { kind: 'channel', title: 'intake', details: ['reads hl7v2', 'keep → split'], enabled: true })
  t.match(node(graph, 'channel files'), { details: ['reads hl7v2', '4 at once, in no order'] })
  t.match(node(graph, 'channel archive'), { details: ['reads fhir', 'not enabled'], enabled: false })
  t.match(node(graph, 'channel nowhere'), { kind: 'missing' })
  t.match(node(graph, 'source intake'), { kind: 'source', title: 'mllp', details: ['port 2575'] })
  t.notOk(node(graph, 'source desk'), 'what other channels feed has no source of its own')
  t.match(node(graph, 'destination mllp epic.local:6661'), { enabled: true }, 'two channels that send to one receiver share it')
  t.match(node(graph, 'destination http web.example.org/in'), { details: ['web.example.org/in'] })
  t.notMatch(JSON.stringify(graph), /hunter/, 'what may be secret in an address is left out')
  t.strictSame(graph.edges.filter(({ from }) => from !== 'channel archive').map(({ from, to, label }) => `${from} > ${to}: ${label}`).sort(), [
    'channel desk > channel archive: archive', 'channel desk > destination http web.example.org/in: web', 'channel desk > destination mllp epic.local:6661: epic · holds',
    'channel files > channel desk: desk', 'channel intake > channel archive: far', 'channel intake > channel desk: on · by PID-3.1, 16 lanes',
    'source files > channel files: answered when delivered', 'source intake > channel intake: answered when received',
  ])
  const { boxes, routes, width, height } = layOut(graph)
  t.equal(boxes.length, graph.nodes.length)
  for (const one of boxes) {
    t.ok(one.x >= 0 && one.y >= 0 && one.x + one.width <= width && one.y + one.height <= height, `${one.node.id} is within the drawing`)
    for (const other of boxes) if (other !== one) t.notOk(one.x < other.x + other.width && other.x < one.x + one.width && one.y < other.y + other.height && other.y < one.y + one.height, `${one.node.id} does not lie on ${other.node.id}`)
  }
  for (const { edge, points } of routes) {
    const [from, to] = [edge.from, edge.to].map((id) => boxes.find(({ node }) => node.id === id))
    t.ok((from?.x ?? 0) + (from?.width ?? 0) < (to?.x ?? 0), `${edge.label} goes from left to right`)
    const passed = points.slice(1, -1).flatMap(([x, y]) => boxes.filter((box) => x > box.x && x < box.x + box.width && y > box.y && y < box.y + box.height))
    t.strictSame(passed, [], `${edge.label} runs through no box`)
  }
})

t.test('a circle is drawn too, and nothing is drawn of nothing', async (t) => {
  const both = (name: string, to: string): Graph['nodes'][number] & { to: string } => ({ id: name, kind: 'channel', title: name, details: [], enabled: true, to })
  const nodes = [both('a', 'b'), both('b', 'c'), both('c', 'a')]
  const { boxes } = layOut({ nodes, edges: [...nodes.map(({ id, to }) => ({ from: id, to, label: '' })), { from: 'a', to: 'a', label: 'self' }] })
  t.equal(boxes.length, 3)
  t.match(svg({ nodes: [], edges: [] }), /<svg /)
  t.match(mermaid({ nodes: [], edges: [] }), /^flowchart LR\n/)
})

t.test('whatever a name holds, the drawing stays a drawing', async (t) => {
  const title = '"<b>&\'\u0001`#;|]) end %% click'
  const graph: Graph = { nodes: [{ id: 'x', kind: 'channel', title, details: ['d'.repeat(200), title], enabled: false }, { id: 'y', kind: 'missing', title: 'y', details: [], enabled: true }], edges: [{ from: 'x', to: 'y', label: title }] }
  const drawing = svg(graph)
  t.notMatch(drawing.replace(/<[^<>]*>/g, ''), /[<>]/, 'every < and > belongs to a tag')
  t.notMatch(drawing, /&(?!(?:amp|lt|gt|quot|#39);)/)
  t.notMatch(drawing, /\u0001/)
  t.match(drawing, /d…</, 'what is too long is cut')
  const tags = [...drawing.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/gi)]
  const open: string[] = []
  for (const [, closing, name = '', alone] of tags) {
    if (closing) t.equal(open.pop(), name)
    else if (!alone) open.push(name)
  }
  t.strictSame(open, [], 'every tag is closed')
  const flow = mermaid(graph).split('\n').slice(1).join('\n')
  t.notMatch(flow.replaceAll(/<b>|<\/b>|<br\/>|-->/g, ''), /[<>&`]|%%/)
  t.equal((flow.match(/"/g) ?? []).length % 2, 0)
})

t.test('`refero graph` writes it in each format, and says which channels are not in it', async (t) => {
  const here = t.testdir({ channels: { 'a.yaml': 'name: a\nsource: { mllp: { port: 2601 } }\nformat: hl7v2\ndestinations:\n  - { name: b, to: { channel: { name: b } } }\n', 'b.yaml': 'name: b\nsource: { channel: {} }\nformat: hl7v2\ndestinations:\n  - { name: out, to: { file: { folder: /srv/out } } }\n' } })
  const run = (...words: string[]) => command(['graph', ...words], { cwd: here })
  t.match(await run(), { code: 0, err: '', out: /^flowchart LR\n {2}n1\["<b>a<\/b><br\/>reads hl7v2"\][\s\S]*n1 -->\|"b"\| n2/ })
  t.match(JSON.parse((await run('--json')).out) as Graph, { edges: [{ from: 'source a', to: 'channel a' }, { from: 'channel a', to: 'channel b', label: 'b' }, { from: 'channel b', to: 'destination file /srv/out' }] })
  t.equal((await run('--out', 'all.svg')).out, '')
  t.match(readFileSync(join(here, 'all.svg'), 'utf8'), /^<\?xml[\s\S]*<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+"[\s\S]*<\/svg>\n$/)
  t.match(await run('--format', 'png'), { code: 2, err: /There is no format `png`; there are mermaid, svg, json\./ })
  const broken = await command(['graph'], { cwd: t.testdir({ channels: { 'c.yaml': 'name: c\n' } }) })
  t.match(broken, { code: 1, err: /c\.yaml:1:1 error/, out: /^flowchart LR/ })
})
