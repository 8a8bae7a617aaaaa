/** What a document registry answers (ebRS 3.0 §2.1, IHE ITI TF-3 §4.2.4): read and written. */
import { type Place, attributeOf, escapeXml } from '../../xml/tree.js'
import { RS } from './names.js'
import { childAt, childrenNamed, isNamed } from './namespaces.js'

/** The codes that are written here (IHE ITI TF-3, table 4.2.4.1-2). */
export type RegistryCode = 'XDSMissingDocument' | 'XDSMissingDocumentMetadata' | 'XDSRepositoryMetadataError' | 'XDSRegistryDuplicateUniqueIdInMessage' | 'XDSPatientIdDoesNotMatch' | 'XDSRepositoryError' | 'XDSRegistryBusy'
export interface RegistryError { readonly code: string; readonly context: string; readonly location?: string }
export interface RegistryAnswer { readonly status: 'Success' | 'PartialSuccess' | 'Failure'; readonly errors: readonly RegistryError[] } // warnings are no errors

const STATUS = 'urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:'
const SEVERITY = 'urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:'
const MOST_ERRORS = 100

/** An answer in the words of a registry; errors beyond a hundred are left out. */
export const writeRegistryResponse = (errors: readonly RegistryError[]): string => {
  if (errors.length === 0) return `<rs:RegistryResponse xmlns:rs="${RS}" status="${STATUS}Success"/>`
  const list = errors.slice(0, MOST_ERRORS).map(({ code, context, location }) => `<rs:RegistryError errorCode="${escapeXml(code)}" codeContext="${escapeXml(context)}" severity="${SEVERITY}Error"${location ? ` location="${escapeXml(location)}"` : ''}/>`)
  return `<rs:RegistryResponse xmlns:rs="${RS}" status="${STATUS}Failure"><rs:RegistryErrorList highestSeverity="${SEVERITY}Error">${list.join('')}</rs:RegistryErrorList></rs:RegistryResponse>`
}

/** The answer that a RegistryResponse (or an element of its type, such as an AdhocQueryResponse) gives; null where it is none. */
export const readRegistryAnswer = (place: Place | null): RegistryAnswer | null => {
  const status = place && attributeOf(place.element, 'status')
  const [, word] = /(?:^|:)(Success|PartialSuccess|Failure)$/.exec(status ?? '') ?? []
  if (!place || !word) return null
  const errors = childrenNamed(childAt(place, RS, 'RegistryErrorList'), RS, 'RegistryError').filter((one) => !attributeOf(one.element, 'severity')?.endsWith(':Warning'))
  return {
    status: word as RegistryAnswer['status'],
    errors: errors.slice(0, MOST_ERRORS).map(({ element }) => ({ code: attributeOf(element, 'errorCode')?.slice(0, 100) ?? '', context: attributeOf(element, 'codeContext')?.slice(0, 500) ?? '' })),
  }
}

export const isRegistryResponse = (place: Place): boolean => isNamed(place, RS, 'RegistryResponse')
