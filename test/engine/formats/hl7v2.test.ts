/** The hl7v2 format carries messages without loss, and reads and writes them by path. */
import iconv from 'iconv-lite'
import t from 'tap'
import hl7v2 from '../../../engine/formats/hl7v2/index.js'
import { buildMessage, segments } from '../../../engine/formats/hl7v2/view.js'
import { examplesWork, faultOf, formatWith, seeded } from './hl7v2-setup.js'

const format = formatWith()
const MSH = 'MSH|^~\\&|APP|FAC|EHR|CLINIC|20260302091500||ADT^A01^ADT_A01|C1|P|2.5.1'
const message = (...lines: string[]) => format.parse(Buffer.from([MSH, ...lines].map(line => `${line}\r`).join('')))
const text = (body: unknown) => format.serialize(body).toString('utf8')
const last = (body: unknown) => text(body).trimEnd().split('\r').at(-1)
const isCarried = (bytes: Buffer) => format.serialize(format.parse(bytes)).equals(bytes)

t.test('what is well formed comes back byte for byte', async t => {
  const big = 'QUJD'.repeat(1_300_000)
  const wellFormed: Record<string, string> = {
    'CR': `${MSH}\rPID|1\r`, 'LF': `${MSH}\nPID|1\n`, 'CR LF': `${MSH}\r\nPID|1\r\n`, 'mixed line breaks': `${MSH}\rEVN|A01\nPID|1\r\nPV1|1`,
    'no last line break': `${MSH}\rPID|1`, 'MSH alone': MSH, 'blank lines at the end': `${MSH}\rPID|1\r\r\r\n\n`, 'blank lines between': `${MSH}\r\rPID|1\n\nPV1|1\r`,
    'a line of spaces': `${MSH}\rPID|1\r   \rPV1|1\r  `, 'blank lines before': `\r\n  ${MSH}\rPID|1\r`, 'a byte order mark': `\uFEFF${MSH}\rPID|1||ü\r`,
    'empty fields at the end': `${MSH}||||\rPID|1||||^^^&&|||~~|\r`, 'Z segments': `${MSH}\rZPD|a^b&c~d\rZ01|x\r`, 'a segment of its name alone': `${MSH}\rPID\rPV1|\r`,
    'five encoding characters': 'MSH|^~\\&#|A|B\rPID|1||x#y\r', 'six encoding characters': 'MSH|^~\\&#!|A|B\rPID|1\r', 'other delimiters': 'MSH$%*@!$A$B\rPID$1$$x%y!z*w$@F@\r',
    'no escape character': 'MSH|^~|A|B\rPID|1||a^b\\c&d~e\r', 'a subcomponent separator and no escape character': 'MSH|^~&|A|B\rPID|1||a&b\r', 'a component separator only': 'MSH|^|A|B\rPID|1||a^b~\\&\r',
    'a doubled escape character': 'MSH|^~\\\\&|A|B\rPID|1||a&b\r', 'escapes of every kind': `${MSH}\rOBX|1|TX|||\\F\\ \\S\\ \\T\\ \\R\\ \\E\\ \\P\\ \\X0D0A\\ \\H\\b\\N\\ \\.br\\ \\.sp3\\ \\Zx\\ \\C2842\\ \\M242A2A\\ lone \\ and \\X..\\\r`,
    'precision as sent': `${MSH}\rPID|01||1||||20260101120000.1234-0500|2026\r`, 'five megabytes in OBX-5': `${MSH}\rOBX|1|ED|||^^^Base64^${big}||||||F\r`,
  }
  for (const [name, content] of Object.entries(wellFormed)) t.ok(isCarried(Buffer.from(content)), name)
  t.ok(isCarried(Buffer.from([...Buffer.from(`${MSH}\rPID|1||`), 0xe9, 0xff, 0x80, 0xc3, 0x0d])), 'bytes that are not valid UTF-8')
})

