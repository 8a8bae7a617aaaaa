/** Small connectors, steps and formats to read channel files with: what is tested is the reading. */
import { type TSchema, Type } from 'typebox'
import type { LoadContext } from '../../engine/channel-loader.js'
import type { Definition, DestinationConnector, MessageFormat, SourceConnector, TransformStep } from '../../engine/contracts.js'
import type { Pieces } from '../../engine/registry.js'
import { Duration, Size } from '../../engine/units.js'

const closed = { additionalProperties: false }
const nothing = () => Promise.reject(new Error('only its settings are tested'))

/** `create` is called with what the channel says, and its errors are the point. */
const piece = <Product>(name: string, settings: TSchema, product: Product, more: Partial<Definition<TSchema, Product>> = {}): [string, Definition<TSchema, Product>] =>
  [name, { name, summary: name, settings, examples: [], create: () => product, ...more }]

const source: SourceConnector = { start: nothing, stop: nothing }
const destination: DestinationConnector = { open: nothing, deliver: nothing, close: nothing }
const step: TransformStep = message => [message]
const using = (_: unknown): TransformStep => step // it only has to be found
const text = Type.String()

const format = (name: string, path: RegExp, test: boolean): MessageFormat => ({
  name,
  readHeader: () => ({ controlId: null, type: null }), parse: () => null, serialize: () => Buffer.alloc(0),
  acknowledge: () => null, separate: () => null, assemble: bytes => bytes,
  checkPath: each => (path.test(each) ? null : 'a path begins with a capital letter'),
  read: () => [], write: body => body, split: () => [], orderKeys: () => [],
  ...(test && { test: () => true }),
})

const Tls = Type.Object({ cert: text, key: text, clients: Type.Optional(text) }, closed)
const MllpSource = Type.Object({
  host: Type.String({ default: '127.0.0.1' }), port: Type.Integer({ minimum: 0, maximum: 65_535 }), tls: Type.Optional(Tls),
  idle: Type.Optional(Duration), largest: Type.Optional(Size), connections: Type.Integer({ default: 100, minimum: 1 }),
}, closed)

const pieces: Pieces = {
  sources: new Map([
    piece('mllp', MllpSource, source, { claims: settings => [`port ${(settings as { port: number }).port}`] }),
    piece('file', Type.Object({ folder: text, match: Type.Optional(text), settle: Type.Optional(Duration) }, closed), source, { claims: settings => [`folder ${(settings as { folder: string }).folder}`] }),
    piece('channel', Type.Object({}, closed), source),
    piece('web', Type.Object({ port: Type.Integer(), path: text }, closed), source, { claims: settings => { const { port, path } = settings as { port: number; path: string }; return [`port ${port} path ${path}`] } }),
  ]),
  destinations: new Map([
    piece('mllp', Type.Object({ host: text, port: Type.Integer({ minimum: 1, maximum: 65_535 }) }, closed), destination),
    piece('http', Type.Object({ url: text, token: Type.Optional(text), method: Type.Union([Type.Literal('POST'), Type.Literal('PUT')], { default: 'POST' }) }, closed), destination, {
      create: settings => {
        if (!URL.canParse((settings as { url: string }).url)) throw new Error('`url` is not an address')
        return destination
      },
    }),
    piece('channel', Type.Object({ name: text }, closed), destination, { leadsTo: settings => (settings as { name: string }).name }),
    piece('outbox', Type.Object({ folder: text }, closed), destination),
  ]),
  transforms: new Map([
    piece('keep', Type.Object({ types: Type.Optional(Type.Array(text, { minItems: 1 })), where: Type.Optional(Type.Union([text, Type.Record(text, Type.Unknown())])) }, closed), step),
    piece('set', Type.Record(text, Type.Union([text, Type.Null(), Type.Object({ from: text }, closed)])), step),
    piece('translate', Type.Object({ path: text, with: text, unknown: Type.Union([Type.Literal('keep'), Type.Literal('empty'), Type.Literal('error')], { default: 'error' }) }, closed), step, {
      create: (settings, tools) => using(tools.table((settings as { with: string }).with)),
    }),
    piece('split', Type.Object({ by: text }, closed), step),
    piece('to-fhir', Type.Object({ with: text }, closed), step, { produces: 'fhir', create: (settings, tools) => using(tools.mapping(`fields/${(settings as { with: string }).with}`)) }),
    piece('to-hl7v2', Type.Object({ with: text, version: Type.Optional(text) }, closed), step, { produces: 'hl7v2' }),
    piece('script', Type.Object({ file: text, deadline: Type.Optional(Duration) }, closed), step, { create: (settings, tools) => using(tools.beside((settings as { file: string }).file)) }),
  ]),
  formats: new Map([
    piece('hl7v2', Type.Object({ charset: Type.Optional(text) }, closed), format('hl7v2', /^[A-Z][A-Z0-9]{2}-/, false)),
    piece('fhir', Type.Object({}, closed), format('fhir', /^[A-Z][a-z]/, true)),
  ]),
}

const table = { lookup: () => undefined, reverse: () => undefined }
const mappings = {
  table: (name: string) => {
    if (name !== 'hospital-service') throw new Error(`no code table is called \`${name}\``)
    return table
  },
  mapping: () => ({ value: {}, place: () => 'mappings/any.yaml:1:1' }),
  file: (path: string) => `/mappings/${path}.yaml`,
  csv: (path: string) => ({ text: '', file: `/mappings/${path}.csv` }),
  names: () => [],
}

/** What channels are read with; `fixtures` is a folder of the test. */
export const context = (more: Partial<LoadContext> = {}): LoadContext => ({
  pieces, mappings, environment: {}, secrets: () => undefined, settings: { data: 'data', fixtures: 'fixtures', secrets: 'data/secrets' }, ...more,
})
