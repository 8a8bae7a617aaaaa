/** Channels are filled from profiles as a person would expect, and what is wrong is told where it is written. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: channel files say ${NAME}
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type LoadContext, loadChannel } from '../../engine/channel-loader.js'
import { openMappings } from '../../engine/mappings.js'
import { profileNames, readProfile } from '../../engine/profiles/profiles.js'
import { findPieces } from '../../engine/registry.js'
import { ROOT } from '../product/product.js'
import { context } from './stand-ins.js'

const START = 'name: adt\nsource:\n  mllp: { port: 2575 }\nformat: hl7v2\n'
const LAB = `describe: A laboratory.
fields:
  host: { type: host, required: true, describe: Its host. }
  port: { type: port, default: 6661, describe: Its port. }
  facility: { type: text, pattern: "[A-Z]{3}", describe: Who receives. }
  mode: { type: choice, choices: [first, second], default: first, describe: How. }
  token: { type: secret, describe: Its token. }
destination:
  to: { mllp: { host: <with.host>, port: <with.port> } }
  steps:
    - set: { MSH-5: "to-<with.mode>", MSH-6: <with.facility> }
    - set: { ZZZ-1: <with.facility> }
  retry: { every: 5s, attempts: 9 }
  retryOn: [AE]
  partition: PID-3.1
  timeout: 10s
examples:
  - { host: lab.example.org }
`
const WEB = `describe: Posts.
fields:
  token: { type: secret, describe: Its token. }
destination:
  to: { http: { url: "http://h", token: <with.token> } }
examples: [{}]
`
const SITE = `describe: A whole site.
fields: { port: { type: port, default: 2600, describe: Where it listens. } }
channel:
  source: { mllp: { port: <with.port>, host: 0.0.0.0 } }
  format: hl7v2
  acknowledge: transformed
  index: { mrn: PID-3.1 }
  retain: { content: 90d }
  steps: [ keep: { types: [ADT^A04] } ]
  destinations:
    - { name: one, to: { outbox: { folder: one } }, timeout: 5s }
    - { name: two, to: { outbox: { folder: two } } }
examples: [{ port: 2601 }]
`

/** Loads one channel text beside these profiles. */
const load = async (t: Test, text: string, more: Partial<LoadContext> = {}, profiles: Record<string, string> = {}) => {
  const folder = t.testdir({ 'adt.yaml': text, mappings: { profiles: { 'site.yaml': SITE, lab: { 'main.yaml': LAB, 'web.yaml': WEB }, ...Object.fromEntries(Object.entries(profiles).map(([name, content]) => [`${name}.yaml`, content])) } } })
  const { channel, problems } = await loadChannel(join(folder, 'adt.yaml'), context({ mappings: openMappings(join(folder, 'mappings')), ...more }))
  const short = (text: string): string => text.replaceAll(`${folder}/`, '').replace(/\S*(?=mappings\/profiles)/g, '')
  return { channel, folder, short, problems: problems.map(({ file, line, column, severity, rule, message, hint }) => short(`${file}:${line}:${column} ${severity} ${rule} ${message}${hint && ` ${hint}`}`).replace(/\S*adt\.yaml/g, 'adt.yaml')) }
}
const destination = (more: string): string => `${START}destinations:\n  - name: lab\n    uses: lab/main\n${more}`

t.test('a destination is filled: numbers stay numbers, defaults hold, and what has no value is left out', async t => {
  const { channel, problems, short } = await load(t, destination('    with: { host: lab.local }\n'))
  t.strictSame(problems, [])
  const [lab] = channel?.definition.destinations ?? []
  t.strictSame(lab?.to.settings, { host: 'lab.local', port: 6661 })
  t.strictSame(lab?.steps.map(({ settings }) => settings), [{ 'MSH-5': 'to-first' }], 'a step that only had what is not given is left out')
  t.match(lab, { timeout: '10s', retryOn: ['AE'], partition: { by: 'PID-3.1' }, whenRefused: 'error', retry: { every: '5s', attempts: 9, growth: 2 } })
  t.notOk('uses' in (lab ?? {}) || 'with' in (lab ?? {}))
  t.match(short(lab?.to.place ?? ''), /^mappings\/profiles\/lab\/main\.yaml:9:9$/, 'a piece is placed where it is written')
  t.match(short(channel?.place('destinations', 0, 'timeout') ?? ''), /^mappings\/profiles\/lab\/main\.yaml:16:12$/)
  t.match(short(channel?.place('destinations', 0, 'name') ?? ''), /adt\.yaml:6:11$/)
  t.match(channel?.files, [/main\.yaml$/], 'a profile that changes is seen')
})

