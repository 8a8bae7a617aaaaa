/** The words of a reply without the letter of ours that it quotes: our sentences about a patient are not the referrer's. */
import type { Address } from '../../engine/formats/mime/fields.js'

export const NUMBER = /(?<![a-z0-9])R-([0-9a-z]{4})-([0-9a-z]{4})(?![a-z0-9])/gi
const LONGEST = 1_000_000 // characters that are looked at

/** Where mail programs begin what they quote: a line of dashes or underscores, “On … wrote:” in one line or two, the header of the quoted mail, the first quoted line. */
const RULE = /^(?:-{2,} ?(?:original message|mensaje original|message d['’]origine|urspr\S{1,8}ngliche nachricht) ?-{2,}|_{20,})$/i
const WROTE = /^(?:on|el|le|am) .{6,300}(?:wrote|escribi\S{1,2}|[eé]crit|schrieb) ?:$/i
const FROM = /^\*?(?:from|de|von):\*? /i
const SUBJECT = /^\*?(?:subject|asunto|objet|betreff):\*? /i
const HTML_BEGINS = /<blockquote\b|<div[^>]{0,200}\b(?:class="?[^">]{0,100}gmail_quote|id="?(?:appendonsend|divRplyFwdMsg|mail-editor-reference-message-container))|<hr\b[^>]{0,200}\btabindex=/i

/**
 * The new words of a text, where what it quotes below them names a reference number of ours, and so is our own letter; all of it otherwise: a practice may
 * pass on below its greeting the very mail that refers the patient. Answers written among the quoted lines are kept. Of markup, what stands before the quote.
 */
export const withoutOurLetter = (text: string, type: string): string => {
  const looked = text.slice(0, LONGEST)
  if (type === 'text/html') {
    const at = looked.search(HTML_BEGINS)
    return at >= 0 && names(looked.slice(at)) ? looked.slice(0, at) : text
  }
  const lines = looked.split('\n')
  const at = lines.findIndex((_, n) => marks(lines, n) > 0 || lines[n]?.startsWith('>'))
  if (at < 0 || !names(lines.slice(at).join('\n'))) return text
  const quoted = lines.slice(at + marks(lines, at))
  const among = quoted.some((line) => line.startsWith('>')) ? quoted.filter((line) => !line.startsWith('>')) : []
  return [...lines.slice(0, at), ...among].join('\n').trim()
}

/** How many lines from here say that a quote begins. */
const marks = (lines: readonly string[], n: number): number => {
  const [line = '', next = ''] = [lines[n]?.trim(), lines[n + 1]?.trim()]
  if (RULE.test(line) || WROTE.test(line)) return 1
  if (WROTE.test(`${line} ${next}`)) return 2
  return FROM.test(line) && lines.slice(n + 1, n + 7).some((one) => SUBJECT.test(one.trim())) ? 1 : 0
}

/** Who wrote the mail that is passed on in the text below a rule or its header, as `From: Ines Bell <ines.bell@meadow.example>` says; null where none is. */
export const writerOf = (text: string): Address | null => {
  const lines = text.slice(0, LONGEST).split('\n').map((line) => line.replace(/^[>\s]+/, '').trim())
  const line = lines.find((one, n) => FROM.test(one) && lines.slice(n + 1, n + 7).some((next) => SUBJECT.test(next)))
  const [, name = '', address] = /^(.{0,200}?)[\s<([]*(?:mailto:)?([^\s<>()[\]:;,"]{1,64}@[\w.-]{1,253})/.exec(line?.replace(FROM, '').replace(/^[*\s]+/, '') ?? '') ?? []
  return address === undefined ? null : { name: name.replace(/["'*]/g, '').trim(), address }
}

const names = (text: string): boolean => text.search(NUMBER) >= 0
