/** `refero explain` shows every value that holds, where it comes from, and no secret. */
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: channel files say ${NAME}
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { command } from './command-line.js'

const CHANNEL = `name: hand-off
source:
  mllp:
    port: \${PORT:2599}
    host: \${LISTEN}
format: hl7v2
steps:
  - to-fhir: { with: referral }
destinations:
  - name: epic
    uses: ehr/epic
    with: { host: epic.local, port: 6661, facility: "\${FACILITY}" }
    partition: PID-3.1
    retry: { attempts: 3 }
  - name: web
    to: { http: { url: "http://127.0.0.1:1/", token: "\${secret:web-token}" } }
  - name: other
    to: { http: { url: "http://127.0.0.1:1/", token: "\${OTHER_TOKEN}" } }
`
const folder = t.testdir({ channels: { 'hand-off.yaml': CHANNEL, 'broken.yaml': 'name: broken\n' } })
const env = { FACILITY: 'PGV', LISTEN: '127.0.0.1', REFERO_SECRET_WEB_TOKEN: 'hunter2', OTHER_TOKEN: 'hunter3' }
const run = (...words: string[]) => command(['explain', ...words], { cwd: folder, env })

t.test('each value says where it comes from', async t => {
  const { code, out } = await run('hand-off')
  t.equal(code, 0)
  const line = (beginning: string): string => out.split('\n').find(each => each.trim().startsWith(beginning))?.trim().replace(/ {2,}/, '  ').replace(/\S*(?=mappings\/profiles)/, '') ?? `no ${beginning}`
  const P = 'mappings/profiles/ehr/epic.yaml'
  t.match(line('# channels/hand-off.yaml'), /revision [0-9a-f]{12}/)
  t.equal(line('port: 2599'), 'port: 2599  # channels/hand-off.yaml:4 ← PORT, not set')
  t.equal(line('host: 127.0.0.1'), 'host: 127.0.0.1  # channels/hand-off.yaml:5 ← LISTEN')
  t.equal(line('acknowledge:'), 'acknowledge: received  # default')
  t.match(line('host: epic.local'), new RegExp(`^host: epic\\.local {2}# ${P}:\\d+ ← with\\.host at channels/hand-off\\.yaml:12$`))
  t.match(line('MSH-6:'), new RegExp(`^MSH-6: PGV {2}# ${P}:\\d+ ← with\\.facility at channels/hand-off\\.yaml:12 ← FACILITY$`))
  t.match(line('MSH-3:'), new RegExp(`^MSH-3: REFERO {2}# ${P}:\\d+ ← with\\.sender by default$`))
  t.equal(line('by: PID-3.1'), 'by: PID-3.1  # channels/hand-off.yaml:13', 'what the channel says wins')
  t.equal(line('lanes:'), 'lanes: 16  # default')
  t.equal(line('attempts: 3'), 'attempts: 3  # channels/hand-off.yaml:14')
  t.match(line('connectTimeout:'), 'connectTimeout: 10s  # default', 'what a connector does without a word is said too')
  t.notMatch(out, /tests:/)
})

t.test('what is shown is YAML with the values that run', async t => {
  const shown = parse((await run('hand-off')).out) as { destinations: { steps: object[]; to: object; timeout: string }[]; format: object }
  t.match(shown.format, { hl7v2: { charset: 'UNICODE UTF-8' } })
  t.match(shown.destinations[0], { to: { mllp: { host: 'epic.local', port: 6661 } }, steps: [{ 'to-hl7v2': { with: 'ref-i12' } }, { set: { 'MSH-5': 'EPIC', 'MSH-6': 'PGV' } }], retry: { every: '2s', attempts: 3 } })
})

t.test('a secret is never shown, whichever way it comes in', async t => {
  for (const words of [['hand-off'], ['hand-off', '--json']]) {
    const { out } = await run(...words)
    t.notMatch(out, /hunter/)
    t.match(out, /\*{8}/)
  }
  t.match((await run('hand-off')).out, /token: "\*{8}" +# channels\/hand-off\.yaml:16 ← secret web-token/)
  t.match((await run('hand-off')).out, /token: "\*{8}" +# channels\/hand-off\.yaml:18 ← OTHER_TOKEN/)
})

t.test('a program gets the same as JSON', async t => {
  const { values, ...rest } = JSON.parse((await run('hand-off', '--json')).out) as { values: { path: unknown[]; value: unknown; from: object }[] }
  t.match(rest, { channel: 'hand-off', file: 'channels/hand-off.yaml', variables: ['FACILITY', 'LISTEN', 'OTHER_TOKEN', 'PORT'], secrets: ['web-token'], files: [/referral\.yaml|./] })
  t.match(values.find(({ path }) => path.join('.') === 'destinations.0.to.mllp.port'), {
    value: 6661, from: { kind: 'profile', place: /ehr\/epic\.yaml:\d+:\d+$/, fields: [{ field: 'port', place: 'channels/hand-off.yaml:12:37', given: true }] },
  })
  t.match(values.find(({ path }) => path.join('.') === 'source.mllp.port'), { value: 2599, from: { kind: 'file', place: 'channels/hand-off.yaml:4:11', variables: ['PORT'], unset: true } })
})

t.test('a channel is found by its file too; a broken one says what is wrong, a wrong name what was meant', async t => {
  t.equal((await run('channels/hand-off.yaml')).code, 0)
  const broken = await run('broken')
  t.equal(broken.code, 1)
  t.match(broken.err, /^channels\/broken\.yaml:1:1 error missing-setting: A channel needs `source`/m)
  const wrong = await run('hand-of')
  t.equal(wrong.code, 2)
  t.match(wrong.err, /No channel is called `hand-of`; did you mean `hand-off`\?/)
  t.match((await run()).err, /Name a channel/)
  mkdirSync(join(folder, 'more'))
  writeFileSync(join(folder, 'more', 'a.yaml'), 'name: a\nuses: ehr/epic\nwith: { host: h, port: 1, facility: F }\nsource: { mllp: { port: 1 } }\nformat: fhir\n')
  t.match((await run('a', '--channels', 'more')).out, /- name: epic +# \S*ehr\/epic\.yaml:\d+$/m, 'a destination that a profile brings is named after it')
})
