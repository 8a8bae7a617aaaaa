/** Channels over HTTP: what they do, their files and history, to change them with a plan first, and to pause, stop and start them. */
import type { FastifyInstance } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Engine } from '../engine.js'
import { errorsIn } from '../revisions/examine.js'
import type { Changes } from '../revisions/changes.js'
import { diffOf } from '../revisions/difference.js'
import type { Revision } from '../revisions/history.js'
import type { Wish } from '../revisions/wishes.js'
import {
  Beside, Changed, ChannelNow, Check, Checked, Create, Deploy, ListedChannel, Named, NamedDestination, NamedSequence, Page, Plan, type Recorded, RecordedText, Recordings,
  Remove, Rollback, Status, Wanted,
} from './channel-schemas.js'
import type { Routes } from './routes.js'
import { answers } from './schemas.js'

type Name = { Params: Static<typeof Named> }

export const channelRoutes = (changes: Changes): Routes => (api, engine) => {
  reading(api, engine, changes)
  history(api, changes)
  changing(api, changes)
  asking(api, changes)
}

function reading(api: FastifyInstance, engine: Engine, changes: Changes): void {
  api.get('/channels', {
    schema: { summary: 'All channels: what they do, where they listen, what is wrong.', response: answers(Type.Object({ channels: Type.Array(ListedChannel) })) },
  }, async () => {
    const queues = await engine.world.store.queues(null)
    return {
      channels: engine.status().map((status) => {
        const head = changes.history.head(status.name)
        const own = queues.filter(({ channel }) => channel === status.name)
        const sum = (of: (queue: (typeof own)[number]) => number): number => own.reduce((total, queue) => total + of(queue), 0)
        return { ...status, enabled: status.state !== 'disabled', sequence: head?.sequence ?? null, since: head?.at ?? null, by: head?.by ?? null, waiting: sum(({ waiting }) => waiting), held: sum(({ held }) => held) }
      }),
    }
  })

  api.get<Name>('/channels/:name', {
    schema: { summary: 'One channel: the text of its file, what of it runs, and what it depends on.', params: Named, response: answers(ChannelNow) },
  }, async ({ params: { name } }) => ({ ...changes.now(name), status: engine.status().find((status) => status.name === name) ?? null }))

  api.post<Name & { Body: Static<typeof Check> }>('/channels/:name/check', {
    schema: { summary: 'What `refero check` and `refero test` would say of a text, beside the other channels.', params: Named, body: Check, response: answers(Checked) },
  }, async ({ params: { name }, body }) => {
    const { problems, tests: tested } = await changes.check(name, body)
    return { ok: errorsIn(problems).length === 0, problems, tests: tested }
  })
}

function history(api: FastifyInstance, changes: Changes): void {
  api.get<Name & { Querystring: Static<typeof Page> }>('/channels/:name/revisions', {
    schema: { summary: 'Every revision that ran, the last first: who, when, why.', params: Named, querystring: Page, response: answers(Recordings) },
  }, async ({ params: { name }, query: { before, limit } }) => {
    changes.now(name)
    const revisions = changes.history.list(name, before ?? Number.POSITIVE_INFINITY, limit)
    return { revisions: revisions.map(listed), next: revisions.length === limit && revisions.at(-1)?.sequence !== 1 ? (revisions.at(-1)?.sequence ?? null) : null, wishes: changes.wishes.of(name) }
  })

  api.get<{ Params: Static<typeof NamedSequence>; Querystring: Static<typeof Beside> }>('/channels/:name/revisions/:sequence', {
    schema: { summary: 'One revision: its text, and the difference from another.', params: NamedSequence, querystring: Beside, response: answers(RecordedText) },
  }, async ({ params: { name, sequence }, query }) => {
    const revision = changes.history.get(name, sequence)
    const other = query.diff === undefined ? null : changes.history.get(name, query.diff)
    return { ...listed(revision), text: changes.history.content(revision.text), diff: other && difference(other, revision, changes) }
  })
}

