/** Whether somebody can be answered at all, and how it reads for a person where not. */
import type { Provider, Way } from './contracts.js'
import type { Notice, NoticeKind } from './desk-contracts.js'
import { calledOf } from './providers/names.js'

/** A file is a letter for staff to send: to somebody of whom there is neither number nor address it says nothing. */
const NO_WAY_BACK: readonly Way[] = ['file', 'phone']

export const canBeReached = ({ ways, address }: Pick<Provider, 'ways' | 'address'>): boolean =>
  hasAddress({ ways }) || getsPost({ address })

/** Whether they can be told without anybody at the post or the telephone. */
export const hasAddress = (provider: Pick<Provider, 'ways'> | null): boolean => provider?.ways.some(({ way }) => !NO_WAY_BACK.includes(way)) ?? false

export const getsPost = ({ address }: Pick<Provider, 'address'>): boolean => address !== null && address.lines.length > 0 && (address.city ?? address.postalCode) !== null

/** For the worklist: why nobody can be reached, and what is written where meanwhile. */
export const nobodyThere = (provider: Provider, kind: NoticeKind): string => {
  const phone = provider.ways.find(({ way }) => way === 'phone')?.address
  const folder = provider.ways.find(({ way }) => way === 'file')?.address ?? 'a folder'
  const nameless = provider.name === null ? ' No referrer is named; the practice or facility that sent it stands for them.' : ''
  return `No way back to ${calledOf(provider)} is known: no fax number, no Direct, e-mail or postal address${phone === undefined ? ', no telephone' : `; only the telephone ${phone}`}.${nameless} The ${kind}, and whatever follows, is only written to a file (${folder}), for staff.`
}

/** Why a notice went the way it went: what they can receive, what was tried, and what has failed them before. Null for somebody who is not known. */
export const whyThisWay = (provider: Provider | null, { way, tried }: Pick<Notice, 'way' | 'tried'>): string | null => {
  if (provider === null || way === null) return null
  const known = [...new Set(provider.ways.filter((one) => one.way !== 'phone').map((one) => one.way))]
  const asked = provider.preferred === way ? `They asked for ${way}` : `By ${way}`
  const failed = provider.ways.filter((one) => one.failed && one.way !== way).map((one) => `${one.way} failed before (${one.failed?.reason.replace(/[.\s]+$/, '')})`)
  return [asked, `they can be reached by ${known.join(', ')}`, ...(tried.length > 0 ? [`${tried.join(', ')} did not get through`] : []), ...failed].join('; ')
}