t.test('what the channel says wins: maps merge, lists and other pieces are replaced, and nothing takes away', async t => {
  const of = async (more: string) => (await load(t, destination(`    with: { host: lab.local, port: \${P:7000}, facility: NOR }\n${more}`))).channel?.definition.destinations[0]
  t.match(await of('    retry: { attempts: 2 }\n    to: { mllp: { port: 7001 } }\n'), { retry: { every: '5s', attempts: 2 }, to: { settings: { host: 'lab.local', port: 7001 } } })
  t.strictSame((await of('    retryOn: [AR]\n    steps: [ split: { by: OBR } ]\n'))?.retryOn, ['AR'])
  t.strictSame((await of('    steps: [ split: { by: OBR } ]\n'))?.steps.map(({ name }) => name), ['split'])
  t.match(await of('    to: { outbox: { folder: here } }\n'), { to: { name: 'outbox', settings: { folder: 'here' } } })
  t.equal((await of('    partition: null\n'))?.partition, null)
  t.strictSame((await of(''))?.steps.map(({ settings }) => settings), [{ 'MSH-5': 'to-first', 'MSH-6': 'NOR' }, { 'ZZZ-1': 'NOR' }])
  t.equal((await of(''))?.to.settings.port, 7000, 'a variable is typed on its way')
})

t.test('a channel is filled, its destinations by name, and several profiles make one', async t => {
  const { channel, problems } = await load(t, 'name: adt\nuses: [site, lab/main]\nwith: { port: 2700, host: lab.local }\nretain: { facts: 1y }\ndestinations:\n  - name: two\n    timeout: 9s\n  - name: three\n    uses: lab/main\n    with: { host: third }\n')
  t.strictSame(problems, [])
  const { source, acknowledge, index, retain, destinations = [] } = channel?.definition ?? {}
  t.match({ source, acknowledge, index, retain }, { source: { settings: { port: 2700, host: '0.0.0.0' } }, acknowledge: 'transformed', index: { mrn: 'PID-3.1' }, retain: { content: '90d', facts: '1y' } })
  t.strictSame(destinations.map(({ name, timeout }) => [name, timeout]), [['one', '5s'], ['two', '9s'], ['main', '10s'], ['three', '10s']], 'a destination’s profile brings the channel a destination of its own name')
  t.match(destinations[2]?.to.settings, { host: 'lab.local', port: 2700 }, 'each profile takes the fields that it knows')
})

t.test('a revision changes with what the profile fills, and not with its comments', async t => {
  const text = destination('    with: { host: lab.local }\n')
  const { channel, folder } = await load(t, text)
  const again = async (profile: string) => {
    writeFileSync(join(folder, 'mappings/profiles/lab/main.yaml'), profile)
    return (await loadChannel(join(folder, 'adt.yaml'), context({ mappings: openMappings(join(folder, 'mappings')) }))).channel?.revision
  }
  t.equal(await again(`# more\n${LAB}`), channel?.revision)
  t.not(await again(LAB.replace('10s', '11s')), channel?.revision)
})

t.test('a secret goes its way unseen', async t => {
  const web = (token: string) => load(t, `${START}destinations:\n  - { name: w, uses: lab/web, with: { token: ${token} } }\n`, { secrets: () => 'hunter2' })
  const { channel, problems } = await web('"${secret:t}"')
  t.strictSame(problems, [])
  t.match(channel, { secretsUsed: ['t'], definition: { destinations: [{ to: { settings: { token: 'hunter2' } } }] } })
  t.strictSame((await web('hunter2')).problems, ['adt.yaml:6:46 error secret-in-clear `token` is a secret, and is written here for all to read. Keep it out of the file: write ${secret:a-name}.'])
})

