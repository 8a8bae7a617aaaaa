/** What a careful colleague would say about channels that can be read: one rule at a time. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { loadChannels } from '../../engine/channel-loader.js'
import { checkChannels } from '../../engine/check/check.js'
import { context } from './stand-ins.js'

const TESTS = 'tests:\n  - { name: it goes through, given: a.hl7, expect: { out: a.hl7 } }\n'

/** A channel with one destination, and what else it says. */
const channel = (name: string, more = '', { port = 2575, to = 'outbox: { folder: out }', of = '' } = {}): string =>
  `name: ${name}\nsource: { mllp: { port: ${port} } }\nformat: hl7v2\ndestinations:\n  - name: out\n    to: { ${to} }\n${of}${more}`

/** Problems of files by their names; each must be readable. */
const check = async (t: Test, files: Readonly<Record<string, string>>): Promise<string[]> => {
  const folder = t.testdir({ channels: files, fixtures: { 'a.hl7': 'MSH|' } })
  const checked = context({ settings: { data: 'data', fixtures: join(folder, 'fixtures'), secrets: 'secrets', http: { port: 8420 } } })
  const { channels, problems } = await loadChannels(join(folder, 'channels'), checked)
  t.strictSame(problems, [], 'the files can be read')
  return checkChannels(channels, checked).map(({ file, line, column, severity, rule, message, hint }) =>
    `${file.replace(/.*\//, '')}:${line}:${column} ${severity} ${rule} ${message}${hint && ` ${hint}`}`.replaceAll(/[^\s(]*\/(channels|fixtures)\b\/?/g, '$1/').replaceAll('channels/', ''))
}

t.test('a channel that is right has no problem', async t => {
  t.strictSame(await check(t, { 'a.yaml': channel('a', TESTS) }), [])
})

t.test('two channels cannot claim the same thing, unless one is not enabled', async t => {
  const files = { 'a.yaml': channel('a', TESTS), 'b.yaml': channel('b', TESTS), 'c.yaml': channel('c', TESTS, { port: 2576 }), 'd.yaml': channel('d', `enabled: false\n${TESTS}`) }
  t.strictSame(await check(t, files), ['b.yaml:2:11 error claimed-twice The channel `a` has port 2575 already, at a.yaml:2:11. Give one of them another, or set `enabled: false`.'])
})

t.test('a port as a whole is more than a path on it, and the engine has one itself', async t => {
  const web = (name: string, port: number, path: string): string => channel(name, TESTS).replace(/source: .*/, `source: { web: { port: ${port}, path: ${path} } }`)
  t.strictSame(await check(t, { 'a.yaml': web('a', 2575, '/a'), 'b.yaml': web('b', 2575, '/b'), 'c.yaml': channel('c', TESTS), 'd.yaml': web('d', 8420, '/d'), 'e.yaml': web('e', 25, '/e') }), [
    'c.yaml:2:11 error claimed-twice The channel `a` has port 2575 path /a already, at a.yaml:2:11. Give one of them another, or set `enabled: false`.',
    'd.yaml:2:11 error claimed-twice The engine’s own web server has port 8420 already. Give one of them another, or set `enabled: false`.',
  ])
})

t.test('a channel is only led to where there is one', async t => {
  const files = { 'desk.yaml': channel('desk', TESTS, { port: 1 }), 'off.yaml': channel('off', `enabled: false\n${TESTS}`), 'a.yaml': channel('a', TESTS, { port: 2, to: 'channel: { name: dsk }' }), 'b.yaml': channel('b', TESTS, { port: 3, to: 'channel: { name: off }' }), 'c.yaml': channel('c', TESTS, { port: 4, to: 'channel: { name: desk }' }) }
  t.strictSame(await check(t, files), [
    'a.yaml:6:11 error unknown-name No channel is called `dsk`; did you mean `desk`?',
    'b.yaml:6:11 warning leads-nowhere The channel `off` is not enabled, so what is sent to it waits.',
  ])
})

t.test('a channel that is there but broken is told of in its own file only', async t => {
  const folder = t.testdir({ 'a.yaml': channel('a', TESTS, { to: 'channel: { name: desk }' }), 'desk.yaml': 'name: desk\n', fixtures: { 'a.hl7': 'MSH|' } })
  const checked = context({ settings: { data: 'data', fixtures: join(folder, 'fixtures'), secrets: 'secrets' } })
  const { channels, problems } = await loadChannels(folder, checked)
  t.ok(problems.length > 0 && problems.every(({ file }) => file.endsWith('desk.yaml')))
  t.strictSame(checkChannels(channels, checked), [])
})

t.test('a cycle is told once, of any length', async t => {
  const to = (name: string, next: string, port: number): string => channel(name, TESTS, { port, to: `channel: { name: ${next} }` })
  t.strictSame(await check(t, { 'a.yaml': to('a', 'b', 1), 'b.yaml': to('b', 'c', 2), 'c.yaml': to('c', 'b', 3), 'd.yaml': to('d', 'd', 4), 'e.yaml': to('e', 'a', 5) }), [
    'b.yaml:6:11 error cycle Messages go round for ever: `b` → `c` → `b`. Send one of these somewhere else.',
    'd.yaml:6:11 error cycle Messages go round for ever: `d` → `d`. Send one of these somewhere else.',
  ])
  t.strictSame(await check(t, { 'a.yaml': to('a', 'b', 1), 'b.yaml': channel('b', TESTS) }), [])
})

t.test('what no message can reach is told', async t => {
  const steps = (...all: readonly string[]): string => `steps:\n${all.map(step => `  - ${step}\n`).join('')}`
  const of = '    keep: { types: [ADT^A01] }\n'
  t.strictSame(await check(t, { 'a.yaml': channel('a', steps('keep: { types: [REF^I12, OMG^O19] }', 'keep: { types: [ORM^O01, ADT] }') + TESTS) }), [
    'a.yaml:9:5 error unreachable Nothing can pass here: a.yaml:8:5 lets only REF^I12, OMG^O19 through, and this only ORM^O01, ADT. What follows is never reached. Remove one of them, or give them a type in common.',
  ])
  t.match(await check(t, { 'a.yaml': channel('a', steps('keep: { types: [REF] }', 'keep: { where: { PID-3.5: MR } }') + TESTS, { of }) }), [/^a\.yaml:7:5 error unreachable .*lets only REF through, and this only ADT\^A01/])
  t.match(await check(t, { 'a.yaml': channel('a', steps('keep: { types: [REF, ADT^A01] }', 'keep: { types: [ADT] }', 'keep: { types: [REF] }') + TESTS) }), [], 'only neighbours that share a type hold what both keep')
  for (const pair of [['ADT', 'ADT^A01'], ['ADT^A01^ADT_A01', 'ADT^A01'], ['*^A01', 'ADT^A01'], ['ADT^*', 'ADT^A08']]) {
    t.strictSame(await check(t, { 'a.yaml': channel('a', steps(`keep: { types: ["${pair[0]}"] }`, `keep: { types: ["${pair[1]}"] }`) + TESTS) }), [], pair.join(' and '))
  }
  t.strictSame(await check(t, { 'a.yaml': channel('a', steps('keep: { types: [REF] }', 'set: { MSH-9.1: ADT }', 'keep: { types: [ADT] }') + TESTS) }), [], 'a step between may change the type')
})

t.test('a path is checked in the format that messages have where it stands', async t => {
  const why = (path: string, format: string): string => `error wrong-path \`${path}\` is no path of ${format}: a path begins with a capital letter.`
  const text = `index: { mrn: pid-3, name: PID-5 }
steps:
  - keep: { where: { PID-3.5: MR, pv1-2: O } }
  - set: { MSH-5: EHR, zrf-1: { from: pid-3.1 } }
  - translate: { path: Patient.name, with: hospital-service }
  - to-fhir: { with: referral }
  - set: { PID-3: x, Patient.gender: y }
  - keep: { where: "Patient.active" }
tests:
  - { name: a, given: a.hl7, expect: { out: { PID-3: x, Patient.id: y } } }
`
  t.strictSame(await check(t, { 'a.yaml': channel('a', text, { of: '    steps: [ keep: { where: { PID-3: x } } ]\n    partition: { by: PID-3.1 }\n' }) }), [
    `a.yaml:7:31 ${why('PID-3', 'fhir')}`,
    `a.yaml:8:22 ${why('PID-3.1', 'fhir')}`,
    `a.yaml:9:15 ${why('pid-3', 'hl7v2')}`,
    `a.yaml:11:35 ${why('pv1-2', 'hl7v2')}`,
    `a.yaml:12:24 ${why('zrf-1', 'hl7v2')}`,
    `a.yaml:12:39 ${why('pid-3.1', 'hl7v2')}`,
    `a.yaml:13:24 ${why('Patient.name', 'hl7v2')}`,
    `a.yaml:15:12 ${why('PID-3', 'fhir')}`,
    `a.yaml:18:47 ${why('PID-3', 'fhir')}`,
  ])
  t.strictSame(await check(t, { 'a.yaml': channel('a', `steps: [ keep: { where: "PID-3 = 'x'" } ]\n${TESTS}`) }), [
    'a.yaml:7:25 error wrong-path Messages are hl7v2 here, which has no expressions. Write paths and values: `where: { path: value }`.',
  ])
})

t.test('tests are missed, and what they name must be there', async t => {
  t.strictSame(await check(t, { 'a.yaml': channel('a') }), ['a.yaml:1:7 warning no-tests The channel `a` has no tests. Add `tests:` with a message that goes through and one that does not.'])
  const tests = `tests:
  - name: one
    given: [a.hl7, b.hl7]
    mock: { otu: sent }
    expect: { history: [received, transfromed], acknowledgement: AA, out: [a.hl7, c.hl7, { PID-3: x }], desk: nothing }
  - { name: one, given: d.hl7, expect: { out: held } }
`
  t.strictSame(await check(t, { 'a.yaml': channel('a', tests) }), [
    'a.yaml:9:20 error no-fixture There is no file `b.hl7` in fixtures/. Name a file by its path there.',
    'a.yaml:10:13 error unknown-name This channel has no destination called `otu`; did you mean `out`?',
    'a.yaml:11:35 error unknown-name Nothing in a history is called `transfromed`; did you mean `transformed`?',
    'a.yaml:11:83 error no-fixture There is no file `c.hl7` in fixtures/. Name a file by its path there.',
    'a.yaml:11:105 error unknown-name This channel has no destination called `desk`; there is `out`.',
    'a.yaml:12:13 warning same-name A test with this name is already at a.yaml:8:11. Say what is different about each.',
    'a.yaml:12:25 error no-fixture There is no file `d.hl7` in fixtures/. Name a file by its path there.',
  ])
})

t.test('settings that contradict each other or do nothing are told', async t => {
  const one = async (more: string, of = ''): Promise<string[]> => check(t, { 'a.yaml': channel('a', more + TESTS, { of }) })
  t.match(await one('retain: { content: 90d, facts: 30d }\n'), [/^a\.yaml:7:32 error retain The facts are retained for 30d, less than the content \(90d\)/])
  t.match(await one('duplicates: { within: 90d }\nretain: { facts: 60d }\n'), [/^a\.yaml:7:23 warning retain Duplicates are looked for within 90d, but messages are forgotten after 60d/])
  t.match(await one('acknowledgeWithin: 10s\n'), [/^a\.yaml:7:1 warning no-effect/])
  t.match(await one('acknowledge: delivered\nacknowledgeWithin: 10s\n'), [/^a\.yaml:5:5 warning acknowledge-limit One attempt to send to `out` may take 30s, and the sender is told to try again after 10s/])
  t.strictSame(await one('acknowledge: delivered\nacknowledgeWithin: 10s\n', '    timeout: 5s\n'), [])
  t.match(await one('concurrency: 4\n', '    partition: PID-3.1\n'), [/^a\.yaml:8:1 error order `concurrency: 4` gives up the order that `partition` \(a\.yaml:7:16\) is there to keep/])
  t.match(await one('', '    retry: { every: 1m, longest: 30s }\n'), [/^a\.yaml:7:12 warning retry The longest wait \(30s\) is shorter than the first \(1m\)/])
  t.match(await one('', '  - name: out\n    to: { outbox: { folder: x } }\n'), [/^a\.yaml:7:11 error same-name A destination called `out` is already at a\.yaml:5:11/])
  t.match(await one('', '  - name: history\n    to: { outbox: { folder: x } }\n'), [/^a\.yaml:7:11 error same-name A destination cannot be called `history`/])
})

t.test('a file that has another name than its channel is told of', async t => {
  t.strictSame(await check(t, { 'adt.yaml': channel('a', TESTS) }), ['adt.yaml:1:7 warning file-name The channel is called `a` and its file `adt.yaml`. Call the file `a.yaml`.'])
})
