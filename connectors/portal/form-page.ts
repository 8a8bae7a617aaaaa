/** The form as a page: its fields with what was entered, and what is wrong, each linked to its field. */
import { type Html, html } from './html.js'
import { ACCEPT, type DocumentProblem } from './documents.js'
import type { Form, FormField } from './form-file.js'
import type { FieldProblem, Values } from './referral.js'
import type { Speech } from './words.js'

/** `field`: the id of what it is about; null: of the whole. */
export interface Complaint { readonly field: string | null; readonly says: string }
export interface Limits { readonly each: string; readonly all: string }

export const complaintsOf = (problems: readonly FieldProblem[], speech: Speech): readonly Complaint[] =>
  problems.map(({ field, kind }) => ({ field: field.name, says: speech.say(`error-${kind}`, { field: field.label[speech.language], longest: field.column.longest ?? 0 }) }))

export const documentComplaint = (number: number, problem: DocumentProblem, { each }: Limits, speech: Speech): Complaint => ({ field: 'documents', says: speech.say(`document-${problem}`, { number, each }) })

/** Says in a form that was sent back that whoever sent it has read whose NPI it is. */
export const CONFIRMED = 'npiConfirmed'

/** What is wrong, before everything else, and in focus. */
export const summary = (complaints: readonly Complaint[], speech: Speech): Html | null =>
  complaints.length === 0 ? null : html`<div class="errors" role="alert" tabindex="-1" aria-labelledby="errors">
<h2 id="errors">${speech.say('errors-heading')}</h2>
<ul>${complaints.map(({ field, says }) => html`<li>${field === null ? says : html`<a href="#${field}">${says}</a>`}</li>`)}</ul>
</div>`

/** What a text is entered in. */
export interface Line { readonly name: string; readonly label: string; readonly hint?: string | undefined; readonly required?: boolean | undefined; readonly type?: string; readonly fill?: string | undefined; readonly longest?: number | undefined }

export const line = ({ name, label, hint, required = false, type = 'text', fill, longest }: Line, value: string, complaint: Complaint | undefined, speech: Speech): Html =>
  around(name, label, hint, required, complaint, speech, html`<input id="${name}" name="${name}" type="${type}" value="${value}"${attributes(name, hint, required, complaint)} autocomplete="${fill ?? 'off'}"${longest !== undefined && html` maxlength="${longest}"`}>`)

const attributes = (name: string, hint: string | undefined, required: boolean, complaint: Complaint | undefined): Html => {
  const described = [hint && `${name}-hint`, complaint && `${name}-error`].filter(Boolean).join(' ')
  return html`${required && html` aria-required="true"`}${complaint && html` aria-invalid="true"`}${described && html` aria-describedby="${described}"`}`
}

const around = (name: string, label: string, hint: string | undefined, required: boolean, complaint: Complaint | undefined, speech: Speech, input: Html): Html => html`<div class="field${complaint ? ' wrong' : ''}">
<label for="${name}">${label}${required && html` <span class="required">${speech.say('required')}</span>`}</label>
${hint && html`<p class="hint" id="${name}-hint">${hint}</p>`}${complaint && html`<p class="error" id="${name}-error">${complaint.says}</p>`}
${input}
</div>`

export const fieldOf = (field: FormField, values: Values, complaints: readonly Complaint[], speech: Speech, partly = false): Html => {
  const { name, input = 'line', choices = [], fill, column } = field
  const value = values.get(name) ?? ''
  const complaint = complaints.find((one) => one.field === name)
  const label = field.label[speech.language]
  const hint = field.hint?.[speech.language]
  const required = !partly && field.required === true
  if (input === 'choice') {
    const options = choices.map((choice) => html`<option value="${choice.is}"${choice.is === value && html` selected`}>${choice[speech.language]}</option>`)
    return around(name, label, hint, required, complaint, speech, html`<select id="${name}" name="${name}"${attributes(name, hint, required, complaint)}><option value="">${speech.say('choose')}</option>${options}</select>`)
  }
  if (input === 'text') return around(name, label, hint, required, complaint, speech, html`<textarea id="${name}" name="${name}" rows="5"${attributes(name, hint, required, complaint)}${column.longest !== undefined && html` maxlength="${column.longest}"`}>
${value}</textarea>`)
  return line({ name, label, hint, required, type: input === 'line' ? 'text' : input, fill, longest: column.longest }, value, complaint, speech)
}

export const documentsField = (complaints: readonly Complaint[], { each, all }: Limits, again: boolean, speech: Speech): Html => {
  const complaint = complaints.find((one) => one.field === 'documents')
  const hint = speech.say('documents-hint', { each, all })
  return around('documents', speech.say('documents'), hint, false, complaint, speech, html`${again && html`<p class="error">${speech.say('documents-again')}</p>`}<input id="documents" name="documents" type="file" multiple accept="${ACCEPT}"${attributes('documents', hint, false, complaint)}>`)
}

export const hidden = (name: string, value: string): Html => html`<input type="hidden" name="${name}" value="${value}">`

export interface FormState { readonly values: Values; readonly complaints: readonly Complaint[]; readonly again: boolean; readonly submission: string; readonly csrf: string }

/** The whole form. */
export const formBody = (form: Form, { values, complaints, again, submission, csrf }: FormState, limits: Limits, action: string, speech: Speech): Html => html`${summary(complaints, speech)}
<p>${speech.say('form-says')}</p>
<form method="post" action="${action}" enctype="multipart/form-data" novalidate data-sending="${speech.say('sending')}">
${hidden('csrf', csrf)}${hidden('submission', submission)}${values.has(CONFIRMED) && hidden(CONFIRMED, values.get(CONFIRMED) ?? '')}
${form.sections.map(({ title, fields }) => html`<fieldset><legend>${title[speech.language]}</legend>
<div class="fields">${fields.map((field) => fieldOf(field, values, complaints, speech))}</div></fieldset>`)}
<fieldset><legend>${speech.say('documents')}</legend>${documentsField(complaints, limits, again, speech)}</fieldset>
<p class="progress" role="status"></p>
<button type="submit">${speech.say('send')}</button>
</form>`
