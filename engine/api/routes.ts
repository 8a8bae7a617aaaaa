/** The routes of the operations API: a module a line, each a function that adds its own below /api. */
import type { FastifyInstance } from 'fastify'
import type { Engine } from '../engine.js'
import { eventRoutes } from './events.js'
import { incidentRoutes } from './incidents.js'
import { manyMessagesRoutes } from './many-messages.js'
import { messageRoutes } from './messages.js'
import { queueRoutes } from './queues.js'

/** Adds routes below /api, each with a schema of what it takes and answers: the documentation is made of them. */
export type Routes = (api: FastifyInstance, engine: Engine) => void

/** The modules that need the engine alone; main.ts passes those that need more. */
export const ROUTES: readonly Routes[] = [
  messageRoutes,
  manyMessagesRoutes,
  queueRoutes,
  incidentRoutes,
  eventRoutes,
]
