/** The `file` source: takes each file that comes to rest in a folder as one message, once, and puts it away. */
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Type } from 'typebox'
import { defineSource } from '../../engine/define.js'
import { glob } from '../../engine/files/glob.js'
import { Inbox } from '../../engine/files/inbox.js'
import { opening, PgpOpening } from '../../engine/files/pgp.js'
import { Duration, duration, Size, size, withDefault } from '../../engine/units.js'
import { diskFolder } from './folder.js'

const DEFAULTS = { match: '*', settle: '2s', poll: '1s', done: 'done', failed: 'failed', remove: false, order: 'name', maximum: '20MB' } as const
const Folder = (description: string, value?: string) => Type.String({ minLength: 1, maxLength: 1000, description, ...(value && { default: value }) })

export default defineSource({
  name: 'file',
  summary: 'Takes each file that comes to rest in a folder, once and in order, and moves it to `done` or `failed`.',
  settings: Type.Object({
    folder: Folder('The folder; a relative one is in the data folder. Made if it is missing.'),
    match: Type.Optional(Type.String({ minLength: 1, maxLength: 255, default: DEFAULTS.match, description: 'Which names are taken: `*.hl7`, `adt-[0-9]*.{hl7,txt}`. Hidden files and *.tmp, *.part, *~ never are.' })),
    settle: Type.Optional(withDefault(Duration, DEFAULTS.settle, 'For how long a file must not have changed.')),
    poll: Type.Optional(withDefault(Duration, DEFAULTS.poll, 'How often the folder is looked at.')),
    done: Type.Optional(Folder('Where files go that were accepted; a relative one is in `folder`.', DEFAULTS.done)),
    failed: Type.Optional(Folder('Where files go that were rejected, with the reason beside them; a relative one is in `folder`.', DEFAULTS.failed)),
    answers: Type.Optional(Folder('Where what the sender is owed is written, as `<name>.answer`: acknowledgements (HL7 v2, TA1 and 999), the rows of a list that were refused. A relative one is in `folder`. Without it nothing is.')),
    remove: Type.Optional(Type.Boolean({ default: DEFAULTS.remove, description: 'Removes files that were accepted instead of moving them to `done`.' })),
    order: Type.Optional(Type.Enum(['name', 'time'], { default: DEFAULTS.order, description: 'In which order files that are there together are taken: by name, or by the time of their last change.' })),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest file; a larger one goes to `failed`.')),
    pgp: Type.Optional(PgpOpening),
  }, { additionalProperties: false }),
  examples: [
    { folder: '/in', match: '*.278', settle: '2s', answers: '/out' },
    { folder: 'inbox', match: '*.{hl7,txt}', order: 'time', remove: true },
  ],
  claims: ({ folder, match = DEFAULTS.match }) => [`folder ${folder} match ${match}`],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const { match, remove, order, pgp } = settings
    const folder = resolve(tools.dataFolder, settings.folder)
    const done = resolve(folder, settings.done)
    const failed = resolve(folder, settings.failed)
    const answers = settings.answers === undefined ? null : resolve(folder, settings.answers)
    if ([done, failed, answers].includes(folder)) throw new Error('`done`, `failed` and `answers` must be other folders than `folder`.')
    const maximum = size(settings.maximum)
    const matches = glob(match)
    let inbox: Inbox | null = null

    return {
      async start(receive) {
        inbox = new Inbox(diskFolder({ folder, done: remove ? null : done, failed, answers }), {
          matches, order, maximum, after: remove ? 'delete' : 'move', answers: answers !== null, settle: duration(settings.settle), poll: duration(settings.poll),
          unseal: pgp ? await opening(pgp, maximum, tools) : null,
        }, tools)
        await inbox.start(receive)
        return join(pathToFileURL(folder).href, '/').replace(/^file:\/+/, 'file:///') + match
      },
      async stop() {
        await inbox?.stop()
      },
    }
  },
})
