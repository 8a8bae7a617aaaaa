/** A desk that a person's decisions can be made with. */
import type { DeskParts } from '../change.js'
import type { Desk } from '../desk.js'

export interface DecidingDesk extends Desk {
  /** A decision of a person, made with what the desk works with; whoever waits for changes is woken afterwards. */
  decide<Value>(decision: (parts: DeskParts) => Promise<Value>): Promise<Value>
}
