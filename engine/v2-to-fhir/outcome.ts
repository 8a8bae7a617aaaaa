/** What the OperationOutcome of a bundle tells: the places of the message that could not be mapped or are not carried, never their content. */
import type { OperationOutcome } from 'fhir/r4.js'

/** A place of the message and what is the matter with it. A warning: it could not be mapped as it should. Information: nothing maps it. */
export interface Issue {
  readonly severity: 'warning' | 'information'
  readonly origin: string // "PID-7", "OBX[2]-5"
  readonly reason: string // without the value
}

/** So many of each severity are listed one by one; the others are counted. */
const LISTED = 200

/** The issues as an OperationOutcome; undefined where there are none. `expression` is the place in the message. */
export const operationOutcome = (issues: readonly Issue[]): OperationOutcome | undefined => {
  const listed = (['warning', 'information'] as const).flatMap((severity) => {
    const all = issues.filter((issue) => issue.severity === severity)
    const more = all.length - LISTED
    return [...all.slice(0, LISTED).map(issueOf), ...(more > 0 ? [{ severity, code: 'incomplete' as const, diagnostics: `${more} more ${more === 1 ? 'place is' : 'places are'} not listed.` }] : [])]
  })
  return listed.length === 0 ? undefined : { resourceType: 'OperationOutcome', issue: listed }
}

const issueOf = ({ severity, origin, reason }: Issue): OperationOutcome['issue'][number] =>
  ({ severity, code: severity === 'warning' ? 'value' : 'informational', diagnostics: `${origin} ${reason}.`, expression: [origin] })
