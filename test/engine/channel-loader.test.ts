/** Channel files are read whole or refused with a sentence that says where, what, and what is allowed. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: channel files say ${NAME}
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t, { type Test } from 'tap'
import { type LoadContext, loadChannel, loadChannels } from '../../engine/channel-loader.js'
import { context } from './stand-ins.js'

const START = 'name: adt\nsource:\n  mllp: { port: 2575 }\nformat: hl7v2\n'
const END = 'destinations:\n  - name: epic\n    to: { mllp: { host: epic.local, port: 6661 } }\n'

/** Loads one text; problems are `line:column severity rule message hint`. */
const load = async (t: Test, text: string | Buffer, more: Partial<LoadContext> = {}) => {
  const folder = t.testdir({ 'adt.yaml': text, 'split.js': 'export default message => [message]' })
  const { channel, problems } = await loadChannel(join(folder, 'adt.yaml'), context(more))
  return { channel, folder, problems: problems.map(({ line, column, severity, rule, message, hint }) => `${line}:${column} ${severity} ${rule} ${message}${hint && ` ${hint}`}`) }
}

t.test('a minimal channel is complete with every default', async t => {
  const { channel, problems } = await load(t, `${START}${END}`)
  t.strictSame(problems, [])
  const { source, format, destinations, ...rest } = channel?.definition ?? {}
  t.match(source, { name: 'mllp', settings: { host: '127.0.0.1', port: 2575, connections: 100 }, place: /adt\.yaml:3:3$/, keys: ['source', 'mllp'] })
  t.match(format, { name: 'hl7v2', settings: {} })
  t.strictSame(rest, {
    name: 'adt', description: '', enabled: true, acknowledge: 'received', acknowledgeWithin: '30s', duplicates: { within: '7d' }, index: {}, steps: [],
    concurrency: 1, watch: {}, retain: { content: '30d', facts: '2y' }, tests: [],
  })
  const { to, ...destination } = destinations?.[0] ?? {}
  t.match(to, { name: 'mllp', settings: { host: 'epic.local', port: 6661 } })
  t.strictSame(destination, {
    name: 'epic', steps: [], partition: null, retry: { every: '2s', growth: 2, longest: '5m', jitter: 0.1, attempts: 'unlimited' },
    timeout: '30s', retryOn: [], whenRefused: 'error', whenUnknown: 'resend',
  })
})

