/** The step `open-smime`: a Direct message is decrypted, its signature and its signer are checked, and the message within goes on. */
import { Type } from 'typebox'
import { defineTransform } from '../../engine/define.js'
import { MessageFault, sentence } from '../../engine/errors.js'
import type { Mail } from '../../engine/formats/mime/mail.js'
import { withField } from '../../engine/formats/mime/fields.js'
import { identityReader } from '../../engine/smime/identities.js'
import { isSmime, openMail } from '../../engine/smime/open.js'
import { TRUST } from '../../engine/smime/settings.js'
import { anchorReader } from '../../engine/smime/trust.js'

/** What is told of a message that was opened. Nothing else may tell it. */
const TOLD = ['X-Refero-Signed-By', 'X-Refero-Signer', 'X-Refero-Opened-For', 'X-Refero-Cipher'] as const

export default defineTransform({
  name: 'open-smime',
  summary: 'Opens Direct messages: decrypts them, checks the signature and that the sender is trusted, and gives the message within, with who signed it.',
  settings: Type.Object({
    ...TRUST,
    plain: Type.Optional(Type.Enum(['refuse', 'pass'], { default: 'refuse', description: '`refuse`: what is not S/MIME is an error. `pass`: it goes on as it is, without a word of who signed it: for a mailbox that also gets what mail servers say of deliveries.' })),
    legacy: Type.Optional(Type.Boolean({ default: false, description: 'Also takes what is encrypted with 3DES.' })),
  }, { additionalProperties: false }),
  examples: [
    { identities: [{ address: 'direct.heart.example', certificate: 'direct.pem', key: `\${secret:direct-key}` }], anchors: ['anchors.p7b'] },
    { identities: [{ address: 'referrals@direct.heart.example', certificate: 'direct.p12', passphrase: `\${secret:direct-p12}` }], anchors: ['anchors.pem'], plain: 'pass' },
  ],
  produces: 'mime',
  create({ plain = 'refuse', legacy = false, identities, anchors, bundles }, tools) {
    if (anchors === undefined && bundles === undefined) throw new Error('`anchors` or `bundles` is needed: without them nobody is trusted.')
    const readIdentities = identityReader(identities, tools)
    const readAnchors = anchorReader({ anchors, bundles }, tools)
    return async (message) => {
      if (message.format !== 'mime') throw new MessageFault({ kind: 'unsupported', reason: `open-smime takes messages of format mime, and this is ${message.format}` })
      const mail = message.body as Mail
      const format = tools.format('mime')
      const told = (bytes: Buffer, values: readonly string[]) => [{ ...message, body: format.parse(TOLD.reduce((made, name, index) => withField(made, name, values[index] ?? null), bytes)) }]
      if (plain === 'pass' && !isSmime(mail)) return told(mail.raw, [])
      const [ours, trusted] = await Promise.all([readIdentities(), readAnchors()]).catch((error: unknown) => {
        throw new MessageFault({ kind: 'internal', reason: sentence(error) }, { cause: error })
      })
      const { bytes, from, to, signer, cipher } = await openMail(mail, format, { identities: ours, anchors: trusted, at: message.receivedAt, legacy }).catch((error: unknown) => {
        if (error instanceof MessageFault) throw error
        throw new MessageFault({ kind: 'internal', reason: sentence(error) }, { cause: error })
      })
      return told(bytes, [from, `sha256:${signer.x509.fingerprint256.replaceAll(':', '').toLowerCase()}`, to.join(', '), cipher])
    }
  },
})
