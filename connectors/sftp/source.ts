/** The `sftp` source: takes each file that comes to rest in a folder of an SFTP server as one message, once, and puts it away. */
import { Type } from 'typebox'
import { defineSource } from '../../engine/define.js'
import { glob } from '../../engine/files/glob.js'
import { Inbox } from '../../engine/files/inbox.js'
import { opening, PgpOpening } from '../../engine/files/pgp.js'
import { Duration, duration, Size, size, withDefault } from '../../engine/units.js'
import { checkServer, Connection, serverSettings } from './connection.js'
import { remoteFolder } from './folder.js'

const DEFAULTS = { port: 22, match: '*', every: '1m', settle: '2s', after: 'move', done: 'done', failed: 'failed', order: 'name', maximum: '20MB' } as const
const Folder = (description: string, value?: string) => Type.String({ minLength: 1, maxLength: 1000, pattern: '^[^\\0]*$', description, ...(value && { default: value }) })

export default defineSource({
  name: 'sftp',
  summary: 'Takes each file that comes to rest in a folder of an SFTP server, once and in order, and moves, removes or keeps it.',
  settings: Type.Object({
    ...serverSettings,
    folder: Folder('The folder; a relative one is in the folder that we land in.'),
    match: Type.Optional(Type.String({ minLength: 1, maxLength: 255, default: DEFAULTS.match, description: 'Which names are taken: `*.csv`, `278-[0-9]*.{x12,edi}`. Hidden files and *.tmp, *.part, *~ never are.' })),
    every: Type.Optional(withDefault(Duration, DEFAULTS.every, 'How often the folder is looked at.')),
    settle: Type.Optional(withDefault(Duration, DEFAULTS.settle, 'For how long a file must not have changed: two looks at least. `0s` takes it at the first, for senders that rename files into place.')),
    after: Type.Optional(Type.Enum(['move', 'delete', 'keep'], { default: DEFAULTS.after, description: 'What is done with a file that was accepted. `keep` changes nothing on the server, and leaves rejected files too: nobody there is told, but the log and the engine’s messages are.' })),
    done: Type.Optional(Folder('Where files go that were accepted; a relative one is in `folder`.', DEFAULTS.done)),
    failed: Type.Optional(Folder('Where files go that were rejected, with the reason beside them; a relative one is in `folder`.', DEFAULTS.failed)),
    answers: Type.Optional(Folder('Where what the sender is owed is written, as `<name>.answer`: acknowledgements (HL7 v2, TA1 and 999), the rows of a list that were refused. A relative one is in `folder`. Without it nothing is.')),
    order: Type.Optional(Type.Enum(['name', 'time'], { default: DEFAULTS.order, description: 'In which order files that are there together are taken: by name, or by the time of their last change.' })),
    maximum: Type.Optional(withDefault(Size, DEFAULTS.maximum, 'The largest file, before and after it is decrypted; a larger one goes to `failed`.')),
    pgp: Type.Optional(PgpOpening),
  }, { additionalProperties: false }),
  examples: [
    { host: 'sftp.payer.example', user: 'practice', key: `\${secret:payer-key}`, hostKey: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU', folder: '/out', match: '*.{278,x12}', answers: '/in' },
    { host: 'sftp.plan.example', user: 'practice', password: `\${secret:plan}`, hostKey: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU', folder: 'lists', after: 'keep', every: '15m' },
  ],
  claims: ({ host, port = DEFAULTS.port, user, folder, match = DEFAULTS.match }) => [`sftp ${user}@${host}:${port} ${folder} match ${match}`],
  create(given, tools) {
    const settings = { ...DEFAULTS, ...given }
    const { host, port, match, after, order, pgp } = settings
    checkServer(settings)
    const folder = settings.folder.replace(/(?<=.)\/+$/, '')
    const inside = (path: string): string => (path.startsWith('/') ? path : `${folder === '/' ? '' : folder}/${path}`).replace(/(?<=.)\/+$/, '').replace(/\/\.$/, '')
    const [done, failed] = [inside(settings.done), inside(settings.failed)]
    const answers = settings.answers === undefined ? null : inside(settings.answers)
    if ([done, failed, answers].includes(folder)) throw new Error('`done`, `failed` and `answers` must be other folders than `folder`.')
    const maximum = size(settings.maximum)
    const matches = glob(match)
    let inbox: Inbox | null = null

    return {
      async start(receive) {
        const url = `sftp://${host.includes(':') ? `[${host}]` : host}:${port}`
        const there = remoteFolder({ url, folder: folder === '/' ? '' : folder, done, failed, answers }, new Connection(settings, tools), tools.clock)
        inbox = new Inbox(there, {
          matches, after, order, maximum, answers: answers !== null, settle: duration(settings.settle), poll: duration(settings.every),
          unseal: pgp ? await opening(pgp, maximum, tools) : null,
        }, tools)
        await inbox.start(receive)
        return `${there.path}/${match}`
      },
      async stop() {
        await inbox?.stop()
      },
    }
  },
})
