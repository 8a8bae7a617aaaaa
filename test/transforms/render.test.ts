/** Letters: every one renders its example, says its reference number, keeps quiet about the patient unless told otherwise, and cannot be broken by what it is given. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import type { Message, Tools } from '../../engine/contracts.js'
import { MessageFault } from '../../engine/errors.js'
import { attachmentsOf, type Mail } from '../../engine/formats/mime/mail.js'
import { openMappings } from '../../engine/mappings.js'
import { readStatusLink, signingKey } from '../../engine/web/signed.js'
import { LIFE_CYCLE } from '../../referrals/life-cycle.js'
import render from '../../transforms/render/index.js'
import { winAnsi } from '../../transforms/render/win-ansi.js'
import { written } from '../../transforms/render/written.js'
import { ALL, changed, LETTERS, letters, mailOf, mime, notice, pagesOf, pdfOf, type Resource, say, type Settings, tools, WHO } from './letters.js'
import { fixture, ROOT } from './tools.js'

t.test('every letter renders the notice that it names, in each of its languages and forms, and the same each time', async (t) => {
  t.ok(letters.length >= 15)
  for (const { name, language } of letters) {
    const file = parseYaml(readFileSync(join(LETTERS, name, `${language}.yaml`), 'utf8')) as { example: string }
    const message = changed(fixture(file.example), (resources) => {
      resources('Communication').language = language
    })
    for (const disclose of ['all', 'nothing'] as const) {
      const settings: Partial<Settings> = { ...WHO, letter: name, as: ['text', 'html', 'pdf'], disclose }
      const mail = await mailOf(message, settings)
      t.ok((await mailOf(message, settings)).raw.equals(mail.raw), `${name} ${language} ${disclose}: the same bytes again`)
      t.equal(say(mail, 'Content-Language'), language)
      for (const part of [say(mail, 'Subject'), say(mail, 'text'), say(mail, 'html'), say(mail, 'X-Refero-Reference'), ...pagesOf(pdfOf(mail))]) {
        t.match(part, 'R-7K3M-9QX4', `${name} ${language} ${disclose} says its number`)
        t.notMatch(part, /[{}[\]]|undefined|null/, 'and nothing is left open')
      }
      t.match(say(mail, 'text'), disclose === 'all' ? /Quillfeather|R-8FGH/ : /privacy|privacidad/)
      t.ok(say(mail, 'text').split('\n').every((line) => line.length <= 76), 'in short lines')
    }
  }
})

t.test('with `disclose: nothing` nothing of the patient is anywhere in the bytes, whatever the notice holds', async (t) => {
  const CODES = /^(urn:|http|official|maiden|phone|email|home|female|text|true|final|R-)/
  for (const { name } of letters) {
    const message = notice(name)
    const private_ = new Set<string>()
    const collect = (value: unknown): void => {
      if (typeof value === 'string' && value.length > 2 && !CODES.test(value)) private_.add(value)
      else if (Array.isArray(value)) value.forEach(collect)
      else if (value && typeof value === 'object') for (const [key, child] of Object.entries(value)) if (!/^(system|use|url|resourceType|reference|status|id|code|type|valueCode|contentType)$/.test(key) || typeof child === 'object') collect(child)
    }
    const bundle = JSON.parse(tools.format('fhir').serialize(message.body).toString()) as { entry: { resource: Resource }[] }
    for (const { resource } of bundle.entry) {
      if (/^(Patient|Condition|Coverage|Appointment|DocumentReference|Binary|Observation)$/.test(resource.resourceType)) collect(resource)
      if (resource.resourceType === 'Communication') collect(resource.payload)
      if (resource.resourceType === 'ServiceRequest') collect([resource.reasonCode, resource.note, resource.code, resource.performer, (resource.identifier as Resource[]).filter((one) => !String(one.value).startsWith('R-'))])
      if (resource.resourceType === 'Task') collect(resource.businessStatus)
    }
    t.ok(['Quillfeather', 'Odalys', '1961-04-09', 'Willowmere', 'MRN-40077', 'Granite Mutual Health Plan'].every((one) => private_.has(one)), 'what is looked for is in the notice')
    for (const word of ['Quillfeather', 'I48', 'E11.9', '1961', 'April', 'Larkspur', 'Anand Rao', 'scheduled']) private_.add(word)
    const mail = await mailOf(message, { ...WHO, as: ['text', 'html', 'pdf'] })
    const pdf = pdfOf(mail)
    t.same(attachmentsOf(mail).length, 1, 'only the letter itself')
    const everything = [mail.raw.toString(), say(mail, 'Subject'), say(mail, 'text'), say(mail, 'html'), pdf.toString('latin1'), ...pagesOf(pdf)].join('\n').toLowerCase()
    for (const word of private_) t.notOk(everything.includes(word.toLowerCase()), `${name}: ${word.slice(0, 40)}`)
    t.match(everything, /\(555\) 555-0100/, 'whom to call is')
  }
  t.equal((render.settings as Resource).properties.disclose.default, 'nothing')
})

t.test('a mail goes to the referrer, answers the mail that it is about, and is the same mail when it is sent again', async (t) => {
  const mail = await mailOf(notice('acknowledgement'))
  t.equal(say(mail, 'To'), 'Ines Bell <ines.bell@meadow.example>')
  t.equal(say(mail, 'From.address'), 'referrals@heart.example')
  t.equal(say(mail, 'In-Reply-To'), '<20260302091500.4711@meadow.example>')
  t.equal(say(mail, 'References'), '<20260302091500.4711@meadow.example>')
  t.equal(say(mail, 'Auto-Submitted'), 'auto-generated')
  t.match(say(mail, 'Date'), '02 Mar 2026 14:20:00 +0000')
  t.match(say(mail, 'Message-ID'), /^<[0-9a-f]{32}@heart\.example>$/)
  const id = async (message: Message, letter: string): Promise<string> => say(await mailOf(message, { ...WHO, letter }), 'Message-ID')
  const ids = [await id(notice('acknowledgement'), 'acknowledgement'), await id(notice('acknowledgement'), 'status'), await id({ ...notice('acknowledgement'), id: 8 }, 'acknowledgement')]
  t.equal(new Set(ids).size, 3)
  t.equal(await id(notice('acknowledgement'), 'acknowledgement'), ids[0])
  const email = (value: unknown): Message => changed(notice('status'), (resources) => {
    resources('PractitionerRole').telecom = [{ system: 'email', value }]
  })
  t.equal(say(await mailOf(email('x@y.example\r\nBcc: thief@evil.example')), 'To'), '', 'what is no address is none')
  t.equal(say(await mailOf(email('a@b.example, c@d.example')), 'To'), '')
  t.equal(say(await mailOf(email('none')), 'To'), '')
  t.equal(say(await mailOf(email('none'), { ...ALL, to: 'desk@heart.example' }), 'To'), 'desk@heart.example')
  t.equal(say(await mailOf(notice('digest')), 'In-Reply-To'), '')
  const direct = { extension: [{ url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-direct', valueBoolean: true }], system: 'email', value: 'bell@direct.meadow.example' }
  const ways = async (...points: Resource[]): Promise<string> => say(await mailOf(changed(notice('status'), (resources) => {
    resources('PractitionerRole').telecom = points
  })), 'To.address')
  const [plain, fax] = [{ system: 'email', value: 'ines.bell@meadow.example' }, { system: 'fax', value: '555-555-0142' }]
  const phone = { system: 'phone', value: '555-555-0143' }
  t.equal(await ways(phone, direct, plain), 'ines.bell@meadow.example', 'a Direct address is no address for ordinary mail')
  t.equal(await ways(phone, direct), '')
  t.equal(await ways(fax, plain), '+15555550142@fax.invalid', 'a letter that is to be faxed by hand says to which number, also where there is an address')
  t.equal(await ways(direct, plain), 'bell@direct.meadow.example', 'unless it is the way that the desk chose')
})

t.test('what is enclosed is attached to the byte, under a name that a file may have', async (t) => {
  const mail = await mailOf(notice('outcome'), { ...ALL, as: ['text', 'pdf'] })
  t.same(attachmentsOf(mail).map(({ filename, type }) => [filename, type]), [['outcome-R-7K3M-9QX4.pdf', 'application/pdf'], ['Consultation note.pdf', 'application/pdf'], ['Consultation note (C-CDA).xml', 'text/xml']])
  t.match(say(mail, 'attachment[2].text'), /^<ClinicalDocument/)
  t.match(say(mail, 'text'), /- Consultation note \(C-CDA\)/)
  t.match(say(mail, 'text'), 'confirmed.\nRate control', 'the lines of a note stay lines')
  const lost = changed(notice('outcome'), (resources) => {
    resources('DocumentReference').content[0].attachment = { contentType: 'application/pdf', url: 'https://elsewhere.example/x.pdf' }
  })
  await t.rejects(mailOf(lost), /a document to enclose is not in the notice/)
  const named = changed(notice('outcome'), (resources) => {
    resources('DocumentReference').content[0].attachment.title = '../../etc/"x"\r\nBcc: a@b.example'
  })
  t.equal(say(await mailOf(named), 'attachment[0].filename'), '.. .. etc x Bcc a@b.example.pdf')
})

t.test('the language is the referrer’s where there is a letter in it, and English otherwise, which is said', async (t) => {
  const said: string[] = []
  const heard: Tools = { ...tools, log: (_level, event) => void said.push(event) }
  const inLanguage = (language: string | null): Promise<Mail> => mailOf(changed(notice('status'), (resources) => {
    if (language === null) delete resources('Communication').language
    else resources('Communication').language = language
  }), ALL, heard)
  t.match(say(await inLanguage('es-MX'), 'text'), /El paciente tiene una cita\./)
  t.match(say(await inLanguage('ES'), 'Content-Language'), 'es')
  t.match(say(await inLanguage(null), 'text'), /The patient has an appointment\./)
  t.same(said, [])
  t.match(say(await inLanguage('vi'), 'text'), /The patient has an appointment\./)
  t.same(said, ['a letter was written in English, since there is none in the language asked for'])
})

t.test('every status that the life cycle has is said in words, in every language', async (t) => {
  const codes = new Set(Object.values(LIFE_CYCLE).flatMap(({ task }) => (task ? [task[1]] : [])))
  t.ok(codes.size >= 12)
  for (const language of ['en', 'es']) {
    const texts = new Set<string>()
    for (const code of codes) {
      const mail = await mailOf(changed(notice('status'), (resources) => {
        resources('Communication').language = language
        resources('Communication').payload = undefined
        resources('Task').businessStatus = { coding: [{ code }], text: 'NOT-THIS' }
      }))
      t.notMatch(say(mail, 'text'), 'NOT-THIS', `${language} ${code}`)
      texts.add(say(mail, 'text').replaceAll('\n', ' '))
    }
    t.equal(texts.size, codes.size, 'each in its own')
  }
  const own = await mailOf(changed(notice('status'), (resources) => {
    resources('Task').businessStatus = { text: 'Waiting for the interpreter' }
  }))
  t.match(say(own, 'text'), 'Waiting for the interpreter.', 'a status of one’s own is told as it is called')
})

t.test('nothing that a notice says becomes markup, another header, or garbage', async (t) => {
  const evil = '<script>alert("1")</script>\r\nBcc: thief@evil.example\r\n\r\n{reference} [x] &amp; \u0007\u202e李'
  const mail = await mailOf(changed(notice('acknowledgement'), (resources) => {
    resources('Communication').payload[1].contentString = evil
    resources('Practitioner').name = [{ family: evil }]
    resources('Organization').name = evil
    resources('Patient').name = [{ family: evil, given: [evil] }]
    resources('ServiceRequest').identifier[0].value = evil
  }), { ...ALL, as: ['text', 'html', 'pdf'] })
  t.same(mime.read(mail, 'Bcc'), [])
  t.same(mime.read(mail, 'To.address'), ['ines.bell@meadow.example'])
  t.notMatch(say(mail, 'html'), /<script|alert\("/)
  t.match(say(mail, 'html'), '&lt;script&gt;alert(&quot;1&quot;)')
  t.match(say(mail, 'text'), '{reference} [x] &amp;', 'and it is not read as a template')
  const text = pagesOf(pdfOf(mail)).join('\n')
  t.match(text, /U\+674E \?/, 'the PDF says which character it could not show')
  t.notMatch(say(mail, 'text') + text, /[\u0007\u202e]/)
})

t.test('a PDF says the number on each page, and writes what its fonts have', async (t) => {
  const long = await mailOf(changed(notice('outcome'), (resources) => {
    resources('Communication').payload = [{ extension: [{ url: 'urn:refero:notice-part', valueCode: 'note' }], contentString: Array.from({ length: 150 }, (_, n) => `Line ${n} of the note.`).join('\n') }]
  }), { ...ALL, as: ['pdf'] })
  const pages = pagesOf(pdfOf(long))
  t.ok(pages.length >= 3)
  pages.forEach((page, n) => {
    t.match(page, `R-7K3M-9QX4  ·  Page ${n + 1} of ${pages.length}`)
  })
  const all = pages.join('\n')
  for (let n = 0; n < 150; n++) if (!all.includes(`Line ${n} of`)) t.fail(`line ${n} is lost`)
  t.match(pages[0], /^Heart Center\n1 Main St/)
  t.same([winAnsi('Łódź “Zoë” – naïve €5').text, winAnsi('Ngô Thị Ánh').text, winAnsi('Ωmega Иван 李\u200b').text], ['Lódz “Zoë” – naïve €5', 'Ngô Thi Ánh', '?mega ???? ?'])
  t.same([...winAnsi('Łukasz 李 Ł').replaced], [['Ł', 'L'], ['李', '?']])
  t.same(winAnsi('Zoë\u00a0x\u2011y').replaced.size, 0, 'what a reader does not miss is not told')
})

t.test('dates, times and numbers are written as people write them', (t) => {
  const en = { locale: 'en-US', timezone: null, said: {} }
  const cases: readonly (readonly [string, 'date' | 'dateTime' | 'phone', string])[] = [
    ['1961-04-09', 'date', 'April 9, 1961'], ['1961-04', 'date', 'April 1961'], ['1961', 'date', '1961'], ['soon', 'date', 'soon'], ['1961-13-40', 'date', '1961-13-40'], ['2026-03-02T23:30:00-05:00', 'date', 'March 2, 2026'],
    ['2026-03-09T10:30:00-04:00', 'dateTime', 'Monday, March 9, 2026, 10:30 AM'], ['2026-03-09T14:30:00Z', 'dateTime', 'Monday, March 9, 2026, 2:30 PM UTC'], ['2026-03-09', 'dateTime', 'March 9, 2026'],
    ['5555550100', 'phone', '(555) 555-0100'], ['+1 555-555-0100 x12', 'phone', '(555) 555-0100 x12'], ['+44 20 7946 0123', 'phone', '+44 20 7946 0123'],
  ]
  for (const [value, as, expected] of cases) t.equal(written(value, as, en), expected)
  t.equal(written('2026-03-09T14:30:00Z', 'dateTime', { ...en, timezone: 'America/New_York' }), 'Monday, March 9, 2026, 10:30 AM EDT')
  t.equal(written('2026-03-09T14:30:00Z', 'dateTime', { ...en, locale: 'es-US', timezone: 'America/Chicago' }).replace(/\./g, ''), 'lunes, 9 de marzo de 2026, 9:30 am CDT')
  t.end()
})

t.test('what is no notice, or has no number, is a fault without content', async (t) => {
  const fault = async (message: Message, expected: RegExp, settings: Partial<Settings> = ALL): Promise<void> => {
    const error = await mailOf(message, settings).then(() => null, (thrown: unknown) => thrown)
    t.ok(error instanceof MessageFault)
    t.match(String(error), expected)
    t.notMatch(String(error), /Quillfeather/)
  }
  await fault(fixture('fhir/referral-bundle.json'), /takes notices of the desk/)
  await fault(fixture('hl7v2/ref-i12-cardiology.hl7'), /takes notices in FHIR/)
  await fault(changed(notice('status'), (resources) => {
    resources('Communication').category[0].coding[0].code = 'gossip'
  }), /there is no letter for this kind of notice/)
  await fault(changed(notice('status'), (resources) => {
    resources('ServiceRequest').identifier.pop()
  }), /no reference number/)
})

t.test('letters that are written wrongly are refused where they stand, with the word that was meant', (t) => {
  const base = (blocks: string, subject = 'Referral {reference}'): string => `summary: s\nexample: fhir/notice-status.json\nsubject: "${subject}"\nblocks:\n  - paragraph: "About {reference}."\n${blocks}`
  const make = (letter: string, more: Record<string, string> = {}) => (): unknown => {
    const folder = t.testdir({ letters: { own: { 'en.yaml': letter }, ...Object.fromEntries(Object.entries(more)) } })
    const mappings = openMappings(folder, join(ROOT, 'mappings'))
    return render.create({ letter: 'own' }, { ...tools, mapping: mappings.mapping })
  }
  t.doesNotThrow(make(base('  - list: "{missing}"\n    disclose: all\n')), 'an installation’s own letter, beside the product’s values')
  const wrong: readonly (readonly [string, RegExp])[] = [
    [base('  - paragraph: "{patient-nam}"\n    disclose: all\n'), /en\.yaml:6:16: "patient-nam" is no value of letters .*; did you mean "patient-name"/],
    [base('  - paragraph: "For {patient-name}"\n'), /en\.yaml:6:16: "patient-name" may tell of the patient.*say `disclose: all`/],
    [base('  - paragraph: "x"\n    when: { status: [seen] }\n'), /en\.yaml:7:\d+: "status" may tell of the patient/],
    [base('  - paragraph: "x"\n    when: { status: [sen] }\n    disclose: all\n'), /:7:\d+: status is never "sen"; did you mean "seen"/],
    [base('', 'News of {patient-name} {reference}'), /en\.yaml:3:10: "patient-name" may tell of the patient/],
    [base('', 'News'), /en\.yaml:3:10: the subject must hold \{reference\}/],
    ['summary: s\nexample: e\nsubject: "{reference}"\nblocks:\n  - paragraph: "About {reference}."\n    when: recipient-name\n', /:5:3: a paragraph without `when`.* must hold \{reference\}/],
    [base('  - paragraph: "open {reference"\n'), /:6:16: this has `\{` alone/],
    [base('  - paragraph: "[a [b]]"\n'), /`\[` within `\[…\]`/],
    [base('  - paragraph: "a]"\n'), /`\]` without `\[`/],
    [base('  - paragraph: a\n    heading: b\n'), /:6:5: a block is one of paragraph.*paragraph and heading at once/],
    [base('  - disclose: all\n'), /a block is one of .*, and this is none/],
    [base('  - list: "none"\n'), /a list needs a value to go over/],
    [base('  - paragraf: x\n'), /en\.yaml:6:\d+/],
    [base('').replace('summary', 'sumary'), /en\.yaml:1:1: .*summary/],
    [base('').replace('example', 'languages: [xx]\nexample'), /letters\/words\.yaml has no "xx"; there are en, es/],
  ]
  for (const [letter, expected] of wrong) t.throws(make(letter), { message: expected }, letter.slice(60, 160))
  const values = (text: string) => make(base(''), { 'values.yaml': text })
  t.throws(values('values:\n  reference: { path: "Patient.name.(" , anonymous: true }\n'), /values\.yaml:2:\d+: `Patient\.name\.\(`/)
  t.throws(values('values:\n  reference: { as: text }\n'), /values\.yaml:2:\d+: reference needs either `path` or `practice`/)
  t.throws(() => render.create({ letter: 'acknowledgment' }, tools), /no mapping is called `letters\/acknowledgment\/en`/)
  t.throws(() => render.create({ letter: 'status', from: 'nobody' }, tools), /`from` must hold one e-mail address/)
  t.throws(() => render.create({ letter: 'status', timezone: 'Mars' }, tools), /is not a time zone/)
  t.end()
})

t.test('where the portal is known a letter about one referral carries a link to it that nobody else can make, and says no more for it', async (t) => {
  const key = 'a key of thirty-two characters, or more'
  const portal = { url: 'https://referrals.heart.example/portal/', key, lasts: '30d' }
  for (const name of ['acknowledgement', 'information', 'status', 'outcome']) {
    const mail = await mailOf(notice(name), { ...WHO, letter: name, portal })
    const token = /https:\/\/referrals\.heart\.example\/portal\/status\?t=([\w.-]+)/.exec(say(mail, 'text'))?.[1] ?? ''
    const said = readStatusLink(signingKey(key, ''), token, new Date('2026-03-05T00:00:00Z'))
    t.equal(said?.reference, 'R-7K3M-9QX4', name)
    t.equal(readStatusLink(signingKey(`${key}!`, ''), token, new Date('2026-03-05T00:00:00Z')), null)
    t.equal(readStatusLink(signingKey(key, ''), token, new Date(said?.until ?? 0)), null, 'and it ends')
    t.notMatch(say(mail, 'text'), /Quillfeather/)
    t.ok((await mailOf(notice(name), { ...WHO, letter: name, portal })).raw.equals(mail.raw), 'the same each time')
  }
  for (const without of [{}, { portal: { url: '' } }]) t.notMatch(say(await mailOf(notice('status'), { ...WHO, letter: 'status', ...without }), 'text'), /portal|follow/)
  t.notMatch(say(await mailOf(notice('digest'), { ...WHO, letter: 'digest', portal }), 'text'), /status\?t=/)
})
