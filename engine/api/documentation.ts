/** The documentation of the web server at /docs: an OpenAPI document made of every route's own schema, and a page that shows it. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { documentPage, type OpenApi } from './docs-page.js'

const ABOUT = `The operations API of one engine. Every answer is JSON; every error has a code, a sentence and what to do.
Send the token that \`refero token\` makes as \`Authorization: Bearer …\`. Instants are ISO 8601 in UTC; pages go on with \`next\`.`

/** To be registered before the routes that it shall describe. */
export async function document(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Refero', description: ABOUT, version: '1' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    },
    transform: ({ schema, url }) => {
      if (url.includes('*')) return { schema: { ...schema, hide: true }, url }
      const [first = '', second = ''] = url.slice(1).split('/')
      const inApi = first === 'api'
      return { schema: { ...schema, tags: [inApi ? second : 'engine'], ...(inApi && { security: [{ token: [] }] }) }, url }
    },
  })
}

/** The two addresses of the documentation; they need no token, as they say nothing of what is running. */
export function documentationRoutes(app: FastifyInstance): void {
  app.get('/docs/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  app.get('/docs', { schema: { hide: true } }, async (_request, reply) => reply.type('text/html; charset=utf-8').send(documentPage(app.swagger() as OpenApi)))
}