t.test('any generated message comes back byte for byte, and a change changes that field alone', async t => {
  const below = seeded(20260302)
  const pick = <T>(...choices: readonly T[]): T => choices[below(choices.length)] as T
  let failures = 0
  for (let round = 0; round < 400; round++) {
    const [f, c, r, e, s] = pick('|^~\\&', '#*!%$', '!@+-=', '|^~\\&#') as unknown as readonly [string, string, string, string, string]
    const value = (): string => pick('', 'X', 'abc', 'é', '日本', '""', `${e}F${e}`, `${e}X41${e}`, `${e}Zq${e}`, ' ', c, r, s, `${c}${c}`, `a${s}b`, `${e}`)
    const line = (): string => `${pick('PID', 'OBX', 'ZZ1', 'NTE')}${f}${Array.from({ length: below(12) }, () => value() + value()).join(f)}`
    const end = pick('\r', '\n', '\r\n')
    const lines = [`MSH${f}${c}${r}${e}${s}${f}A${f}B`, ...Array.from({ length: below(8) }, line)]
    const bytes = Buffer.from(lines.join(end) + pick('', end, end + end))
    const body = format.parse(bytes)
    if (!format.serialize(body).equals(bytes)) failures++
    const wanted = `${pick('a', 'é', '\r\nPID|9', f, c, r, e, s, `${e}F${e}`)}|${e}`
    const path = pick('PID-3', 'PID-5.2', 'OBX[2]-5.1.2', 'ZZ1-2[3].2', 'MSH-5', 'NTE-3[2]')
    const fault = faultOf(() => {
      const changed = format.parse(format.serialize(format.write(body, path, wanted)))
      if (format.read(changed, path)[0] !== wanted.replace('\r\n', '\n')) failures++
      const before = format.serialize(body).toString().split(/[\r\n]+/)
      const after = format.serialize(changed).toString().split(/[\r\n]+/)
      if (before.filter((one, at) => one !== after[at]).length > 1 + (before.at(-1) === '' ? 1 : 0)) failures++
    })
    if (fault && fault.kind !== 'required') failures++
  }
  t.equal(failures, 0)
})

t.test('values are read where the path says', async t => {
  const body = message(
    'PID|1||100^^^HOSP&1.2&ISO^MR~200^^^CITY||DOE^JANE^^||19800101|F|""|||  ',
    'OBX|1|ST|A||one', 'OBX|2|ST|B||two^2~three', 'OBX|3|ST|C||O\\T\\R \\.br\\next \\X41\\ \\H\\bold\\N\\ \\Zx\\ 5\\ and 6\\T\\7 \\.sp2\\.',
  )
  const table: Record<string, readonly string[]> = {
    'PID-3': ['100^^^HOSP&1.2&ISO^MR'], 'PID-3[2]': ['200^^^CITY'], 'PID-3[*]': ['100^^^HOSP&1.2&ISO^MR', '200^^^CITY'], 'PID-3.1': ['100'], 'PID-3[2].1': ['200'], 'PID-3[*].1': ['100', '200'],
    'PID-3.4': ['HOSP&1.2&ISO'], 'PID-3.4.1': ['HOSP'], 'PID-3[1].4.2': ['1.2'], 'PID-3[2].4.2': [], 'PID-3[*].4.1': ['HOSP', 'CITY'], 'PID-3[3]': [], 'PID-3.9': [], 'PID-2': [], 'PID-99': [],
    'PID-5': ['DOE^JANE^^'], 'PID-5.2': ['JANE'], 'PID-5.3': [], 'PID-9': ['""'], 'PID-9.1': ['""'], 'PID-12': ['  '], 'PID-8.1.1': ['F'], 'PID[2]-3': [], 'ZZZ-1': [],
    'OBX-5': ['one'], 'OBX[2]-5': ['two^2'], 'OBX[*]-3': ['A', 'B', 'C'], 'OBX[*]-5[*].1': ['one', 'two', 'three', 'O&R \nnext A bold \\Zx\\ 5\\ and 6&7 \n\n.'], 'OBX[4]-5': [],
    'MSH-1': ['|'], 'MSH-2': ['^~\\&'], 'MSH-3': ['APP'], 'MSH-9.2': ['A01'], 'MSH-10': ['C1'],
  }
  for (const [path, values] of Object.entries(table)) t.same(format.read(body, path), values, path)
})

