/** What is seen while it works: /metrics, server-sent events, `refero tap` and `refero top`, and the reasons in the history. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { sentEvents } from '../../engine/commands/parts/event-stream.js'
import { fixture, framed, freePort, type Product, REFERO, refero, ROOT, sendRaw, startProduct, until } from './product.js'

const REFERRAL = readFileSync(fixture('hl7v2/ref-i12-cardiology.hl7')).toString('latin1')
const numbered = (n: number, message = REFERRAL): string => message.replace('|LFM20260302000117|', `|LIVE${n}|`)
const ofAMan = (message: string): string => message.replace(/(\nPID\|(?:[^|]*\|){7})F/, '$1M').replace(/(\rPID\|(?:[^|]*\|){7})F/, '$1M')
const discharge = (n: number): string => numbered(n).replace('REF^I12^REF_I12', 'ADT^A03^ADT_A03')

/** The words of a message that tell of a person: none that its header says too. */
const [HEADER = ''] = REFERRAL.split('\r', 1)
const personal = REFERRAL.split(/[\r\n]+/).filter((segment) => /^(PID|NK1|GT1|IN1|IN2|PD1|MRG|PRD|AUT|NTE|CTD)\|/.test(segment))
  .flatMap((segment) => segment.split(/[|^~& ]/)).filter((word) => word.length >= 5 && !HEADER.includes(word) && !/^(HL7|[A-Z]{3}$|[A-Z]+\d+$|X+$)/.test(word))

async function start(t: Test, env: NodeJS.ProcessEnv = {}): Promise<{ product: Product; port: number; down: number }> {
  const [port, down] = [await freePort(), await freePort()]
  const product = await startProduct(t, {
    env: { COLUMNS: '80', ...env },
    channels: {
      live: `name: live
description: looked at while it works
source: { mllp: { host: 127.0.0.1, port: ${port} } }
format: hl7v2
steps:
  - keep: { types: [REF^I12] }
  - set: { MSH-6: SEEN }
destinations:
  - name: women
    to: { file: { folder: "\${REFERO_DATA}/women", name: "{deliveryId}" } }
    steps: [ { keep: { where: { PID-8: F } } } ]
  - name: down
    to: { mllp: { host: 127.0.0.1, port: ${down} } }
    retry: { every: 1h }
`,
    },
  })
  return { product, port, down }
}

