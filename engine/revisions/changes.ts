/** Everything that changes the channels of a running engine, one after the other: edited files, deployed texts, removals, rollbacks. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createTwoFilesPatch } from 'diff'
import type { Configuration } from '../../config/loader.js'
import type { TestWorld } from '../channel-tests.js'
import type { LoadedChannel } from '../channel-loader.js'
import type { ChannelStatus, Engine } from '../engine.js'
import { ReferoError } from '../errors.js'
import { type Installation, readRunnable } from '../installation.js'
import { openMappings } from '../mappings.js'
import type { Problem } from '../problem.js'
import { type Examined, errorsIn, examine, feeding } from './examine.js'
import type { History, NewRevision, Revision } from './history.js'
import type { Asking, Change, ChannelFileNow, DeployRequest, RemoveRequest, RollbackRequest } from './requests.js'
import { planRollback } from './rollback.js'
import { contentOf, digest, nameOf, pathOf, revisionOf, revisionOfSnapshot, snapshotOf } from './snapshot.js'
import type { Undertaking, Undertakings } from './undertaking.js'
import type { Wish, Wishes } from './wishes.js'

/** What a change is recorded with. */
type Origin = Pick<NewRevision, 'by' | 'why' | 'from' | 'of'>

export interface ChangesParts {
  readonly configuration: Configuration
  readonly engine: Engine
  readonly history: History
  readonly undertakings: Undertakings
  readonly wishes: Wishes
  readonly openStore: TestWorld['openStore'] // for the tests of a channel
  readonly told: { channel(status: ChannelStatus): void; problems(problems: readonly Problem[]): void }
}

const BY_HAND: Origin = { by: 'file', why: '', from: 'file', of: null }

