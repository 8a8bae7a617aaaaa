/** The table format: rows of CSV and of fixed width as messages, profiles and their lint, and the error file of what is refused. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Bundle } from 'fhir/r4.js'
import t from 'tap'
import type { Message } from '../../../engine/contracts.js'
import { MessageFault } from '../../../engine/errors.js'
import tableDefinition from '../../../engine/formats/table/index.js'
import rowToFhir from '../../../transforms/row-to-fhir/index.js'
import { all, fhir, one, RECEIVED, told, tools, withFiles } from '../v2-to-fhir/kit.js'

const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../../../../fixtures/table', name))
const csv = tableDefinition.create({ with: 'payer/example' }, tools)
const fixed = tableDefinition.create({ with: 'payer/example-fixed' }, tools)
const any = tableDefinition.create({}, tools)

/** What a channel does with a list: the rows that are taken, and the error file. */
const taken = (format: typeof csv, bytes: Buffer): { readonly headers: readonly unknown[]; readonly errors: string } => {
  const refusals: Buffer[] = []
  const parts = separated(format, bytes)
  const headers = (parts ?? [bytes]).flatMap((row) => {
    try {
      return [format.readHeader(row)]
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
      const refusal = format.acknowledge(row, 'done', 'rejected', error.fault)
      if (refusal) refusals.push(refusal)
      return []
    }
  })
  return { headers, errors: parts ? format.assemble(bytes, refusals).toString() : String(refusals[0] ?? '') }
}
/** The engine takes what cannot be taken apart as one message. */
const separated = (format: typeof csv, bytes: Buffer): readonly Buffer[] | null => {
  try {
    return format.separate(bytes)
  } catch (error) {
    if (error instanceof MessageFault) return null
    throw error
  }
}
const bundleOf = (format: typeof csv, profile: string, bytes: Buffer): Bundle => {
  const message: Message = { id: 1, channel: 'lists', receivedAt: RECEIVED, header: format.readHeader(bytes), format: 'table', body: format.parse(bytes) }
  const result = rowToFhir.create({ with: profile }, tools)(message)
  if (!Array.isArray(result) || !result[0]) throw new Error('the step makes one message')
  return (result[0] as Message).body as Bundle
}

