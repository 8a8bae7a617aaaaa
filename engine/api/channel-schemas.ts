/** What the routes of channels take and answer. */
import Type from 'typebox'
import { MOST } from '../revisions/brought.js'
import { By, Instant, orNull, strict, Trouble, Why } from './schemas.js'

const ChannelName = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$', description: 'The name of a channel.', examples: ['adt-in'] })
const RevisionName = Type.String({ description: 'Twelve hexadecimal digits that name a content: of the channel file, and of all that it depends on.', examples: ['9f2c41d07ab3'] })
const Sequence = Type.Integer({ minimum: 1, description: 'Counts the revisions of a channel.', examples: [7] })
const Text = Type.String({ maxLength: 2_000_000, description: 'The channel file, YAML.', examples: ['name: adt-in\nsource: { mllp: { port: 2575 } }\nformat: hl7v2\ndestinations:\n  - name: ehr\n    to: { mllp: { host: ehr.local, port: 6661 } }\n'] })
const DryRun = Type.Boolean({ default: false, description: 'Only says what would be done.' })
const Tests = Type.Boolean({ default: true, description: 'Whether the channel’s own tests are run, and must pass.' })
const Shared = Type.Boolean({ default: false, description: 'Changes files too that other channels depend on.' })
const Files = Type.Array(Type.Object({
  kind: Type.Enum(['mapping', 'script', 'fixture']),
  path: Type.String({ minLength: 1, maxLength: 300, description: 'A mapping’s below mappings/, a fixture’s below fixtures/, a script’s beside the channel file.', examples: ['fields/visit.yaml'] }),
  text: Type.Optional(Type.String({ maxLength: 2_000_000 })),
  base64: Type.Optional(Type.String({ maxLength: 24_000_000, pattern: '^[A-Za-z0-9+/]*={0,2}$', description: 'In the place of `text`, for what is no text.' })),
}, strict), { maxItems: MOST.files, default: [], description: `What the channel needs and the engine may not have: its mappings, scripts and the fixtures of its tests; ${MOST.bytes / 1024 ** 2} MB at most. All is written, or nothing.` })
const Diff = Type.String({ description: 'A unified diff; empty where nothing differs.' })

const FileName = Type.String({ examples: ['fixtures/visits/sample.hl7'] })

export const Named = Type.Object({ name: ChannelName })
export const NamedDestination = Type.Object({ name: ChannelName, destination: ChannelName })
export const NamedSequence = Type.Object({ name: ChannelName, sequence: Sequence })

const Asked = Type.Object({ state: Type.Enum(['paused', 'stopped']), by: Type.String(), why: Type.String(), at: Instant }, { description: 'By whom it is paused or stopped, and why.' })

const status = {
  name: ChannelName,
  description: Type.String(),
  state: Type.Enum(['starting', 'running', 'failed', 'paused', 'stopping', 'stopped', 'disabled'], { description: 'paused: the source takes nothing, and what was taken goes on. stopped: nothing runs, and what waits stays. disabled: its file says so.' }),
  listening: orNull(Type.String({ description: 'Where it listens.', examples: ['mllp://0.0.0.0:2575'] })),
  trouble: orNull(Type.String({ description: 'What keeps it from working, in a sentence.' })),
  revision: RevisionName,
  asked: orNull(Asked),
  destinations: Type.Array(Type.Object({ name: ChannelName, asked: orNull(Asked) })),
}
export const Status = Type.Object(status)

export const ListedChannel = Type.Object({
  ...status,
  enabled: Type.Boolean(),
  sequence: orNull(Sequence),
  since: orNull(Instant),
  by: orNull(Type.String({ description: 'Who brought this revision; `file` where somebody changed the files themselves.' })),
  waiting: Type.Integer({ description: 'Deliveries on their way.' }),
  held: Type.Integer({ description: 'Deliveries that a person must decide on.' }),
})

export const ChannelNow = Type.Object({
  name: ChannelName,
  file: Type.String({ examples: ['channels/adt-in.yaml'] }),
  text: Text,
  basedOn: Type.String({ description: 'What a change of this text says that it is based on.' }),
  applied: Type.Boolean({ description: 'Whether this text is what runs; else `problems` says why it does not.' }),
  problems: Type.Array(Trouble),
  revision: orNull(RevisionName),
  sequence: orNull(Sequence),
  at: orNull(Instant),
  by: orNull(Type.String()),
  why: orNull(Type.String()),
  files: Type.Array(Type.String({ examples: ['mappings/fields/referral.yaml'] }), { description: 'The scripts, mappings and profiles that it depends on.' }),
  removed: Type.Boolean(),
  status: orNull(Status),
})

