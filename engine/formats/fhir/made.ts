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
