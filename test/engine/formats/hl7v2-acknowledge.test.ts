/** The hl7v2 format acknowledges messages and batches as the standard says, and reads what others acknowledge. */
import t from 'tap'
import type { Fault, Verdict } from '../../../engine/contracts.js'
import { acknowledgementWanted, readAcknowledgement } from '../../../engine/formats/hl7v2/acknowledgement.js'
import { faultOf, formatWith } from './hl7v2-setup.js'

const format = formatWith()
const FAULT: Fault = { kind: 'required', reason: 'the patient has no identifier', location: 'PID-3' }
const message = (accept = '', application = '', { type = 'ADT^A01^ADT_A01', version = '2.5.1', charset = '', id = 'C1', rest = 'PID|1' } = {}) =>
  Buffer.from(`MSH|^~\\&|APP|FAC^1.2^ISO|EHR|CLINIC|20260302||${type}|${id}|T|${version}|||${accept}|${application}||${charset}\r${rest}\r`)
const lines = (bytes: Buffer | null) => bytes?.toString().split('\r') ?? null
const MOMENTS = ['stored', 'done'] as const
const VERDICTS: readonly Verdict[] = ['accepted', 'error', 'rejected']

/** What is sent at each moment for each verdict: "stored/done" by verdict. */
const sent = (bytes: Buffer) => VERDICTS.map(verdict => MOMENTS.map(moment => {
  const acknowledgement = format.acknowledge(bytes, moment, verdict, verdict === 'accepted' ? undefined : FAULT)
  return acknowledgement === null ? '-' : readAcknowledgement(acknowledgement)?.code
}).join('/')).join(' ')

t.test('MSH-15 and MSH-16 decide what is acknowledged when', async t => {
  const accept: Record<string, readonly string[]> = { '': ['-', '-', '-'], AL: ['CA', 'CE', 'CR'], NE: ['-', '-', '-'], ER: ['-', 'CE', 'CR'], SU: ['CA', '-', '-'], odd: ['CA', 'CE', 'CR'] }
  const application: Record<string, readonly string[]> = { '': ['-', '-', '-'], AL: ['AA', 'AE', 'AR'], NE: ['-', '-', '-'], ER: ['-', 'AE', 'AR'], SU: ['AA', '-', '-'], odd: ['AA', 'AE', 'AR'] }
  for (const [msh15, stored] of Object.entries(accept)) {
    for (const [msh16, done] of Object.entries(application)) {
      const expected = msh15 === '' && msh16 === '' ? '-/AA -/AE -/AR' : stored.map((code, n) => `${code}/${done[n]}`).join(' ')
      t.equal(sent(message(msh15, msh16)), expected, `MSH-15 "${msh15}", MSH-16 "${msh16}"`)
    }
  }
})

t.test('an acknowledgement is not answered', async t => {
  t.equal(sent(message('', '', { type: 'ACK', rest: 'MSA|AA|C0' })), '-/- -/- -/-', 'an acknowledgement')
  t.equal(sent(message('', '', { type: 'ACK^A01^ACK' })), '-/- -/- -/-', 'one without its MSA')
  t.equal(sent(message('', '', { type: '', rest: 'MSA|AA|C0' })), '-/- -/- -/-', 'one without its type')
  t.equal(sent(message('', '', { type: 'RRI^I13^RRI_I12', rest: 'MSA|AA|C0' })), '-/AA -/AE -/AR', 'a response that comes of itself is a message, whose sender waits')
  t.equal(sent(message('AL', 'AL', { type: 'RRI^I13^RRI_I12', rest: 'MSA|AA|C0' })), 'CA/AA CE/AE CR/AR', 'a response that asks for both')
  t.equal(sent(message('AL', 'AL', { type: 'ACK', rest: 'MSA|CA|C0' })), '-/- -/- -/-', 'an accept acknowledgement, whatever it asks')
})

