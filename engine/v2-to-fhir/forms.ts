/** The formats whose messages are mapped, and where each says what it is, who sent it and when. */
import { segments as hl7v2 } from '../formats/hl7v2/view.js'
import type { SegmentView } from '../formats/hl7v2/view.js'
import { segments as x12 } from '../formats/x12/view.js'

export interface Form {
  segments(body: unknown): readonly SegmentView[]
  readonly called: string // for people
  readonly type: string // the field with the message type
  /** The fields that tell senders apart, and parts of one message that is split before it is mapped (by HL-1). */
  readonly sender: readonly (readonly [segment: string, field: number])[]
  /** Those of them that are a name, the best first. */
  readonly names: readonly (readonly [segment: string, field: number])[]
  readonly sent: readonly [segment: string, field: number]
}

export const FORMS = {
  hl7v2: { segments: hl7v2, called: 'HL7 v2', type: 'MSH-9', sender: [['MSH', 3], ['MSH', 4]], names: [['MSH', 4], ['MSH', 3]], sent: ['MSH', 7] },
  x12: { segments: x12, called: 'X12', type: 'ST-1', sender: [['ISA', 5], ['ISA', 6], ['GS', 2], ['2000E', 1], ['2000F', 1]], names: [['GS', 2], ['ISA', 6]], sent: ['GS', 4] },
} as const satisfies Readonly<Record<string, Form>>

export type FormName = keyof typeof FORMS