const P = 'mappings/profiles'
const WRONG: readonly (readonly [what: string, text: string, expected: readonly (string | RegExp)[], profiles?: Record<string, string>])[] = [
  ['a profile that there is not', destination('').replace('lab/main', 'lab/mian'), ['adt.yaml:7:11 error unknown-name No profile is called `lab/mian`; did you mean `lab/main`?']],
  ['a profile outside its folder', destination('').replace('lab/main', '../../adt'), [/^adt\.yaml:7:11 error unknown-name No profile is called `\.\.\/\.\.\/adt`/]],
  ['a profile that is no name', destination('').replace('lab/main', '{ a: b }'), ['adt.yaml:7:11 error wrong-value `uses` must be the name of a profile, or a list of names.']],
  ['a field that is missing', destination(''), ['adt.yaml:7:11 error missing-setting `lab/main` needs `host`: a host name or an IP address.']],
  ['a field that is missing beside others', destination('    with: { port: 1 }\n'), ['adt.yaml:8:5 error missing-setting `lab/main` needs `host`: a host name or an IP address.']],
  ['a field that there is not', destination('    with: { host: h, prt: 1 }\n'), ['adt.yaml:8:22 error unknown-setting `prt` is not a field of `lab/main`; did you mean `port`?']],
  ['a field of another type', destination('    with: { host: h, port: sixty }\n'), ['adt.yaml:8:28 error wrong-value `port` must be a whole number from 1 to 65535, not `sixty`.']],
  ['a field that does not fit', destination('    with: { host: h, facility: north, mode: frist }\n'), ['adt.yaml:8:32 error wrong-value `facility` must be who receives, not `north`.', 'adt.yaml:8:45 error wrong-value `mode` cannot be `frist`; did you mean `first`?']],
  ['a field that YAML changes', destination('    with: { host: h, facility: 012 }\n'), ['adt.yaml:8:32 error number-as-text `facility` must be text, and 012 without quotes is a number; quote it: "012".']],
  ['a variable that there is not, said once', destination('    with: { host: h, port: "${NOPE}" }\n'), [/^adt\.yaml:8:28 error variable The environment has no `NOPE`/]],
  ['values without a profile', `${START}with: { host: h }\ndestinations:\n  - { name: o, to: { outbox: { folder: f } } }\n`, ['adt.yaml:5:1 error unknown-setting `with` has no effect without `uses`. Name a profile with `uses`, or remove it.']],
  ['a channel’s profile in a destination', destination('').replace('lab/main', 'site'), ['adt.yaml:7:11 error wrong-value `site` fills a channel, and is used here by a destination. Use it at the top of the file.']],
  ['a mistake in the channel’s own part', destination('    with: { host: h }\n    to: { mllp: { prot: 1 } }\n'), ['adt.yaml:9:19 error unknown-setting `prot` is not a setting of `mllp`; did you mean `port`?']],
  ['a mistake in the profile', destination('    with: { host: h }\n').replace('lab/main', 'bad'), [`adt.yaml:7:11 error unknown-setting ${P}/bad.yaml:16:3: \`timeuot\` is not a setting of a destination; did you mean \`timeout\`?`], { bad: LAB.replace('timeout', 'timeuot') }],
  ['a value that does not fit what the profile fills', destination('    with: { host: h, port: 70 }\n').replace('lab/main', 'bad'), [`adt.yaml:7:11 error wrong-value ${P}/bad.yaml:16:12: \`timeout\` must be a duration: a whole number and one of ms, s, m, h, d, y, such as \`250ms\`, \`30s\`, \`5m\`, \`4h\` or \`90d\`, not \`70 s\`. \`port\` is given at adt.yaml:8:28.`], { bad: LAB.replace('10s', '<with.port> s') }],
  ['a profile that is no YAML', destination('').replace('lab/main', 'bad'), [`adt.yaml:7:11 error yaml ${P}/bad.yaml:1:4: There is a second \`: \` on the line. Quote a text that has \`: \` in it.`], { bad: 'a: b: c\n' }],
  ['a profile with a field misspelt', destination('').replace('lab/main', 'bad'), [`adt.yaml:7:11 error profile ${P}/bad.yaml:9:23: The profile has no field called \`hst\`; did you mean \`host\`?`], { bad: LAB.replace('<with.host>', '<with.hst>') }],
  ['a profile with a type that is none', destination('').replace('lab/main', 'bad'), [/error wrong-value mappings\/profiles\/bad\.yaml:4:17: `type` cannot be `prt`; did you mean `port`\?$/], { bad: LAB.replace('type: port', 'type: prt') }],
  ['a profile with a default that cannot be', destination('').replace('lab/main', 'bad'), [/`port` has a `default` that cannot be: It must be a whole number from 1 to 65535, not 0\.$/], { bad: LAB.replace('6661', '0') }],
  ['a profile with a text that could lack a part', destination('').replace('lab/main', 'bad'), [/`facility` may be left out, so it cannot be part of a text; make it required, or give it a default\.$/], { bad: LAB.replace('MSH-6: <with.facility>', 'MSH-6: "x<with.facility>"') }],
  ['a profile with an example that does not fit', destination('').replace('lab/main', 'bad'), [/The example needs `host`/], { bad: LAB.replace('- { host: lab.example.org }', '- { port: 1 }') }],
  ['a profile that fills nothing', destination('').replace('lab/main', 'bad'), [/bad\.yaml:1:1: A profile has either `channel` or `destination`: the part that it fills\.$/], { bad: 'describe: x\nexamples: [{}]\n' }],
  ['a profile that names the destination', destination('').replace('lab/main', 'bad'), [/`name` is for whoever uses the profile to say\.$/], { bad: LAB.replace('  timeout:', '  name: x\n  timeout:') }],
]
for (const [what, text, expected, profiles] of WRONG) {
  t.test(`${what} is refused`, async t => {
    const { channel, problems } = await load(t, text, {}, profiles)
    t.match(problems, expected)
    t.equal(problems.length, expected.length)
    t.equal(channel, null)
  })
}

