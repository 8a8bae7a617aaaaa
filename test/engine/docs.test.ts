/** The reference is current, and its schemas say of files what the engine says of them. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: channel files say ${NAME}
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { commands } from '../../engine/commands/docs.js'
import { pages } from '../../engine/docs/pages.js'
import { ERRORS } from '../../engine/errors.js'
import { openMappings } from '../../engine/mappings.js'
import { findPieces } from '../../engine/registry.js'
import { command } from './command-line.js'
import { ROOT } from '../product/product.js'

const pieces = await findPieces()
const mappings = openMappings(join(ROOT, 'mappings'))
const all = pages(pieces, await commands(), mappings)
const page = (name: string): string => all.get(name) ?? ''

const ajv = new Ajv({ strict: false, allErrors: true, allowUnionTypes: true })
const schema = (name: string): ValidateFunction => ajv.compile(JSON.parse(page(`schemas/${name}.schema.json`)) as object)
const channel = schema('channel')
/** What an editor sees of a file: `{ port: ${P} }` within braces is the text that it stands for. */
const read = (text: string): unknown => parse(text.replace(/(?<=[:,[]\s*)(\$\{[^{}]*\})(?=\s*[,}\]])/g, '"$1"'))
const errors = (validate: ValidateFunction, value: unknown): string[] => {
  validate(value)
  return (validate.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`)
}

t.test('the reference in docs/ is current: `refero docs` writes nothing anew', async t => {
  for (const [file, text] of all) {
    const path = join(ROOT, 'docs', file)
    t.ok(existsSync(path) && readFileSync(path, 'utf8') === text, `docs/${file} is what \`refero docs\` writes`)
  }
})

t.test('everything that a channel may name, every error and every command has its place', async t => {
  const has = (name: string, headings: Iterable<string>): void => {
    for (const heading of headings) t.ok(page(name).includes(`\n## ${heading}\n`), `${name} has ${heading}`)
  }
  has('connectors.md', [...pieces.sources.keys(), ...pieces.destinations.keys()])
  has('steps.md', pieces.transforms.keys())
  has('formats.md', pieces.formats.keys())
  has('profiles.md', ['ehr/epic', 'ehr/athenahealth', 'ehr/nextgen', 'ehr/eclinicalworks'])
  has('command-line.md', (await commands()).map(({ name }) => name))
  for (const code of Object.keys(ERRORS)) t.ok(page('errors.md').includes(`| \`${code}\` |`), code)
  t.match(page('connectors.md'), /\| `tls\.cert` \| text \|/, 'settings within settings are shown by their path')
  t.match(page('channel.md'), /\| `retry\.every` \| a duration, `30s` \| `2s` \| The wait before the second attempt\. \|/)
  for (const [name, text] of all) {
    if (!name.endsWith('.md')) continue
    t.notMatch(text, new RegExp(ROOT), `${name} names no machine’s folder`)
    const torn = text.split('\n').filter(line => line.startsWith('| ') && !line.endsWith(' |'))
    t.strictSame(torn, [], `no table of ${name} is torn`)
    for (const [, target = ''] of text.matchAll(/\]\(([a-z-]+\.md)\)/g)) t.ok(all.has(target), `${name} leads to ${target}`)
  }
})

t.test('every channel and mapping that is shipped fits its schema', async t => {
  const fits = (validate: ValidateFunction, folder: string): void => {
    const files = readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: folder.endsWith('profiles') }).filter(entry => entry.isFile() && entry.name.endsWith('.yaml'))
    t.ok(files.length > 0, folder)
    for (const { name, parentPath } of files) t.strictSame(errors(validate, read(readFileSync(join(parentPath, name), 'utf8'))), [], `${folder}/${name}`)
  }
  fits(channel, 'channels')
  fits(channel, 'test/bench/channels/in-order')
  fits(schema('code-table'), 'mappings/codes')
  fits(schema('segment-map'), 'mappings/fields/segments')
  fits(schema('message-map'), 'mappings/fields')
  fits(schema('profile'), 'mappings/profiles')
})

t.test('an editor finds the schemas where its settings say', async t => {
  const settings = JSON.parse(readFileSync(join(ROOT, '.vscode/settings.json'), 'utf8')) as { 'yaml.schemas': Record<string, string> }
  for (const file of Object.keys(settings['yaml.schemas'])) t.ok(all.has(file.replace('./docs/', '')), file)
  t.match(page('README.md'), JSON.stringify(settings, null, 2))
})

const START = 'name: adt\nsource:\n  mllp: { port: 2575 }\nformat: hl7v2\n'
const END = 'destinations:\n  - name: epic\n    to: { mllp: { host: epic.local, port: 6661 } }\n'
const USES = 'destinations:\n  - name: epic\n    uses: ehr/epic\n    with: { host: epic.local, port: 6661, facility: PGV }\n'