t.test('a path that is none is told what to write', async t => {
  const table: Record<string, string | RegExp> = {
    'PID.3.1': '"PID.3.1" is not how a path is written; write PID-3.1', 'PID-3-1': '"PID-3-1" is not how a path is written; write PID-3.1', 'pid-3': '"pid-3" is not how a path is written; write PID-3',
    'PID3': '"PID3" is not how a path is written; write PID-3', 'PID-3(2).1': '"PID-3(2).1" is not how a path is written; write PID-3[2].1', '/.OBX(3)-5': '"/.OBX(3)-5" is not how a path is written; write OBX[3]-5',
    'PID.F3': '"PID.F3" is not how a path is written; write PID-3', 'PID': '"PID" names a segment and no field; write PID-1, for example', 'PID-0': '"PID-0": fields are counted from 1 (to 999)', 'PID-1000': /counted from 1 \(to 999\)/,
    'PID-3.0': '"PID-3.0": components are counted from 1 (to 999)', 'PID-3[0]': '"PID-3[0]": repetitions are counted from 1 (to 10000)', 'PID-3.1.0': /subcomponents are counted/, 'OBX[0]-5': /the first OBX is OBX\[1\], or just OBX/,
    'MSH-2.1': '"MSH-2.1": MSH-1 and MSH-2 are the delimiters and have no parts; write MSH-2', '': /is not a path; write a segment, a hyphen and a field/, 'Patient.name': /is not a path/, 'PID-3[*].1.2.3': /is not a path/,
  }
  for (const [path, problem] of Object.entries(table)) {
    if (typeof problem === 'string') t.equal(format.checkPath(path), problem)
    else t.match(format.checkPath(path) ?? '', problem)
    t.equal(faultOf(() => format.read(message(), path))?.kind, 'internal', 'and reading it is a fault')
  }
  for (const path of ['PID-3', 'PID-3.1', 'PID-3[2].4.2', 'OBX[3]-5', 'PID-3[*].1', 'OBX[*]-5', 'Z01-1', 'MSH-1']) t.equal(format.checkPath(path), null, path)
})

t.test('a value is written where the path says, and nothing else changes', async t => {
  const pid = 'PID|1||100^^^HOSP&1.2&ISO^MR~200||DOE^JANE'
  const table: readonly (readonly [path: string, value: string | null, after: string])[] = [
    ['PID-3.1', '900', 'PID|1||900^^^HOSP&1.2&ISO^MR~200||DOE^JANE'], ['PID-3[2].4.2', '9.9', 'PID|1||100^^^HOSP&1.2&ISO^MR~200^^^&9.9||DOE^JANE'], ['PID-3', 'X', 'PID|1||X~200||DOE^JANE'],
    ['PID-3[2]', 'X', 'PID|1||100^^^HOSP&1.2&ISO^MR~X||DOE^JANE'], ['PID-3[4]', 'X', 'PID|1||100^^^HOSP&1.2&ISO^MR~200~~X||DOE^JANE'], ['PID-3', null, 'PID|1||||DOE^JANE'], ['PID-3[1]', null, 'PID|1||~200||DOE^JANE'],
    ['PID-3.4', null, 'PID|1||100^^^^MR~200||DOE^JANE'], ['PID-3.4.1', 'CITY', 'PID|1||100^^^CITY&1.2&ISO^MR~200||DOE^JANE'], ['PID-3[*].5', 'PI', 'PID|1||100^^^HOSP&1.2&ISO^PI~200^^^^PI||DOE^JANE'], ['PID-3[*].1', null, 'PID|1||^^^HOSP&1.2&ISO^MR~||DOE^JANE'],
    ['PID-8', 'F', `${pid}|||F`], ['PID-8.2.2', 'F', `${pid}|||^&F`], ['PID-5', 'A^B', 'PID|1||100^^^HOSP&1.2&ISO^MR~200||A\\S\\B'], ['PID-5.2', '""', 'PID|1||100^^^HOSP&1.2&ISO^MR~200||DOE^""'],
    ['PID-30', null, pid], ['PID-5.9', null, pid], ['PID-3[9].2', null, pid], ['PID[2]-3', null, pid], ['ZZZ-1', null, pid], ['ZZZ[*]-1', 'X', pid], ['PID-19[*]', 'X', pid], ['ZRF-2.2', 'X', 'ZRF||^X'], ['PID[2]-1', '2', 'PID|2'],
  ]
  for (const [path, value, after] of table) {
    const before = message(pid)
    t.equal(last(format.write(before, path, value)), after, `${path} = ${value}`)
    t.equal(last(before), pid, 'the body that was there is as it was')
  }
  const ends = format.parse(Buffer.from(`${MSH}\r\nPID|1`))
  t.equal(text(format.write(ends, 'ZRF-1', 'X')), `${MSH}\r\nPID|1\r\nZRF|X`, 'an added segment takes the line breaks of the message and how it ended')
  t.equal(text(format.write(message('OBX|1', 'OBX|2'), 'OBX[*]-14', 'T')), `${MSH}\rOBX|1|||||||||||||T\rOBX|2|||||||||||||T\r`)
  t.match(faultOf(() => format.write(message(pid), 'OBX[3]-5', 'X')), { kind: 'required', reason: /has 0 OBX segments/, location: 'OBX[3]-5' })
  for (const path of ['MSH-1', 'MSH-2']) t.match(faultOf(() => format.write(message(), path, '!')), { kind: 'internal', location: path })
  t.equal(text(format.write(message(), 'MSH-5', 'NEW')), `${MSH.replace('EHR', 'NEW')}\r`)
})

