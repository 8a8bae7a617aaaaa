/** The pages of a document over HTTP, as a person sees them: how many and how large, and a picture of each. */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import { answers, Failure, orNull, strict } from '../../engine/api/schemas.js'
import { pages, preview } from '../../engine/documents/pages.js'
import { MessageFault, ReferoError } from '../../engine/errors.js'
import type { DeskStore } from '../desk-contracts.js'
import { contentOf } from './documents.js'
import { theReferral } from './find.js'
import { Named } from './schemas.js'

const Document = Type.Object({ ...Named.properties, document: Type.String({ minLength: 1, maxLength: 64 }) })
const Picture = Type.Object({ ...Document.properties, picture: Type.String({ pattern: '^[1-9][0-9]{0,3}\\.(png|webp)$', description: 'The number of the page and the kind of the picture.', examples: ['1.png', '2.webp'] }) })
const part = Type.Integer({ minimum: 1, maximum: 1000, default: 1, description: 'Which part of the document, as the list of documents has them.' })
const Part = Type.Object({ part }, strict)
const Drawn = Type.Object({ part, width: Type.Integer({ minimum: 50, maximum: 2500, default: 1000, description: 'Pixels.' }) }, strict)
const Pages = Type.Object({
  kind: Type.Enum(['tiff', 'pdf', 'jpeg', 'png']),
  pages: Type.Array(Type.Object({
    page: Type.Integer({ minimum: 1 }), width: Type.Number({ description: 'Pixels; of a PDF points, 72 an inch.' }), height: Type.Number(), dpi: orNull(Type.Object({ x: Type.Number(), y: Type.Number() })),
  })),
})

export function pageRoutes(api: FastifyInstance, { store }: { readonly store: DeskStore }): void {
  const bytesOf = async (referral: string, document: string, number: number): Promise<Buffer> => (await contentOf(store, (await theReferral(store, referral)).id, document, number)).bytes

  api.get<{ Params: Static<typeof Document>; Querystring: Static<typeof Part> }>('/referrals/:id/documents/:document/pages', {
    schema: { summary: 'How many pages a document has, and how large they are.', params: Document, querystring: Part, response: answers(Pages) },
  }, async ({ params, query }, reply) => {
    const bytes = await bytesOf(params.id, params.document, query.part)
    return reply.header('cache-control', 'no-store').send(await seen(() => pages(bytes)))
  })

  api.get<{ Params: Static<typeof Picture>; Querystring: Static<typeof Drawn> }>('/referrals/:id/documents/:document/pages/:picture', {
    schema: {
      summary: 'A page as a picture, upright and with square pixels.', params: Picture, querystring: Drawn,
      response: { 200: { description: 'The picture.', content: { 'image/png': { schema: Type.String({ format: 'binary' }) }, 'image/webp': { schema: Type.String({ format: 'binary' }) } } }, '4xx': Failure, '5xx': Failure },
    },
  }, async ({ params, query }, reply) => {
    const bytes = await bytesOf(params.id, params.document, query.part)
    const [number, kind] = params.picture.split('.') as [string, 'png' | 'webp']
    const { length } = (await seen(() => pages(bytes))).pages
    if (Number(number) > length) throw new ReferoError('NOT_FOUND', `The document has ${length} page${length === 1 ? '' : 's'}.`)
    const picture = await seen(() => preview(bytes, Number(number), { width: query.width, as: kind }))
    return reply.type(`image/${kind}`).header('x-content-type-options', 'nosniff').header('content-security-policy', "default-src 'none'; sandbox").header('cache-control', 'no-store').send(picture)
  })
}

/** What has no pages, is damaged, encrypted or too large is the document's fault, said as it is. */
const seen = async <Result>(look: () => Promise<Result>): Promise<Result> => {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error
    throw new ReferoError('UNFIT', `It cannot be shown: ${error.fault.reason}.`)
  }
}
