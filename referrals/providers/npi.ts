/** National Provider Identifiers: ten digits of which the last checks the others. */

/** Whether the check digit is right: Luhn over 80840 and the number (CMS, NPI check digit; 45 CFR 162.406). */
export const isNpi = (text: string): boolean => {
  if (!/^[12]\d{9}$/.test(text)) return false
  let sum = 24 // what the prefix 80840 adds
  for (let at = 0; at < 10; at++) {
    const digit = text.charCodeAt(at) - 48
    const doubled = digit * 2
    sum += at % 2 === 1 ? digit : doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
