/** The pages about a referral that was sent: that it is here, where it stands, what is missing. */
import { type Html, html } from './html.js'
import { type Complaint, documentsField, fieldOf, hidden, type Limits, line, summary } from './form-page.js'
import type { Form, FormField } from './form-file.js'
import type { Values } from './referral.js'
import type { Status, Told } from './status.js'
import type { Speech } from './words.js'

const NOTE = 'note'

/** In the practice's zone, which is named, for the reader may be in another. */
const moment = (iso: string, zone: string, { locale }: Speech): string =>
  new Intl.DateTimeFormat(locale, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZone: zone, timeZoneName: 'short' }).format(new Date(iso))

const visit = ({ start, with: who, at }: NonNullable<Told['appointment']>, zone: string, speech: Speech): string =>
  [start && moment(start, zone, speech), who && `${speech.say('with')} ${who}`, at && `${speech.say('at')} ${at}`].filter(Boolean).join(' ')

/** The fields that answer what is missing, and those that always may be added. */
export const fieldsToAdd = (form: Form, { missing }: Pick<Status, 'missing'>): readonly FormField[] =>
  form.fields.filter(({ name, answers = [] }) => name === NOTE || answers.some((item) => missing.some((one) => one.item === item)))

export interface Adding { readonly form: Form; readonly values: Values; readonly complaints: readonly Complaint[]; readonly limits: Limits; readonly csrf: string; readonly submission: string; readonly sent: boolean }

export const statusBody = (status: Status, { form, values, complaints, limits, csrf, submission, sent }: Adding, path: string, speech: Speech): Html => {
  const { reference, zone, now, timeline, appointment, missing, reports } = status
  return html`${summary(complaints, speech)}
${sent && html`<p class="note" role="status">${speech.say('add-sent')}</p>`}
<div class="two">
<section><h2>${speech.say('status-now')}</h2><p class="now">${speech.said(now)}</p></section>
${appointment && html`<section><h2>${speech.say('appointment')}</h2><p>${visit(appointment, zone, speech)}</p></section>`}
</div>
${missing.length > 0 && html`<h2>${speech.say('missing-heading')}</h2><ul class="plain">${missing.map((item) => html`<li>${speech.item(item)}</li>`)}</ul>`}
${reports.length > 0 && html`<h2>${speech.say('documents-heading')}</h2><ul class="plain">${reports.map(({ id, part, title }) => html`<li>${title} <a href="${path}/report?n=${reference}&amp;d=${id}&amp;p=${part}" download>${speech.say('download')}</a></li>`)}</ul>`}
<h2>${speech.say('timeline')}</h2>
<ol class="timeline">${timeline.map((one) => html`<li><time datetime="${one.at}">${moment(one.at, zone, speech)}</time>${speech.said(one.says)}${one.appointment && html`: ${visit(one.appointment, zone, speech)}`}${one.reason && html`<br>${speech.say('reason')}: ${speech.said(one.reason)}`}</li>`)}</ol>
<h2 class="noprint">${speech.say('add-heading')}</h2>
<form method="post" action="${path}/more" enctype="multipart/form-data" novalidate data-sending="${speech.say('sending')}">
<p>${speech.say('add-says')}</p>
${hidden('csrf', csrf)}${hidden('submission', submission)}${hidden('reference', reference)}
<div class="fields">${fieldsToAdd(form, status).map((field) => fieldOf(field.name === NOTE ? { ...field, label: { en: speech.say('add-note'), es: speech.say('add-note') } } : field, values, complaints, speech, true))}</div>
${documentsField(complaints, limits, false, speech)}
<p class="progress" role="status"></p>
<button type="submit">${speech.say('add-button')}</button>
</form>`
}

/** That it was received, with its number once there is one. */
export const sentBody = (reference: string | null, waits: 'moment' | 'person', path: string, speech: Speech): Html => html`${reference === null
  ? html`<p class="note" role="status">${speech.say(waits === 'moment' ? 'sent-waiting' : 'sent-person')}</p>`
  : html`<p>${speech.say('sent-reference')}</p><p class="reference">${reference}</p><p>${speech.say('sent-says')}</p><p class="noprint"><a href="${path}/referral?n=${reference}">${speech.say('follow-it')}</a></p>`}
<p class="noprint"><a href="${path}/new">${speech.say('sent-again')}</a></p>`

export const followForm = (values: { readonly reference: string; readonly birthDate: string }, complaint: Complaint | null, csrf: string, path: string, speech: Speech): Html => html`<form method="post" action="${path}/status" novalidate>
${hidden('csrf', csrf)}<p>${speech.say('follow-says')}</p>${complaint && html`<p class="error">${complaint.says}</p>`}
<div class="fields">
${line({ name: 'reference', label: speech.say('follow-reference'), hint: speech.say('follow-reference-hint'), longest: 40 }, values.reference, undefined, speech)}
${line({ name: 'birthDate', label: speech.say('follow-birth'), type: 'date' }, values.birthDate, undefined, speech)}
</div>
<button type="submit">${speech.say('follow-button')}</button>
</form>`
