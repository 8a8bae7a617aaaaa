/** Fax numbers: E.164 where it can be made of what is written. */

/** `+16085550191` of `(608) 555-0191`, `16085550191` or `+1 608 555 0191`; null where it is no number that can be dialled. `country` is where we are: `1`. */
export const dialled = (text: string, country: string): string | null => {
  const plain = text.replace(/^(?:fax|tel):/i, '').replace(/[\s().\u00a0/-]+/g, '')
  const [, plus, digits = ''] = /^(\+|00|011)?(\d{7,15})$/.exec(plain) ?? []
  const full = plus ? digits : country === '1' && /^[2-9]\d{9}$/.test(digits) ? `1${digits}` : country === '1' && /^1\d{10}$/.test(digits) ? digits : country !== '1' && /^0[1-9]/.test(digits) ? `${country}${digits.slice(1)}` : null
  if (full === null || !/^[1-9]\d{6,14}$/.test(full)) return null
  return full.startsWith('1') && !/^1[2-9]\d{2}[2-9]\d{6}$/.test(full) ? null : `+${full}` // the North American plan
}

/** The number of an address or of what a service says: E.164, or as it is written where that cannot be made; `unknown` for none. */
export const localPart = (text: string | null, country: string): string =>
  (text === null ? null : dialled(text, country)) ?? ((text ?? '').replace(/[^A-Za-z0-9+_-]+/g, '').slice(0, 60) || 'unknown')