export const Recorded = Type.Object({
  channel: ChannelName, sequence: Sequence, revision: RevisionName, at: Instant, by: Type.String(), why: Type.String(),
  from: Type.Enum(['file', 'api', 'rollback', 'removal']),
  of: orNull(Sequence),
  file: Type.String(),
  files: Type.Array(Type.Object({ name: Type.String(), content: orNull(Type.String({ description: 'SHA-256; null: the file was not there.' })) })),
  carried: Type.Array(Type.Object({ name: FileName, before: orNull(Type.String()), after: orNull(Type.String()), size: Type.Integer() }), { description: 'The files beside the channel file that this change wrote or removed: SHA-256 before and after.' }),
})
export const RecordedText = Type.Object({ ...Recorded.properties, text: Type.String(), diff: orNull(Diff) })
export const Page = Type.Object({ before: Type.Optional(Type.Integer({ minimum: 1, description: 'Goes on below this sequence: `next` of the page before.' })), limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }) }, strict)
export const Beside = Type.Object({ diff: Type.Optional(Type.Integer({ minimum: 1, description: 'Another sequence: the answer has the difference from that one to this.' })) }, strict)
export const Recordings = Type.Object({
  revisions: Type.Array(Recorded),
  next: orNull(Type.Integer()),
  wishes: Type.Array(Type.Object({ what: Type.Enum(['paused', 'stopped', 'started']), destination: orNull(ChannelName), by: Type.String(), why: Type.String(), at: Instant }), { description: 'When it was paused, stopped and started, the last first.' }),
})

const Point = Type.Object({ sequence: orNull(Sequence), revision: RevisionName })
const Tested = orNull(Type.Object({ passed: Type.Integer(), failed: Type.Integer() }))
export const Changed = Type.Object({
  channel: ChannelName,
  before: orNull(Point),
  after: orNull(Point),
  changed: Type.Boolean({ description: 'False where everything is so already.' }),
  diff: Diff,
  files: Type.Array(Type.Object({ name: FileName, how: Type.Enum(['new', 'changed', 'removed']), size: Type.Integer({ description: 'Bytes.' }) }), { description: 'What is written or removed beside the channel file.' }),
  restarts: Type.Array(ChannelName, { description: 'The channels that stop and start again because of it.' }),
  warnings: Type.Array(Trouble),
  tests: Tested,
  notes: Type.Array(Type.String()),
  applied: Type.Boolean({ description: 'False where it was only planned.' }),
  status: orNull(Status),
}, { description: 'What a change does, or would do.' })
export const Checked = Type.Object({ ok: Type.Boolean(), problems: Type.Array(Trouble), tests: Tested })

export const Check = Type.Object({ text: Text, files: Files, tests: Tests }, strict)
export const Plan = Type.Object({ text: Text, files: Files, shared: Shared, tests: Tests, basedOn: Type.Optional(orNull(RevisionName)) }, strict)
const deploying = { text: Text, files: Files, shared: Shared, by: By, why: Why, dryRun: DryRun, tests: Tests }
export const Deploy = Type.Object({ ...deploying, basedOn: orNull(Type.String({ minLength: 1, maxLength: 64, description: 'The `basedOn` of the channel when its text was read; null: there is no such channel yet. Where it is another by now, nothing is changed, and the answer is 409 with the difference.' })) }, strict)
export const Create = Type.Object({ name: ChannelName, ...deploying, basedOn: Type.Optional(Type.Null()) }, strict)
export const Remove = Type.Object({ basedOn: Type.String({ minLength: 1, maxLength: 64 }), by: By, why: Why, dryRun: DryRun, abandon: Type.Boolean({ default: false, description: 'Removes it although messages wait, which nobody delivers then.' }) }, strict)
export const Rollback = Type.Object({
  to: Type.Optional(orNull(Sequence)), by: By, why: Why, dryRun: DryRun,
  shared: Shared,
}, strict)
export const Wanted = Type.Object({ by: By, why: Why }, strict)
