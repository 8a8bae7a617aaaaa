/** Resources that a step makes itself: nothing is written only to be read again. */
import type { Resource } from 'fhir/r4.js'
import { MessageFault } from '../../errors.js'
import { type JsonObject, madeJson } from '../json/json-text.js'
import { invalid } from './validate.js'

/** The body of a resource, checked as one that is read is. Throws a MessageFault. */
export const madeBody = (resource: Resource): JsonObject => {
  const body = resource as unknown as JsonObject
  const fault = invalid(body)
  if (fault) throw new MessageFault(fault)
  return madeJson(body)
}

/** The body of a bundle; one that R4 does not allow is made once more without what is wrong in its resources. */
export const mendedBody = (make: (mend: boolean) => Resource): JsonObject => {
  try {
    return madeBody(make(false))
  } catch (error) {
    if (error instanceof MessageFault && /^Bundle\.entry\[\d+\]\.resource\b/.test(error.fault.location ?? '')) return madeBody(make(true))
    throw error
  }
}
