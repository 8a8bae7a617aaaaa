/** The routes of the referral desk: referrals and what people decide of them, the worklist, providers, patients, and how routing decides. */
import type { Routes } from '../../engine/api/routes.js'
import type { Desk } from '../desk.js'
import { decisionRoutes } from './decisions.js'
import { explainRoutes } from './explain.js'
import { measureRoutes } from './measures.js'
import { pageRoutes } from './pages.js'
import { patientRoutes } from './patients.js'
import { providerRoutes } from './providers.js'
import { lookingRoutes } from './referrals.js'
import { strayRoutes } from './strays.js'
import { worklistRoutes } from './worklist.js'

export const referralRoutes = (desk: Desk): Routes => (api) => {
  worklistRoutes(api, desk)
  strayRoutes(api, desk)
  lookingRoutes(api, desk)
  pageRoutes(api, desk)
  decisionRoutes(api, desk)
  providerRoutes(api, desk)
  patientRoutes(api, desk)
  explainRoutes(api, desk)
  measureRoutes(api, desk)
}