t.test('no value can become structure', async t => {
  const nasty = 'a|b^c~d&e\\f\rg\nh\r\ni\x0bj\x1ck\0l\tm#'
  for (const path of ['PID-3', 'PID-3.1', 'PID-3[2].4.2', 'ZRF-1', 'PID-5[*].1']) {
    const written = format.serialize(format.write(message('PID|1||x||y'), path, nasty))
    t.equal(written.toString().split(/[\r\n]/).length, path === 'ZRF-1' ? 4 : 3, `${path} adds no line`)
    t.same(format.read(format.parse(written), path), ['a|b^c~d&e\\f\rg\nh\ni\x0bj\x1ck\0l\tm#'], 'and reads the same')
  }
  t.equal(last(format.write(message('PID|1'), 'PID-2', nasty)), 'PID|1|a\\F\\b\\S\\c\\R\\d\\T\\e\\E\\f\\X0D\\g\\.br\\h\\.br\\i\\X0B\\j\\X1C\\k\\X00\\l\tm#')
  const truncating = format.parse(Buffer.from('MSH|^~\\&#|A\rPID|1\r'))
  t.match(text(format.write(truncating, 'PID-2', '#')), /PID\|1\|\\P\\\r/)
  const bare = format.parse(Buffer.from('MSH|^~|A\rPID|1\r'))
  t.match(faultOf(() => format.write(bare, 'PID-2', 'a^b')), { kind: 'value', reason: /no escape character/ })
  t.match(faultOf(() => format.write(bare, 'PID-2.1.2', 'b')), { kind: 'value', reason: /no delimiter/ })
  t.match(text(format.write(bare, 'PID-2', 'a&b')), /PID\|1\|a&b\r/)
  t.same(format.read(format.parse(Buffer.from('MSH|^~&|A\rPID|1||a&b\r')), 'PID-3.1.2'), ['b'], 'of three encoding characters & divides subcomponents')
})

