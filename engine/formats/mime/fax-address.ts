/** Addresses of faxes in mails, `+16085550191@fax.invalid`: E.164 (ITU-T) where it can be made of what is written, else what is written. */

const DOMAIN = 'fax.invalid' // RFC 2606: no mail can go there
const NORTH_AMERICA = '1'
const EXTENSION = /\s*(?:x|ext)\.?\s*\d+\s*$/i

/** `+16085550191` of `(608) 555-0191`, `16085550191` or `+1 608 555 0191`; null where it is no number that can be dialled. `country` is where we are. */
export const dialled = (text: string, country: string = NORTH_AMERICA): string | null => {
  const plain = text.replace(/^(?:fax|tel):/i, '').replace(EXTENSION, '').replace(/[\s().\u00a0/-]+/g, '')
  const [, plus, digits = ''] = /^(\+|00|011)?(\d{7,15})$/.exec(plain) ?? []
  const full = plus ? digits : country === NORTH_AMERICA && /^[2-9]\d{9}$/.test(digits) ? `1${digits}` : country === NORTH_AMERICA && /^1\d{10}$/.test(digits) ? digits : country !== NORTH_AMERICA && /^0[1-9]/.test(digits) ? `${country}${digits.slice(1)}` : null
  if (full === null || !/^[1-9]\d{6,14}$/.test(full)) return null
  return full.startsWith(NORTH_AMERICA) && !/^1[2-9]\d{2}[2-9]\d{6}$/.test(full) ? null : `+${full}` // the North American plan
}

/** The address of a fax number; `unknown@fax.invalid` where there is nothing that could be one. */
export const faxAddress = (text: string | null, country?: string): string => {
  const written = text ?? ''
  return `${dialled(written, country) ?? (written.replace(EXTENSION, '').replace(/[^A-Za-z0-9+_-]+/g, '').slice(0, 60) || 'unknown')}@${DOMAIN}`
}

/** The number that such an address holds, or null where it is another address, or holds none of 3 to 20 digits. */
export const faxNumber = (address: string): string | null => {
  const [local = '', host = ''] = address.split('@')
  const digits = local.replace(/\D/g, '').length
  return host.toLowerCase() === DOMAIN && digits >= 3 && digits <= 20 ? local : null
}
