/** The configuration: what holds before what, and what is said of a mistake. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: files of settings say ${NAME}
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadConfiguration, NAMES, productFolder, variableOf } from '../../config/loader.js'
import { openMappings } from '../../engine/mappings.js'

const root = productFolder()

t.test('without a word everything has a value, and folders lie where they should', async t => {
  const { settings, warnings } = loadConfiguration({ environment: {} })
  t.match(settings, { http: { host: '127.0.0.1', port: 8420 }, mllp: { port: 2575 }, log: { level: 'info' }, stop: { within: '10s' } })
  t.equal(settings.data, join(process.cwd(), 'data'))
  t.equal(settings.secrets, join(process.cwd(), 'data', 'secrets'))
  t.equal(settings.channels, join(root, 'channels'))
  t.strictSame(warnings, [])
})

t.test('default.yaml names the variable of every setting beside it', async t => {
  const lines = readFileSync(join(root, 'config', 'default.yaml'), 'utf8').split('\n')
  for (const name of NAMES) {
    const setting = name.split('.').at(-1)
    t.ok(lines.some(line => new RegExp(`^[ #]*${setting}:.*# ${variableOf(name)}\\b`).test(line)), `${name} with ${variableOf(name)}`)
  }
})

t.test('the command line holds before the environment, before a file, before the default', async t => {
  const folder = t.testdir({ 'my.yaml': 'data: here\nhttp:\n  port: ${PORT:1}\n  host: 0.0.0.0\nmllp: { port: 2 }\nlog: { level: debug }\n' })
  const config = join(folder, 'my.yaml')
  const asked = { config, environment: { REFERO_HTTP_PORT: '3', REFERO_MLLP_PORT: '4' }, flags: { 'mllp.port': '5', channels: 'mine', fixtures: undefined } }
  const { settings, environment } = loadConfiguration(asked)
  t.match(settings, { http: { host: '0.0.0.0', port: 3 }, mllp: { port: 5 }, log: { level: 'debug' }, stop: { within: '10s' } })
  t.equal(settings.data, join(folder, 'here'), 'a folder in a file is relative to it')
  t.equal(settings.secrets, join(folder, 'here', 'secrets'))
  t.equal(settings.channels, join(process.cwd(), 'mine'))
  t.match(environment, { REFERO_MLLP_PORT: '5', REFERO_HTTP_PORT: '3', REFERO_DATA: join(folder, 'here') }, 'channels see what holds')
  t.match(loadConfiguration({ environment: { REFERO_CONFIG: config, PORT: '9' } }).settings, { http: { port: 9 }, mllp: { port: 2 } })
})

t.test('each mistake is told by its line, its variable or its option', async t => {
  const folder = t.testdir({ 'my.yaml': 'htpp: 3\nhttp:\n  port: 99999\n  prt: 3\nstop: { within: 10 s }\nlog: loud\n' })
  const file = `${folder.slice(process.cwd().length + 1)}/my.yaml`
  t.throws(() => loadConfiguration({ config: join(folder, 'my.yaml'), environment: { REFERO_LOG_LEVEL: 'inf', REFERO_HTTP_PORT: '8o' }, flags: { 'mllp.port': '70000' } }), {
    code: 'CONFIG_BROKEN',
    detail: [
      `${file}:1:1 error unknown-setting: \`htpp\` is not a setting of the configuration; did you mean \`http\`?`,
      `${file}:3:9 error wrong-value: \`port\` must be a whole number from 0 to 65535, not 99999.`,
      `${file}:4:3 error unknown-setting: \`prt\` is not a setting of \`http\`; did you mean \`port\`?`,
      `${file}:5:17 error wrong-value: \`within\` must be a duration: a whole number and one of ms, s, m, h, d, y, such as \`250ms\`, \`30s\`, \`5m\`, \`4h\` or \`90d\`, not \`10 s\`.`,
      `${file}:6:6 error wrong-value: \`log\` must be settings, \`{ … }\`, not \`loud\`.`,
      'REFERO_HTTP_PORT: `port` must be a whole number from 0 to 65535, not `8o`.',
      'REFERO_LOG_LEVEL: `level` cannot be `inf`; did you mean `info`?',
      '--mllp-port: `port` must be a whole number from 0 to 65535, not 70000.',
    ].join('\n'),
  })
  t.throws(() => loadConfiguration({ config: join(folder, 'none.yaml'), environment: {} }), /none\.yaml: the file cannot be read: ENOENT/)
  writeFileSync(join(folder, 'my.yaml'), 'http: { port: ${PORT} }\n')
  t.throws(() => loadConfiguration({ config: join(folder, 'my.yaml'), environment: {} }), /my\.yaml:1:15 error variable: The environment has no `PORT`\./)
  writeFileSync(join(folder, 'my.yaml'), '- a\n')
  t.throws(() => loadConfiguration({ config: join(folder, 'my.yaml'), environment: {} }), /my\.yaml:1:1 error wrong-value: The configuration must be settings/)
  t.throws(() => loadConfiguration({ environment: { REFERO_DATA: '' } }), /REFERO_DATA: `data` must not be empty\./)
})

t.test('a variable that is nearly one of ours is told of', async t => {
  const environment = { REFERO_HTTP_PROT: '1', REFERO_SECRET_HTTP_PORTS: 'x', REFERO_TOKEN: 'x', REFERO_MY_FACILITY: 'x', REFERO_XDR: 'true', HTTP_PORT: '1' }
  t.strictSame(loadConfiguration({ environment }).warnings, ['The environment has REFERO_HTTP_PROT, which is no setting; did you mean REFERO_HTTP_PORT?'])
})

t.test('a secret is a file, or else a variable; no name leads out of the folder', async t => {
  const folder = t.testdir({ secrets: { key: 'from the file\n', pem: 'a\nb\r\n', folder: {} }, outside: 'x' })
  const { secrets } = loadConfiguration({ environment: { REFERO_SECRET_KEY: 'no', REFERO_SECRET_EPIC_KEY: 'from the variable', REFERO_SECRET_FOLDER: 'a folder is no file' }, flags: { secrets: join(folder, 'secrets') } })
  t.equal(secrets('key'), 'from the file')
  t.equal(secrets('pem'), 'a\nb')
  t.equal(secrets('epic-key'), 'from the variable')
  t.equal(secrets('folder'), 'a folder is no file')
  t.equal(secrets('none'), undefined)
  t.equal(secrets('../outside'), undefined)
  writeFileSync(join(folder, 'secrets', 'late'), 'x')
  t.equal(secrets('late'), 'x', 'each is looked up when it is asked for')
})

t.test('CSV files of mappings are text, one’s own before the product’s', async t => {
  const own = t.testdir({ routing: { 'clinics.csv': '\uFEFFzip,clinic\n' } })
  const product = join(own, 'product')
  mkdirSync(join(product, 'routing'), { recursive: true })
  writeFileSync(join(product, 'routing', 'clinics.csv'), 'never read')
  writeFileSync(join(product, 'routing', 'tables.csv'), 'a,b\n')
  writeFileSync(join(product, 'routing', 'tables.yaml'), 'a: 1\n')
  writeFileSync(join(product, 'routing', 'excel.csv'), Buffer.from('Zürich\n', 'latin1'))
  writeFileSync(join(product, 'routing', 'large.csv'), Buffer.alloc(16 * 1024 ** 2 + 1, 'x'))
  const mappings = openMappings(own, product)
  t.strictSame(mappings.csv('routing/clinics'), { text: 'zip,clinic\n', file: join(own, 'routing', 'clinics.csv') })
  t.equal(mappings.csv('routing/clinics'), mappings.csv('routing/clinics'), 'read once')
  t.strictSame(mappings.csv('routing/tables'), { text: 'a,b\n', file: join(product, 'routing', 'tables.csv') })
  t.match(mappings.mapping('routing/tables').value, { a: 1 }, 'a document of the same name is another file')
  t.strictSame(mappings.names('routing/', '.csv'), ['routing/clinics', 'routing/excel', 'routing/large', 'routing/tables'])
  t.strictSame(mappings.names('routing/'), ['routing/tables'])
  t.throws(() => mappings.csv('routing/clincs'), /^no mapping is called `routing\/clincs\.csv` in .*routing; did you mean `routing\/clinics\.csv`\?$/)
  t.throws(() => mappings.csv('../outside'), /no mapping is called `\.\.\/outside\.csv`/)
  t.throws(() => mappings.csv('routing/excel'), /excel\.csv is not UTF-8: save it as “CSV UTF-8”\.$/)
  t.throws(() => mappings.csv('routing/large'), /large\.csv has 16777217 bytes; 16777216 are the most\.$/)
})

t.test('mappings are read once, and what is missing has a nearest word', async t => {
  const folder = t.testdir({
    codes: { 'gender.yaml': 'from: HL70001\nto: http://hl7.org/fhir/administrative-gender\nrows:\n  - [M, male]\n', 'bad.yaml': 'from: X\nrows:\n  - [012, twelve]\n' },
    fields: { 'referral.yaml': 'to: Patient\nrows:\n  - [PID-3, identifier]\n', segments: { 'pid.yaml': 'a: [\n' } },
  })
  const mappings = openMappings(folder)
  t.match(mappings.table('gender').lookup('M'), { code: 'male' })
  t.equal(mappings.table('gender'), mappings.table('gender'))
  t.match(mappings.mapping('fields/referral').value, { to: 'Patient' })
  t.match(mappings.mapping('fields/referral').place('rows', 0, 1), /fields\/referral\.yaml:3:13$/)
  t.throws(() => mappings.table('gendre'), /^no code table is called `gendre` in .*codes; did you mean `gender`\?$/)
  t.throws(() => mappings.mapping('fields/referal'), /^no mapping is called `fields\/referal` in .*; did you mean `fields\/referral`\?$/)
  t.throws(() => mappings.table('bad'), /codes\/bad\.yaml:3:6: 012 without quotes is the number 12; quote it: "012"\.$/)
  t.throws(() => mappings.mapping('fields/segments/pid'), /pid\.yaml:\d+:\d+ error yaml: /)
  t.throws(() => mappings.mapping('../outside'), /no mapping is called `\.\.\/outside`/)
  t.throws(() => openMappings(join(folder, 'none')).mapping('a'), /no mapping is called `a`/)
  t.ok(existsSync(mappings.file('fields/referral')))
})