export class Changes {
  readonly #parts: ChangesParts
  #read: Installation
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: ChangesParts, read: Installation) {
    this.#parts = parts
    this.#read = read
  }

  get history(): History {
    return this.#parts.history
  }

  get wishes(): Wishes {
    return this.#parts.wishes
  }

  /** Makes the files as they were read run, and records what is new of them. */
  take(read: Installation): Promise<void> {
    return this.#inTurn(async () => {
      await Promise.all([this.#apply(read), this.#record(read, BY_HAND)]) // the first time there is much to record, and nobody shall wait for it
    })
  }

  /** Reads the files as they are now, and does the same. */
  reload(): Promise<void> {
    return this.#inTurn(() => this.#reload(BY_HAND))
  }

  /** Throws NOT_FOUND where there is and was no such channel. */
  now(name: string): ChannelFileNow {
    const running = this.#parts.engine.channel(name)
    const [head, path] = [this.history.head(name), this.#fileOf(name)]
    const there = contentOf(path)
    if (there === null && !running && !head) throw new ReferoError('NOT_FOUND', `No channel is called \`${name}\`.`)
    const text = there ?? running?.text ?? this.history.content((head as Revision).text)
    const current = head && head.from !== 'removal' ? head : null
    return {
      name, file: nameOf(path, this.#folders), text,
      basedOn: current && digest(text) === current.text ? current.revision : digest(text).slice(0, 12),
      applied: running?.text === text,
      problems: this.#read.problems.filter(({ file }) => resolve(file) === path),
      revision: current?.revision ?? null, sequence: current?.sequence ?? null,
      at: head?.at ?? null, by: head?.by ?? null, why: head?.why ?? null,
      files: running ? running.files.map((file) => nameOf(file, this.#folders)) : (head?.files.map((file) => file.name) ?? []),
      removed: there === null && !running,
    }
  }

  /** What a change of the channel as it is now would be based on; null where there is none. */
  basis(name: string): string | null {
    return contentOf(this.#fileOf(name)) === null ? null : this.now(name).basedOn
  }

  /** What `refero check` and, if wanted, `refero test` would say of a text. */
  async check(name: string, text: string, tests: boolean): Promise<Examined> {
    return examine(name, this.#fileOf(name), text, this.#read.channels, this.#fresh(), tests ? this.#testWorld() : null)
  }

  deploy(name: string, request: DeployRequest): Promise<Change> {
    return this.#inTurn(async () => {
      const { text, by, why } = request
      const path = this.#fileOf(name)
      const there = contentOf(path)
      this.#refuseEdited(name, request.basedOn, there, text)
      const { channel, problems, tests } = await this.check(name, text, request.tests)
      if (!channel || errorsIn(problems).length > 0) throw invalid(problems)
      const plan = this.#plan(name, channel, diffOf(nameOf(path, this.#folders), there, text), { tests, warnings: problems })
      if (request.dryRun || !plan.changed) return plan
      const undertaking = { channel: name, files: [{ path, before: there, after: text }], revision: this.#newRevision(channel, { by, why, from: 'api', of: null }) }
      return this.#carryOut(undertaking, plan)
    })
  }

  remove(name: string, { basedOn, abandon, dryRun, by, why }: RemoveRequest): Promise<Change> {
    return this.#inTurn(async () => {
      const path = this.#fileOf(name)
      const there = contentOf(path)
      if (there === null) throw new ReferoError('NOT_FOUND', `No channel is called \`${name}\`.`)
      this.#refuseEdited(name, basedOn, there, null)
      const problems = feeding(name, this.#read.channels, this.#fresh())
      if (problems.length > 0) throw invalid(problems)
      if (!abandon) await this.#refuseWaiting(name)
      const channel = this.#parts.engine.channel(name)
      const head = this.history.head(name)
      const plan: Change = { ...this.#plan(name, null, diffOf(nameOf(path, this.#folders), there, null)), restarts: [] }
      if (dryRun) return plan
      const files = channel ? this.#newRevision(channel, BY_HAND).files : []
      const revision: NewRevision = { revision: head?.revision ?? digest(there).slice(0, 12), at: this.#now(), by, why, from: 'removal', of: null, file: nameOf(path, this.#folders), text: there, files }
      return this.#carryOut({ channel: name, files: [{ path, before: there, after: null }], revision }, plan)
    })
  }

  rollback(name: string, request: RollbackRequest): Promise<Change> {
    return this.#inTurn(async () => {
      const { configuration, engine } = this.#parts
      const context = this.#fresh()
      const { target, files, notes, restarts, problems, channel } = await planRollback(name, request, { history: this.history, channels: this.#read.channels, context, configuration, pieces: engine.world.pieces })
      if (errorsIn(problems).length > 0) throw invalid(problems)
      const diff = files.map(({ path, before, after }) => diffOf(nameOf(path, this.#folders), before, after)).join('')
      const before = this.#point(name)
      const plan: Change = {
        channel: name, before, after: { sequence: null, revision: target.revision }, changed: files.length > 0, diff,
        restarts: [...new Set([...restarts, ...this.#restarts(channel)])].sort(), warnings: problems, tests: null, notes, applied: false, status: null,
      }
      if (request.dryRun || !plan.changed) return plan
      const { by, why } = request
      const revision: NewRevision = {
        revision: target.revision, at: this.#now(), by, why, from: 'rollback', of: target.sequence, file: target.file, text: this.history.content(target.text),
        files: target.files.map(({ name: file, content }) => ({ name: file, content: content === null ? null : this.history.content(content) })),
      }
      return this.#carryOut({ channel: name, files, revision }, plan)
    })
  }

  /** Pauses, stops or starts a channel or one of its destinations; what is asked holds until it is undone, over restarts too. */
  ask(name: string, destination: string | null, what: Wish['what'], { by, why }: Asking): Promise<ChannelStatus> {
    return this.#inTurn(async () => {
      const { engine, wishes } = this.#parts
      const channel = engine.channel(name)
      if (!channel) throw new ReferoError('NOT_FOUND', `No channel is called \`${name}\`.`)
      const names = channel.definition.destinations.map((one) => one.name)
      if (destination !== null && !names.includes(destination) && !wishes.controlOf(name).destinations[destination]) throw new ReferoError('NOT_FOUND', `\`${name}\` has no destination called \`${destination}\`; it has ${names.join(', ')}.`)
      await wishes.add(name, { what, destination, by, why, at: this.#now() })
      await engine.obey(name)
      return this.#status(name) as ChannelStatus
    })
  }

  get #folders(): Configuration['settings'] {
    return this.#parts.configuration.settings
  }

  #now(): string {
    return this.#parts.engine.world.clock.now().toISOString()
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(work)
    this.#last = done.catch(() => {})
    return done
  }

  async #reload(origin: Origin): Promise<void> {
    const read = await readRunnable(this.#parts.configuration, this.#parts.engine.world.pieces)
    this.#parts.told.problems(read.problems)
    await this.#record(read, origin)
    await this.#apply(read)
  }

  async #apply(read: Installation): Promise<void> {
    this.#read = read
    const { engine, told } = this.#parts
    await engine.apply(read.channels, read.problems, told.channel, read.mappings)
  }

  /** A file that is broken is what it was: only what can run is a revision, and only a file that is gone is a removal. */
  async #record({ channels }: Installation, origin: Origin): Promise<void> {
    for (const channel of channels) {
      const { name } = channel.definition
      const head = this.history.head(name)
      const revision = this.#newRevision(channel, origin) // its name and its contents from one look at the files
      if (head?.revision !== revision.revision || head.from === 'removal') await this.history.append(name, revision)
    }
    for (const name of this.history.channels()) {
      const head = this.history.head(name)
      if (!head || head.from === 'removal' || channels.some(({ definition }) => definition.name === name) || existsSync(pathOf(head.file, this.#folders) ?? '')) continue
      const files = head.files.map((file) => ({ name: file.name, content: file.content && this.history.content(file.content) }))
      await this.history.append(name, { ...BY_HAND, revision: head.revision, file: head.file, text: this.history.content(head.text), files, at: this.#now(), from: 'removal' })
    }
  }

  #newRevision(channel: LoadedChannel, origin: Origin): NewRevision {
    const snapshot = snapshotOf(channel)
    const { text, files } = snapshot
    return { revision: revisionOfSnapshot(snapshot), at: this.#now(), ...origin, file: nameOf(resolve(channel.file), this.#folders), text, files: files.map(({ path, content }) => ({ name: nameOf(path, this.#folders), content })) }
  }

  async #carryOut(undertaking: Undertaking, plan: Change): Promise<Change> {
    const { sequence, revision, by, why, from } = await this.#parts.undertakings.carryOut(undertaking)
    await this.#reload({ by, why, from: from === 'removal' ? 'api' : from, of: null })
    return { ...plan, applied: true, after: from === 'removal' ? null : { sequence, revision }, status: this.#status(undertaking.channel) }
  }

  /** Where a channel lies, or would lie; absolute. */
  #fileOf(name: string): string {
    const loaded = this.#read.channels.find(({ definition }) => definition.name === name) ?? this.#parts.engine.channel(name)
    const head = this.history.head(name)
    return loaded ? resolve(loaded.file) : ((head && pathOf(head.file, this.#folders)) ?? join(this.#folders.channels, `${name}.yaml`))
  }

  #point(name: string): Change['before'] {
    const head = this.history.head(name)
    return head && head.from !== 'removal' ? { sequence: head.sequence, revision: head.revision } : null
  }

  #plan(name: string, channel: LoadedChannel | null, diff: string, more: Partial<Pick<Change, 'warnings' | 'tests'>> = {}): Change {
    const after = channel ? { sequence: null, revision: revisionOf(channel) } : null
    return { channel: name, before: this.#point(name), after, changed: diff !== '', diff, restarts: this.#restarts(channel), warnings: [], tests: null, notes: [], ...more, applied: false, status: null }
  }

  /** A channel restarts where what runs of it changes, not where its description or a test does. */
  #restarts(channel: LoadedChannel | null): readonly string[] {
    if (!channel) return []
    const { name } = channel.definition
    const running = this.#parts.engine.channel(name)
    return running && running.revision !== channel.revision && this.#status(name)?.state !== 'disabled' ? [name] : []
  }

  #status(name: string): ChannelStatus | null {
    return this.#parts.engine.status().find((status) => status.name === name) ?? null
  }

  /** Nothing is overwritten that whoever made a change has not seen, whether it was loaded already or not. */
  #refuseEdited(name: string, basedOn: string | null, there: string | null, text: string | null): void {
    const head = this.history.head(name)
    if (basedOn === null ? there === null : there !== null && this.#names(name, basedOn, there)) return
    const known = there === null ? (head?.from === 'removal' ? `It was removed by ${head.by}.` : 'It is not there.') : basedOn === null ? 'There is one of that name already.' : `It is at ${this.now(name).basedOn} now, and the change was made from ${basedOn}.`
    throw new ReferoError('EDITED', known, { facts: { diff: diffOf(nameOf(this.#fileOf(name), this.#folders), there, text), ...(there !== null && { current: this.now(name) }) } })
  }

  /** Whether the text that a change was made from is the one that is there. */
  #names(name: string, basedOn: string, there: string): boolean {
    const text = digest(there)
    return text.slice(0, 12) === basedOn || this.history.list(name, Number.POSITIVE_INFINITY, 200).some(({ revision, text: its }) => revision === basedOn && its === text)
  }

  async #refuseWaiting(name: string): Promise<void> {
    const { store } = this.#parts.engine.world
    const [received] = await store.received(name, 1)
    const waiting = (await store.depth(name)).filter((queue) => queue.waiting + queue.held > 0).map((queue) => `${queue.waiting + queue.held} for ${queue.destination}`)
    if (received || waiting.length > 0) throw new ReferoError('STILL_WAITING', waiting.length > 0 ? `There are ${waiting.join(', ')}.` : 'Some have not been through its steps.')
  }

  #fresh(): Installation['context'] {
    return { ...this.#read.context, mappings: openMappings(this.#folders.mappings) }
  }

  #testWorld(): TestWorld {
    const { store: _, events: __, ...world } = this.#parts.engine.world
    return { ...world, mappings: openMappings(this.#folders.mappings), log: () => {}, serve: () => () => {}, fixtures: this.#folders.fixtures, openStore: this.#parts.openStore }
  }
}

const invalid = (problems: readonly Problem[]): ReferoError => new ReferoError('INVALID', `${errorsIn(problems).length} problems.`, { facts: { problems } })

/** A unified diff of a file; empty where nothing differs. */
export function diffOf(name: string, before: string | null, after: string | null): string {
  if (before === after) return ''
  return createTwoFilesPatch(before === null ? '/dev/null' : `a/${name}`, after === null ? '/dev/null' : `b/${name}`, before ?? '', after ?? '', undefined, undefined, { context: 3, timeout: 2_000 }) ?? ''
}
