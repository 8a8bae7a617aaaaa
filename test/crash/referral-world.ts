/** A small practice: channels in and out around the real desk, on files in a folder, between a referrer, an EHR and a mailbox. */
import { join } from 'node:path'
import { Type, type TSchema } from 'typebox'
import { loadConfiguration, shippedMappings } from '../../config/loader.js'
import { loadChannels, type LoadedChannel } from '../../engine/channel-loader.js'
import type { Clock, Definition, DestinationConnector, Log, MessageArchive, MessageStore, Outcome, Receive, Tools } from '../../engine/contracts.js'
import { defineDestination, defineSource } from '../../engine/define.js'
import { Engine } from '../../engine/engine.js'
import { Events } from '../../engine/events.js'
import { openMappings } from '../../engine/mappings.js'
import { clock as realClock } from '../../engine/clock.js'
import { findPieces, type Pieces } from '../../engine/registry.js'
import { openSqliteStore } from '../../engine/store/sqlite/sqlite-store.js'
import { createDesk, type Desk } from '../../referrals/desk.js'
import type { DeskStore } from '../../referrals/desk-contracts.js'
import { readRules } from '../../referrals/open-desk.js'
import { matchingSettings } from '../../referrals/patients/settings.js'
import { openPatientIndex } from '../../referrals/patients/patient-index.js'
import { openProviderDirectory } from '../../referrals/providers/sqlite-directory.js'
import type { Rules } from '../../referrals/rules.js'
import { openDesk } from '../../referrals/store/desk-store.js'
import { openDeskFile } from '../../referrals/store/file.js'
import type { Watching } from '../../engine/watch/watching.js'
import { writeChannels } from '../product/product.js'

export type Store = MessageStore & MessageArchive

/** The channels of the practice, but for where they begin and end: `hand` is a sender in the test, `wire` a receiver there. */
export const CHANNELS: Readonly<Record<string, string>> = {
  'intake': `
name: intake
description: Referrals.
source: { hand: {} }
format: hl7v2
steps: [ to-fhir: { with: referral } ]
destinations: [ { name: desk, to: { referral: { action: open } }, retry: { every: 10ms, growth: 2, longest: 5m } } ]`,
  'feedback': `
name: feedback
description: Appointments.
source: { hand: {} }
format: hl7v2
steps: [ to-fhir: { with: appointment } ]
destinations: [ { name: desk, to: { referral: { action: feedback, ehr: epic-main } }, retry: { every: 10ms, growth: 2, longest: 5m } } ]`,
  'hand-off': `
name: hand-off
description: Referrals for the EHR.
source: { referral: { owed: [hand-off, withdrawal], ehr: [epic-main] } }
format: fhir
destinations:
  - name: ehr
    to: { wire: {} }
    steps: [ to-hl7v2: { with: ref-i12 } ]
    retry: { every: 10ms, growth: 2, longest: 5m }`,
  'loop': `
name: loop
description: Letters to referrers.
source: { referral: { owed: [acknowledgement, information, status, digest, outcome], by: [email] } }
format: fhir
steps: [ render: { letter: auto, as: [text], disclose: all, from: referrals@heart.example } ]
destinations:
  - name: mailbox
    to: { wire: {} }
    retry: { every: 10ms, growth: 2, longest: 5m }`,
}

/** Steps and formats do the same whoever makes them: made once, many practices can be opened quickly. */
function madeOnce<Made extends Definition<TSchema, unknown>>(definitions: ReadonlyMap<string, Made>): ReadonlyMap<string, Made> {
  const made = new Map<string, unknown>()
  const remembering = (definition: Made): Made => ({
    ...definition,
    create: (settings, tools) => {
      const key = JSON.stringify([definition.name, settings])
      if (!made.has(key)) made.set(key, definition.create(settings, tools))
      return made.get(key)
    },
  })
  return new Map([...definitions].map(([name, definition]) => [name, remembering(definition)]))
}

const Nothing = Type.Object({}, { additionalProperties: false })

/** What the test holds of a practice that runs. */
export interface Practice {
  readonly desk: Desk
  readonly engine: Engine
  readonly store: Store // as it is, past all wrapping
  readonly referrals: DeskStore // likewise
  /** Hands bytes to the channel of that name, as its sender would. */
  send(channel: string, text: string): ReturnType<Receive>
  close(): Promise<void>
}

