/** `refero graph`: what joins what, drawn. */
import { writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import type { Command } from '../command.js'
import { ReferoError } from '../errors.js'
import { type Graph, graphOf } from '../tools/graph.js'
import { mermaid } from '../tools/graph-mermaid.js'
import { svg } from '../tools/graph-svg.js'
import { readInstallation } from '../installation.js'
import { problemLine } from '../problem.js'
import { findPieces } from '../registry.js'
import { loadInstallation, SETTINGS_OPTIONS } from './parts/settings.js'

const FORMATS: Readonly<Record<string, (graph: Graph) => string>> = { mermaid, svg, json: (graph) => `${JSON.stringify(graph, null, 2)}\n` }
const EXTENSIONS: Readonly<Record<string, string>> = { '.svg': 'svg', '.json': 'json' }

const graph: Command = {
  name: 'graph',
  summary: 'Draws all channels: what feeds them, where they send, and which leads to which.',
  usage: '[--format mermaid|svg|json] [--out FILE] [--channels DIR]',
  words: 0,
  options: {
    ...SETTINGS_OPTIONS,
    format: { type: 'string', value: 'FORMAT', describe: 'mermaid, svg or json; by the extension of --out unless said, else mermaid' },
    out: { type: 'string', value: 'FILE', describe: 'write it there' },
    json: { type: 'boolean', describe: 'the same as --format json' },
  },
  exits: '0 drawn, 1 drawn without the channels whose files are broken, 2 it could not be drawn.',
  async run(given, terminal) {
    const out = given.text('out')
    const format = given.flag('json') ? 'json' : (given.text('format') ?? EXTENSIONS[extname(out ?? '')] ?? 'mermaid')
    const write = FORMATS[format]
    if (!write) throw new ReferoError('USAGE', `There is no format \`${format.slice(0, 40)}\`; there are ${Object.keys(FORMATS).join(', ')}.`)
    const pieces = await findPieces()
    const { channels, problems } = await readInstallation(loadInstallation(given, terminal), pieces)
    const errors = problems.filter(({ severity }) => severity === 'error')
    for (const problem of errors) terminal.err(problemLine(problem))
    const drawn = write(graphOf(channels, pieces))
    if (out === undefined) terminal.out(drawn.trimEnd())
    else writeFileSync(out, drawn)
    return errors.length > 0 ? 1 : 0
  },
}

export default graph
