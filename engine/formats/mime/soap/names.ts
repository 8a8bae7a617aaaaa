/** The words of SOAP 1.2, WS-Addressing 1.0, ebXML registries and the IHE transactions that speak them. */

export const ENVELOPE = 'http://www.w3.org/2003/05/soap-envelope'
export const ENVELOPE_11 = 'http://schemas.xmlsoap.org/soap/envelope/'
export const ADDRESSING = 'http://www.w3.org/2005/08/addressing'
export const ANONYMOUS = `${ADDRESSING}/anonymous`
export const XOP = 'http://www.w3.org/2004/08/xop/include'
export const SECURITY = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd'
export const UTILITY = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd'
export const SAML = 'urn:oasis:names:tc:SAML:2.0:assertion'
export const SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#'
export const DIRECT = 'urn:direct:addressing'
export const XDS = 'urn:ihe:iti:xds-b:2007'
export const LCM = 'urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0'
export const RIM = 'urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0'
export const RS = 'urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0'
export const QUERY = 'urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0'
export const HL7 = 'urn:hl7-org:v3'

/** The actions of requests and of their answers (IHE ITI TF-2 §3.41, §3.38, §3.39, §3.55). */
export const ACTIONS = {
  provide: 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b', provided: 'urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-bResponse',
  query: 'urn:ihe:iti:2007:CrossGatewayQuery', retrieve: 'urn:ihe:iti:2007:CrossGatewayRetrieve', discover: 'urn:hl7-org:v3:PRPA_IN201305UV02:CrossGatewayPatientDiscovery',
} as const
