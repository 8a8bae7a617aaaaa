/** The x12 format: separators, envelopes, loops and paths, parts, TA1 and 999, and what damage does to it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MessageFault } from '../../../engine/errors.js'
import x12Definition from '../../../engine/formats/x12/index.js'
import { tools } from '../v2-to-fhir/kit.js'

const x12 = x12Definition.create({}, tools)
const lenient = x12Definition.create({ check: 'none' }, tools)
const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../../../../fixtures/x12', `${name}.x12`))
const REQUEST = fixture('278-request')
const text = REQUEST.toString()
const changed = (from: string, to: string): Buffer => {
  if (!text.includes(from)) throw new Error(`the fixture has no ${from}`)
  return Buffer.from(text.replace(from, to))
}
const faultOf = (bytes: Buffer) => {
  try {
    x12.readHeader(bytes)
  } catch (error) {
    if (error instanceof MessageFault) return error.fault
    throw error
  }
  return undefined
}
const answerTo = (bytes: Buffer): string => {
  const fault = faultOf(bytes)
  const verdict = fault ? 'rejected' : 'accepted'
  return String(x12.acknowledge(bytes, 'stored', verdict, fault) ?? x12.acknowledge(bytes, 'done', verdict, fault))
}
const lines = (answer: string): readonly string[] => answer.split('~').filter(Boolean)

t.test('separators are those that ISA declares, and whatever stands between segments stays', async (t) => {
  const same = text.replaceAll('\n', '')
  const others: readonly (readonly [string, string])[] = [
    ['line feeds between', text], ['nothing between', same], ['carriage returns and line feeds', text.replaceAll('\n', '\r\n')], ['a byte order mark and blank lines before', `\u{FEFF}\r\n\r\n${text}`],
    ['an end mark behind', `${text}\x1a`], ['other separators', same.replaceAll('*', '|').replaceAll(':', '>').replaceAll('~', '\x1c').replaceAll('^', '!')], ['a line feed as terminator', same.replaceAll('~', '\n')],
    ['lines of 80 characters', same.replace(/.{80}/g, '$&\r\n')], ['ISA that is not filled', text.replace(/ {10}/g, '').replace('LAKEHEALTH     ', 'LAKEHEALTH')],
  ]
  for (const [name, one] of others) {
    const bytes = Buffer.from(one)
    const body = x12.parse(bytes)
    t.ok(x12.serialize(body).equals(bytes), name)
    t.same(x12.read(body, 'NM1*1P-9'), ['1548291735'], name)
    t.same(x12.read(body, '2000E/HI-1.2'), ['I4891'], name)
    t.same(x12.read(body, 'ISA-6'), ['LAKEHEALTH'], name)
  }
  t.same(x12.readHeader(REQUEST), { controlId: '000000101-101-0001', type: '278^request' })
  t.equal(x12.readHeader(fixture('278-response')).type, '278^response')
  t.equal(x12.readHeader(fixture('278-notification')).type, '278^notification')
  t.same(x12.read(lenient.parse(Buffer.from(text.replace('*^*00501*', '*U*00401*'))), 'ISA-11'), ['U'], 'before 00402 ISA-11 is no separator')
  const latin = Buffer.from(text.replace('EVERYWOMAN', 'MU\u00D1OZ'), 'latin1')
  t.same(x12.read(x12.parse(latin), 'NM1*IL-3'), ['MUÑOZ'])
  t.ok(x12.serialize(x12.parse(latin)).equals(latin), 'bytes that are no UTF-8 stay')
})

t.test('paths know qualifiers and the loops of a 278', async (t) => {
  const body = x12.parse(fixture('278-dependent-services'))
  const read = (path: string): readonly string[] => x12.read(body, path)
  t.same([read('2000F/SV1-1.2'), read('2000F[2]/SV1-1.2'), read('2000F[*]/SV1-1.2')], [['99243'], ['95044'], ['99243', '95044']])
  t.same([read('TRN-2'), read('2000F/TRN-2'), read('TRN[*]-2')], [['R2026-00118'], ['R2026-00118A'], ['R2026-00118', 'R2026-00118A', 'R2026-00118B']])
  t.same([read('2000C/NM1-4'), read('2000D/NM1-4'), read('2010D/DMG-2'), read('2010EA/NM1*SJ-3')], [['ARNE'], ['LIV'], ['20150704'], ['NORTH SHORE DERMATOLOGY']])
  t.same([read('HL*EV-1'), read('2000E/HL-2'), read('DTP*472-3'), read('REF*BB-2'), read('2000E[7]/UM-1')], [['5'], ['4'], ['20260309'], [], []])
  for (const [path, meant] of [['UM01', 'UM-1'], ['nm1*1p-9', 'NM1*1P-9'], ['HI01-2', 'HI-1.2']] as const) t.match(x12.checkPath(path), meant)
  t.match(x12.checkPath('2000G/UM-1'), /there is no loop 2000G/)
  t.match(x12.checkPath('UM'), /UM-1/)
  const written = x12.write(x12.write(body, 'ISA-13', '77'), '2000F[2]/SV1-1.2', '95004')
  t.same([x12.read(written, 'ISA-13'), x12.read(written, 'IEA-2'), x12.read(written, '2000F[*]/SV1-1.2')], [['000000077'], ['77'], ['99243', '95004']])
  t.same(x12.readHeader(x12.serialize(written)).controlId, '000000077-102-0001')
  for (const value of ['a~b', 'a*b', 'a^b', 'a\nb']) t.throws(() => x12.write(body, '2000F/TRN-2', value), /cannot escape/)
  t.throws(() => x12.write(body, 'REF*BB-2', 'x'), /no such segment/)
  t.throws(() => x12.write(body, 'ISA-16', ';'), /separators/)
})

t.test('each patient event is a part, and each service with a number of its own', async (t) => {
  const [several = Buffer.alloc(0)] = x12.separate(fixture('278-batch')) ?? []
  const traces = (body: unknown): string => x12.read(body, 'TRN[*]-2').join(' ')
  const members = (body: unknown): string => x12.read(body, 'NM1*IL[*]-9').join(' ')
  const events = x12.split(x12.parse(several), '2000E')
  t.same(events.map(traces), ['R-A', 'R-B', 'R-C'])
  t.same(events.map(members), ['GLH551920034', 'GLH551920034', 'GLH551920077'], 'each with its own patient alone')
  t.same(x12.split(x12.parse(several), '2000F').map(traces), ['R-A', 'R-B', 'R-C'], 'an event without services is a part')
  t.same(x12.split(x12.parse(several), '2000C').map(members), ['GLH551920034', 'GLH551920077'])
  for (const event of events) t.doesNotThrow(() => x12.parse(x12.serialize(event)), 'each stands the checks')
  const services = x12.parse(fixture('278-dependent-services'))
  t.same(x12.split(services, '2000F').map(traces), ['R2026-00118 R2026-00118A', 'R2026-00118 R2026-00118B'])
  const half = x12.parse(Buffer.from(fixture('278-dependent-services').toString().replace('TRN*1*R2026-00118B*9LAKEHEALTH~\r\n', '').replace(/SE\*(\d+)/, (_, count) => `SE*${Number(count) - 1}`)))
  t.same(x12.split(half, '2000F').map((body) => `${traces(body)} ${x12.read(body, 'SV1-1.2')}`), ['R2026-00118 95044', 'R2026-00118 R2026-00118A 99243'], 'one without a number stays with its event')
})

t.test('a file may hold several interchanges, groups and transactions; what is wrong is refused and the others are taken', async (t) => {
  const batch = fixture('278-batch')
  t.equal(x12.separate(REQUEST), null)
  const parts = x12.separate(batch) ?? []
  t.same(parts.map((part) => x12.readHeader(part).controlId), ['000000105-105-0001', '000000105-105-0002', '000000106-106-0001'])
  for (const part of parts) t.equal(x12.separate(part), null)
  const refusals = (bytes: string): readonly (string | undefined)[] => (x12.separate(Buffer.from(bytes)) ?? [Buffer.from(bytes)]).map((part) => faultOf(part)?.location)
  t.same(refusals(batch.toString().replace('GE*2*105', 'GE*3*105')), ['GE-1', undefined], 'a group stays together')
  t.same(refusals(batch.toString().replace('IEA*1*000000105', 'IEA*2*000000105')), ['IEA-1', undefined], 'an interchange too')
  t.same(refusals(batch.toString().replace(/SE\*\d+\*0002/, 'SE*99*0002')), [undefined, 'SE-1', undefined], 'a transaction alone')
  t.same((x12.separate(batch.subarray(0, -12)) ?? []).map((part) => faultOf(part)?.kind), [undefined, undefined, 'unreadable'], 'what is cut off at the end')
})

t.test('what is wrong is named by its place, and answered with the codes of TA1 and 999', async (t) => {
  const cases: readonly (readonly [string, Buffer, string | undefined, readonly RegExp[]])[] = [
    ['nothing', REQUEST, undefined, [/^AK1\*HI\*101\*005010X217$/, /^AK2\*278\*0001\*005010X217$/, /^IK5\*A$/, /^AK9\*A\*1\*1\*1$/]],
    ['the interchange number', changed('IEA*1*000000101', 'IEA*1*000000999'), 'IEA-2', [/^TA1\*000000101\*260302\*0915\*R\*001$/]],
    ['the count of groups', changed('IEA*1*', 'IEA*4*'), 'IEA-1', [/^TA1\*.*\*R\*021$/]],
    ['no end of the interchange', changed('IEA*1*000000101~\n', ''), 'IEA', [/^TA1\*.*\*R\*023$/]],
    ['the group number', changed('GE*1*101', 'GE*1*102'), 'GE-2', [/^AK9\*R\*1\*1\*0\*4$/]],
    ['the count of sets', changed('GE*1*101', 'GE*9*101'), 'GE-1', [/^AK9\*R\*1\*1\*0\*5$/]],
    ['the number of the set', changed('SE*30*0001', 'SE*30*0009'), 'SE-2', [/^IK5\*R\*3$/, /^AK9\*R\*1\*1\*0$/]],
    ['the count of segments', changed('SE*30*0001', 'SE*29*0001'), 'SE-1', [/^IK5\*R\*4$/]],
    ['no end of the set', changed('SE*30*0001~\n', ''), 'SE', [/^IK5\*R\*2$/]],
    ['an element', changed('UM*SC*', 'UM**'), '2000E/UM-1', [/^IK3\*UM\*21\*2000E\*8$/, /^IK4\*1\*\*1$/, /^IK5\*R\*5$/]],
    ['a date', changed('RD8*20260302-20260601', 'RD8*20260302-20260631'), '2000E/DTP*AAH-3', [/^IK3\*DTP\*23\*2000E\*8$/, /^IK4\*3\*\*8$/]],
    ['a birth date', changed('D8*19610615', 'D8*1961-06-15'), '2010C/DMG-2', [/^IK3\*DMG\*18\*2010C\*8$/, /^IK4\*2\*\*8$/]],
    ['no UM', Buffer.from(text.replace(/UM\*SC.*\n/, '').replace('SE*30', 'SE*29')), '2000E/UM', [/^IK3\*UM\*26\*2000E\*3$/]],
    ['no patient event', Buffer.from(text.replace(/HL\*4[\s\S]*SE\*30/, 'SE*19')), '2000E', [/^IK3\*HL\*18\*2000E\*I7$/]],
    ['a level of a stranger', changed('HL*4*3*EV', 'HL*4*9*EV'), '2000E/HL-2', [/^IK3\*HL\*19\*2000E\*8$/, /^IK4\*2\*\*7$/]],
    ['a level that is none', changed('HL*4*3*EV', 'HL*4*3*QQ'), 'HL[4]-3', [/^IK3\*HL\*/]],
  ]
  for (const [name, bytes, location, wanted] of cases) {
    const fault = faultOf(bytes)
    t.equal(fault?.location, location, `${name}: ${fault?.reason}`)
    const answer = lines(answerTo(bytes))
    for (const pattern of wanted) t.ok(answer.some((line) => pattern.test(line)), `${name}: ${pattern} in ${answer.slice(2, -2).join('~')}`)
    t.doesNotThrow(() => x12.readHeader(Buffer.from(`${answer.join('~')}~`)), `${name}: the answer is an interchange without a fault`)
    if (location !== undefined) t.doesNotThrow(() => lenient.readHeader(bytes), `${name}: and is taken where nothing is checked`)
  }
  const answer = lines(answerTo(REQUEST))
  t.match(answer[0], /^ISA\*00\* {10}\*00\* {10}\*ZZ\*HEARTCENTER {4}\*ZZ\*LAKEHEALTH {5}\*260302\*1415\*\^\*00501\*\d{9}\*0\*T\*:$/, 'back to the sender')
  t.match(answer[1], /^GS\*FA\*HEARTCENTER\*LAKEHEALTH\*20260302\*1415\*\d+\*X\*005010X231A1$/)
  t.equal(x12.acknowledge(Buffer.from(answerTo(REQUEST)), 'done', 'accepted'), null, 'an acknowledgement is not answered')
  t.equal(x12.acknowledge(REQUEST, 'done', 'error'), null, 'X12 has no word for "not now"')
  t.equal(x12.acknowledge(REQUEST, 'stored', 'accepted'), null, 'a TA1 is not asked for')
  t.match(String(x12.acknowledge(fixture('278-response'), 'stored', 'accepted')), /TA1\*000000103\*260302\*0915\*A\*000~IEA\*0\*/, 'where ISA-14 asks it is')
  t.notMatch(lines(answerTo(changed('UM*SC*', 'UM**'))).join(), /EVERYWOMAN|GLH55/)
})

