/** Whether who answers an order of ours is whoever it was sent to. */
import type { Bundle } from 'fhir/r4.js'
import type { DeskParts } from '../change.js'
import type { ReferralState } from '../desk-contracts.js'
import { calledOf } from '../providers/names.js'

/**
 * Why an answer that came by mail is not told by itself: its sender (`Bundle.meta.source`, a mailto: URI) is neither an address of the specialist nor, over Direct, of
 * their domain, whose certificate speaks for all of it. Null where it is, where the specialist has no address that could be compared, and of anything that was no mail.
 */
export async function notTheSpecialist({ providers }: Pick<DeskParts, 'providers'>, { meta }: Bundle, { direction, provider }: ReferralState): Promise<string | null> {
  const sender = /^mailto:(\S+@\S+)$/i.exec(meta?.source ?? '')?.[1]?.toLowerCase()
  if (sender === undefined || direction !== 'outbound' || provider === null) return null
  const specialist = await providers.get(provider)
  const known = (specialist?.ways ?? []).filter(({ way }) => way === 'direct' || way === '360x' || way === 'email')
  if (specialist === null || known.length === 0) return null
  const isTheirs = known.some(({ way, address }) => address.toLowerCase() === sender || (way !== 'email' && domainOf(address) === domainOf(sender)))
  return isTheirs ? null : `It came from an address at ${domainOf(sender)}, which is not known as one of ${calledOf(specialist)} (provider ${specialist.id}), to whom the referral was sent.`
}

const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()
