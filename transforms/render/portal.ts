/** The link by which whoever gets a letter follows the one referral that it is about, in the portal. */
import { type Static, Type } from 'typebox'
import type { Tools } from '../../engine/contracts.js'
import { Duration, duration, withDefault } from '../../engine/units.js'
import { signingKey, statusLink } from '../../engine/web/signed.js'

const LASTS = '90d'

export const PortalSettings = Type.Object({
  url: Type.String({ pattern: '^(?:https?://[^\\s?#]+)?$', maxLength: 500, description: 'Where the portal is, as its channel says: `https://referrals.heart.example/portal`. Empty: no link.' }),
  key: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: `The \`key\` of its channel: \`\${secret:portal-key}\`; without it, as there, \`portal.key\` in the data folder.` })),
  lasts: Type.Optional(withDefault(Duration, LASTS, 'How long after the letter the link holds.')),
}, { additionalProperties: false, description: 'Puts a link into letters about one referral. Whoever has it sees where the referral stands, and its reports.' })

/** Of the reference numbers of a letter and its date, the link; nothing where there is no portal, or it is about several referrals. */
export const portalLinks = (settings: Static<typeof PortalSettings> | undefined, tools: Tools): ((references: readonly string[], date: Date) => { readonly portal?: string }) => {
  if (!settings?.url) return () => ({})
  const { url, key, lasts = LASTS } = settings
  return ([reference, ...more], date) => (reference === undefined || more.length > 0 ? {} : { portal: statusLink(signingKey(key, tools.dataFolder), url, reference, new Date(date.getTime() + duration(lasts))) })
}
