/** The documentation of the web server at /docs: an OpenAPI document made of every route's own schema, and a page that shows it. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { documentPage, type OpenApi } from './docs-page.js'

const ABOUT = `The operations API of one engine. Answers are JSON where an operation says nothing else; every error has a code, a sentence and what to do.
Send the token that \`refero token\` makes as \`Authorization: Bearer …\`. Instants are ISO 8601 in UTC; pages go on with \`next\`.`

/** To be registered before the routes that it shall describe. */
export async function document(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Refero', description: ABOUT, version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: ({ schema, url, route }) => {
      if (url.includes('*')) return { schema: { ...schema, hide: true }, url }
      const [first = '', second = ''] = url.slice(1).split('/')
      const guarded = first === 'api' || first === 'metrics'
      const operationId = [String(route.method).toLowerCase(), ...url.split(/[^A-Za-z]+/).filter(Boolean)].map((word, n) => (n === 0 ? word : `${word.charAt(0).toUpperCase()}${word.slice(1)}`)).join('')
      const asked = Object.fromEntries((['querystring', 'body'] as const).flatMap((part) => (schema?.[part] ? [[part, withoutFilledIn(schema[part])]] : [])))
      return { schema: { ...schema, ...asked, operationId, tags: [first === 'api' ? second : 'engine'], ...(guarded && { security: [{ token: [] }] }) }, url }
    },
    transformObject: (document) => {
      if (!('openapiObject' in document)) return document.swaggerObject
      for (const operations of Object.values(document.openapiObject.paths ?? {})) {
        for (const operation of Object.values(operations ?? {}) as Operation[]) {
          for (const [status, response] of Object.entries(operation.responses ?? {})) if (response.description === 'Default Response') response.description = STATUS[status] ?? 'The answer.'
          const body = operation.requestBody
          if (body) body.required = (Object.values(body.content)[0]?.schema?.required ?? []).length > 0
        }
      }
      return document.openapiObject
    },
  })
}

interface Operation {
  readonly responses?: Readonly<Record<string, { description?: string }>>
  readonly requestBody?: { required?: boolean; readonly content: Readonly<Record<string, { readonly schema?: { readonly required?: readonly string[] } }>> }
}

const STATUS: Readonly<Record<string, string>> = { 200: 'It was done, or found.', 201: 'It was made.' }

/** A schema as those see it who ask: what is filled in need not be said. */
function withoutFilledIn(schema: unknown): unknown {
  const { required = [], properties = {}, ...rest } = schema as { readonly required?: readonly string[]; readonly properties?: Readonly<Record<string, object>> }
  const needed = required.filter((name) => !('default' in (properties[name] ?? {})))
  return { ...rest, properties, ...(needed.length > 0 && { required: needed }) }
}

/** The two addresses of the documentation; they need no token, as they say nothing of what is running. */
export function documentationRoutes(app: FastifyInstance): void {
  app.get('/docs/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  app.get('/docs', { schema: { hide: true } }, async (_request, reply) => reply.type('text/html; charset=utf-8').send(documentPage(app.swagger() as OpenApi)))
}
