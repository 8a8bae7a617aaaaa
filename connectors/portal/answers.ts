/** The answers of the portal's pages: what a browser may do with them, and the frame around each. */
import type { WebResponse } from '../../engine/contracts.js'
import { type Html, html } from './html.js'
import type { Speech } from './words.js'

/** Nothing but our own style and script; framed by nobody, kept by nobody, and its address told to nobody. */
const SAFE = {
  'content-security-policy': "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'x-frame-options': 'DENY', 'cache-control': 'no-store', 'cross-origin-opener-policy': 'same-origin', 'x-robots-tag': 'noindex',
}

export interface Frame { readonly path: string; readonly practice: { readonly name: string; readonly phone?: string }; readonly speech: Speech }
export interface Page { readonly status?: number; readonly heading: string; readonly body: Html; readonly headers?: Readonly<Record<string, string>>; readonly script?: boolean; readonly leave?: Html | null }

export const page = ({ path, practice, speech }: Frame, { status = 200, heading, body, headers = {}, script = false, leave = null }: Page): WebResponse => {
  const { text } = html`<html lang="${speech.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${heading} · ${practice.name}</title>
<link rel="stylesheet" href="${path}/style.css">
${script && html`<script src="${path}/progress.js" defer></script>`}
</head>
<body>
<a class="skip" href="#main">${speech.say('skip')}</a>
<header><a href="${path}">${speech.say('practice-title', { practice: practice.name })}</a>${leave}</header>
<main id="main" tabindex="-1">
<h1>${heading}</h1>
${body}
</main>
<footer>${practice.name}${practice.phone && html` · ${speech.say('call', { phone: practice.phone })}`}</footer>
</body>
</html>
`
  return { status, headers: { ...SAFE, 'content-type': 'text/html; charset=utf-8', vary: 'Accept-Language', ...headers }, body: `<!doctype html>\n${text}` }
}

/** After a form was taken: the browser asks for the page that says so, and reloading sends nothing again. */
export const seeOther = (location: string, headers: Readonly<Record<string, string>> = {}): WebResponse => ({ status: 303, headers: { ...SAFE, location, ...headers } })

export const asset = (type: string, body: string): WebResponse => ({ status: 200, headers: { ...SAFE, 'cache-control': 'public, max-age=3600', 'content-type': `${type}; charset=utf-8` }, body })

/** A file to be kept, and never shown in place. `name` is ASCII without quotes. */
export const download = ({ bytes, contentType, name }: { readonly bytes: Buffer; readonly contentType: string; readonly name: string }): WebResponse =>
  ({ status: 200, headers: { ...SAFE, 'content-security-policy': "default-src 'none'; sandbox", 'content-type': contentType, 'content-disposition': `attachment; filename="${name}"` }, body: bytes })

/** A page of a heading and a sentence. */
export const notice = (frame: Frame, status: number, heading: string, sentence: string, headers: Readonly<Record<string, string>> = {}): WebResponse =>
  page(frame, { status, heading, headers, body: html`<p>${sentence}</p><p><a href="${frame.path}">${frame.speech.say('again')}</a></p>` })
