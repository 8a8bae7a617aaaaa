/** Shows an OpenAPI document as one page of HTML that needs no script. */

interface Operation {
  readonly summary?: string
  readonly tags?: readonly string[]
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly description?: string; readonly schema?: unknown }[]
  readonly requestBody?: { readonly content?: Content }
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>
}
type Content = Readonly<Record<string, { readonly schema?: unknown }>>

/** What of an OpenAPI document the page shows. */
export interface OpenApi {
  readonly info: { readonly title: string; readonly description?: string }
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430}
code,pre,.method{font-family:ui-monospace,monospace;font-size:.9em}pre{background:#f3f5f8;padding:.7rem;overflow:auto;border-radius:4px}
details{border-bottom:1px solid #dde2ea;padding:.35rem 0}summary{cursor:pointer}.method{display:inline-block;width:4.5rem;font-weight:700}
td,th{text-align:left;vertical-align:top;padding:.15rem .8rem .15rem 0}.note{color:#55607a}`

/** The page, complete. */
export function documentPage({ info, paths = {} }: OpenApi): string {
  const groups = new Map<string, string[]>()
  for (const [path, operations] of Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))) {
    for (const [method, operation] of Object.entries(operations)) {
      const tag = operation.tags?.[0] ?? 'engine'
      groups.set(tag, [...(groups.get(tag) ?? []), shownOperation(method.toUpperCase(), path, operation)])
    }
  }
  const sections = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([tag, all]) => `<h2>${text(tag)}</h2>\n${all.join('\n')}`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${text(info.title)}: the operations API</title><style>${STYLE}</style>
<h1>${text(info.title)}: the operations API</h1><p>${text(info.description ?? '').replaceAll('\n', '<br>')}</p>
<p>For programs: <a href="/docs/openapi.json">/docs/openapi.json</a></p>
${sections.join('\n')}</html>`
}

function shownOperation(method: string, path: string, { summary = '', parameters = [], requestBody, responses = {} }: Operation): string {
  const given = parameters.map(({ name, in: where, required, description = '', schema }) =>
    `<tr><td><code>${text(name)}</code></td><td class="note">${text(where)}${required ? ', required' : ''}</td><td>${text(description)} <code>${text(JSON.stringify(schema ?? {}))}</code></td></tr>`)
  const body = schemaIn(requestBody?.content)
  const answered = Object.entries(responses).map(([status, { description = '', content }]) => `<p class="note">${text(status)} ${description === 'Default Response' ? '' : text(description)}</p>${pre(schemaIn(content))}`)
  return `<details><summary><span class="method">${text(method)}</span> <code>${text(path)}</code> ${text(summary)}</summary>
${given.length > 0 ? `<table>${given.join('')}</table>` : ''}${body === undefined ? '' : `<p class="note">body</p>${pre(body)}`}${answered.join('')}</details>`
}

const schemaIn = (content: Content | undefined): unknown => Object.values(content ?? {})[0]?.schema

const pre = (schema: unknown): string => (schema === undefined ? '' : `<pre>${text(JSON.stringify(schema, null, 2))}</pre>`)

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const text = (plain: string): string => plain.replace(/[&<>"]/g, (each) => ENTITIES[each] ?? each)
