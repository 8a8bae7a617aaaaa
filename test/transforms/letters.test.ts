/** What letters say: each thing once, in the letter's language, whether much is known of a referral or nothing. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse as parseYaml } from 'yaml'
import type { Message } from '../../engine/contracts.js'
import type { Mail } from '../../engine/formats/mime/mail.js'
import { LIFE_CYCLE } from '../../referrals/life-cycle.js'
import { ALL, changed, LETTERS, letters, mailOf, notice, type Resource, say } from './letters.js'
import { ROOT } from './tools.js'

t.test('a referral of which almost nothing is known makes letters without empty headings, and still with its number', async (t) => {
  const HEADING = /^-{3,}$/
  for (const { name, language } of letters) {
    const bare = changed(notice(name), (_resources, bundle) => {
      bundle.entry = bundle.entry.filter(({ resource }: { resource: Resource }) => /^(Communication|ServiceRequest|Task)$/.test(resource.resourceType))
      for (const { resource } of bundle.entry as { resource: Resource }[]) {
        if (resource.resourceType === 'Communication') Object.assign(resource, { payload: undefined, recipient: undefined, subject: undefined, language })
        if (resource.resourceType !== 'ServiceRequest') continue
        for (const key of ['priority', 'performer', 'code', 'authoredOn', 'requester', 'reasonCode', 'reasonReference', 'note', 'insurance', 'supportingInfo']) delete resource[key]
        resource.identifier = (resource.identifier as Resource[]).filter(({ value }) => String(value).startsWith('R-'))
      }
    })
    const mail = await mailOf(bare, { ...ALL, letter: name, as: ['text', 'html', 'pdf'] })
    const lines = say(mail, 'text').split('\n')
    t.match(say(mail, 'text'), 'R-7K3M-9QX4', `${name} ${language}`)
    t.notOk(lines.some((line) => HEADING.test(line)), `${name} ${language} has no heading over nothing`)
    t.match(say(mail, 'html'), new RegExp(`<html lang="${language}">`))
  }
})

t.test('a letter says each thing once, in its language, and who pays beside their plan', async (t) => {
  const part = (valueCode: string, contentString: string): Resource => ({ extension: [{ url: 'urn:refero:notice-part', valueCode }], contentString })
  const told = (name: string, language: string, parts: readonly Resource[]): Message => changed(notice(name), (resources, bundle) => {
    Object.assign(resources('Communication'), { language, payload: parts })
    resources('ServiceRequest').note.push({ extension: [{ url: 'urn:refero:route', valueCode: 'queue' }], text: 'Queue: CARD-EP' })
    Object.assign(resources('Coverage'), { payor: [{ reference: 'urn:uuid:payer' }], class: [{ type: { coding: [{ code: 'plan' }] }, value: 'PPO', name: 'Prairie PPO' }] })
    bundle.entry.push({ fullUrl: 'urn:uuid:payer', resource: { resourceType: 'Organization', name: 'Prairie Mutual' } })
  })
  const route = [part('queue', 'CARD-EP'), part('location', 'Main St'), part('practitioner', 'Dr Rao'), part('task', 'Call today')]
  const text = async (...from: Parameters<typeof told>): Promise<string> => say(await mailOf(told(...from)), 'text')
  const same = await text('acknowledgement', 'en', [part('urgency', 'urgent'), part('specialty', 'cardiology'), ...route.slice(1, 3)])
  t.match(same, /Priority: Urgent\nPayer: Prairie Mutual\nPlan: Prairie PPO\n/)
  t.notMatch(same, /Urgency|urgent\b/, 'an urgency that is the priority is not said again')
  t.match(same, /Specialty: Cardiology\nLocation: Main St\nPractitioner: Dr Rao\n/)
  t.match(await text('acknowledgement', 'en', [part('urgency', 'stat')]), /Urgency: Stat \(at once\)/, 'one that was raised is')
  const spanish = await text('acknowledgement', 'es', [part('urgency', 'stat'), part('specialty', 'cardiology'), part('missing', 'the latest ECG')])
  t.match(spanish, /Prioridad: Urgente\n/)
  t.match(spanish, /Urgencia: Inmediata \(stat\)\nEspecialidad: Cardiología\n/)
  t.match(spanish, '- el electrocardiograma más reciente')
  const handed = await text('hand-off', 'en', route)
  t.equal(handed.split('CARD-EP').length, 2, 'the queue stands there once')
  t.match(handed, /Queue: CARD-EP\nLocation: Main St\nPractitioner: Dr Rao\n\n- Task: Call today/)
  t.match(handed, /Referred by\n-+\n\nName: Ines Bell\nPractice: Meadow Family Medicine/)
  const digest = await text('digest', 'es', [part('item', 'R-1 (Odalys Quillfeather): Scheduled, 2026-03-09T15:30:00Z, Dr Rao, Main St')]).then((letter) => letter.replace(/\s+/g, ' '))
  t.match(digest, /R-1 \(Odalys Quillfeather\): Cita acordada, lunes, 9 de marzo de 2026, 3:30 p\.? ?m\.? UTC, Dr Rao, Main St/)
  t.match(say(await mailOf(changed(notice('status'), (resources) => {
    delete resources('Communication').language
  }), { ...ALL, language: 'es' }), 'text'), 'El paciente tiene una cita.', 'whoever asked for no language has that of the channel')
  const moved = (event: string): Promise<Mail> => mailOf(changed(notice('status'), (resources) => {
    resources('Communication').reasonCode = [{ text: event }]
  }))
  t.match(say(await moved('rescheduled'), 'text'), /another appointment/)
  t.notMatch(say(await moved('rescheduled'), 'text'), /has an appointment/)
  t.match(say(await moved('report-withdrawn'), 'text'), /withdrawn by its author/)
})

t.test('what the desk may ask for is said in every language that letters are written in', (t) => {
  const { languages } = parseYaml(readFileSync(join(LETTERS, 'words.yaml'), 'utf8')) as { languages: Record<string, { said: Record<string, string> }> }
  const { items } = parseYaml(readFileSync(join(ROOT, 'mappings/triage/completeness.yaml'), 'utf8')) as { items: { says: Record<string, string> }[] }
  const { specialties } = parseYaml(readFileSync(join(ROOT, 'mappings/triage/specialties.yaml'), 'utf8')) as { specialties: Record<string, object> }
  for (const [language, { said }] of Object.entries(languages)) {
    t.same(Object.keys(specialties).filter((one) => !said[one]), [], `${language}: specialties`)
    if (language === 'en') continue
    t.same(items.filter(({ says }) => said[says.en ?? ''] !== says[language]).map(({ says }) => says.en), [], `${language}: what may be missing, as triage says it`)
    t.same(Object.values(LIFE_CYCLE).flatMap(({ says }) => (says && !said[says] && says !== 'Consult note received' ? [says] : [])), [], `${language}: where a referral stands`)
  }
  t.end()
})
