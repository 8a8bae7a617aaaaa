/** `refero fmt` writes channel files in one way, changes nothing of what they say, and keeps comments. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: channel files say ${NAME}
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { formatChannel } from '../../engine/tools/fmt.js'
import { readYaml } from '../../engine/yaml-source.js'
import { ROOT } from '../product/product.js'
import { command } from './command-line.js'

const MESSY = `# opening words

# about the format
format:   hl7v2   # end of line
tests:
  - { expect: { a: nothing }, given: x, name: "t" }

# where from
source: { mllp: {port: \${PORT:2575}} }
name: z
destinations:
    - to: { file: {folder: "\${DATA}/x"} }
      retryOn: [AE,   "0503"]
      # its name
      name: a
description: 'Größe'
`
const NEAT = `# opening words

name: z
description: "Größe"

# where from
source: { mllp: { port: \${PORT:2575} } }
# about the format
format: hl7v2 # end of line
destinations:
  # its name
  - name: a
    to: { file: { folder: "\${DATA}/x" } }
    retryOn: [AE, "0503"]
tests:
  - { name: "t", given: x, expect: { a: nothing } }
`
const formatted = (text: string): string => {
  const done = formatChannel('a.yaml', text)
  return 'text' in done ? done.text : JSON.stringify(done.problems)
}
const said = (text: string): unknown => readYaml('a.yaml', text, { environment: { PORT: '1', DATA: 'd', REFERO_MLLP_PORT: '2', REFERO_DATA: 'd' }, secrets: () => 's', secretPlace: () => '' }).value

t.test('keys are in one order; comments, variables and quotes stay', async t => {
  t.equal(formatted(MESSY), NEAT)
  t.strictSame(said(NEAT), said(MESSY), 'what it says is the same')
})

t.test('formatting again changes nothing, whatever the file', async t => {
  t.equal(formatted(NEAT), NEAT)
  t.equal(formatted(NEAT.replaceAll('\n', '\r\n')), NEAT)
  for (const name of readdirSync(join(ROOT, 'channels')).filter(file => file.endsWith('.yaml'))) {
    const text = readFileSync(join(ROOT, 'channels', name), 'utf8')
    t.equal(formatted(formatted(text)), formatted(text), name)
    t.strictSame(said(formatted(text)), said(text), name)
    t.equal(formatted(text), text, `${name} is shipped as fmt writes it`)
  }
})

t.test('a file that is no YAML is left alone and told of', async t => {
  t.match(formatChannel('a.yaml', 'a: b: c\n'), { problems: [{ line: 1, rule: 'yaml' }] })
  const folder = t.testdir({ channels: { 'z.yaml': MESSY, 'bad.yaml': 'a: [b\n' } })
  const run = (...words: string[]) => command(['fmt', ...words], { cwd: folder })
  t.match(await run('--check'), { code: 1, out: /would be written {2}channels\/z\.yaml/, err: /bad\.yaml:\d+:\d+ error yaml/ })
  t.equal(readFileSync(join(folder, 'channels/z.yaml'), 'utf8'), MESSY)
  t.match(await run(), { code: 1, out: /^written {2}channels\/z\.yaml\n2 files, 1 written\.$/ })
  t.equal(readFileSync(join(folder, 'channels/z.yaml'), 'utf8'), NEAT)
  t.match(await run('channels/z.yaml', '--check'), { code: 0, out: '1 files, 0 not as they should be.' })
  t.match(await run('none.yaml'), { code: 2, err: /There is no file none\.yaml/ })
})