t.test('the channel language by example is understood', async t => {
  const { channel, problems } = await load(t, `
name: referrals-hl7
description: Referrals sent by EHRs and practices as HL7 v2 over MLLP.
source:      { mllp: { port: 2575, tls: { cert: "\${secret:mllp-cert}", key: "\${secret:mllp-key}", clients: hospital-ca.pem }, idle: 10m, connections: 500 } }
format: { hl7v2: { charset: UNICODE UTF-8 } }
acknowledge: delivered
acknowledgeWithin: 1m
duplicates: { within: 7d }
index: { mrn: PID-3.1, referral: RF1-6.1, name: PID-5 }     # searchable
concurrency: 2
retain: { content: 90d, facts: 2y }
steps:
  - keep: { types: [REF^I12, OMG^O19] }
  - keep: { where: { PID-3.5: MR, PV1-2: [O, E], MSH-11: { not: T } } }
  - keep: { where: "ServiceRequest.priority in ('urgent' | 'stat')" }
  - set:  { MSH-5: EHR, MSH-6: "\${FACILITY}", ZRF-1: { from: PID-3.1 }, PID-19: null }
  - translate: { path: PV1-10, with: hospital-service, unknown: keep }
  - split: { by: OBR }
  - to-fhir: { with: referral }
  - to-hl7v2: { with: ref-i12, version: "2.5.1" }
  - script: { file: split.js, deadline: 50ms }
destinations:
  - name: epic
    to: { mllp: { host: epic.local, port: 6661 } }
    keep: { where: "ServiceRequest.performer.display = 'Cardiology'" }
    steps: [ to-hl7v2: { with: ref-i12 } ]
    partition: PID-3.1
    retry: { every: 2s, growth: 2, longest: 5m, attempts: unlimited }
    timeout: 30s
    retryOn: [AE, 503]
    whenRefused: hold
    whenUnknown: resend
  - name: desk
    to: { channel: { name: desk } }
    partition: { by: PID-3.1, lanes: 4 }
    retry: { attempts: 3 }
tests:
  - name: an urgent atrial fibrillation goes to Dr Rao's queue, and the referrer hears at once
    given: hl7v2/ref-i12-afib.hl7
    at: 2026-03-02T09:15:00-05:00
    mock: { epic: AA, desk: [unavailable, 503, sent] }
    expect:
      acknowledgement: AA
      epic: { PV1-7.1: "1548291735", ZRF-2: CARD-EP, PID-19: null, PID-3.1: [a, b], PID-5: { matches: "^E" } }
      desk: [hl7v2/one.hl7, { PID-3.1: x }]
      history: [received, transformed, sent]
  - { name: nothing, given: [a.hl7, b.hl7], expect: { desk: nothing } }
`, { environment: { FACILITY: 'PGV' }, secrets: name => `the ${name}` })
  t.strictSame(problems, [])
  if (!channel) return
  const { source, format, steps, destinations, tests } = channel.definition
  t.match(source.settings, { tls: { cert: 'the mllp-cert', key: 'the mllp-key' }, idle: '10m' })
  t.match(format, { name: 'hl7v2', settings: { charset: 'UNICODE UTF-8' } })
  t.strictSame(steps.map(({ name }) => name), ['keep', 'keep', 'keep', 'set', 'translate', 'split', 'to-fhir', 'to-hl7v2', 'script'])
  t.match(steps[3]?.settings, { 'MSH-6': 'PGV', 'PID-19': null })
  t.strictSame(destinations[0]?.steps.map(({ name, keys }) => [name, keys]), [['keep', ['destinations', 0, 'keep']], ['to-hl7v2', ['destinations', 0, 'steps', 0, 'to-hl7v2']]])
  t.strictSame(destinations.map(({ partition }) => partition), [{ by: 'PID-3.1', lanes: 16 }, { by: 'PID-3.1', lanes: 4 }])
  t.strictSame(destinations.map(({ retryOn }) => retryOn), [['AE', '503'], []])
  t.match(destinations[1]?.retry, { every: '2s', attempts: 3 })
  t.strictSame(tests.map(({ given }) => given), [['hl7v2/ref-i12-afib.hl7'], ['a.hl7', 'b.hl7']])
  t.strictSame(tests.map(({ mock }) => mock), [{ epic: ['AA'], desk: ['unavailable', 503, 'sent'] }, {}])
  t.strictSame(channel.usedVariables, ['FACILITY'])
  t.strictSame(channel.secretsUsed, ['mllp-cert', 'mllp-key'])
  t.strictSame(channel.files.map(file => file.replace(/.*\//, '')).sort(), ['hospital-service.yaml', 'referral.yaml', 'split.js'])
  t.match(channel.place('destinations', 0, 'retry', 'growth'), /adt\.yaml:28:33$/)
  t.match(channel.place('destinations', 0, 'retry', 'jitter'), /adt\.yaml:28:12$/, 'of what is not written, what is around it')
})

const WRONG: readonly (readonly [what: string, text: string, problems: readonly string[]])[] = [
  ['a connector misspelt', START.replace('mllp', 'mlpp') + END, ['3:3 error unknown-name No connector is called `mlpp`; did you mean `mllp`?']],
  ['a connector that is only a destination', START.replace('mllp: { port: 2575 }', 'outbox: {}') + END, ['3:3 error unknown-name No connector is called `outbox` that can be a source; it can only be a destination.']],
  ['a format that is none', START.replace('hl7v2', 'x12') + END, ['4:9 error unknown-name No format is called `x12`; there are `fhir`, `hl7v2`.']],
  ['a step misspelt', `${START}steps:\n  - kep: {}\n${END}`, ['6:5 error unknown-name No step is called `kep`; did you mean `keep`?']],
  ['a key misspelt', `${START}acknowlege: received\n${END}`, ['5:1 error unknown-setting `acknowlege` is not a setting of a channel; did you mean `acknowledge`?']],
  ['a key of a destination misspelt', `${START}${END}    timeuot: 3s\n`, ['8:5 error unknown-setting `timeuot` is not a setting of a destination; did you mean `timeout`?']],
  ['a key of retry misspelt', `${START}${END}    retry:\n      groth: 3\n`, ['9:7 error unknown-setting `groth` is not a setting of `retry`; did you mean `growth`?']],
  ['a key of a piece misspelt', START.replace('port:', 'prot:') + END, ['3:3 error missing-setting `mllp` needs `port`: a whole number from 0 to 65535.', '3:11 error unknown-setting `prot` is not a setting of `mllp`; did you mean `port`?']],
  ['a key in the depth of a piece', START.replace('2575', '2575, tls: { cert: a.pem, key: a.key, ca: b }') + END, ['3:55 error unknown-setting `ca` is not a setting of `tls`; there are `cert`, `clients`, `key`.']],
  ['no name', (START + END).slice('name: adt\n'.length), ['1:1 error missing-setting A channel needs `name`: a name: a lower-case letter, then lower-case letters, digits and hyphens.']],
  ['a name that is none', START.replace('adt', 'ADT in') + END, ['1:7 error wrong-value `name` must be a name: a lower-case letter, then lower-case letters, digits and hyphens, not `ADT in`.']],
  ['a name that is a number', START.replace('adt', '012') + END, ['1:7 error number-as-text `name` must be text, and 012 without quotes is a number; quote it: "012".']],
  ['no destination', START, ['1:1 error missing-setting A channel needs `destinations`: a list.']],
  ['an empty list of destinations', `${START}destinations: []\n`, ['5:15 error wrong-value `destinations` must have at least 1 in its list.']],
  ['a mapping instead of a list', `${START}steps: { keep: {} }\n${END}`, ['5:8 error wrong-value `steps` must be a list, not settings.']],
  ['a wrong word', `${START}acknowledge: recieved\n${END}`, ['5:14 error wrong-value `acknowledge` cannot be `recieved`; did you mean `received`?']],
  ['a word that is like none', `${START}acknowledge: later\n${END}`, ['5:14 error wrong-value `acknowledge` cannot be `later`; there are `delivered`, `received`, `transformed`.']],
  ['a duration without a unit', `${START}${END}    timeout: 30\n`, ['8:14 error number-as-text `timeout` must be text, and 30 without quotes is a number; quote it: "30".']],
  ['a duration with a space', `${START}${END}    timeout: 5 min\n`, ['8:14 error wrong-value `timeout` must be a duration: a whole number and one of ms, s, m, h, d, y, such as `250ms`, `30s`, `5m`, `4h` or `90d`, not `5 min`.']],
  ['attempts of another kind', `${START}${END}    retry: { attempts: never }\n`, ['8:24 error wrong-value `attempts` must be `unlimited` or a whole number from 1 to 1000000, not `never`.']],
  ['attempts out of range', `${START}${END}    retry: { attempts: 0 }\n`, ['8:24 error wrong-value `attempts` must be a whole number from 1 to 1000000, not 0.']],
  ['a partition without a path', `${START}${END}    partition: { lanes: 0 }\n`, ['8:5 error missing-setting `partition` needs `by`: text.', '8:25 error wrong-value `lanes` must be a whole number from 1 to 256, not 0.']],
  ['two names where one is wanted', `${START}${END}    steps:\n      - keep: {}\n        set: {}\n`, ['9:9 error wrong-value Number 1 of `steps` must be one name with its settings below it, `name: { … }`.']],
  ['a bare name where settings are wanted', `${START}steps: [keep]\n${END}`, ['5:9 error wrong-value Number 1 of `steps` must be one name with its settings below it, `name: { … }`, not `keep`.']],
  ['a piece with nothing below it', START.replace(' { port: 2575 }', '') + END, ['3:3 error wrong-value `mllp` must be settings, `{ … }`, not nothing.']],
  ['text for a number', START.replace('2575', '"2575"') + END, ['3:17 error wrong-value `port` must be a whole number from 0 to 65535, not `2575`.']],
  ['a number out of range', START.replace('2575', '99999') + END, ['3:17 error wrong-value `port` must be a whole number from 0 to 65535, not 99999.']],
  ['a code that YAML changes where text is wanted', `${START}steps:\n  - set: { MSH-5: 012, MSH-6: 1e3 }\n${END}`, [
    '6:19 error number-as-text `MSH-5` must be text, and 012 without quotes is a number; quote it: "012".',
    '6:31 error number-as-text `MSH-6` must be text, and 1e3 without quotes is a number; quote it: "1e3".',
  ]],
  ['an index name that is none', `${START}index: { Patient name: PID-5 }\n${END}`, ['5:10 error unknown-setting `Patient name` is not a name that can be used here: a letter, then letters, digits and hyphens.']],
  ['a mock that is none', `${START}${END}tests:\n  - { name: a, given: b, mock: { epic: nak }, expect: { epic: nothing } }\n`, ['9:40 error wrong-value `epic` must be `sent`, `refused`, `unavailable`, `unknown`, `AA`, `AE`, `AR`, `CA`, `CE`, `CR`, a whole number from 100 to 599 or a list, not `nak`.']],
  ['settings that cannot work', `${START}${END}  - name: web\n    to: { http: { url: nowhere } }\n`, ['9:11 error cannot-work `http` cannot work with these settings: `url` is not an address.']],
  ['a code table that is not there', `${START}steps:\n  - translate: { path: PV1-10, with: hospitals }\n${END}`, ['6:5 error cannot-work `translate` cannot work with these settings: no code table is called `hospitals`.']],
  ['several at once, in order', `${START}acknowlege: received\nretain: { content: 1 week }\nsteps:\n  - keeep: {}\n${END}`, [
    '5:1 error unknown-setting `acknowlege` is not a setting of a channel; did you mean `acknowledge`?',
    '6:20 error wrong-value `content` must be a duration: a whole number and one of ms, s, m, h, d, y, such as `250ms`, `30s`, `5m`, `4h` or `90d`, not `1 week`.',
    '8:5 error unknown-name No step is called `keeep`; did you mean `keep`?',
  ]],
]

for (const [what, text, expected] of WRONG) {
  t.test(`${what} is refused`, async t => {
    const { channel, problems } = await load(t, text)
    t.strictSame(problems, expected)
    t.equal(channel, null)
  })
}

const NO_YAML: readonly (readonly [what: string, text: string | Buffer, problems: readonly string[]])[] = [
  ['an empty file', '# nothing yet\n', ['1:1 error yaml The file is empty.']],
  ['a list', '- a\n', ['1:1 error wrong-value A channel must be settings, `{ … }`, not a list.']],
  ['a tab', 'name: a\nsource:\n\tmllp: {}\n', ['3:1 error yaml A line is indented with a tab. Indent with spaces.']],
  ['a quote left open', 'name: "a\n', ['2:1 error yaml A quote is opened and never closed. Close it.']],
  ['two colons', 'name: a: b\n', ['1:7 error yaml There is a second `: ` on the line. Quote a text that has `: ` in it.']],
  ['a list left open', 'steps: [a, b\nname: c\n', ['2:1 error yaml The indentation does not fit what is around it. Give the entries of one list or mapping the same indentation.']],
  ['a key written twice', 'name: a\nname: b\n', ['2:1 error yaml `name` is written twice; the first is on line 1. Remove one.']],
  ['several documents', 'name: a\n---\nname: b\n', ['2:1 error yaml The file has several documents. Remove what begins with `---`, or make a file of each.']],
  ['a tag', 'name: !name a\n', ['1:7 error yaml A tag (`!name`) cannot be used here. Remove it.']],
  ['an anchor that is none', 'name: *a\n', ['1:7 error yaml There is no anchor `&a` before this.']],
  ['an anchor within itself', 'name: &a [*a]\n', ['1:11 error yaml There is no anchor `&a` before this.']],
  ['a merge', `<<: { name: b }\n${START}${END}`, ['1:1 error unknown-setting `<<` is not a setting of a channel; there are `acknowledge`, `acknowledgeWithin`, `concurrency`, `description`, `destinations`, `duplicates`, `enabled`, `format`, `index`, `name`, `retain`, `source`, `steps`, `tests`, `uses`, `watch`, `with`.']],
  ['a prototype', '__proto__: { name: b }\n', ['1:1 error yaml `__proto__` cannot be used as a name.']],
  ['bytes that are no UTF-8', Buffer.from('name: M\xfcller\n', 'latin1'), ['1:1 error unreadable The file cannot be read: it is not UTF-8.']],
  ['a private character', 'name: a\uE041\n', ['1:1 error yaml The file has characters of a private use area (U+E000 to U+E07F), which no standard defines. Remove them.']],
  ['a depth without end', `name: ${'['.repeat(10_000)}`, ['1:1 error yaml The file is nested more than 64 levels deep.']],
  ['depth', `name: ${'['.repeat(70)}${']'.repeat(70)}`, ['1:71 error yaml The file is nested more than 64 levels deep.']],
  ['a file too long', `name: ${'a'.repeat(1024 ** 2)}`, [`1:1 error yaml The file is too long: it has ${1024 ** 2 + 6} characters, and ${1024 ** 2} are allowed.`]],
  ['a bomb of aliases', ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]', ...[1, 2, 3, 4, 5, 6, 7, 8].map(n => `a${n}: &a${n} [${Array(10).fill(`*a${n - 1}`).join(', ')}]`)].join('\n'), ['2:10 error yaml The file has more than 50000 values once its aliases are followed.']],
]

for (const [what, text, expected] of NO_YAML) {
  t.test(`${what} is refused`, async t => {
    const { channel, problems } = await load(t, text)
    t.strictSame(problems.map(each => (what === 'a depth without end' ? each.replace(/^1:\d+/, '1:1') : each)), expected)
    t.equal(channel, null)
  })
}

t.test('positions hold with CRLF, a byte order mark, tabs and what stands before', async t => {
  const text = `${START}retain: { content:\t1 week }\n${END}`
  const expected = /^5:20 error wrong-value `content` must be a duration/
  t.match((await load(t, text)).problems, [expected])
  t.match((await load(t, text.replaceAll('\n', '\r\n'))).problems, [expected])
  t.match((await load(t, `\uFEFF${text}`)).problems, [expected])
  t.match((await load(t, `\uFEFF${text.replaceAll('\n', '\r\n')}`)).problems, [expected])
  t.match((await load(t, `\uFEFF\${X}: 1\n`)).problems[0], /^1:1 error variable A variable cannot be used as a name\. Write the name itself\.$/)
  t.match((await load(t, `${START}retain: { facts: \${F:2y}, content:\t1 week }\n${END}`)).problems, [/^5:36 /], 'a variable does not move what follows it')
})

t.test('an anchor may be used again, and a mistake in it is where it is written', async t => {
  const { channel, problems } = await load(t, `${START}destinations:\n  - name: a\n    to: &to { mllp: { host: h, port: 1 } }\n  - name: b\n    to: *to\n`)
  t.strictSame(problems, [])
  t.match(channel?.definition.destinations[1]?.to.settings, { host: 'h', port: 1 })
  t.match((await load(t, `${START}destinations:\n  - name: a\n    to: &to { mllp: { host: h, prt: 1 } }\n  - name: b\n    to: *to\n`)).problems[1], /^7:32 error unknown-setting `prt`/)
})

t.test('a variable takes the type that YAML gives it without quotes, and is text within them', async t => {
  const at = async (written: string, environment: Record<string, string> = {}) => {
    const { channel, problems } = await load(t, `${START.replace('2575', written)}${END}`, { environment })
    return channel ? (channel.definition.source.settings as { port: unknown }).port : problems
  }
  t.equal(await at('${P:2575}'), 2575, 'in { } too')
  t.equal(await at('${P:2575}', { P: '2600' }), 2600)
  t.strictSame(await at('"${P:2575}"'), ['3:17 error wrong-value `port` must be a whole number from 0 to 65535, not `${P:2575}`.'])
  t.strictSame(await at('${P}'), ['3:17 error variable The environment has no `P`. Set it, or say what holds without it: ${P:default}.'])
  t.strictSame(await at('${MLLP_PRT}', { MLLP_PORT: '1' }), ['3:17 error variable The environment has no `MLLP_PRT`; did you mean `MLLP_PORT`? Set it, or say what holds without it: ${MLLP_PRT:default}.'])
  t.match(await at('${toString}'), [/The environment has no `toString`/])
  t.strictSame(await at('${a b}'), ['3:17 error variable `${a b}` is neither a variable nor a secret. Write ${NAME}, ${NAME:default} or ${secret:name}; for the characters themselves write $${.'])
  const steps = async (written: string) => {
    const { channel, problems } = await load(t, `${START}steps:\n  - set:\n      MSH-5: ${written}\n${END}`, { environment: { A: 'x: [y', N: '012', B: 'b', E: '' }, secrets: () => '0123\n"}' })
    return channel ? channel.definition.steps[0]?.settings['MSH-5'] : problems
  }
  t.equal(await steps('${A}'), 'x: [y', 'what is put in place is never read as YAML')
  t.equal(await steps('${N}'), '012', 'a number that would change stays text')
  t.equal(await steps('${E}'), '', 'empty is a value')
  t.equal(await steps('${X:}'), '')
  t.match(await steps('${X:${B}}'), [/`\$\{` is neither a variable nor a secret/], 'one within another is refused')
  t.equal(await steps('a-${B}-${C:c d}'), 'a-b-c d')
  t.equal(await steps('"$${B} ${B}"'), '${B} b')
  t.equal(await steps('${secret:s}'), '0123\n"}', 'a secret is text')
})

t.test('a missing secret says where to put it', async t => {
  const { problems } = await load(t, `${START}${END.replace('mllp: { host: epic.local, port: 6661 }', `http: { url: 'http://h', token: '\${secret:epic-key}' }`)}`)
  t.strictSame(problems, ['7:43 error secret There is no secret called `epic-key`. Put it in the file data/secrets/epic-key, or in the environment as REFERO_SECRET_EPIC_KEY.'])
  const off = await load(t, `enabled: \${ON:false}\n${START}${END.replace('mllp: { host: epic.local, port: 6661 }', `http: { url: 'http://h', token: '\${secret:epic-key}' }`)}`)
  t.strictSame(off.problems, [], 'a channel that does not run needs none yet')
})

t.test('a secret in the clear is refused, and never shown', async t => {
  const at = async (to: string, environment: Record<string, string> = {}) => (await load(t, `${START}destinations:\n  - name: web\n    to: { http: ${to} }\n`, { environment, secrets: () => 'hunter2' })).problems
  const refused = (column: number, key: string) => [`7:${column} error secret-in-clear \`${key}\` is a secret, and is written here for all to read. Keep it out of the file: write \${secret:a-name}.`]
  t.strictSame(await at('{ url: "http://h", token: hunter2 }'), refused(43, 'token'))
  t.strictSame(await at('{ url: "http://h", token: "${TOKEN:hunter2}" }'), refused(43, 'token'))
  t.strictSame(await at('{ url: "http://me:hunter2@h" }'), refused(24, 'url'))
  t.strictSame(await at('{ url: "http://h", token: "${TOKEN:hunter2}" }', { TOKEN: 'x' }), [])
  t.strictSame(await at('{ url: "http://h", token: "Bearer ${secret:t}" }'), [])
  t.strictSame(await at('{ url: "http://h", method: "${secret:t}" }'), ['7:44 error wrong-value `method` must be one of `POST` or `PUT`.'])
  for (const file of ['a.key', '/etc/ssl/epic', './epic', '"${secret:k}"']) t.strictSame((await load(t, START.replace('2575', `2575, tls: { cert: a.pem, key: ${file} }`) + END, { secrets: () => 'k' })).problems, [], `${file} is no secret`)
  t.match((await load(t, START.replace('2575', '2575, tls: { cert: a.pem, key: MIIEvQ }') + END)).problems, [/secret-in-clear `key` is a secret/])
})

t.test('a number that YAML changes is told of where it is allowed', async t => {
  const { channel, problems } = await load(t, `${START}${END}    retryOn: [0503]\n`)
  t.strictSame(problems, ['8:15 warning number-as-text 0503 without quotes is the number 503. If it is a code or an id, quote it: "0503".'])
  t.ok(channel, 'a warning stops nothing')
})

t.test('a revision changes with what runs, and with nothing else', async t => {
  const revision = async (text: string, more: Partial<LoadContext> = {}) => (await load(t, text, more)).channel?.revision
  const first = await revision(START + END)
  t.match(first, /^[0-9a-f]{12}$/)
  t.equal(await revision(`# a comment\n${START}${END}tests:\n  - { name: a, given: b, expect: { epic: nothing } }\n`), first)
  t.not(await revision(START + END.replace('6661', '6662')), first)
  const variable = START.replace('2575', '${P:1}') + END
  t.not(await revision(variable, { environment: { P: '2' } }), await revision(variable))
  const secret = `${START}destinations:\n  - name: w\n    to: { http: { url: 'http://h', token: '\${secret:t}' } }\n`
  t.not(await revision(secret, { secrets: () => 'a' }), await revision(secret, { secrets: () => 'b' }))
  t.equal(await revision(secret, { secrets: () => 'a' }), await revision(secret, { secrets: () => 'a' }))
})

t.test('a script is one of the files that a channel depends on', async t => {
  const { channel, folder } = await load(t, `${START}steps:\n  - script: { file: split.js }\n${END}`)
  t.strictSame(channel?.files, [join(folder, 'split.js')])
  appendFileSync(join(folder, 'split.js'), '\n')
  const again = await loadChannel(join(folder, 'adt.yaml'), context())
  t.not(again.channel?.revision, channel?.revision)
  t.match((await load(t, `${START}steps:\n  - script: { file: splt.js }\n${END}`)).problems, [/^6:5 error cannot-work `script` cannot work with these settings: there is no file .*splt\.js\.$/])
})

t.test('a folder is read in order; what is broken or twice is left out and said', async t => {
  const channel = (name: string): string => START.replace('adt', name) + END
  const folder = t.testdir({ 'b.yaml': channel('b'), 'a.yaml': channel('a'), 'c.yaml': 'name: c\n', 'd.yml': channel('a'), 'notes.txt': 'x', '.hidden.yaml': 'x', sub: { 'e.yaml': 'x' } })
  const { channels, problems } = await loadChannels(folder, context())
  t.strictSame(channels.map(({ definition }) => definition.name), ['a', 'b'])
  t.match(problems.map(({ file, line, column, message }) => [file.replace(/.*\//, ''), line, column, message]), [
    ['c.yaml', 1, 1, 'A channel needs `source`: one name with its settings below it, `name: { … }`.'],
    ['c.yaml', 1, 1, /^A channel needs `format`/],
    ['c.yaml', 1, 1, 'A channel needs `destinations`: a list.'],
    ['d.yml', 1, 7, /^A channel called `a` is already in .*a\.yaml\.$/],
  ])
  t.equal(resolve(channels[0]?.file ?? ''), join(folder, 'a.yaml'))
  t.equal(channels[0]?.text, readFileSync(join(folder, 'a.yaml'), 'utf8'))
  writeFileSync(join(folder, 'c.yaml'), channel('c'))
  t.equal((await loadChannels(folder, context())).channels.length, 3)
  t.match((await loadChannels(join(folder, 'none'), context())).problems, [{ rule: 'no-folder', hint: 'Name another with --channels.' }])
})
