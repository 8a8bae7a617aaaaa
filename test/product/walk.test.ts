/** The analyst's walk, on the built product: new → map → test → deploy → what-if → deploy → tap → save-test → rollback. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { framed, freePort, REFERO, refero, sendRaw, startProduct, until } from './product.js'

const VISIT = (id: string, family: string): string => `MSH|^~\\&|EHR|HEART CENTER|REFERO|HEART CENTER|20260309083000-0500||ADT^A04^ADT_A01|${id}|P|2.5.1\rEVN|A04|20260309082900-0500\rPID|1||HC4471^^^HC^MR||${family}^EVE||19610615|F|||14 ELM ST^^MADISON^WI^53704\rPV1|1|O|CARD^^^HEART CENTER\r`

t.test('an analyst takes a new channel from a sample to production, changes it knowing what will change, and takes the change back', { timeout: 240_000 }, async (t) => {
  const product = await startProduct(t)
  const work = mkdtempSync(join(tmpdir(), 'refero-walk-'))
  t.teardown(() => rmSync(work, { recursive: true, force: true }))
  mkdirSync(join(work, 'channels'))
  const env = { REFERO_URL: `http://127.0.0.1:${product.http}`, REFERO_TOKEN: product.token, REFERO_DATA: join(work, 'data'), USER: 'ana' }
  const run = (...words: string[]): ReturnType<typeof refero> => refero(words, { cwd: work, env })
  const file = join(work, 'channels/visits.yaml')
  const port = await freePort()

  writeFileSync(join(work, 'sample.hl7'), VISIT('HC-1', 'EVERYWOMAN'))
  t.match(await run('new', 'visits', '--from', 'sample.hl7', '--port', String(port)), { code: 0, out: /its test passes/ })
  t.match(readFileSync(file, 'utf8'), /with: adt/)
  t.match(await run('map', 'adt', 'sample.hl7'), { code: 0, out: /Patient birthDate +1961-06-15 +PID-7/ })
  t.match(await run('check'), { code: 0 })
  t.match(await run('test', 'visits'), { code: 0, out: /1 passed, 0 failed/ })

  t.match(await run('deploy', file, '--dry-run'), { code: 0, out: /fixtures\/visits\/sample\.hl7: new/ })
  t.equal((await product.api('/api/channels/visits')).status, 404, 'a dry run changes nothing')
  t.match(await run('deploy', file, '--why', 'visits from the new EHR', '--yes'), { code: 0 })
  const first = readFileSync(file, 'utf8')
  for (const n of [2, 3, 4]) t.match(await sendRaw(port, framed(VISIT(`HC-${n}`, 'EVERYWOMAN'))), new RegExp(`MSA\\|AA\\|HC-${n}`))
  await until(async () => (await product.api('/api/messages?channel=visits&status=sent')).body.messages.length === 3)

  t.match(await run('what-if', 'visits'), { code: 0, out: /3 messages: 3 the same, 0 different/ })
  writeFileSync(file, first.replace('steps:\n', 'steps:\n  - set: { PID-8: U }\n'))
  const preview = await run('what-if', 'visits', '--last', '2', '--show', '1')
  t.match(preview, { code: 1, out: /2 messages: 0 the same, 2 different/ })
  t.match(preview.out, /-\s+"gender": "female"[\s\S]*\+\s+"gender": "unknown"/)
  writeFileSync(file, first.replace('steps:\n', 'steps:\n  - set: { PID-5.1: NOBODY }\n'))
  t.match(await run('deploy', file, '--yes'), { code: 1, err: /“ADT\^A04 goes through as the sample did” fails/ }, 'its own test does not pass any more')
  writeFileSync(file, first.replace('steps:\n', 'steps:\n  - set: { PV1-10: CAR }\n'))
  t.match(await run('deploy', file, '--why', 'the service is cardiology', '--yes'), { code: 0 })

  const tap = spawn(process.execPath, [REFERO, 'tap', 'visits', '--at', 'received', '--content', '--count', '1'], { cwd: work, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let seen = ''
  tap.stdout.on('data', (text) => { seen += text })
  const ended = new Promise((resolve) => tap.once('exit', resolve))
  let sent = 4
  await until(async () => {
    if (seen === '') await sendRaw(port, framed(VISIT(`HC-${++sent}`, 'EVERYWOMAN')))
    return seen !== ''
  }, product.output)
  t.equal(await ended, 0)
  t.match(seen, /visits[\s\S]*ADT\^A04[\s\S]*PID\|/)
  t.notMatch(seen, /EVERYWOMAN|HC4471|19610615/, 'people stay out of the terminal')

  const [{ id }] = (await product.api('/api/messages?channel=visits')).body.messages
  t.match(await run('save-test', String(id), '--name', 'a visit as the EHR really sends it'), { code: 0, out: /is a test of .* now, and passes/ })
  t.match(await run('test', 'visits'), { code: 0, out: /2 passed, 0 failed/ })
  t.notMatch(readFileSync(join(work, `fixtures/visits/message-${id}.hl7`), 'utf8') + readFileSync(file, 'utf8'), /EVERYWOMAN|HC4471|19610615|1961-06-15/)
  t.match(await run('save-test', '999'), { code: 2, err: /999/ })

  t.match(await run('rollback', 'visits', '--why', 'the EHR sends it by itself', '--yes'), { code: 0 })
  t.equal((await product.api('/api/channels/visits')).body.text, first)
  t.match(await run('history', 'visits'), { code: 0, out: /(?=[\s\S]*visits from the new EHR)(?=[\s\S]*the service is cardiology)(?=[\s\S]*the EHR sends it by itself)(?=[\s\S]*ana)/ })
  t.match(await sendRaw(port, framed(VISIT('HC-99', 'EVERYWOMAN'))), /MSA\|AA\|HC-99/, 'and it runs')
  t.match(await run('what-if', 'visits', '--last', '3'), { code: 1 }, 'what was sent since differs from what the analyst still has on disk')
})