t.test('an acknowledgement says who, what and where', async t => {
  const [msh = '', msa, err] = lines(format.acknowledge(message('', '', { id: 'a\\T\\b', charset: 'UNICODE UTF-8' }), 'done', 'rejected', FAULT)) ?? []
  const fields = msh.split('|')
  t.same(fields.slice(0, 6), ['MSH', '^~\\&', 'EHR', 'CLINIC', 'APP', 'FAC^1.2^ISO'], 'sender and receiver are swapped')
  t.match(fields[6], /^2026030[12]\d{6}[+-]\d{4}$/, 'the time is the engine’s')
  t.same([fields[8], fields[10], fields[11], fields[17]], ['ACK^A01^ACK', 'T', '2.5.1', 'UNICODE UTF-8'], 'event, processing id, version and character set are kept')
  t.match(fields[9], /^\w{5,20}$/)
  t.not(fields[9], lines(format.acknowledge(message(), 'done', 'accepted'))?.[0]?.split('|')[9], 'each has its own control id')
  t.equal(msa, 'MSA|AR|a\\T\\b|the patient has no identifier')
  t.equal(err, 'ERR||PID^1^3|101^Required field missing^HL70357|E||||the patient has no identifier')
  t.equal(lines(format.acknowledge(message(), 'done', 'accepted'))?.slice(1).join(' '), 'MSA|AA|C1 ')

  const of = (version: string, fault: Fault = FAULT) => lines(format.acknowledge(message('', '', { version }), 'done', 'error', fault))
  t.same(of('2.3')?.slice(1), ['MSA|AE|C1|the patient has no identifier', 'ERR|PID^1^3^101&Required field missing&HL70357', ''], 'before 2.5 the error stands in ERR-1')
  t.match(of('2.3')?.[0], /\|ACK\|/, 'before 2.3.1 the type is ACK alone')
  t.match(of('2.3.1')?.[0], /\|ACK\^A01\^ACK\|/)
  t.equal(of('2.8')?.[1], 'MSA|AE|C1', 'from 2.7 on MSA-3 is withdrawn')
  const codes: readonly (readonly [Fault, string])[] = [
    [{ kind: 'unreadable', reason: 'r' }, '|100^Segment sequence error^HL70357'], [{ kind: 'value', reason: 'r', location: 'OBX[3]-5[2].1.2' }, 'OBX^3^5^2^1^2|103^Table value not found^HL70357'], [{ kind: 'internal', reason: 'r', location: 'nowhere' }, '|207^Application internal error^HL70357'],
    [{ kind: 'unsupported', reason: 'r', location: 'MSH-9' }, 'MSH^1^9|200^Unsupported message type^HL70357'], [{ kind: 'unsupported', reason: 'r', location: 'MSH-9.2' }, 'MSH^1^9^1^2|201^Unsupported event code^HL70357'],
    [{ kind: 'unsupported', reason: 'r', location: 'MSH-11' }, 'MSH^1^11|202^Unsupported processing id^HL70357'], [{ kind: 'unsupported', reason: 'r', location: 'MSH-12.1' }, 'MSH^1^12^1^1|203^Unsupported version id^HL70357'],
    [{ kind: 'required', reason: 'r', location: 'PV1' }, 'PV1^1|101^Required field missing^HL70357'], [{ kind: 'required', reason: 'r', location: 'OBX[*]-5' }, 'OBX^^5|101^Required field missing^HL70357'],
  ]
  for (const [fault, expected] of codes) t.equal(of('2.5', fault)?.[2], `ERR||${expected}|E||||r`)
  t.match(lines(format.acknowledge(message(), 'done', 'error'))?.[2], /207\^/, 'without a fault it is an internal error')
})

