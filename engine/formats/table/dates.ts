/** Dates as lists write them: `MM/DD/YYYY`, `YYYYMMDD`, `D.M.YY`. */

export interface DateForm {
  /** The date as YYYY-MM-DD, or null where the text is none. */
  read(text: string): string | null
}

const PARTS: Readonly<Record<string, string>> = { YYYY: '(?<year>\\d{4})', YY: '(?<year>\\d{2})', MM: '(?<month>\\d{2})', M: '(?<month>\\d{1,2})', DD: '(?<day>\\d{2})', D: '(?<day>\\d{1,2})' }

/** Where something stands between the parts, months and days may have one digit. Years of two digits are of the last hundred years. Throws a sentence for what is no form. */
export const dateForm = (form: string): DateForm => {
  const parts = form.match(/YYYY|YY|MM|M|DD|D|[^A-Za-z0-9]+/g) ?? []
  const wanted = parts.filter((part) => part in PARTS).map((part) => part[0]).sort().join('')
  if (parts.join('') !== form || wanted !== 'DMY') throw new Error(`"${form}" is not how a date is written; use YYYY or YY, MM and DD once each, as in MM/DD/YYYY or YYYYMMDD`)
  const isApart = parts.length === 5
  const pattern = new RegExp(`^${parts.map((part) => (PARTS[isApart && part in PARTS ? part.replace('MM', 'M').replace('DD', 'D') : part] ?? part.replace(/[^\w\s]/g, '\\$&'))).join('')}$`)
  return {
    read: (text) => {
      const { year = '', month = '', day = '' } = pattern.exec(text)?.groups ?? {}
      const whole = year.length === 2 ? String(century(Number(year))) : year
      const date = `${whole}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
      const at = new Date(`${date}T00:00:00Z`)
      return year !== '' && at.getUTCMonth() + 1 === Number(month) && at.getUTCDate() === Number(day) ? date : null
    },
  }
}

const century = (year: number): number => {
  const now = new Date().getUTCFullYear()
  const recent = now - (now % 100) + year
  return recent > now ? recent - 100 : recent
}
