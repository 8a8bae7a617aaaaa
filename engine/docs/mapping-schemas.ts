/** The JSON Schemas of the files of mappings/, for editors. */
import { CodeTableFile } from '../code-table.js'
import { ProfileFile } from '../profiles/profile-file.js'
import { MessageMapFile } from '../v2-to-fhir/message-map.js'
import { OutgoingMapFile } from '../v2-to-fhir/outgoing-map.js'
import { SegmentMapFile } from '../v2-to-fhir/segment-map.js'
import { definitionsWithin, DRAFT, editorSchema, type Json, where } from './editor-schema.js'

const PLAIN = { variables: false } as const
const head = (title: string, description: string): Json => ({ $schema: DRAFT, title, description })

/** By the file's name. */
export const mappingSchemas = (): Readonly<Record<string, Json>> => ({
  'code-table.schema.json': { ...head('A code table of Refero', 'A file of mappings/codes/.'), ...editorSchema(CodeTableFile, PLAIN) },
  'segment-map.schema.json': { ...head('A segment map of Refero', 'A file of mappings/fields/segments/.'), ...editorSchema(SegmentMapFile, PLAIN) },
  'message-map.schema.json': {
    ...head('A message map of Refero', 'A file of mappings/fields/: from HL7 v2 to FHIR (`messages`), or from FHIR to HL7 v2 (`message`).'),
    ...where({ required: ['message'] }, editorSchema(OutgoingMapFile, PLAIN), editorSchema(MessageMapFile, PLAIN)),
    definitions: { ...definitionsWithin(OutgoingMapFile, PLAIN), ...definitionsWithin(MessageMapFile, PLAIN) },
  },
  'profile.schema.json': { ...head('A profile of Refero', 'A file of mappings/profiles/.'), ...editorSchema(ProfileFile, { variables: false }), oneOf: [{ required: ['channel'] }, { required: ['destination'] }] },
})
