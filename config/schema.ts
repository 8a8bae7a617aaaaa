/** What can be set for one installation. config/default.yaml has the values that hold otherwise. */
import { type Static, Type } from 'typebox'
import { Duration, Size } from '../engine/units.js'
import { WatchSettings } from '../engine/watch/settings.js'

const Folder = Type.String({ minLength: 1, maxLength: 4096, description: 'A folder.' })
const Host = Type.String({ minLength: 1, maxLength: 253, description: 'An address of this machine: 127.0.0.1, 0.0.0.0 for all.' })
const Port = Type.Integer({ minimum: 0, maximum: 65_535, description: 'A TCP port; 0 for any free one.' })
const group = { additionalProperties: false }

/** The schema of a configuration: all of it is in default.yaml, any part of it in a file of one's own. */
export const Settings = Type.Object({
  data: Folder,
  channels: Folder,
  mappings: Folder,
  fixtures: Folder,
  secrets: Type.Optional(Folder),
  http: Type.Object({ host: Host, port: Port }, group),
  mllp: Type.Object({ port: Port }, group),
  log: Type.Object({ level: Type.Union([Type.Literal('debug'), Type.Literal('info'), Type.Literal('warn'), Type.Literal('error'), Type.Literal('silent')]) }, group),
  limits: Type.Object({ message: Size, requests: Type.Integer({ minimum: 1, maximum: 1_000_000 }) }, group),
  metrics: Type.Object({ open: Type.Boolean({ description: 'Whether /metrics needs no token.' }) }, group),
  referrals: Type.Object({ open: Type.Boolean({ description: 'Whether the referral desk runs beside the channels.' }) }, group),
  stop: Type.Object({ within: Duration }, group),
  retention: Type.Object({ every: Duration }, group),
  watch: WatchSettings,
}, group)

/** A complete configuration; folders are absolute. */
export type Settings = Required<Static<typeof Settings>>

export type FolderName = 'data' | 'channels' | 'mappings' | 'fixtures' | 'secrets'
export const FOLDERS: readonly FolderName[] = ['data', 'channels', 'mappings', 'fixtures', 'secrets']