t.test('what the engine reads, an editor lets pass', async t => {
  const right: Record<string, string> = {
    'a minimal channel': START + END,
    'variables in the place of numbers, words and durations': `${START.replace('2575', '${PORT:2575}')}acknowledge: ${'${A}'}\nenabled: ${'${E}'}\n${END}    timeout: ${'${T:30s}'}\n    retry: { attempts: ${'${N}'} }\n`,
    'a format with settings': START.replace('format: hl7v2', 'format: { hl7v2: { size: 1000 } }') + END,
    'short forms': `${START}${END}    partition: PID-3.1\n    keep: { types: [ADT] }\n    retryOn: [AE, 503]\n`,
    'a profile that fills a destination': START + USES,
    'what is laid over a profile': `${START}${USES}    to: { mllp: { connectTimeout: 3s } }\n    retry: { attempts: 3 }\n`,
    'a channel that leaves its destination to a profile': `${START}uses: ehr/epic\nwith: { host: epic.local, port: 6661, facility: PGV }\n`,
    'several profiles': `${START}destinations:\n  - { name: e, uses: [ehr/epic, ehr/nextgen], with: { host: h, port: 1, facility: F } }\n`,
    tests: `${START}${END}tests:\n  - { name: a, given: b.hl7, mock: { epic: [AE, 503, sent] }, expect: { acknowledgement: AA, epic: { PID-3.1: x, PID-5: { matches: "^E" } } } }\n`,
  }
  for (const [what, text] of Object.entries(right)) t.strictSame(errors(channel, read(text)), [], what)
})

t.test('typical mistakes are marked while they are written', async t => {
  const wrong: Record<string, [text: string, marked: RegExp]> = {
    'a connector misspelt': [START.replace('mllp', 'mlpp') + END, /^\/source must NOT have additional properties .*mlpp/m],
    'a setting of a connector misspelt': [START.replace('port:', 'prot:') + END, /^\/source\/mllp must NOT have additional properties .*prot/m],
    'a setting of a connector missing': [START.replace('port: 2575', '') + END, /^\/source\/mllp must have required property 'port'/m],
    'a number that is text': [START.replace('2575', '"many"') + END, /^\/source\/mllp\/port must/m],
    'two connectors': [START.replace('{ port: 2575 }', '{ port: 2575 }\n  file: { folder: in }') + END, /^\/source must NOT have more than 1 properties/m],
    'a step misspelt': [`${START}steps: [ kep: {} ]\n${END}`, /^\/steps\/0 must NOT have additional properties .*kep/m],
    'a format that there is not': [START.replace('hl7v2', 'hl7v3') + END, /^\/format must be equal to one of the allowed values/m],
    'a setting of the channel misspelt': [`${START}acknowlege: received\n${END}`, /^ must NOT have additional properties .*acknowlege/m],
    'a word that is not allowed': [`${START}acknowledge: later\n${END}`, /^\/acknowledge must/m],
    'a duration without a unit': [`${START}${END}    timeout: "30"\n`, /^\/destinations\/0\/timeout must match pattern/m],
    'no source': [START.replace(/source:\n.*\n/, '') + END, /^ must have required property 'source'/m],
    'no destination': [START, /^ must have required property 'destinations'/m],
    'a destination that leads nowhere': [`${START}destinations: [ { name: a } ]\n`, /^\/destinations\/0 must have required property 'to'/m],
    'a profile that there is not': [START + USES.replace('ehr/epic', 'ehr/epik'), /^\/destinations\/0\/uses must/m],
    'a field missing': [START + USES.replace(', facility: PGV', ''), /^\/destinations\/0\/with must have required property 'facility'/m],
    'a field misspelt': [START + USES.replace('port', 'prot'), /^\/destinations\/0\/with must NOT have additional properties .*prot/m],
    'a field of another type': [START + USES.replace('6661', 'many'), /^\/destinations\/0\/with\/port must/m],
    'a misspelt setting beside a profile': [`${START}${USES}    to: { mllp: { prot: 1 } }\n`, /^\/destinations\/0\/to\/mllp must NOT have additional properties .*prot/m],
  }
  for (const [what, [text, marked]] of Object.entries(wrong)) t.match(errors(channel, read(text)).join('\n'), marked, what)
  const table = schema('code-table')
  t.match(errors(table, { from: 'a', rows: [['F', 1]] }).join('\n'), /^\/rows\/0\/1 must be string/m)
  t.match(errors(schema('segment-map'), { to: 'Patient', row: [] }).join('\n'), /must NOT have additional properties .*row/)
  t.match(errors(schema('message-map'), { message: 'REF^I12^REF_I12', segments: [{ segment: 'PID', rows: {}, followed: [{ segmnt: 'X' }] }] }).join('\n'), /^\/segments\/0\/followed\/0 must/m)
  t.match(errors(schema('profile'), { describe: 'x', examples: [{}] }).join('\n'), /must match exactly one schema in oneOf/)
})

t.test('`refero docs` writes them, and says with --check what is not current', async t => {
  const folder = t.testdir({})
  const first = await command(['docs', '--out', 'reference'], { cwd: folder })
  t.equal(first.code, 0)
  t.match(first.out, new RegExp(`${all.size} files, ${all.size} written\\.`))
  t.equal(readFileSync(join(folder, 'reference/steps.md'), 'utf8'), page('steps.md'))
  t.equal((await command(['docs', '--out', 'reference', '--check'], { cwd: folder })).code, 0)
  const { code, out } = await command(['docs', '--out', 'elsewhere', '--check', '--json'], { cwd: folder })
  t.equal(code, 1)
  t.equal((JSON.parse(out) as { changed: string[] }).changed.length, all.size)
  t.notOk(existsSync(join(folder, 'elsewhere')), 'nothing is written')
})
