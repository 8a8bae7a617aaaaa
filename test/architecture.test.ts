/** Who may import whom, how long a file may be, and what the runtime must not know. Change this table deliberately: it is the architecture. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../..')
const LONGEST_FILE = 300
const OWN = 'its own folder'
const SHARED = ['engine/contracts.ts', 'engine/errors.ts', 'engine/define.ts', 'engine/units.ts', 'engine/formats', 'engine/web', 'engine/files']

/** The longest area that a file's path begins with decides. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'engine/contracts.ts': ['engine/store/contracts.ts', 'engine/web-contracts.ts'],
  'engine/web-contracts.ts': [],
  'engine/store/contracts.ts': ['engine/contracts.ts'],
  'engine/errors.ts': ['engine/contracts.ts'],
  'engine/define.ts': ['engine/contracts.ts'],
  'engine/formats': [...SHARED, 'engine/formats'],
  'engine/web': ['engine/contracts.ts', 'engine/errors.ts', 'engine/units.ts', 'engine/web'],
  'engine/files': ['engine/contracts.ts', 'engine/errors.ts', 'engine/units.ts', 'engine/files'],
  'engine/v2-to-fhir': [...SHARED, 'engine/v2-to-fhir', 'engine/nearest.ts', 'engine/schema-errors.ts', 'engine/schema-words.ts', 'engine/code-table.ts'],
  'engine/documents': [...SHARED, 'engine/documents'],
  'engine/ccda': [...SHARED, 'engine/ccda', 'engine/v2-to-fhir'],
  'engine/smime': [...SHARED, 'engine/smime'],
  'engine/store': ['engine/contracts.ts', 'engine/errors.ts', 'engine/store'],
  connectors: [...SHARED, 'engine/documents', 'engine/smime', OWN],
  'connectors/referral': [...SHARED, 'referrals', OWN],
  'connectors/patients': [...SHARED, 'referrals', OWN],
  'connectors/portal': [...SHARED, 'engine/v2-to-fhir', 'referrals', OWN],
  transforms: [...SHARED, 'engine/v2-to-fhir', 'engine/ccda', 'engine/documents', 'engine/smime', OWN],
  referrals: [
    'engine/contracts.ts', 'engine/errors.ts', 'engine/units.ts', 'engine/nearest.ts', 'engine/schema-errors.ts', 'engine/schema-words.ts', 'engine/problem.ts', 'engine/watch/hours.ts', 'referrals',
    ...['open-database', 'group-commit', 'faults', 'thread-client', 'thread-server', 'lasting-thread', 'wire'].map((name) => `engine/store/sqlite/${name}.ts`),
  ],
  'referrals/api': ['engine', 'referrals'],
  config: ['engine', 'config'],
  engine: ['engine'],
  'engine/commands': ['engine', 'config', 'referrals'],
  'engine/revisions': ['engine', 'config'],
  'engine/main.ts': ['engine', 'config', 'referrals'],
  'engine/installation.ts': ['engine', 'config'],
  'engine/fixtures.ts': ['engine', 'config'],
}

/** The runtime: a message's life, whatever the message. It names no protocol and no domain. */
const RUNTIME = [
  'contracts', 'store/contracts', 'web-contracts', 'channel', 'events', 'telling', 'message-flow', 'steps', 'replies', 'answers', 'fates', 'lanes', 'lane', 'worker', 'transform-worker', 'retry', 'retention', 'running-channel', 'build-channel', 'engine', 'registry', 'world',
].map((name) => `engine/${name}.ts`)
const PROTOCOLS = /mllp|hl7|\bPID\b|\bfhir|referral|\bhttp\b/i
/** The contracts explain their words with each protocol's own: only there, and only in comments. */
const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')

const files = ['engine', 'referrals', 'connectors', 'transforms', 'config', 'test'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`)).filter((file) => file.endsWith('.ts'))
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

t.test('every file imports only what the architecture lets it', async (t) => {
  for (const file of files.filter((one) => !one.startsWith('test/'))) {
    const area = Object.keys(MAY_IMPORT).filter((one) => file === one || file.startsWith(`${one}/`)).sort((a, b) => b.length - a.length)[0] ?? ''
    const own = file.split('/').slice(0, 2).join('/')
    for (const [, path = ''] of read(file).matchAll(/from '(\.[^']+)'/g)) {
      const imported = relative(ROOT, join(ROOT, dirname(file), path)).replace(/\.js$/, '.ts')
      const allowed = MAY_IMPORT[area]?.some((one) => imported === one || imported.startsWith(`${one === OWN ? own : one}/`))
      if (!allowed) t.fail(`${file} imports ${imported}, and ${area} may import ${MAY_IMPORT[area]?.join(', ')}`)
    }
  }
  t.ok(files.length > 50, 'the files were found')
})

t.test('the contracts import types only', async (t) => {
  for (const file of ['engine/contracts.ts', 'engine/store/contracts.ts', 'engine/web-contracts.ts']) {
    t.notMatch(read(file), /^import (?!type )/m, file)
    t.notMatch(read(file), /^export (?:const|function|class|let)/m, file)
  }
  t.ok(read('engine/contracts.ts').split('\n').length <= 201, 'the vocabulary is at most 200 lines')
})

t.test('no file is longer than one can read at a sitting', async (t) => {
  const lengths = files.map((file) => [file, read(file).split('\n').length - 1] as const)
  for (const [file, length] of lengths) if (length > LONGEST_FILE) t.fail(`${file} has ${length} lines`)
  const sorted = lengths.filter(([file]) => !file.startsWith('test/')).map(([, length]) => length).sort((a, b) => a - b)
  t.ok((sorted[sorted.length >> 1] ?? 0) < 100, `the median is ${sorted[sorted.length >> 1]} lines`)
})

t.test('the runtime names no protocol and no domain', async (t) => {
  for (const file of RUNTIME) t.notMatch(withoutComments(read(file)), PROTOCOLS, file)
})

t.test('every file opens by saying what it is', async (t) => {
  for (const file of files.filter((one) => !one.startsWith('test/'))) if (!read(file).startsWith('/**')) t.fail(`${file} does not open with a sentence`)
  t.pass('all were read')
})

t.test('every folder that is a feature has a README of at most a page', async (t) => {
  for (const folder of ['engine', 'engine/store', 'engine/formats', 'connectors', 'transforms', 'channels', 'mappings', 'fixtures', 'config', 'test', 'referrals']) {
    const lines = readFileSync(join(ROOT, folder, 'README.md'), 'utf8').split('\n').length
    t.ok(lines > 3 && lines <= 120, `${folder}/README.md has ${lines} lines`)
  }
})
