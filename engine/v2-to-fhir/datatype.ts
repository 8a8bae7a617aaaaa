/** What a datatype is: how one HL7 v2 type is read into FHIR elements, and written back where it can be. */
import type { CodeTable } from '../contracts.js'
import type { Draft } from './draft.js'
import type { Part } from './part.js'
import type { Span } from './span.js'

/** One v2 datatype. Reading never throws: what cannot be mapped is kept readable and reported through `use.issue`. */
export interface Datatype {
  /** The FHIR types that it can become; a row that wants another is refused when its file is read. */
  readonly makes: readonly string[]
  read(part: Part, use: Use): Draft | undefined
  /** All repetitions at once, for types that make one value of them. */
  readAll?(parts: readonly Part[], use: Use): Draft | undefined
  /** Whether empty ones count among all repetitions: the blank lines of a text. */
  readonly blanks?: boolean
  /** The way back; absent where the type cannot be written. */
  write?(value: unknown, use: Use): Written | undefined
}

/** A value for a field, component by component, each in subcomponents if need be; empty at the end is left out. */
export type Written = string | readonly (Written | undefined)[]

/** What a datatype is used for, and what it may ask. */
export interface Use {
  readonly target: string // the FHIR type wanted: `CodeableConcept`, `dateTime`
  readonly table: CodeTable | undefined // the row's own
  readonly lookup: Lookup
  readonly timezone: string | undefined // of times that say none, an IANA name
  readonly span?: Span | undefined // what the row's `after` and `units` lead to
  readonly spanOf?: (part: Part) => Span | undefined // the same for one of several parts that are read at once
  issue(part: Part, reason: string): void
}

/** A code table of mappings/codes/, by name. */
export type Lookup = (name: string) => CodeTable