t.test('every profile that is shipped has no mistake, and each of its examples fills a channel that can be made', async t => {
  const mappings = openMappings(join(ROOT, 'mappings'))
  const pieces = await findPieces()
  const names = profileNames(mappings)
  for (const name of ['ehr/athenahealth', 'ehr/eclinicalworks', 'ehr/epic', 'ehr/nextgen']) t.ok(names.includes(name), name)
  for (const name of names) {
    const profile = readProfile(name, mappings, { environment: {}, secrets: () => 'x', secretPlace: () => '' })
    t.strictSame(profile?.problems, [], name)
    for (const example of profile?.content?.examples ?? []) {
      const user = profile?.content?.channel ? `name: a\nuses: ${name}\nwith: ${JSON.stringify(example)}\n` : `name: a\nsource: { mllp: { port: 2575 } }\nformat: fhir\ndestinations:\n  - name: d\n    uses: ${name}\n    with: ${JSON.stringify(example)}\n`
      const file = join(t.testdir({ 'a.yaml': user }), 'a.yaml')
      const { channel, problems } = await loadChannel(file, context({ mappings, pieces }))
      t.strictSame(problems, [], `${name}: ${JSON.stringify(example)}`)
      t.match(channel?.definition.destinations[0]?.to, { name: 'mllp', settings: { host: example.host ?? '', port: example.port ?? 0 } })
      t.match(channel?.definition.destinations[0]?.steps.map(({ name }) => name), ['to-hl7v2', 'set'])
    }
    t.match(readFileSync(join(ROOT, `mappings/profiles/${name}.yaml`), 'utf8'), /^# /, `${name} opens by saying what it is`)
  }
})
