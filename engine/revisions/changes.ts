/** Everything that changes the channels of a running engine, one after the other: edited files, deployed texts, removals, rollbacks. */
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Configuration, ownSettings, shippedMappings } from '../../config/loader.js'
import type { TestWorld } from '../channel-tests.js'
import type { LoadedChannel } from '../channel-loader.js'
import type { ChannelStatus, Engine } from '../engine.js'
import { ReferoError } from '../errors.js'
import { type Installation, readRunnable } from '../installation.js'
import { openMappings } from '../mappings.js'
import type { Problem } from '../problem.js'
import { changedFile, foldersToMake } from './brought.js'
import { diffOf } from './difference.js'
import { type DeployPlan, planDeploy, refuseShared } from './deploy.js'
import { errorsIn, feeding } from './examine.js'
import { refuseShipped, refuseWaiting } from './guards.js'
import type { History, NewRevision, Revision } from './history.js'
import type { Asking, Change, ChannelFileNow, DeployRequest, Draft, RemoveRequest, RollbackRequest } from './requests.js'
import { planRollback } from './rollback.js'
import { contentOf, digest, type Folders, nameOf, pathOf, revisionOfSnapshot, type Snapshot, snapshotOf } from './snapshot.js'
import type { Trying } from './staged.js'
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
  readonly #folders: Folders // that files are written to
  #read: Installation
  #last: Promise<unknown> = Promise.resolve()

  constructor(parts: ChangesParts, read: Installation) {
    this.#parts = parts
    const { settings } = parts.configuration
    const { mappings, fixtures } = ownSettings(settings)
    this.#folders = { channels: settings.channels, mappings, fixtures }
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

  /** What `refero check` and, if wanted, `refero test` would say of a text and the files that it brings. */
  async check(name: string, draft: Draft): Promise<Pick<DeployPlan, 'problems' | 'tests'>> {
    return planDeploy(name, this.#fileOf(name), draft, this.#trying(draft.tests))
  }

  deploy(name: string, request: DeployRequest): Promise<Change> {
    return this.#inTurn(async () => {
      const { text, by, why } = request
      const path = this.#fileOf(name)
      const there = contentOf(path)
      refuseShipped(this.#parts.configuration)
      this.#refuseEdited(name, request.basedOn, there, text)
      const trying = this.#trying(request.tests)
      const { channel, snapshot, problems, tests, files, dependents, concerned, alone } = await planDeploy(name, path, request, trying)
      if (!channel || !snapshot || errorsIn(problems).length > 0) throw invalid(problems)
      if (!request.shared) refuseShared(files.filter(({ encoding }) => encoding === 'utf8'), name, 'would change', trying)
      const diff = diffOf(nameOf(path, this.#folders), there, text) + files.filter(({ encoding }) => encoding === 'utf8').map((file) => diffOf(file.name, file.instead, file.after)).join('')
      const restarting = concerned && this.#runs(name) ? [name] : this.#restarts(alone)
      const plan: Change = {
        channel: name, before: this.#point(name), after: { sequence: null, revision: revisionOfSnapshot(snapshot) }, changed: diff !== '' || files.length > 0, diff, files: files.map(changedFile),
        restarts: [...new Set([...restarting, ...dependents.filter((one) => this.#runs(one))])].sort(), warnings: problems, tests, notes: foldersToMake(files, this.#folders), applied: false, status: null,
      }
      if (request.dryRun || !plan.changed) return plan
      const own = there === text ? [] : [{ path, before: there, after: text }]
      return this.#carryOut({ channel: name, files: [...own, ...files], revision: { ...this.#revisionFrom(path, snapshot, { by, why, from: 'api', of: null }), carried: files } }, plan)
    })
  }

  remove(name: string, { basedOn, abandon, dryRun, by, why }: RemoveRequest): Promise<Change> {
    return this.#inTurn(async () => {
      const path = this.#fileOf(name)
      const there = contentOf(path)
      if (there === null) throw new ReferoError('NOT_FOUND', `No channel is called \`${name}\`.`)
      refuseShipped(this.#parts.configuration)
      this.#refuseEdited(name, basedOn, there, null)
      const problems = feeding(name, this.#read.channels, this.#fresh())
      if (problems.length > 0) throw invalid(problems)
      if (!abandon) await refuseWaiting(name, this.#parts.engine.world.store)
      const channel = this.#parts.engine.channel(name)
      const head = this.history.head(name)
      const diff = diffOf(nameOf(path, this.#folders), there, null)
      const plan: Change = { channel: name, before: this.#point(name), after: null, changed: true, diff, files: [], restarts: [], warnings: [], tests: null, notes: [], applied: false, status: null }
      if (dryRun) return plan
      const files = channel ? this.#newRevision(channel, BY_HAND).files : []
      const revision: NewRevision = { revision: head?.revision ?? digest(there).slice(0, 12), at: this.#now(), by, why, from: 'removal', of: null, file: nameOf(path, this.#folders), text: there, files }
      return this.#carryOut({ channel: name, files: [{ path, before: there, after: null }], revision }, plan)
    })
  }

  rollback(name: string, request: RollbackRequest): Promise<Change> {
    return this.#inTurn(async () => {
      refuseShipped(this.#parts.configuration)
      const { target, path, files, notes, restarts, problems, channel } = await planRollback(name, request, this.history, this.#trying(false))
      if (errorsIn(problems).length > 0) throw invalid(problems)
      const carried = files.filter((file) => file.path !== path).map((file) => ({ ...file, name: nameOf(file.path, this.#folders) }))
      const plan: Change = {
        channel: name, before: this.#point(name), after: { sequence: null, revision: target.revision }, changed: files.length > 0,
        diff: files.filter(({ encoding }) => encoding !== 'base64').map((file) => diffOf(nameOf(file.path, this.#folders), file.before, file.after)).join(''),
        files: carried.map(changedFile), restarts: [...new Set([...restarts, ...this.#restarts(channel)])].sort(), warnings: problems, tests: null, notes, applied: false, status: null,
      }
      if (request.dryRun || !plan.changed) return plan
      const { by, why } = request
      const revision: NewRevision = {
        revision: target.revision, at: this.#now(), by, why, from: 'rollback', of: target.sequence, file: target.file, text: this.history.content(target.text),
        files: target.files.map(({ name: file, content }) => ({ name: file, content: content === null ? null : this.history.content(content) })), carried,
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
    return this.#revisionFrom(resolve(channel.file), snapshotOf(channel), origin)
  }

  #revisionFrom(path: string, snapshot: Snapshot, origin: Origin): NewRevision {
    const { text, files } = snapshot
    return { revision: revisionOfSnapshot(snapshot), at: this.#now(), ...origin, file: nameOf(path, this.#folders), text, files: files.map((file) => ({ name: nameOf(file.path, this.#folders), content: file.content })) }
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

  /** A channel restarts where what runs of it changes, not where its description or a test does. */
  #restarts(channel: LoadedChannel | null): readonly string[] {
    if (!channel) return []
    const { name } = channel.definition
    const running = this.#parts.engine.channel(name)
    return running?.revision !== channel.revision && this.#runs(name) ? [name] : []
  }

  #runs(name: string): boolean {
    const status = this.#status(name)
    return status !== null && status.state !== 'disabled'
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

  #fresh(): Installation['context'] {
    const { context } = this.#read
    return { ...context, mappings: openMappings(this.#folders.mappings, shippedMappings()), settings: { ...context.settings, fixtures: this.#folders.fixtures } }
  }

  #trying(tests: boolean): Trying {
    const { configuration, engine, openStore } = this.#parts
    const { store: _, events: __, ...world } = engine.world
    const context = this.#fresh()
    const testing: TestWorld = { ...world, mappings: context.mappings, log: () => {}, serve: () => () => {}, fixtures: this.#folders.fixtures, openStore }
    return { folders: this.#folders, configuration, channels: this.#read.channels, context, tests: tests ? testing : null }
  }
}

const invalid = (problems: readonly Problem[]): ReferoError => new ReferoError('INVALID', `${errorsIn(problems).length} problems.`, { facts: { problems } })
