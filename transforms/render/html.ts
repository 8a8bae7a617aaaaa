/** A letter as HTML that any mail program shows: no images, no styles from elsewhere, headings and tables that a screen reader can follow. */
import type { Block, Letter } from './letter.js'

const FONT = 'font-family:Arial,Helvetica,sans-serif;font-size:16px;line-height:1.5;color:#1a1a1a'
const CELL = 'padding:4px 16px 4px 0;text-align:left;vertical-align:top'

export const renderHtml = ({ language, subject, blocks }: Letter): string => [
  '<!DOCTYPE html>',
  `<html lang="${escaped(language)}">`,
  `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(subject)}</title></head>`,
  `<body style="margin:0;padding:24px;background:#ffffff;${FONT}">`,
  '<main style="max-width:640px">',
  `<h1 style="font-size:20px;margin:0 0 16px">${escaped(subject)}</h1>`,
  ...blocks.map(shown),
  '</main>',
  '</body>',
  '</html>',
  '',
].join('\n')

const shown = (block: Block): string => {
  if (block.kind === 'heading') return `<h2 style="font-size:17px;margin:24px 0 8px">${escaped(block.text)}</h2>`
  if (block.kind === 'paragraph') return `<p style="margin:0 0 16px">${lines(block.text)}</p>`
  if (block.kind === 'list') return `<ul style="margin:0 0 16px;padding-left:24px">\n${block.items.map((item) => `<li>${lines(item)}</li>`).join('\n')}\n</ul>`
  const rows = block.rows.map(([label, value]) => `<tr><th scope="row" style="${CELL};font-weight:bold">${escaped(label)}</th><td style="${CELL}">${lines(value)}</td></tr>`)
  return `<table style="border-collapse:collapse;margin:0 0 16px;${FONT}">\n${rows.join('\n')}\n</table>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => ENTITIES[one] ?? one)

const lines = (text: string): string => escaped(text).replaceAll('\n', '<br>\n')