/** Reads the text as Prometheus would: strictly. */
function samplesOf(t: Test, text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>()
  const types = new Map<string, string>()
  for (const line of text.split('\n').filter(Boolean)) {
    const type = /^# TYPE ([a-zA-Z_:][\w:]*) (counter|gauge|histogram|summary)$/.exec(line)
    if (type) {
      types.set(type[1] ?? '', type[2] ?? '')
      continue
    }
    if (/^# HELP [a-zA-Z_:][\w:]* ./.test(line)) continue
    const sample = /^(([a-zA-Z_:][\w:]*)(?:\{(?:[a-zA-Z_]\w*="[^"\\\n]*",?)*\})?) (-?[\d.e+-]+|nan|[+-]inf)$/i.exec(line)
    if (!sample) {
      t.fail(`not a line of the format: ${line}`)
      continue
    }
    const [, series = '', name = '', value] = sample
    t.ok(types.has(name) || types.get(name.replace(/_(bucket|sum|count)$/, '')) === 'histogram' || types.get(name.replace(/_(sum|count)$/, '')) === 'summary', `${name} has a type`)
    if (samples.has(series)) t.fail(`${series} is there twice`)
    samples.set(series, Number(value))
  }
  return samples
}

/** Listens, and resolves once it does; `ended` resolves when the engine ends it. */
async function listening(product: Product, query: Record<string, string>): Promise<{ seen: { name: string; data: Seen }[]; ended: Promise<void>; stop(): void }> {
  const abort = new AbortController()
  const response = await fetch(`http://127.0.0.1:${product.http}/api/events?${new URLSearchParams(query)}`, { headers: { authorization: `Bearer ${product.token}` }, signal: abort.signal })
  if (!response.ok) throw new Error(await response.text())
  const seen: { name: string; data: Seen }[] = []
  let begun: () => void = () => {}
  const beginning = new Promise<void>((resolve) => {
    begun = resolve
  })
  const ended = (async () => {
    for await (const { name, data } of sentEvents(response, () => begun())) seen.push({ name, data: data as Seen })
  })().catch(() => {})
  await beginning
  return { seen, ended, stop: () => abort.abort() }
}
interface Seen { channel: string; what: string; message: number; destination: string | null; step: number | null; type: string | null; reason: string | null; content?: { text: string } | null; count?: number }

t.test('/metrics counts what was received, answered, filtered, sent and what waits, and needs the token', async (t) => {
  const { product, port } = await start(t)
  t.equal((await fetch(`http://127.0.0.1:${product.http}/metrics`)).status, 401)
  for (const message of [numbered(1), numbered(1), ofAMan(numbered(2)), discharge(3), 'PID|not a message']) await sendRaw(port, framed(message))
  const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${product.http}/metrics`, { headers: { authorization: `Bearer ${product.token}` } })).text()
  await until(async () => /refero_queue_depth\{[^}]*destination="down"\} 2/.test(await scrape()), product.output)
  await until(async () => /refero_attempts_total\{[^}]*destination="women",outcome="sent"\} 1/.test(await scrape()), product.output)
  const depth = (text: string): number => [...text.matchAll(/^refero_queue_depth\{[^}]*\} (\d+)$/gm)].reduce((sum, [, value]) => sum + Number(value), 0)
  await until(async () => depth(await scrape()) === 2, product.output) // what was sent is told a moment before it is settled
  const text = await scrape()
  const samples = samplesOf(t, text)
  const is = (series: string, value: number): void => void t.equal(samples.get(series), value, series)
  is('refero_messages_received_total{channel="live"}', 5)
  is('refero_messages_duplicate_total{channel="live"}', 1)
  is('refero_messages_unreadable_total{channel="live"}', 1)
  is('refero_messages_acknowledged_total{channel="live",verdict="accepted"}', 4)
  is('refero_messages_acknowledged_total{channel="live",verdict="rejected"}', 1)
  is('refero_messages_transformed_total{channel="live"}', 2)
  is('refero_messages_filtered_total{channel="live"}', 1)
  is('refero_deliveries_filtered_total{channel="live",destination="women"}', 1)
  is('refero_attempts_total{channel="live",destination="down",outcome="unavailable"}', 1)
  is('refero_queue_held{channel="live",destination="down"}', 0)
  is('refero_channel_up{channel="live"}', 1)
  is('refero_store_up', 1)
  is('refero_reply_seconds_count{channel="live"}', 5)
  is('refero_delivery_seconds_count{channel="live",destination="women"}', 1)
  t.ok((samples.get('refero_queue_oldest_age_seconds{channel="live",destination="down"}') ?? 0) > 0, 'what waits has an age')
  t.ok((samples.get('refero_store_bytes') ?? 0) > 1000, 'the store has a size')
  t.ok(samples.has('process_resident_memory_bytes'), 'the process is measured')
  t.equal([...samples.keys()].filter((series) => series.startsWith('refero_build_info')).length, 1)
  const buckets = [...samples].filter(([series]) => series.startsWith('refero_reply_seconds_bucket{')).map(([, value]) => value)
  t.ok(buckets.every((value, n) => n === 0 || value >= (buckets[n - 1] ?? 0)), 'buckets count what is under them')
  t.equal(buckets.at(-1), 5, 'and the last counts all')
  for (const word of personal) if (text.includes(word)) t.fail(`“${word}” is in /metrics`)

  const once = await refero(['top', '--once', '--every', '200ms', '--url', `http://127.0.0.1:${product.http}`, '--token', product.token], { env: { COLUMNS: '80' } })
  t.equal(once.code, 0, once.err)
  t.match(once.out, /^channel +state +in\/s +out\/s +wait +held +err +oldest +p50 +p99 +last\nlive +running +0\.0 +0\.0 +2 +0 +1 /)
  t.ok(once.out.split('\n').every((line) => line.length <= 80), 'it fits a terminal of 80 columns')
  const json = await refero(['top', '--json', '--every', '200ms', '--url', `http://127.0.0.1:${product.http}`, '--token', product.token])
  t.match(JSON.parse(json.out), { channels: [{ channel: 'live', state: 'running', waiting: 2, held: 0, errors: 1, p50: Number, p99: Number, last: Number }] })
})

t.test('the history says by which step and rule a message was filtered, and of each attempt why and when the next is', async (t) => {
  const { product, port } = await start(t)
  await sendRaw(port, framed(discharge(1)))
  await sendRaw(port, framed(ofAMan(numbered(2))))
  await until(async () => (await product.api('/api/messages/2')).body.history.some(({ what }: { what: string }) => what === 'retry'))
  t.equal((await product.api('/api/messages/1')).body.reason, 'step 1, keep: the type is not REF^I12')
  const { history } = (await product.api('/api/messages/2')).body
  t.match(history.find(({ what }: { what: string }) => what === 'filtered'), { destination: 'women', reason: 'step 1 of women, keep: PID-8 is not F' })
  t.match(history.find(({ what }: { what: string }) => what === 'retry'), { destination: 'down', reason: /^unavailable: .* refuses connections.* \(attempt 1, the next at \d{4}-\d\d-\d\dT[\d:.]+Z\)$/ })
})

t.test('events are told with a condition, and of people nothing is in them unless it is asked for', async (t) => {
  const { product, port } = await start(t)
  const women = await listening(product, { channel: 'live', where: '{ PID-8: F }', content: 'redacted' })
  const steps = await listening(product, { step: '2', content: 'redacted' })
  const all = await listening(product, {})
  const full = await listening(product, { what: 'received', content: 'full', by: 'ada' })
  await sendRaw(port, framed(ofAMan(numbered(1))))
  await sendRaw(port, framed(numbered(2)))
  const hostile = `MSH|^~\\&|${numbered(3).slice(numbered(3).indexOf('PID|'))}` // a patient where the header is
  await sendRaw(port, framed(hostile))
  await until(() => women.seen.some(({ data }) => data.what === 'sent') && steps.seen.length >= 2 && full.seen.length >= 2, () => JSON.stringify([women.seen.length, steps.seen, full.seen.length]))
  await until(() => all.seen.filter(({ data }) => data.what === 'acknowledged').length === 3)
  t.same([...new Set(women.seen.map(({ data }) => data.message))], [2], 'only the message that the condition holds of')
  t.same(women.seen.filter(({ data }) => data.destination === null).map(({ name }) => name), ['received', 'acknowledged', 'transformed'])
  t.match(women.seen[0]?.data, { channel: 'live', type: 'REF^I12', content: { text: /^MSH\|.*\|REF\^I12\^REF_I12\|.*\rPID\|1\|\|9+\^\^\^X+&/s } }, 'the structure and the codes are there')
  t.same(steps.seen.map(({ data }) => [data.what, data.step, data.destination]), [['step', 2, null], ['step', 2, null]])
  t.match(steps.seen[0]?.data.content?.text, /^MSH\|[^|]*\|[^|]*\|[^|]*\|[^|]*\|SEEN\|/, 'what a step makes of it is what is shown')
  const text = JSON.stringify([women.seen, steps.seen, all.seen])
  t.ok(personal.length > 40, `${personal.length} words to look for`)
  for (const word of personal) if (text.includes(word)) t.fail(`“${word}” was told: ${text.slice(Math.max(0, text.indexOf(word) - 60), text.indexOf(word) + 40)}`)
  t.match(all.seen.find(({ data }) => data.message === 2)?.data, { content: undefined }, 'no content unless it is asked for')
  t.equal(full.seen[1]?.data.content?.text, numbered(2), 'asked for, it is there as it came')
  t.match(product.output(), /"address":"127\.0\.0\.1","by":"ada","msg":"somebody watches messages with their content"/, 'and the log says who asked')

  for (const [query, said] of [
    [{ where: '{ PID-8: F' }, /USAGE.*cannot be read/], [{ where: '{ PID-8: { nt: F } }' }, /USAGE.*needs/], [{ channel: 'none' }, /NOT_FOUND.*No channel/], [{ channel: 'live', step: '9' }, /NOT_FOUND.*live has 2 steps, and no step 9/], [{ channel: 'live', destination: 'women', step: '2' }, /women has 1 step, and no step 2/],
    [{ channel: 'live', destination: 'none' }, /it has women, down/], [{ what: 'recieved' }, /nothing that happens/], [{ content: 'most' }, /USAGE/],
  ] as const) await t.rejects(listening(product, query), said, JSON.stringify(query))
  const more = await Promise.all(Array.from({ length: 16 }, () => listening(product, {})))
  await t.rejects(listening(product, {}), /TOO_MANY/, 'there is a limit')
  more[0]?.stop()
  await until(async () => {
    const again = await listening(product, {}).catch(() => null)
    again?.stop()
    return again !== null
  })
  await product.stop()
  await Promise.all([women, steps, all, full, ...more].map(({ ended }) => ended))
  t.ok(all.seen.some(({ name }) => name === 'stopped'), 'the last that is told is that the channel stopped')
})

t.test('tap shows a line for what happens, the message below it where asked, and ends when told to', async (t) => {
  const { product, port } = await start(t, { REFERO_METRICS_OPEN: 'true' })
  t.equal((await fetch(`http://127.0.0.1:${product.http}/metrics`)).status, 200, '/metrics is open where the configuration says so')
  const tap = (...words: string[]): { listens: Promise<void>; ended: Promise<{ code: number | null; out: string }> } => {
    const child = spawn(process.execPath, [REFERO, 'tap', ...words, '--url', `http://127.0.0.1:${product.http}`, '--token', product.token], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    t.teardown(() => child.kill('SIGKILL'))
    let out = ''
    child.stdout.on('data', (text: Buffer) => { out += text.toString() })
    const listens = new Promise<void>((resolve) => child.stderr.on('data', (text: Buffer) => text.includes('Listening') && resolve()))
    return { listens, ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, out }))) }
  }
  const taps = [
    tap('live', '--at', 'received', '--content', '--count', '1'), tap('--at', 'women', '--where', '{ PID-8: F }', '--count', '1'), tap('--at', 'women/step:1', '--json', '--count', '1'), tap(),
  ]
  await Promise.all(taps.map(({ listens }) => listens))
  await sendRaw(port, framed(numbered(1)))
  const [received, sent, step] = await Promise.all(taps.slice(0, 3).map(({ ended }) => ended))
  t.match(received, { code: 0, out: /^\d\d:\d\d:\d\d\.\d{3} {2}live +#1 {2}received +REF\^I12 +[\d.]+ ms\n {4}MSH\|/ })
  t.match(sent, { code: 0, out: /^\S+ {2}live +#1 {2}sent +REF\^I12 +women +[\d.]+ ms\n$/ })
  t.match(JSON.parse(step?.out ?? ''), { what: 'step', step: 1, destination: 'women', reason: null })
  await product.stop()
  const all = await taps[3]?.ended
  t.match(all, { code: 1, out: /down +[\d.]+ ms {2}unavailable: .* refuses connections/ }, 'why an attempt failed stands in its line')
  for (const word of personal) if ([received, sent, step, all].some((one) => one?.out.includes(word))) t.fail(`“${word}” was shown`)
  t.match(await refero(['tap', '--at', 'step:x/y/z'], { env: { REFERO_URL: 'http://127.0.0.1:9' } }), { code: 2, err: /No engine answers/ })
})