export interface Around {
  readonly folder: string
  readonly clock: Clock
  readonly deliver: (channel: string, payload: Buffer) => Promise<Outcome>
  readonly wrap?: <Target extends object>(target: Target, name: string) => Target
  readonly rules?: (rules: Rules) => Rules
  readonly log?: Log
  readonly watching?: Watching
  readonly channels: readonly LoadedChannel[]
  /** Sees what was on its way when the last life ended, before anything starts. */
  readonly begin?: (store: Store) => Promise<void>
}

const found = await findPieces()
const PIECES: Pieces = { ...found, transforms: madeOnce(found.transforms), formats: madeOnce(found.formats) }
export const MAPPINGS = openMappings(shippedMappings())
const RULES = readRules(MAPPINGS, realClock)
const matching = matchingSettings((path) => MAPPINGS.mapping(path))

/** Reads channel files as an installation would; throws what is wrong with them. */
export async function channelsOf(folder: string, files: Readonly<Record<string, string>>, pieces: Pieces = stagedPieces(() => {}, async () => ({ kind: 'sent' }))): Promise<readonly LoadedChannel[]> {
  writeChannels(folder, files)
  const { settings, environment, secrets } = loadConfiguration({ flags: { data: folder, channels: join(folder, 'channels') }, environment: {} })
  const { channels, problems } = await loadChannels(settings.channels, { pieces, mappings: MAPPINGS, environment, secrets, settings })
  const [first] = problems
  if (first) throw new Error(`${first.file}:${first.line}: ${first.message}`)
  return channels
}

/** The product's pieces, and the two ends of a test. */
function stagedPieces(begun: (channel: string, receive: Receive) => void, deliver: Around['deliver'], wrap: NonNullable<Around['wrap']> = (target) => target): Pieces {
  const hand = defineSource({ name: 'hand', summary: 'a test', settings: Nothing, examples: [], create: (_settings, { channel }) => ({ start: async (receive) => { begun(channel, receive); return 'a test' }, stop: async () => {} }) })
  const wire = defineDestination({
    name: 'wire', summary: 'a test', settings: Nothing, examples: [],
    create: (_settings, { channel }): DestinationConnector => wrap({ open: async () => {}, deliver: ({ payload }) => deliver(channel, payload), close: async () => {} }, channel),
  })
  const mllp = PIECES.destinations.get('mllp') as Definition<TSchema, DestinationConnector>
  const calling = { ...mllp, create: (settings: never, tools: Tools) => wrap(mllp.create(settings, tools), tools.channel) }
  return { ...PIECES, sources: new Map([...PIECES.sources, ['hand', hand]]), destinations: new Map([...PIECES.destinations, ['wire', wire], ['mllp', calling]]) }
}

/** Opens the files in the folder and starts everything; `wrap` sees each contact with the stores and the receivers. */
export async function openPractice({ folder, clock, deliver, wrap = (target) => target, rules: changed = (rules) => rules, log = () => {}, watching, channels, begin = async () => {} }: Around): Promise<Practice> {
  const senders = new Map<string, Receive>()
  const store = openSqliteStore(join(folder, 'messages.db'))
  const file = openDeskFile(join(folder, 'referrals.db'))
  const patients = openPatientIndex(join(folder, 'patients.db'), matching)
  const referrals: DeskStore = { ...openDesk(file), close: async () => file.close() }
  const rules = changed(RULES)
  const providers = openProviderDirectory(file)
  const desk = createDesk({ store: wrap(referrals, 'desk'), providers: wrap(providers, 'providers'), patients, rules: () => rules, clock, log })
  await begin(store)
  const world = {
    pieces: stagedPieces((channel, receive) => senders.set(channel, receive), deliver, wrap),
    mappings: MAPPINGS, store: wrap(store, 'messages'), clock, log, events: new Events(), dataFolder: folder, services: { referrals: desk }, ...(watching && { watching }),
    serve: () => () => {},
  }
  const engine = new Engine(world, 3_600_000)
  await engine.apply(channels, [])
  watching?.start(engine, engine.world)
  return {
    desk, engine, store, referrals,
    send: (channel, text) => senders.get(channel)?.({ bytes: Buffer.from(text), origin: 'a test' }) ?? Promise.reject(new Error(`nobody listens for ${channel}`)),
    close: async () => {
      await watching?.stop()
      await engine.stop(0)
      await desk.close().catch(() => {})
      file.close()
      await store.close()
    },
  }
}