t.test('each row is a message, and what is refused is told with its line, column and reason', async (t) => {
  const { headers, errors } = taken(csv, fixture('list-errors.csv'))
  t.same(headers, [{ controlId: 'GL-1001 99244', type: 'referral-list' }, { controlId: 'GL-1002 99243', type: 'referral-list' }])
  const rows = errors.split('\r\n')
  t.equal(rows[0], 'line,column,reason,row')
  t.match(rows[1], /^3,DOB,is not a date of the form MM\/DD\/YYYY,"GL-1003,/)
  t.match(rows[2], /^6,Member ID,"is empty, and the profile requires it","GL-1004,/)
  t.equal(rows.length, 4, 'and nothing else')
  t.same(taken(fixed, fixture('list-fixed.txt')).headers, [{ controlId: 'GL-2001', type: 'referral-list' }, { controlId: 'GL-2002', type: 'referral-list' }], 'header and trailer lines are no rows')
  const fixedErrors = taken(fixed, Buffer.from(fixture('list-fixed.txt').toString().replace('20150704', '20151304'))).errors
  t.match(fixedErrors, /\r\n3,DOB,is not a date of the form YYYYMMDD,DGL-2002 /)
})

t.test('a list without a column that is required, or with rows that do not fit its header, says so', async (t) => {
  const list = fixture('list-row.csv').toString()
  t.match(taken(csv, Buffer.from(list.replace('Member ID', 'Card'))).errors, /\r\n1,Member ID,"the header does not have this column/)
  t.same(taken(csv, Buffer.from(list.replace('Member ID', 'SUBSCRIBER_ID'))).headers.length, 1, 'another name for it, in any case')
  t.match(taken(csv, Buffer.from(list.replace(',NEW', ''))).errors, /the row has 32 cells, and the header 33/)
  t.match(taken(csv, Buffer.from(list.replace('"Atrial', '"Atrial" x "'))).errors, /text behind its closing quote/)
  t.match(taken(csv, Buffer.from(`${list}GL-9,"never closed`)).errors, /opens a quote that is never closed/)
  t.match(taken(csv, Buffer.from(list.replace('Urgent', 'Sometime'))).errors, /2,Priority,is not a code of codes\/payer-priority.yaml/)
  t.match(taken(csv, Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(list, 'utf16le')])).errors, /save it as CSV in UTF-8/)
  t.throws(() => csv.readHeader(Buffer.from(list.split('\r\n')[0] ?? '')), /no rows/)
})

t.test('any CSV is read by its header, with quotes, line breaks in cells, other delimiters and other character sets', async (t) => {
  const list = Buffer.from('\u{FEFF}id;Name;Note\r\n1;"Zo\u00EB; ""Z""";"two\r\nlines"\r\n\r\n2;M\u00FCller;\n')
  const semicolons = tableDefinition.create({ delimiter: ';' }, tools)
  const rows = (semicolons.separate(list) ?? []).map((row) => semicolons.parse(row))
  t.same(rows.map((row) => ['id', 'NAME', 'Note'].map((name) => semicolons.read(row, name)[0])), [['1', 'Zoë; "Z"', 'two\r\nlines'], ['2', 'Müller', undefined]])
  const latin = Buffer.from('id,Name\n1,M\u00FCller\n', 'latin1')
  t.same(any.read(any.parse(latin), 'Name'), ['Müller'])
  t.ok(any.serialize(any.parse(latin)).equals(latin))
})

t.test('a row becomes a referral, with the column that every value came from', async (t) => {
  const bundle = bundleOf(csv, 'payer/example', fixture('list-row.csv'))
  t.match(one(bundle, 'ServiceRequest'), {
    status: 'active', intent: 'order', priority: 'urgent', authoredOn: '2026-03-02', occurrencePeriod: { start: '2026-03-02', end: '2026-06-01' }, identifier: [{ value: 'GL-1001', type: { coding: [{ code: 'PLAC' }] } }],
    code: { coding: [{ code: '99244' }] }, reasonCode: [{ coding: [{ code: 'I48.91' }] }, { text: 'Atrial fibrillation, new' }], quantityQuantity: { value: 4, unit: 'visits' }, note: [{ text: 'Palpitations for 3 weeks. Says "heart races".' }],
  })
  t.match(one(bundle, 'Patient'), { birthDate: '1961-06-15', gender: 'male', name: [{ family: 'QUILLFEATHER', given: ['OTTO'] }], address: [{ line: ['2222 Home St'], city: 'Madison', state: 'WI', postalCode: '53711' }], telecom: [{ system: 'phone' }] })
  t.match(one(bundle, 'Coverage'), { subscriberId: 'GLH551920034', class: [{ value: 'GRP8812', type: { coding: [{ code: 'group' }] } }] })
  t.match(one(bundle, 'ClaimResponse'), { preAuthRef: 'GLA990127', preAuthPeriod: { end: '2026-06-01' } })
  t.equal(all(bundle, 'PractitionerRole').length, 2)
  t.match(all(bundle, 'Organization').map(({ name }) => name), ['Great Lakes Health Plan', 'Lakeside Family Medicine', 'Heart Center'])
  const sources = told(bundle)
  for (const [path, origin] of [['birthDate', 'DOB'], ['subscriberId', 'Member_ID'], ['priority', 'Priority'], ['preAuthRef', 'Authorization_Number']]) t.ok(sources.some((each) => each.path === path && each.origin === origin), `${path} from ${origin}`)
  const [row = Buffer.alloc(0)] = fixed.separate(fixture('list-fixed.txt')) ?? []
  t.match(one(bundleOf(fixed, 'payer/example-fixed', row), 'Patient'), { name: [{ family: 'QUILLFEATHER', given: ['OTTO'] }], birthDate: '1961-06-15' })
  t.ok(fhir.serialize(bundle))
})

t.test('a mistake in a profile names its place, what is allowed and the nearest word', async (t) => {
  const profile = (columns: string, above = ''): ReturnType<typeof withFiles> => withFiles({ 'payer/own': `${above}columns:\n  Name: { to: "patient name[*].family" }\n${columns}` })
  const mistake = (columns: string, above?: string): string => {
    try {
      rowToFhir.create({ with: 'payer/own' }, profile(columns, above))
      return ''
    } catch (error) {
      return String(error)
    }
  }
  t.equal(mistake('  X: { also: [Y] }\n'), '')
  t.match(mistake('  DOB: { to: "pateint birthDate", date: MM/DD/YYYY }\n'), /mappings\/payer\/own\.yaml:3:14: "pateint birthDate" does not begin with a resource.*did you mean "patient"/)
  t.match(mistake('  DOB: { to: "patient birthdate", date: MM/DD/YYYY }\n'), /:3:14: .*did you mean "birthDate"/)
  t.match(mistake('  DOB: { to: "patient birthDate" }\n'), /does not say how its dates are written/)
  t.match(mistake('  DOB: { to: "patient birthDate", date: soon }\n'), /:3:\d+: "soon" is not how a date is written/)
  t.match(mistake('  Sex: { to: "patient gender" }\n'), /add `table:`/)
  t.match(mistake('  X: { too: "patient gender" }\n'), /mappings\/payer\/own\.yaml:3:.*too/)
  t.match(mistake('  X: { also: [NAME] }\n'), /"NAME" is a name of the column "Name" already/)
  t.match(mistake('  X: { also: [Y] }\n', 'layout: fixed\n'), /needs its place/)
  t.match(mistake('  X: { also: [Y] }\n', 'id: [Number]\n'), /there is no column "Number"; there are Name, X/)
})

t.test('damage of any kind is a fault or is read, in bounded time', async (t) => {
  let seed = 20260303
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff
    return seed % below
  }
  const words = ['"', '""', ',', '\r\n', '\n', ';', '\0', '\u{FEFF}', '\t'].map((word) => Buffer.from(word))
  let read = 0
  for (let round = 0; round < 2000; round++) {
    const [format, source] = [[csv, fixture('list-errors.csv')], [fixed, fixture('list-fixed.txt')], [any, fixture('list-row.csv')]][round % 3] as [typeof csv, Buffer]
    let bytes = source
    for (let change = random(4); change >= 0; change--) {
      const at = random(bytes.length + 1)
      const to = Math.min(bytes.length, at + random(40))
      bytes = [Buffer.concat([bytes.subarray(0, at), words[random(words.length)] ?? source, bytes.subarray(at)]), Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]), bytes.subarray(0, at)][random(3)] ?? bytes
    }
    try {
      read += taken(format, bytes).headers.length
      for (const row of format.separate(bytes) ?? []) if (!format.serialize(format.parse(row)).equals(row)) t.fail(`round ${round}: not written back`)
    } catch (error) {
      if (!(error instanceof MessageFault)) t.fail(`round ${round}: ${String(error)}`)
    }
  }
  t.ok(read > 300, `${read} rows were read`)
  const breaks = Buffer.from(`a,b\n"${'\n'.repeat(2_000_000)}`)
  t.throws(() => any.separate(breaks), /never closed/, 'a quote that is never closed is found out early')
})
