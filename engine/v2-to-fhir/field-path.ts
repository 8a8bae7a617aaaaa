/** Paths as mapping files write them: `PID-5`, `PID-18.1`, `CX` parts `PID-3.4.2`, of X12 `UM-1` and `2000E-3`, and `/ORC-4` from the top of the message. */

export interface FieldPath {
  readonly text: string
  readonly segment: string
  readonly field: number | null // null: the segment itself
  readonly component: number | null
  readonly subcomponent: number | null
  readonly fromTop: boolean // look in the whole message, not only near the segment at hand
}

const FORM = /^(\/)?([A-Z][A-Z0-9]{1,2}|2000[A-F])(?:-([1-9]\d{0,2})(?:\.([1-9]\d{0,2})(?:\.([1-9]\d{0,2}))?)?)?$/

/** Reads a path; null where it is not one. */
export const fieldPath = (text: string): FieldPath | null => {
  const [match, slash, segment, field, component, subcomponent] = FORM.exec(text) ?? []
  if (!match || !segment) return null
  return { text, segment, field: number(field), component: number(component), subcomponent: number(subcomponent), fromTop: slash !== undefined }
}

const number = (digits: string | undefined): number | null => (digits === undefined ? null : Number(digits))
