/** What kind of content bytes are, as far as their beginning tells. */

/** ER7 for HL7 v2 messages and batches, JSON for what begins like it, octets for the rest. */
export const contentTypeOf = (bytes: Buffer): string => {
  const start = bytes.subarray(0, 16).toString('latin1').trimStart()
  if (/^(MSH|FHS|BHS)/.test(start)) return 'x-application/hl7-v2+er7'
  return /^[[{]/.test(start) ? 'application/json' : 'application/octet-stream'
}
