/** What the tests of the hl7v2 and text formats share: a fixed time, the format with its settings, and its functions with short names. */
import type { Definition, MessageFormat, Tools } from '../../../engine/contracts.js'
import { MessageFault } from '../../../engine/errors.js'
import hl7v2 from '../../../engine/formats/hl7v2/index.js'
import type { Static, TSchema } from 'typebox'

const unused = (): never => {
  throw new Error('formats do not use this')
}

/** The world as a format may see it: only its clock. */
export const tools: Tools = {
  clock: { now: () => new Date('2026-03-02T09:15:00Z'), sleep: async () => undefined },
  log: () => undefined, dataFolder: '', channel: '', format: unused, table: unused, mapping: unused, beside: unused, feed: unused, serve: unused, incidents: unused, fate: unused, service: unused,
}

/** The settings that hold where a channel gives none. */
export const DEFAULTS: Static<typeof hl7v2.settings> = { charset: 'UNICODE UTF-8', overrideCharset: false, strayLines: 'refuse', size: 50_000_000, segments: 10_000, fields: 1_000, repetitions: 10_000 }

export const formatWith = (settings: Partial<typeof DEFAULTS> = {}): MessageFormat => hl7v2.create({ ...DEFAULTS, ...settings }, tools)

/** The fault that something throws, or null. Anything else that is thrown goes on. */
export const faultOf = (work: () => unknown): MessageFault['fault'] | null => {
  try {
    work()
    return null
  } catch (error) {
    if (error instanceof MessageFault) return error.fault
    throw error
  }
}

/** Whether each example of a definition makes a format of its name. */
export const examplesWork = <S extends TSchema>(definition: Definition<S, MessageFormat>): boolean =>
  definition.examples.every(example => definition.create(example, tools).name === definition.name)

/** Numbers from 0 to below `n`, the same in every run. */
export const seeded = (seed: number) => {
  let state = seed
  return (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}
