/** Lives of a small practice that end at the n-th contact with a store or a receiver, and what must be true after another life. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../../engine/contracts.js'
import type { Desk } from '../../referrals/desk.js'
import type { ReferralState } from '../../referrals/desk-contracts.js'
import { acknowledgement } from '../bench/frames.js'
import { contacted } from '../small-world.js'
import { type Arrived, judge, type Kept, kept } from './referral-judge.js'
import { keyOnWire } from './referral-messages.js'
import { CHANNELS, channelsOf, openPractice, type Practice } from './referral-world.js'

/** What a script may do. */
export interface Stage {
  readonly desk: Desk
  /** Hands a message in, again until it is acknowledged, in this life or the next. */
  send(channel: string, text: string): Promise<void>
  contact(what: string): void
  /** Resolves once there are so many referrals, and each is as it should be. */
  finished(as: (state: ReferralState) => boolean, count?: number): Promise<void>
}
export interface Script {
  readonly play: (stage: Stage) => Promise<void>
  readonly rules?: NonNullable<Parameters<typeof openPractice>[0]['rules']>
}

export const told = ({ toTell }: ReferralState): boolean => Object.keys(toTell).length === 0

/** What is done wrong on purpose, to see that the judge notices. */
export type Mutant = <Target extends object>(target: Target, name: string) => Target

const faithful: Mutant = (target) => target

class Died extends Error {}

const PATIENCE = 10_000 // milliseconds until a life that comes to no end is given up
const LONGEST_SLEEP = 5 // milliseconds

/** A Monday morning, from which time passes as it does; but nobody waits long. */
const MORNING = Date.parse('2026-03-02T15:00:00Z')
const clock: Clock = {
  now: () => new Date(MORNING + performance.now()),
  sleep: (milliseconds, signal) => new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, Math.min(milliseconds, LONGEST_SLEEP))
    signal?.addEventListener('abort', end)
  }),
}

/** What has happened so far: the files, and what was received. */
export interface Memory { readonly folder: string; readonly arrived: Arrived[]; readonly acknowledged: Set<string> }

export const nothingYet = (): Memory => ({ folder: mkdtempSync(join(tmpdir(), 'refero-death-')), arrived: [], acknowledged: new Set() })
export const forget = ({ folder }: Memory): void => rmSync(folder, { recursive: true })

/** Reading the channels once is enough: what they say never changes here. */
const channels = (async () => {
  const { folder } = nothingYet()
  try {
    return await channelsOf(folder, CHANNELS)
  } finally {
    rmSync(folder, { recursive: true })
  }
})()

/** Plays the script from beginning to end. */
export const undisturbed = (memory: Memory, script: Script): Promise<Life> => live(memory, Number.POSITIVE_INFINITY, script, faithful)

/**
 * Plays the script after `begin`, ending the practice at its first, second, … contact, each time in a new folder, and then to its end.
 * Resolves with how many such points there were, how often something was received twice, and a sentence for each thing that is wrong; a mutant is found out at the first.
 */
export async function everyDeath(begin: Memory, script: Script, mutant: Mutant | null = null): Promise<{ points: number; twice: number; wrong: readonly string[] }> {
  const calm = copied(begin)
  const { referrals } = await undisturbed(calm, script)
  const wrong: string[] = []
  let [points, twice] = [0, 0]
  for (let died: string | null = 'begin'; died !== null && (wrong.length === 0 || !mutant); points++) {
    const memory = copied(begin)
    died = (await live(memory, points, script, mutant ?? faithful)).died
    const { inDoubt, referrals: kept } = await live(memory, Number.POSITIVE_INFINITY, script, mutant ?? faithful)
    const found = judge({ arrived: calm.arrived, referrals }, { arrived: memory.arrived, referrals: kept }, inDoubt)
    wrong.push(...found.map((sentence) => `contact ${points} (${died ?? 'none'}): ${sentence}`))
    twice += memory.arrived.length - new Set(memory.arrived.map(({ key }) => key)).size
    forget(memory)
  }
  forget(calm)
  return { points, twice, wrong }
}

const copied = ({ folder, arrived, acknowledged }: Memory): Memory => {
  const copy = nothingYet()
  cpSync(folder, copy.folder, { recursive: true })
  copy.arrived.push(...arrived)
  for (const text of acknowledged) copy.acknowledged.add(text)
  return copy
}

/** What changes something, at a store or a receiver: the practice dies before it and after it. At each other kind of call it dies once. */
const CHANGES = new Set(['accept', 'finish', 'claim', 'settle', 'commit', 'gather', 'settleNotice', 'recognise', 'learn', 'deliver', 'answered', 'kept'])
/** Of these only what they find, or the first, makes a difference: they are made again and again. */
const LOOKS = new Set(['claim', 'gather'])

/** Where a life ended (null: at its end), what was on its way to somebody when it began (the keys by which they would know it again), and what it left. */
interface Life { readonly died: string | null; readonly inDoubt: ReadonlySet<string>; readonly referrals: readonly Kept[] }

/** One life of the practice, ended at the `last`-th contact. */
async function live(memory: Memory, last: number, script: Script, mutant: Mutant): Promise<Life> {
  let contacts = 0
  let died: string | null = null
  let woken = (): void => {}
  const death = new Promise<void>((resolve) => {
    woken = resolve
  })
  const before = new Set<string>()
  const contact = (what: string): void => {
    const name = what.split(' ').at(-1) ?? ''
    const again = before.has(what) && (!CHANGES.has(name) || LOOKS.has(name))
    before.add(what)
    if (died === null && (again || (!CHANGES.has(name) && what.includes(' after ')))) return
    if (died === null && contacts++ >= last) died = what
    if (died === null) return
    woken()
    throw new Died()
  }
  const inDoubt = new Set<string>()
  const practice = await openPractice({
    folder: memory.folder, clock, channels: await channels, ...(script.rules && { rules: script.rules }),
    begin: async (store) => {
      for (const { payload } of (await Promise.all(['hand-off', 'loop'].map((channel) => store.interrupted(channel)))).flat()) inDoubt.add(keyOnWire(payload))
    },
    deliver: async (channel, payload) => {
      const key = keyOnWire(payload)
      memory.arrived.push({ channel, key, payload: payload.toString('latin1') })
      return { kind: 'sent', ...(channel === 'hand-off' && { response: acknowledgement(key).subarray(1, -2) }) }
    },
    wrap: (target, name) => contacted(mutant(target, name), (what) => contact(`${name} ${what}`)),
  })
  const played = script.play(stageOf(practice, memory, contact)).catch((error: unknown) => { if (!(error instanceof Died)) throw error })
  let late: NodeJS.Timeout | undefined
  try {
    await Promise.race([played, death, new Promise((_, reject) => { late = setTimeout(() => reject(new Error(`contact ${last}: waited in vain`)), PATIENCE) })])
    return { died, inDoubt, referrals: died === null ? await kept(practice) : [] }
  } finally {
    clearTimeout(late)
    await practice.close()
  }
}

const stageOf = ({ desk, send, referrals }: Practice, { acknowledged }: Memory, contact: (what: string) => void): Stage => ({
  desk, contact,
  send: async (channel, text) => {
    while (!acknowledged.has(text)) {
      const { verdict } = await send(channel, text)
      contact(`${channel} answered`)
      if (verdict === 'accepted') acknowledged.add(text)
    }
  },
  finished: async (as, count = 1) => {
    for (;;) {
      const turn = desk.turn()
      const states = await referrals.search({ limit: 100 })
      if (states.length >= count && states.every(as)) return
      await desk.changed(turn, AbortSignal.timeout(PATIENCE))
    }
  },
})