t.test('delimiters and character set are the sender’s', async t => {
  const odd = Buffer.from('MSH$%*@!$APP$FAC$EHR%1$$20260302$$ADT%A01$C1$P$2.5$$$$$$8859/1\rPID$1\r')
  const fault: Fault = { kind: 'value', reason: 'Größe % $ ’\rMSA$AA 日', location: 'PID-3.1' }
  const [msh, msa, err, end] = format.acknowledge(odd, 'done', 'error', fault)?.toString('latin1').split('\r') ?? []
  t.match(msh, /^MSH\$%\*@!\$EHR%1\$\$APP\$FAC\$\d{14}[+-]\d{4}\$\$ACK%A01%ACK\$\w+\$P\$2\.5\$\$\$\$\$\$8859\/1$/)
  t.equal(msa, "MSA$AE$C1$Gr??e @S@ @F@ ' MSA@F@AA ?", 'what its character set cannot write is a question mark, and no delimiter or line break gets through')
  t.match(err, /^ERR\$\$PID%1%3%1%1\$103%Table value not found%HL70357\$E\$\$\$\$Gr\?\?e/)
  t.equal(end, '')
  const bare = format.acknowledge(Buffer.from('MSH|^~|A|B|||||ADT^A01|C1|P|2.5\r'), 'done', 'error', { kind: 'value', reason: 'a^b|c' })
  t.equal(lines(bare)?.[1], 'MSA|AE|C1|a b c', 'without an escape character')
  const wide = Buffer.from(`\uFEFF${message().toString()}`, 'utf16le')
  t.match(format.acknowledge(wide, 'done', 'accepted')?.toString('utf16le') ?? '', /^\uFEFFMSH\|.*\rMSA\|AA\|C1\r$/)
})

t.test('what cannot be read is answered as best it can be', async t => {
  const fault: Fault = { kind: 'unreadable', reason: 'the message does not begin with an MSH segment' }
  for (const bytes of ['', 'hello', 'MSH', 'MSH|HOSP|x', '\0\xff']) {
    const answer = format.acknowledge(Buffer.from(bytes, 'latin1'), 'done', 'rejected', fault)
    t.match(lines(answer)?.[0], /^MSH\|\^~\\&\|\|\|\|\|\d{14}[+-]\d{4}\|\|ACK\|\w+\|P\|2\.5\.1$/, JSON.stringify(bytes))
    t.same(lines(answer)?.slice(1), [`MSA|AR||${fault.reason}`, `ERR|||100^Segment sequence error^HL70357|E||||${fault.reason}`, ''])
    t.equal(format.acknowledge(Buffer.from(bytes), 'stored', 'rejected', fault), null)
  }
  const huge = format.acknowledge(message('', '', { id: 'x'.repeat(1_000_000) }), 'done', 'accepted')
  t.ok(huge !== null && huge.length < 300, 'megabytes are not echoed')
  const broken = Buffer.from(`${message('AL', 'NE').toString()}\x0bMSH|\r`)
  t.match(lines(format.acknowledge(broken, 'stored', 'rejected', fault))?.[1], /^MSA\|CR\|C1/, 'a message that is broken further down still has its MSH')
})

t.test('the acknowledgements of others are read', async t => {
  const of = (...segments: string[]) => readAcknowledgement(Buffer.from(['MSH|^~\\&|A|B|C|D|20260302||ACK|9|P|2.5', ...segments].join('\r')))
  t.same(of('MSA|AA|C1'), { code: 'AA', controlId: 'C1', reason: null })
  t.same(of('SFT|x', 'MSA|ae|a\\T\\b|text', 'ERR||PID^1^3|101^missing|E|||diagnostic|for \\T\\ people'), { code: 'AE', controlId: 'a&b', reason: 'for & people' })
  t.equal(of('MSA|AE|1|text', 'ERR|||101^missing|E|||diagnostic')?.reason, 'diagnostic')
  t.equal(of('MSA|AR|1|text', 'ERR|||101^missing|E')?.reason, 'text')
  t.equal(of('MSA|AR|1', 'ERR|||101^missing|E')?.reason, 'missing')
  t.equal(of('MSA|AR|1', 'ERR|PID^1^3^101&old form')?.reason, 'old form')
  t.equal(of('MSA|CR|1|||207^sixth')?.reason, null)
  t.equal(of('MSA|CR|1||||207^sixth')?.reason, 'sixth')
  t.same(of('MSA|AA'), { code: 'AA', controlId: null, reason: null })
  for (const none of [of('PID|1'), of('MSA||1'), readAcknowledgement(Buffer.from('OK')), readAcknowledgement(Buffer.alloc(0)), readAcknowledgement(Buffer.from([0, 255]))]) t.equal(none, null)
  const table: Record<string, string> = { '/': 'application', 'AL/': 'accept', 'AL/AL': 'accept', 'SU/NE': 'accept', 'NE/AL': 'application', '/AL': 'application', 'ER/AL': 'application', 'NE/NE': 'none', 'ER/NE': 'none', 'NE/': 'none', 'NE/ER': 'none' }
  for (const [asked, first] of Object.entries(table)) t.same(acknowledgementWanted(message(...(asked.split('/') as [string, string]))), { controlId: 'C1', first }, `MSH-15/MSH-16 ${asked}`)
  t.same(acknowledgementWanted(Buffer.from('hello')), { controlId: null, first: 'application' })
})

