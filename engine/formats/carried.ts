/** Text that is carried one byte a character (latin1), so that nothing is lost whatever its character set is: read when it is asked for. */

/** Carried text as people read it: UTF-8 where it is that, else windows-1252. */
export const decode = (carried: string): string => {
  if (!/[\x80-\xff]/.test(carried)) return carried
  const bytes = Buffer.from(carried, 'latin1')
  try {
    return UTF8.decode(bytes)
  } catch {
    return WINDOWS.decode(bytes)
  }
}
const UTF8 = new TextDecoder('utf-8', { fatal: true })
const WINDOWS = new TextDecoder('windows-1252')

/** Text as it is carried, in UTF-8. */
export const encode = (value: string): string => (/^[\x00-\x7f]*$/.test(value) ? value : Buffer.from(value, 'utf8').toString('latin1'))
