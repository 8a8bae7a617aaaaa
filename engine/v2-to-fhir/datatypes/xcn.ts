/** XCN, a person with an identifier (2.A.86). */
import type { Datatype, Use, Written } from '../datatype.js'
import type { Draft } from '../draft.js'
import { type Part, leafOf } from '../part.js'
import { type Identifier, entityFields } from './ei.js'
import { checkDigit, checkFields, identifierSystem, identifierType, period, typeCode } from './cx.js'
import { dateTimeText } from './dtm.js'
import { assigningFacility, authority } from './hd.js'
import { type HumanName, displayName, nameParts, namePartFields, professional } from './xpn.js'

/** The identifier of the person. */
const identifier = (part: Part, use: Use): Draft | undefined => {
  const value = leafOf(part.part(1))
  if (!value) return undefined
  const { system, assigner } = authority(part.part(9), use)
  const extension = [...checkDigit(part.part(11), part.part(12)), ...assigningFacility(part.part(14), 'Location', use)]
  return { extension, type: identifierType(part.part(13), use), system: identifierSystem(part.part(13).text, part.part(13), system, use.lookup), value, assigner }
}

/** The name in components 2 to 7, since when and until when (17, or 19 and 20), and the licences behind it (21). */
const humanName = (part: Part, use: Use): Draft | undefined => {
  const names = nameParts(part, 2)
  if (!names.family && (names.given as readonly Draft[]).length === 0) return undefined
  return {
    ...names, suffix: [...(names.suffix as readonly Draft[]), ...professional(part.part(21))],
    period: period(part.part(19), part.part(20), use) ?? period(part.part(17).part(1), part.part(17).part(2), use),
  }
}

export const XCN: Datatype = {
  makes: ['Practitioner', 'RelatedPerson', 'Patient', 'Reference', 'HumanName', 'Identifier', 'string'],
  read: (part, use) => {
    switch (use.target) {
      case 'HumanName': return humanName(part, use)
      case 'Identifier': return identifier(part, use)
      case 'Reference': return { identifier: identifier(part, use), display: displayName(part, 2) }
      case 'string': return displayName(part, 2) ?? leafOf(part.part(1))
      default: {
        const [id, name] = [identifier(part, use), humanName(part, use)]
        return { identifier: id && [id], name: name && [name] }
      }
    }
  },
  write: (value, use): Written | undefined => {
    if (typeof value === 'string') return ['', ...value.split(', ')]
    const role = value as { practitioner?: unknown }
    const held = (role.practitioner ?? value) as { identifier?: Identifier | readonly Identifier[]; name?: readonly HumanName[]; display?: string }
    const ids = [held.identifier ?? []].flat()
    const id = ids.find((each) => each.system === 'http://hl7.org/fhir/sid/us-npi') ?? ids[0]
    const [number = '', ...hd] = id ? entityFields(id, use.lookup) : []
    const [family, given] = held.display?.split(', ') ?? []
    const name: HumanName = held.name?.[0] ?? { family: family ?? '', given: given ? [given] : [] }
    const since = [dateTimeText(name.period?.start), dateTimeText(name.period?.end)]
    return [number, ...namePartFields(name), '', hd, '', ...(id ? checkFields(id) : ['', '']), id ? typeCode(id) : '', '', '', '', '', '', ...since]
  },
}