t.test('an envelope is taken apart and answered by one', async t => {
  const one = 'MSH|^~\\&|A|B|C|D|20260302||ADT^A01|1|P|2.5\rPID|1\r'
  const two = 'MSH|^~\\&|A|B|C|D|20260302||ADT^A01|2|P|2.5\nPID|2\n\n'
  const parts = (content: string) => format.separate(Buffer.from(content))?.map(String) ?? null
  const file = `FHS|^~\\&|A|B|C|D|20260302||file||F1\rBHS|^~\\&|A|B|C|D|20260302||batch||B1\r${one}${two}BTS|2\rFTS|1\r`
  t.same(parts(file), [one, two])
  t.same(parts(`\uFEFF\n${file}`), [one, two])
  t.same(parts(`BHS|^~\\&|A\r\n${one}BTS|1`), [one])
  t.same(parts(`FHS|^~\\&|A\r${one}FTS`), [one], 'a file without batches')
  t.same(parts(`${file.replace('FTS|1\r', '')}BHS|^~\\&|A\r${one}BTS|1\rFTS|2`), [one, two, one], 'two batches')
  t.same(parts(`BHS|^~\\&|A\r${one}`), [one], 'a trailer may be missing')
  t.same(parts(one + two), [one, two], 'messages one after another')
  t.equal(parts(one), null)
  t.equal(parts('hello'), null)
  t.equal(parts(''), null)
  t.equal(parts(`${one}NTE|1||a FHS|BTS|MSH| inside\r`), null)
  t.match(faultOf(() => parts('FHS|^~\\&|A\rBHS|^~\\&\rBTS|0\rFTS|1')), { kind: 'unreadable', reason: /holds no message/ })

  const acknowledgements = [one, two].map(part => format.acknowledge(Buffer.from(part), 'done', 'accepted') ?? Buffer.alloc(0))
  const answer = format.assemble(Buffer.from(file), acknowledgements)
  t.match(lines(answer)?.[0], /^FHS\|\^~\\&\|C\|D\|A\|B\|\d{14}[+-]\d{4}\|\|\|\|\w+\|F1$/)
  t.match(lines(answer)?.[1], /^BHS\|\^~\\&\|C\|D\|A\|B\|\d{14}[+-]\d{4}\|\|\|\|\w+\|B1$/)
  t.same(lines(answer)?.slice(-3), ['BTS|2', 'FTS|1', ''])
  t.same(format.separate(answer)?.map(part => readAcknowledgement(part)?.controlId), ['1', '2'], 'and can be taken apart itself')
  t.equal(lines(format.assemble(Buffer.from(file.replace('BTS|2', 'BTS|5')), acknowledgements))?.at(-3), 'BTS|2|BTS-1 counted 5 messages and 2 were found')
  t.match(format.assemble(Buffer.from('BHS$%*@!$A$B$C$D\rMSH|'), []).toString(), /^BHS\$%\*@!\$C\$D\$A\$B\$.*\rBTS\$0\r$/)
  t.same(format.assemble(Buffer.from(one + two), acknowledgements), Buffer.concat(acknowledgements), 'without an envelope there is none')
})