const listed = ({ text: _, ...facts }: Revision): Static<typeof Recorded> => ({ ...facts, files: [...facts.files], carried: [...facts.carried] })

/** Of the channel file and of every file that it depends on. */
function difference(from: Revision, to: Revision, { history: kept }: Changes): string {
  const content = (hash: string | null | undefined): string | null => (hash ? kept.content(hash) : null)
  const names = [...new Set([...from.files, ...to.files].map(({ name }) => name))].sort()
  const of = (revision: Revision, name: string): string | null => content(revision.files.find((file) => file.name === name)?.content)
  return [diffOf(to.file, content(from.text), content(to.text)), ...names.map((name) => diffOf(name, of(from, name), of(to, name)))].join('')
}

function changing(api: FastifyInstance, changes: Changes): void {
  api.post<Name & { Body: Static<typeof Plan> }>('/channels/:name/plan', {
    schema: { summary: 'What deploying a text would change, and which channels would restart; nothing is written.', params: Named, body: Plan, response: answers(Changed) },
  }, async ({ params: { name }, body: { basedOn, ...draft } }) => changes.deploy(name, { ...draft, basedOn: basedOn === undefined ? changes.basis(name) : basedOn, dryRun: true, by: '', why: '' }))

  api.put<Name & { Body: Static<typeof Deploy> }>('/channels/:name', {
    schema: { summary: 'Deploys a text: checked and tested first, and never over what its author has not seen.', params: Named, body: Deploy, response: answers(Changed) },
  }, async ({ params: { name }, body }) => changes.deploy(name, body))

  api.post<{ Body: Static<typeof Create> }>('/channels', {
    schema: { summary: 'Deploys a channel that is not there yet.', body: Create, response: answers(Changed, 201) },
  }, async ({ body: { name, ...body } }, reply) => {
    const change = await changes.deploy(name, { ...body, basedOn: null })
    return reply.code(201).send(change)
  })

  api.delete<Name & { Body: Static<typeof Remove> }>('/channels/:name', {
    schema: { summary: 'Removes a channel; a rollback brings it back.', params: Named, body: Remove, response: answers(Changed) },
  }, async ({ params: { name }, body }) => changes.remove(name, body))

  api.post<Name & { Body: Static<typeof Rollback> }>('/channels/:name/rollback', {
    schema: { summary: 'Brings an earlier revision back, the one before unless said.', params: Named, body: Rollback, response: answers(Changed) },
  }, async ({ params: { name }, body }) => changes.rollback(name, { ...body, to: body.to ?? null }))
}

const WISHES: Readonly<Record<'pause' | 'stop' | 'start', { readonly what: Wish['what']; readonly summary: string }>> = {
  pause: { what: 'paused', summary: 'The source takes nothing more; what was taken goes on. It holds until it is started.' },
  stop: { what: 'stopped', summary: 'Nothing runs, and what waits stays where it is. It holds until it is started.' },
  start: { what: 'started', summary: 'Ends a pause or a stop.' },
}

function asking(api: FastifyInstance, changes: Changes): void {
  for (const verb of ['pause', 'stop', 'start'] as const) {
    const { what, summary } = WISHES[verb]
    api.post<Name & { Body: Static<typeof Wanted> }>(`/channels/:name/${verb}`, {
      schema: { summary, params: Named, body: Wanted, response: answers(Status) },
    }, async ({ params: { name }, body }) => changes.ask(name, null, what, body))
    if (verb === 'stop') continue
    api.post<{ Params: Static<typeof NamedDestination>; Body: Static<typeof Wanted> }>(`/channels/:name/destinations/:destination/${verb}`, {
      schema: { summary: verb === 'pause' ? 'Nothing more is sent there; what is for it waits in its queue.' : 'Sends there again.', params: NamedDestination, body: Wanted, response: answers(Status) },
    }, async ({ params: { name, destination }, body }) => changes.ask(name, destination, what, body))
  }
}