t.test('the answers of a file are one interchange with one 999 a group', async (t) => {
  const batch = Buffer.from(fixture('278-batch').toString().replace('UM*SC*I*3*11:B**U', 'UM**I*3*11:B**U'))
  const answers = (x12.separate(batch) ?? []).map((part) => Buffer.from(answerTo(part)))
  const whole = x12.assemble(batch, answers)
  const read = (path: string): readonly string[] => x12.read(lenient.parse(x12.separate(whole)?.[0] ?? whole), path)
  t.equal((whole.toString().match(/ISA\*/g) ?? []).length, 1)
  t.same([...whole.toString().matchAll(/(AK[129]|IK[345])\*[^~]*/g)].map(([line]) => line), ['AK1*HI*105*005010X217', 'AK2*278*0001*005010X217', 'IK5*A', 'AK2*278*0002*005010X217', 'IK3*UM*21*2000E*8', 'IK4*1**1', 'IK5*R*5', 'AK9*P*2*2*1', 'AK1*HI*106*005010X216', 'AK2*278*0001*005010X216', 'IK5*A', 'AK9*A*1*1*1'])
  t.equal(x12.separate(whole)?.length, 2, 'two 999')
  for (const part of x12.separate(whole) ?? []) t.doesNotThrow(() => x12.parse(part))
  t.same(read('ST-1'), ['999'])
})