t.test('each character set is carried, read, written and converted', async t => {
  const inSet = (name: string, encoding: string, value: string) => {
    const bytes = iconv.encode(`${MSH}||||||${name}\rPID|1||${value}^second|next~${value}\r`, encoding)
    const body = format.parse(bytes)
    t.ok(format.serialize(body).equals(bytes), `${name}: carried`)
    t.same([format.read(body, 'PID-3.1')[0], format.read(body, 'PID-3.2')[0], format.read(body, 'PID-4[2]')[0]], [value, 'second', value], `${name}: read`)
    t.equal(iconv.decode(format.serialize(format.write(body, 'PID-5', value)), encoding).split('|').at(-1), `${value}\r`, `${name}: written`)
    const converted = format.serialize(format.write(body, 'MSH-18', 'UNICODE UTF-8')).toString('utf8')
    t.ok(converted.includes(`PID|1||${value}^second|next~${value}\r`) && converted.includes('UNICODE UTF-8'), `${name}: converted`)
  }
  const sets: readonly (readonly [string, string, string])[] = [
    ['UNICODE UTF-8', 'utf8', 'Zoë 日本'], ['', 'utf8', 'Zoë'], ['UTF-8', 'utf8', 'ł'], ['8859/1', 'iso-8859-1', 'Müller'], ['8859/2', 'iso-8859-2', 'Łódź'], ['8859/5', 'iso-8859-5', 'Иван'], ['8859/7', 'iso-8859-7', 'Νίκος'], ['8859/8', 'iso-8859-8', 'דוד'],
    ['8859/9', 'iso-8859-9', 'Gülşen'], ['8859/15', 'iso-8859-15', '€uro'], ['windows-1252', 'windows-1252', 'O’Neil'], ['BIG-5', 'big5', '許功尚奉居坼'], ['GB 18030-2000', 'gb18030', '𠀀亅乛亊乗'], ['KS X 1001', 'cp949', '김철수'], ['SHIFT_JIS', 'shift_jis', '表ポタミｱ'],
  ]
  for (const [name, encoding, value] of sets) inSet(name, encoding, value)
  for (const delimiter of '|^~\\') t.ok(iconv.encode('尚奉居坼', 'big5').includes(delimiter), 'bytes of these characters are delimiters')

  const japanese = Buffer.from(`${MSH}||||||~ISO IR87\rPID|1||\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(J^x|y\x1b(B|\x1b$B#|\x1b(B|\x1b$B;3\rPV1|1\r`, 'latin1')
  const body = format.parse(japanese)
  t.ok(format.serialize(body).equals(japanese), 'ISO IR87 is carried, with escape sequences of either kind')
  t.same(['PID-3.1', 'PID-3.2', 'PID-3.3', 'PID-6', 'PV1-1'].map(path => format.read(body, path)[0]), ['山田', '太郎', 'x', '山', '1'])
  t.match(format.serialize(format.write(body, 'PID-7', '山|田')).toString('latin1'), /\|\x1b\$B;3\x1b\(B\\F\\\x1b\$BED\x1b\(B\r/)

  for (const order of ['utf-16le', 'utf-16be'] as const) {
    const wide = iconv.encode(`${MSH}||||||UNICODE UTF-16\rPID|1||Zoë^日\r`, order, { addBOM: true })
    t.same(format.readHeader(wide), { controlId: 'C1', type: 'ADT^A01' })
    t.ok(format.serialize(format.parse(wide)).equals(wide), `${order} is carried`)
    t.same(iconv.decode(format.serialize(format.write(format.parse(wide), 'PID-4', '月')), order).split('|').at(-1), '月\r')
    t.equal(faultOf(() => format.readHeader(wide.subarray(0, wide.length - 1)))?.kind, 'unreadable', 'half a character is missing')
  }
})

t.test('what a character set cannot hold is refused, and what is not valid is kept', async t => {
  const latin = format.parse(Buffer.from(`${MSH}||||||8859/1\rPID|1||M\xfcller|\r`, 'latin1'))
  t.match(faultOf(() => format.write(latin, 'PID-5', 'Łódź')), { kind: 'value', location: 'PID-5', reason: /8859\/1 \(MSH-18\) cannot write; set MSH-18 to UNICODE UTF-8 first/ })
  t.match(text(format.write(format.write(latin, 'MSH-18', 'UNICODE UTF-8'), 'PID-5', 'Łódź')), /Müller\|\|Łódź\r/)
  t.match(faultOf(() => format.write(latin, 'MSH-18', 'ASCII')), { kind: 'value', location: 'MSH-18' })
  const damaged = format.parse(Buffer.concat([Buffer.from(`${MSH}||||||BIG-5\rPID|1||`), Buffer.from([0xff, 0x7c, 0x0d])]))
  t.match(faultOf(() => format.write(damaged, 'MSH-18', 'UNICODE UTF-8')), { kind: 'value', location: 'MSH-18', reason: /not valid BIG-5/ })
  t.match(faultOf(() => format.write(latin, 'MSH-18', 'KLINGON')), { kind: 'value', location: 'MSH-18', reason: /known only/ })
  const mislabelled = Buffer.from(`${MSH}||||||UNICODE UTF-8\rPID|1||M\xfcller\r`, 'latin1')
  t.same(format.read(format.parse(mislabelled), 'PID-3'), ['Müller'], 'bytes that are no UTF-8 are read as windows-1252')
  t.ok(format.serialize(format.write(format.parse(mislabelled), 'PID-5', 'x')).includes(Buffer.from([0x4d, 0xfc, 0x6c])), 'and are as they were beside a change')
  const unknown = format.parse(Buffer.from(`${MSH}||||||ISO IR 999\rPID|1||Zoë\r`))
  t.same(format.read(unknown, 'PID-3'), ['Zoë'])
  t.match(faultOf(() => format.write(unknown, 'PID-4', 'ë')), { kind: 'value', reason: /ISO IR 999/ })
  const cyrillic = formatWith({ charset: '8859/5' })
  t.same(cyrillic.read(cyrillic.parse(iconv.encode(`${MSH}\rPID|1||Иван\r`, 'iso-8859-5')), 'PID-3'), ['Иван'], 'the setting holds where MSH-18 is empty')
  const overriding = formatWith({ charset: 'windows-1252', overrideCharset: true })
  t.same(overriding.read(overriding.parse(mislabelled), 'PID-3'), ['Müller'], 'and everywhere, if it says so')
  t.same(format.read(message('PID|1||\\XC3A9\\ \\XC3\\\\XA9\\ \\X4\\'), 'PID-3'), ['é é \\X4\\'], 'hexadecimal data are bytes of the character set')
  t.throws(() => formatWith({ charset: 'KLINGON' }), /charset: "KLINGON" is not known; write a name of HL7 table 0211/)
  t.ok(examplesWork(hl7v2))
})

t.test('the header is read from bytes, and what has none says why', async t => {
  const header = (content: string | Buffer) => format.readHeader(Buffer.from(content))
  t.same(header(`\uFEFF \r\n${MSH}\rjunk that is no segment`), { controlId: 'C1', type: 'ADT^A01' })
  t.same(header('MSH|^~\\&|||||||ACK||P|2.3'), { controlId: null, type: 'ACK' })
  t.same(header('MSH|^~\\&|||||||ADT^^ADT_A04|a\\T\\b'), { controlId: 'a&b', type: 'ADT^A04' })
  t.same(header('MSH|^~\\&|||||||^^ORU_R01~x|1'), { controlId: '1', type: 'ORU^R01' })
  t.throws(() => header('MSH|^~\\&|A'), /MSH-9: the message type is missing/, 'a header cut short before it says what it is')
  const table: readonly (readonly [string, RegExp])[] = [
    ['', /empty \(0 bytes\)/], ['hello', /does not begin with an MSH/], ['PID|1', /does not begin with an MSH/], ['msh|^~\\&|', /does not begin with an MSH/], ['MSH', /too short/], ['MSH|\r', /too short/], ['MSH||A|B|C', /MSH-2 is missing/],
    ['MSH|HOSP|A|B', /usually \^~\\&, and holds something else/], ['MSHXAXBX', /field separator/], [`${MSH}\r\x0bMSH|`, /start-of-block character \(VT, 0x0B\) inside the message, at byte/], [`${MSH}\x1c\r`, /end-of-block character/], [`${MSH}\0`, /NUL/], ['FHS|^~\\&|A', /begins with FHS: this is a batch/],
  ]
  for (const [content, reason] of table) {
    t.match(faultOf(() => header(content)), { kind: 'unreadable', reason }, JSON.stringify(content.slice(0, 20)))
    t.match(faultOf(() => format.parse(Buffer.from(content))), { kind: 'unreadable', reason }, 'and is not parsed')
  }
})

t.test('limits are kept, and say which setting raises them', async t => {
  const strict = formatWith({ size: 200, segments: 3, fields: 30, repetitions: 5 })
  const of = (...lines: string[]) => Buffer.from([MSH, ...lines].join('\r'))
  t.match(faultOf(() => strict.readHeader(Buffer.alloc(201, 'x'))), { kind: 'unreadable', reason: /201 bytes long, and at most 200 are taken; the setting is `size`/ })
  t.match(faultOf(() => strict.parse(of('A01', 'A02', 'A03'))), { kind: 'unreadable', reason: /more than 3 segments.*`segments`/ })
  t.match(faultOf(() => strict.read(strict.parse(of(`PID${'|'.repeat(40)}`)), 'PID-3')), { kind: 'unreadable', reason: /more than 30 fields.*`fields`/, location: 'PID' })
  t.match(faultOf(() => strict.read(strict.parse(of('PID|1||~~~~~~')), 'PID-3[*]')), { kind: 'unreadable', reason: /more than 5 times.*`repetitions`/ })
  t.match(faultOf(() => message('no segment')), { kind: 'unreadable', reason: /line 2 is no segment.*strayLines: keep/ })
  t.match(faultOf(() => message('pid|1')), { kind: 'unreadable', reason: /line 2 is no segment/ })
  t.match(faultOf(() => message(MSH)), { kind: 'unreadable', reason: /second MSH/ })
  const kept = formatWith({ strayLines: 'keep' })
  const stray = Buffer.from(`${MSH}\rOBX|1|TX|||one\ntwo | three\nOBX|2\r`)
  t.ok(kept.serialize(kept.write(kept.parse(stray), 'OBX[2]-1', '2')).equals(stray), 'stray lines are carried where the channel says so')
  t.same(format.read(message('OBX|1|TX|||a\\.sp100\\b'), 'OBX-5'), ['a\\.sp100\\b'], 'an escape sequence cannot fill the memory')
})

t.test('a message is split into its parts, each with what they have in common', async t => {
  const parts = (by: string, ...lines: string[]) => format.split(message(...lines), by).map(part => text(part).trimEnd().split('\r').slice(1).join(' '))
  t.same(parts('OBR', 'PID|1', 'PV1|1', 'ORC|a', 'OBR|1', 'NTE|n', 'OBX|1', 'ORC|b', 'TQ1|t', 'OBR|2', 'OBX|2', 'DSC|z'), ['PID|1 PV1|1 ORC|a OBR|1 NTE|n OBX|1', 'PID|1 PV1|1 ORC|b TQ1|t OBR|2 OBX|2 DSC|z'])
  t.same(parts('OBR', 'PID|1', 'OBR|1', 'OBX|1', 'OBR|2', 'OBX|2'), ['PID|1 OBR|1 OBX|1', 'PID|1 OBR|2 OBX|2'])
  t.same(parts('OBR', 'PID|1', 'PV1|1', 'OBR|1', 'OBX|1', 'PID|2', 'OBR|2', 'OBX|2'), ['PID|1 PV1|1 OBR|1 OBX|1', 'PID|2 OBR|2 OBX|2'], 'no result goes to another patient')
  t.same(parts('OBX', 'PID|1', 'OBR|1', 'OBX|1', 'NTE|n', 'OBX|2', 'OBR|2', 'OBX|3'), ['PID|1 OBR|1 OBX|1 NTE|n', 'PID|1 OBR|1 OBX|2', 'PID|1 OBR|2 OBX|3'])
  t.same(parts('OBX', 'PID|1', 'OBR|1', 'OBR|2', 'OBX|3', 'PID|2', 'PV1|x'), ['PID|1 OBR|1', 'PID|1 OBR|2 OBX|3', 'PID|2 PV1|x'], 'nothing is lost')
  t.same(parts('OBR', 'PID|1', 'ORC|a', 'RXO|x', 'ORC|b', 'OBR|2'), ['PID|1 ORC|a RXO|x', 'PID|1 ORC|b OBR|2'])
  t.same(parts('DG1', 'PID|1', 'DG1|1', 'DG1|2'), ['PID|1 DG1|1', 'PID|1 DG1|2'])
  t.same(parts('OBR', 'PID|1', 'ORC|a'), ['PID|1 ORC|a'])
  t.match(faultOf(() => format.split(message(), 'obr')), { kind: 'internal', reason: /"obr" is no segment/ })
})

t.test('order keys name everyone whom a message concerns', async t => {
  const keys = (path: string, ...lines: string[]) => format.orderKeys(message(...lines), path)
  t.same(keys('PID-3.1', 'PID|1||100^^^A~101'), ['100'])
  t.same(keys('PID-3.1', 'PID|1||100', 'MRG|200^^^A~201||300'), ['100', '200', '201'], 'a merge')
  t.same(keys('PID-3.1', 'PID|1||100', 'MRG|100', 'PID|2||101', 'MRG|200'), ['100', '101', '200'], 'each once')
  t.same(keys('PID-3.1', 'PID|1||100', 'PID|2||101'), ['100', '101'], 'a link')
  t.same(keys('PID-18.1', 'PID|1||100|||||||||||||||ACC1', 'MRG|200||ACC2'), ['ACC1', 'ACC2'], 'accounts')
  t.same(keys('ORC-2', 'ORC|RE|P1', 'ORC|RE|P2'), ['P1'])
  t.same(keys('PID-3.1', 'PID|1'), [])
})

t.test('the mapping engine sees segments, and builds messages that no value can break', async t => {
  const [msh, pid, , second] = segments(message('PID|1||100^^^HOSP&1.2&ISO~""||M\\T\\M', 'OBX|1', 'OBX|2|ST'))
  t.same([msh?.repetitions(1)[0]?.text, msh?.repetitions(2)[0]?.text, msh?.repetitions(9)[0]?.component(2)], ['|', '^~\\&', 'A01'])
  t.same([second?.name, second?.index, second?.repetitions(2)[0]?.text], ['OBX', 2, 'ST'])
  const [first, nothing] = pid?.repetitions(3) ?? []
  t.same([first?.text, first?.components, first?.component(1), first?.component(4), first?.subcomponent(4, 2), first?.component(9)], ['100^^^HOSP&1.2&ISO', 4, '100', 'HOSP', '1.2', ''])
  t.same([first?.isNull, nothing?.isNull, pid?.repetitions(2), pid?.repetitions(99), pid?.repetitions(5)[0]?.text], [false, true, [], [], 'M&M'])
  t.throws(() => segments({}), /not the body of an hl7v2 message/)

  const built = buildMessage([
    { name: 'MSH', fields: ['', '', 'A|B', '', '', '', '', '', ['REF', 'I12', 'REF_I12'], 'C1', 'P', '2.5.1', '', '', '', '', '', '8859/1'] },
    { name: 'PID', fields: ['1', '', { repetitions: [['100', '', '', ['HO&SP', '1.2']], '200', ''] }, '', ['DÖE\rOBX|1', ''], '', ''] },
  ])
  t.equal(format.serialize(built).toString('latin1'), 'MSH|^~\\&|A\\F\\B||||||REF^I12^REF_I12|C1|P|2.5.1||||||8859/1\rPID|1||100^^^HO\\T\\SP&1.2~200||DÖE\\X0D\\OBX\\F\\1\r')
  t.same(format.read(built, 'PID-5'), ['DÖE\rOBX|1'])
  t.equal(faultOf(() => buildMessage([{ name: 'PID', fields: [] }]))?.kind, 'internal')
  t.match(faultOf(() => buildMessage([{ name: 'MSH', fields: ['', '', '日', ...Array.from({ length: 14 }, () => ''), '8859/1'] }])), { kind: 'value', location: 'MSH-3' })
})
