/** The shipped settings of matching, for tests. */
import { join } from 'node:path'
import { openMappings } from '../../../engine/mappings.js'
import { matchingSettings } from '../../../referrals/patients/settings.js'

export const MAPPINGS = openMappings(join(import.meta.dirname, '../../../../mappings'))
export const SETTINGS = matchingSettings(MAPPINGS.mapping)