t.test('limits hold', async (t) => {
  t.throws(() => x12Definition.create({ size: 200 }, tools).parse(REQUEST), /at most 200/)
  t.throws(() => x12Definition.create({ segments: 10 }, tools).parse(REQUEST), /more than 10 segments/)
  t.throws(() => x12.parse(changed('MSG*', `MSG*${'x*'.repeat(150)}`)), /more than 100 elements/)
})

t.test('damage of any kind is a fault or is read, in bounded time, and what is read is written back', async (t) => {
  let seed = 20260302
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return seed % below
  }
  const sources = ['278-request', '278-batch', '278-dependent-services', '278-response'].map(fixture)
  const words = ['~', '*', ':', '^', 'ISA*', 'IEA*1*~', 'ST*278*0001~', 'HL*1*1*EV~', 'HL*9**SS~', 'NM1*~', '\r\n', '\0', '\u{FEFF}', 'SE~', 'GS~'].map((word) => Buffer.from(word))
  let read = 0
  for (let round = 0; round < 3000; round++) {
    let bytes = sources[round % sources.length] ?? REQUEST
    for (let change = random(4); change >= 0; change--) {
      const at = random(bytes.length + 1)
      const to = Math.min(bytes.length, at + random(60))
      const word = words[random(words.length)] ?? REQUEST
      bytes = [Buffer.concat([bytes.subarray(0, at), word, bytes.subarray(at)]), Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]), Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]), bytes.subarray(0, at)][random(4)] ?? bytes
    }
    for (const format of [x12, lenient]) {
      try {
        for (const part of format.separate(bytes) ?? [bytes]) {
          const body = format.parse(part)
          read++
          if (!format.serialize(body).equals(part)) t.fail(`round ${round}: not written back`)
          for (const one of format.split(body, '2000F')) format.read(one, '2000E/UM-1')
          if (format.redact) format.serialize(format.redact(body))
        }
      } catch (error) {
        if (!(error instanceof MessageFault)) t.fail(`round ${round}: ${String(error)}`)
        else {
          const answer = format.acknowledge(bytes, 'done', 'rejected', error.fault)
          if (answer !== null) format.assemble(bytes, [answer])
        }
      }
    }
  }
  t.ok(read > 500, `${read} of them were read`)
})
