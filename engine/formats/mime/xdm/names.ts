/** The words of XDS metadata: the schemes of ebRIM by what they say (IHE ITI TF-3 §4.2). */

export const DOCUMENT_ENTRY = 'urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1'
export const SUBMISSION_SET = 'urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd'

/** Classifications of a document entry. */
export const OF_DOCUMENT = {
  author: 'urn:uuid:93606bcf-9494-43ec-9b4e-a7748d1a838d', classCode: 'urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a', confidentiality: 'urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f',
  formatCode: 'urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d', facilityType: 'urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1', practiceSetting: 'urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead', typeCode: 'urn:uuid:f0306f51-975f-434e-a61c-c59651d33983',
} as const
export const OF_SUBMISSION = { author: 'urn:uuid:a7058bb9-b4e4-4307-ba5b-e3f0ab85e12d', contentType: 'urn:uuid:aa543740-bdda-424e-8c96-df4873be8500' } as const
/** External identifiers. */
export const IDENTIFIERS = {
  documentPatient: 'urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427', documentUnique: 'urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab',
  submissionPatient: 'urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446', submissionSource: 'urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832', submissionUnique: 'urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8',
} as const
/** The slot of numbers that a document goes by: of a referral, an order (ITI TF-3 §4.2.3.2.28). */
export const REFERENCES = 'urn:ihe:iti:xds:2013:referenceIdList'
