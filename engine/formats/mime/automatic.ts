/** Whether a mail was written by a machine, and of what kind: so that nothing answers it, and no two machines answer each other for ever (RFC 3834). */
import { addressesOf, type Field, fieldsOf, rawValue, structured, textValue } from './fields.js'

/**
 * `report`: a delivery status or a receipt (RFC 6522) · `bounce`: from nobody, or from the mail system · `reply`: an answer by itself, such as “out of
 * office” · `list`: sent to a mailing list · `bulk`: sent to many · `generated`: by a program, for another reason. `no`: nothing says that it is any of these.
 */
export const AUTOMATIC = ['report', 'bounce', 'reply', 'list', 'bulk', 'generated', 'no'] as const
export type Automatic = typeof AUTOMATIC[number]

/** Absence notes that say so in the subject alone, as mail programs write it by themselves in the languages that our letters and their readers have. */
const ABSENT = /^(?:auto(?:matic|mated)?[ -]?(?:reply|response|responder)\b|auto ?:|out of (?:the )?office\b|(?:respuesta|resposta) autom[aá]tica|fuera de (?:la )?oficina|r[eé]ponse automatique|absence du bureau|automatische? antwo(?:ord|rt)|abwesen(?:d|heit)|risposta automatica|fuori (?:sede|ufficio)|автоматический ответ|自动(?:回复|答复))/i

/** What kind of automatic mail a header says that this is, and the field that says so. Never `no` where one does. */
export const automatic = (mail: { readonly fields: readonly Field[] }): { readonly kind: Automatic; readonly because: string | null } => {
  const word = (name: string): string => structured(fieldsOf(mail, name)[0]).value
  const has = (name: string): boolean => fieldsOf(mail, name).length > 0
  const said = (kind: Automatic, because: string) => ({ kind, because })

  if (word('content-type') === 'multipart/report') return said('report', 'Content-Type')
  const [path] = fieldsOf(mail, 'return-path').map(rawValue)
  if (path !== undefined && /^<\s*>$/.test(path)) return said('bounce', 'Return-Path')
  if (fieldsOf(mail, 'from').flatMap(addressesOf).some(({ address }) => /^(?:mailer-daemon|postmaster)(?:@|$)/i.test(address))) return said('bounce', 'From')
  if (has('x-failed-recipients')) return said('bounce', 'X-Failed-Recipients')

  const submitted = word('auto-submitted')
  const precedence = word('precedence')
  if (submitted.startsWith('auto-replied')) return said('reply', 'Auto-Submitted')
  for (const name of ['X-Autoreply', 'X-Autorespond', 'X-Auto-Reply-From']) if (has(name) && word(name) !== 'no') return said('reply', name)
  if (precedence === 'auto_reply') return said('reply', 'Precedence')
  if (fieldsOf(mail, 'subject').map(textValue).some((subject) => ABSENT.test(subject.trim()))) return said('reply', 'Subject')
  for (const name of ['List-Id', 'List-Unsubscribe']) if (has(name)) return said('list', name)
  if (precedence === 'list') return said('list', 'Precedence')
  if (precedence === 'bulk' || precedence === 'junk') return said('bulk', 'Precedence')
  if (submitted !== '' && submitted !== 'no') return said('generated', 'Auto-Submitted')
  if (has('x-auto-response-suppress') && word('x-auto-response-suppress') !== 'none') return said('generated', 'X-Auto-Response-Suppress')
  return { kind: 'no', because: null }
}
