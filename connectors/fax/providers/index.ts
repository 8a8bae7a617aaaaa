/** Every fax service that there is an adapter for, by name. */
import type { Provider } from '../provider.js'
import { concord } from './concord.js'
import { documo } from './documo.js'
import { etherfax } from './etherfax.js'
import { folder } from './folder.js'
import { genericJson } from './generic-json.js'
import { genericMultipart } from './generic-multipart.js'
import { hylafax } from './hylafax.js'
import { phaxio } from './phaxio.js'
import { sinch } from './sinch.js'
import { srfax } from './srfax.js'
import { telnyx } from './telnyx.js'
import { updox } from './updox.js'
import { westfax } from './westfax.js'

const ALL = [documo, sinch, phaxio, telnyx, westfax, srfax, etherfax, updox, concord, hylafax, genericJson, genericMultipart, folder] as const

export const PROVIDERS: ReadonlyMap<string, Provider> = new Map(ALL.map((provider) => [provider.name, provider]))
export const NAMES = ALL.map(({ name }) => name)
export const SENDING = ALL.filter(({ needs }) => needs.destination !== null).map(({ name }) => name)

/** The adapter of a name that the settings' schema lets through. */
export const providerOf = (name: string): Provider => PROVIDERS.get(name) as Provider
