/** Pairs that deceive a matcher: a chart, what a referral says, the right answer and why. Made up by thinking of front desks, not of weights. */
import type { Match, PatientFacts } from '../../../referrals/contracts.js'

export type Pair = readonly [why: string, chart: string | readonly string[], form: string, right: Match['grade'] | 'certain or possible' | 'possible or none']

const SSN = 'http://hl7.org/fhir/sid/us-ssn'

/** "Family, Given Middle, Jr | 1980-02-03 | F | 12 Elm St, Fairview, 62704 | 217-555-0101 | SSN 123-45-6788"; an empty part is not said. A number after "MR " is the chart's own system's; "other " before a name is another name of the same person. */
export const facts = (text: string): PatientFacts => {
  const [names = '', birth = '', sex = '', address = '', phones = '', numbers = ''] = text.split('|').map((part) => part.trim())
  const [line, city, postalCode] = address.split(',').map((part) => part.trim())
  const name = (one: string): PatientFacts['names'][number] => {
    const [family = '', given = '', suffix] = one.split(',').map((part) => part.trim())
    return { family, given: given.split(' ').filter(Boolean), suffix: suffix ?? null, use: null }
  }
  const said = numbers.split(';').map((number) => number.trim()).filter(Boolean)
  return {
    identifiers: said.flatMap((number) => (number.startsWith('SSN ') ? [{ system: SSN, type: 'SS', value: number.slice(4) }] : number.startsWith('MR ') ? [{ system: 'urn:oid:1.2.3', type: 'MR', value: number.slice(3) }] : [])),
    names: names.split(' other ').map(name), birthDate: birth || null, sex: sex === 'F' ? 'female' : sex === 'M' ? 'male' : null,
    addresses: address ? [{ lines: line ? [line] : [], city: city ?? null, state: 'IL', postalCode: postalCode ?? null }] : [],
    phones: phones ? phones.split(';') : [], emails: said.filter((number) => number.includes('@')), memberIds: said.filter((number) => number.startsWith('MB ')).map((number) => number.slice(3)),
    birthOrder: /ORDER (\d)/.test(numbers) ? Number(/ORDER (\d)/.exec(numbers)?.[1]) : null, deceased: false, language: null,
  }
}

const HOME = '18 Larch St, Fairview, 62704'
const AWAY = '770 Wexford Rd, Oakbrook, 60611'
const PHONE = '217-555-0143'
const OTHER = '312-555-0177'

export const HOSTILE: readonly Pair[] = [
  // twins and other children of one house: never certain
  ['twins, one letter apart', `Carver, Jayden | 2015-06-02 | M | ${HOME} | ${PHONE}`, `Carver, Hayden | 2015-06-02 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['twins, one letter apart', `Carver, Kayla | 2015-06-02 | F | ${HOME} | ${PHONE}`, `Carver, Layla | 2015-06-02 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['twins, one letter apart', `Carver, Jaden | 2015-06-02 | M | ${HOME} | ${PHONE}`, `Carver, Jalen | 2015-06-02 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['twins, one letter apart', `Carver, Mia | 2015-06-02 | F | ${HOME} | ${PHONE}`, `Carver, Nia | 2015-06-02 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['twins, one letter apart', `Carver, Aidan | 2015-06-02 | M | ${HOME} | ${PHONE}`, `Carver, Nadan | 2015-06-02 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['twins, one letter apart', `Carver, Ella | 2015-06-02 | F | ${HOME} | ${PHONE}`, `Carver, Bella | 2015-06-02 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['twins, one letter apart', `Carver, Eric | 1980-06-02 | M | ${HOME} | ${PHONE}`, `Carver, Erin | 1980-06-02 | | ${HOME} | ${PHONE}`, 'possible'],
  ['twins, one letter apart', `Carver, Taylor | 2001-06-02 | F | ${HOME} | ${PHONE}`, `Carver, Tyler | 2001-06-02 | | ${HOME} | ${PHONE}`, 'possible'],
  ['twins, one letter apart', `Carver, Brian | 1971-06-02 | M | ${HOME} | ${PHONE}`, `Carver, Bryan | 1971-06-02 | M | ${HOME} | ${PHONE}`, 'certain or possible'],
  ['twins, one letter apart', `Tran, Lan | 2015-06-02 | F | ${HOME} | ${PHONE}`, `Tran, Loan | 2015-06-02 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['twins of rare names that rhyme', `Carver, Zavion | 2015-06-02 | M | ${HOME} | ${PHONE}`, `Carver, Davion | 2015-06-02 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['twins of rare names that rhyme', `Okonkwo, Taiwo | 2015-06-02 | F | ${HOME} | ${PHONE}`, `Okonkwo, Kehinde | 2015-06-02 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['twins: Hassan and Hussein', `Abdi, Hassan | 2015-01-01 | M | ${HOME} | ${PHONE}`, `Abdi, Hussein | 2015-01-01 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['twins of one first and another second name', `Garcia, Maria Elena | 2010-06-02 | F | ${HOME} | ${PHONE}`, `Garcia, Maria Isabel | 2010-06-02 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['twins of one first and another second name, written as one', `Nguyen, Minh Anh | 2010-06-02 | F | ${HOME} | ${PHONE}`, `Nguyen, Minh Chau | 2010-06-02 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['twins told by their initials', `Carver, James A | 2015-06-02 | M | ${HOME} | ${PHONE}`, `Carver, James B | 2015-06-02 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['twins by number, of one name', `Carver, Jordan | 2015-06-02 | | ${HOME} | ${PHONE} | ORDER 1`, `Carver, Jordan | 2015-06-02 | | ${HOME} | ${PHONE} | ORDER 2`, 'possible'],
  ['boy and girl of one birth', `Carver, Daniel | 2015-06-02 | M | ${HOME} | ${PHONE}`, `Carver, Danielle | 2015-06-02 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['the sister, a year older, of a similar name', `Carver, Emma | 2014-06-02 | F | ${HOME} | ${PHONE}`, `Carver, Emily | 2015-08-20 | F | ${HOME} | ${PHONE}`, 'none'],
  ['the brother, born the same day of another year', `Carver, Noah | 2012-06-02 | M | ${HOME} | ${PHONE}`, `Carver, Liam | 2015-06-02 | M | ${HOME} | ${PHONE}`, 'none'],
  // newborns
  ['mother and her newborn', `Smith, Rebecca | 1994-03-11 | F | ${HOME} | ${PHONE}`, `Smith, Babyboy | 2026-02-20 | M | ${HOME} | ${PHONE}`, 'none'],
  ['mother and her newborn, called BB', `Smith, Rebecca | 1994-03-11 | F | ${HOME} | ${PHONE}`, `Smith, BB | 2026-02-20 | M | ${HOME} | ${PHONE}`, 'none'],
  ['mother and her newborn, called by her name', `Smith, Rebecca | 1994-03-11 | F | ${HOME} | ${PHONE}`, `Smith, Babyboy Rebecca | 2026-02-20 | M | ${HOME} | ${PHONE}`, 'none'],
  ['a newborn that has its name now', `Smith, Babyboy | 2026-02-20 | M | ${HOME} | ${PHONE}`, `Smith, Oliver | 2026-02-20 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['a newborn that has its name now, once BB', `Smith, BB | 2026-02-20 | M | ${HOME} | ${PHONE}`, `Smith, Oliver | 2026-02-20 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['newborn boy and newborn girl', `Smith, Babyboy | 2026-02-20 | M | ${HOME} | ${PHONE}`, `Smith, Babygirl | 2026-02-20 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['two newborns of one family name and day', `Smith, BB | 2026-02-20 | M | ${HOME} |`, `Smith, BB | 2026-02-20 | M | ${AWAY} | ${OTHER}`, 'possible or none'],
  ['newborn twins A and B', `Smith, Boy A | 2026-02-20 | M | ${HOME} | ${PHONE}`, `Smith, Boy B | 2026-02-20 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['newborn with the mother’s name, and its own name', `Smith, BabyBoy Rebecca | 2026-02-20 | M | ${HOME} | ${PHONE}`, `Smith, Oliver | 2026-02-20 | M | ${HOME} | ${PHONE}`, 'possible'],
  // parent and child, spouses
  ['father and son, the suffix on one side only', `Doyle, Patrick, Sr | 1950-07-04 | M | ${HOME} | ${PHONE}`, `Doyle, Patrick | 1978-03-15 | M | ${HOME} | ${PHONE}`, 'possible or none'],
  ['father and son born the same day of the year', `Doyle, Patrick | 1950-07-04 | M | ${HOME} | ${PHONE}`, `Doyle, Patrick | 1980-07-04 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['father and son whose birth dates one digit tells apart', `Doyle, Patrick | 1958-07-04 | M | ${HOME} | ${PHONE}`, `Doyle, Patrick | 1988-07-04 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['Jr. and III, no birth date', `Doyle, Patrick, Jr | | M | ${HOME} | ${PHONE}`, `Doyle, Patrick, III | 1988-07-04 | M | ${HOME} | ${PHONE}`, 'possible'],
  ['Jr. said once is the same person', `Doyle, Patrick, Jr | 1978-03-15 | M | ${HOME} | ${PHONE}`, `Doyle, Patrick | 1978-03-15 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['Jr. inside the family name', `Doyle Jr, Patrick | 1978-03-15 | M | ${HOME} | ${PHONE}`, `Doyle, Patrick | 1978-03-15 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['Jr. and II are the same', `Doyle, Patrick, Jr | 1978-03-15 | M | ${HOME} | ${PHONE}`, `Doyle, Patrick, II | 1978-03-15 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['spouses born the same day', `Doyle, Patrick | 1978-03-15 | M | ${HOME} | ${PHONE}`, `Doyle, Patricia | 1978-03-15 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['mother and daughter of one name', `Doyle, Anna | 1958-03-15 | F | ${HOME} | ${PHONE}`, `Doyle, Ana | 1984-11-02 | F | ${HOME} | ${PHONE}`, 'possible or none'],
  // namesakes: same name, same birth date, another person
  ['common name and birth date, nothing else the same', `Garcia, Maria | 1980-05-12 | F | ${HOME} | ${PHONE}`, `Garcia, Maria | 1980-05-12 | F | ${AWAY} | ${OTHER}`, 'possible'],
  ['common name and birth date, nothing else said', `Johnson, Michael | 1975-10-02 | M | ${HOME} | ${PHONE}`, `Johnson, Michael | 1975-10-02 | M | |`, 'possible'],
  ['common Vietnamese name and birth date', `Nguyen, Van Minh | 1968-02-10 | M | ${HOME} | ${PHONE}`, `Nguyen, Van Minh | 1968-02-10 | M | ${AWAY} | ${OTHER}`, 'certain or possible'],
  ['common Somali name, born on January 1 as the papers say', `Ali, Mohamed | 1978-01-01 | M | ${HOME} | ${PHONE}`, `Ali, Mohamed | 1978-01-01 | M | ${AWAY} | ${OTHER}`, 'possible'],
  ['rarer name, born on January 1 as the papers say, both moved', `Warsame, Amina | 1978-01-01 | F | ${HOME} | ${PHONE}`, `Warsame, Amina | 1978-01-01 | F | ${AWAY} | ${OTHER}`, 'possible'],
  ['common Punjabi name', `Kaur, Harpreet | 1985-08-19 | F | ${HOME} | ${PHONE}`, `Kaur, Harpreet | 1985-08-19 | F | ${AWAY} | ${OTHER}`, 'certain or possible'],
  ['common Hmong name', `Vang, Mai | 1985-08-19 | F | ${HOME} | ${PHONE}`, `Vang, Mai | 1985-08-19 | F | ${AWAY} | ${OTHER}`, 'certain or possible'],
  ['common Chinese name', `Chen, Wei | 1985-08-19 | M | ${HOME} | ${PHONE}`, `Chen, Wei | 1985-08-19 | M | ${AWAY} | ${OTHER}`, 'certain or possible'],
  ['same name and birth date, other social security numbers', `Abernathy, Odessa | 1980-05-12 | F | ${HOME} | ${PHONE} | SSN 219-45-1188`, `Abernathy, Odessa | 1980-05-12 | F | ${AWAY} | ${OTHER} | SSN 401-22-7390`, 'possible'],
  ['same name and year, other day, other town', `Johnson, Michael | 1975-10-02 | M | ${HOME} | ${PHONE}`, `Johnson, Michael | 1975-03-21 | M | ${AWAY} | ${OTHER}`, 'none'],
  ['two charts of one name and birth date; the form says nothing more', [`Abernathy, Odessa | 1980-05-12 | F | ${HOME} | ${PHONE}`, `Abernathy, Odessa | 1980-05-12 | F | ${AWAY} | ${OTHER}`], 'Abernathy, Odessa | 1980-05-12 | F | |', 'possible'],
  ['two charts of one name and birth date; the address tells them apart', [`Abernathy, Odessa | 1980-05-12 | F | ${HOME} | ${PHONE}`, `Abernathy, Odessa | 1980-05-12 | F | ${AWAY} | ${OTHER}`], `Abernathy, Odessa | 1980-05-12 | F | ${AWAY} | ${OTHER}`, 'certain or possible'],
  // placeholders are nothing
  ['social security number 999-99-9999 on both', `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE} | SSN 999-99-9999`, `Lindqvist, Britt | 1955-10-10 | F | ${AWAY} | ${OTHER} | SSN 999-99-9999`, 'none'],
  ['social security number 000-00-0000 on both', `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE} | SSN 000-00-0000`, `Lindqvist, Britt | 1955-10-10 | F | ${AWAY} | ${OTHER} | SSN 000-00-0000`, 'none'],
  ['social security number 123-45-6789 on both', `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE} | SSN 123-45-6789`, `Lindqvist, Britt | 1955-10-10 | F | ${AWAY} | ${OTHER} | SSN 123-45-6789`, 'none'],
  ['social security number 078-05-1120, which was printed on wallets', `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE} | SSN 078-05-1120`, `Lindqvist, Britt | 1955-10-10 | F | ${AWAY} | ${OTHER} | SSN 078-05-1120`, 'none'],
  ['a number that cannot be given (area 000, 666, 9xx; group 00; serial 0000)', `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE} | SSN 666-12-0000`, `Lindqvist, Britt | 1955-10-10 | F | ${AWAY} | ${OTHER} | SSN 666-12-0000`, 'none'],
  ['a placeholder number against a real one contradicts nothing', `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE} | SSN 219-45-1188`, `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE} | SSN 999-99-9999`, 'certain'],
  ['birth date 1900-01-01 on both', `Okafor, Ada | 1900-01-01 | F | ${HOME} |`, `Okafor, Ada | 1900-01-01 | F | ${AWAY} |`, 'possible or none'],
  ['birth date 1901-01-01 against a real one', `Okafor, Ada | 1901-01-01 | F | ${HOME} | ${PHONE}`, `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE}`, 'possible'],
  ['telephone 999-999-9999 on both', `Okafor, Ada | 1980-05-12 | F | ${HOME} | 999-999-9999`, `Lindqvist, Ada | 1980-05-12 | F | ${AWAY} | 999-999-9999`, 'possible or none'],
  ['telephone 555-0000000 on both', `Okafor, Ada | 1980-05-12 | F | ${HOME} | 608-000-0000`, `Lindqvist, Britt | 1955-10-10 | F | ${AWAY} | 608-000-0000`, 'none'],
  ['John Doe twice, the same day', `Doe, John | 1980-01-01 | M | |`, `Doe, John | 1980-01-01 | M | |`, 'none'],
  ['Jane Doe twice, at the hospital’s own address and telephone', `Doe, Jane | 1980-01-01 | F | ${HOME} | ${PHONE}`, `Doe, Jane | 1980-01-01 | F | ${HOME} | ${PHONE}`, 'possible or none'],
  ['a real family name Doe', `Doe, Samuel | 1966-09-30 | M | ${HOME} | ${PHONE}`, `Doe, Samuel | 1966-09-30 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['unknown given name', `Unknown, Unknown | 1980-05-12 | M | ${HOME} | ${PHONE}`, `Okafor, Ada | 1980-05-12 | F | ${HOME} | ${PHONE}`, 'possible or none'],
  ['two unknown men at one emergency room', `Unknown, Male | 1980-01-01 | M | |`, `Unknown, Male | 1980-01-01 | M | |`, 'possible or none'],
  ['two trauma patients by the list of the house', `Trauma, Alpha | 1900-01-01 | M | |`, `Trauma, Bravo | 1900-01-01 | M | |`, 'none'],
  ['test patients', `Test, Patient | 1980-05-12 | F | ${HOME} | ${PHONE}`, `Test, Patient | 1980-05-12 | F | ${HOME} | ${PHONE}`, 'possible or none'],
  ['test patients with numbers behind', `ZZTest, One | 1980-05-12 | F | ${HOME} | ${PHONE}`, `ZZTest, Two | 1980-05-12 | F | ${HOME} | ${PHONE}`, 'possible or none'],
  // the same person all the same
  ['a nickname of which no chart is here', `Whitlock, Margaret | 1948-09-21 | F | ${HOME} | ${PHONE}`, `Whitlock, Peggy | 1948-09-21 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['a nickname, Spanish', `Villanueva, Guadalupe | 1968-12-12 | F | ${HOME} | ${PHONE}`, `Villanueva, Lupita | 1968-12-12 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['a spelling of an Arabic name', `Haddad, Mohammed | 1968-12-12 | M | ${HOME} | ${PHONE}`, `Haddad, Muhammad | 1968-12-12 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['a spelling of a Russian name', `Sokolova, Yekaterina | 1968-12-12 | F | ${HOME} | ${PHONE}`, `Sokolova, Ekaterina | 1968-12-12 | F | ${HOME} | ${PHONE}`, 'certain or possible'],
  ['two family names, one of them said', `García Márquez, Lucía | 1979-04-30 | F | ${HOME} | ${PHONE}`, `Garcia, Lucia | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['two family names, the second said', `García Márquez, Lucía | 1979-04-30 | F | ${HOME} | ${PHONE}`, `Marquez, Lucia | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['two family names, with a hyphen', `García-Márquez, Lucía | 1979-04-30 | F | ${HOME} | ${PHONE}`, `Garcia Marquez, Lucia | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['two family names in the other order', `García Márquez, Lucía | 1979-04-30 | F | ${HOME} | ${PHONE}`, `Marquez Garcia, Lucia | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['the first family name as a middle name', `García Márquez, Lucía | 1979-04-30 | F | ${HOME} | ${PHONE}`, `Marquez, Lucia Garcia | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain or possible'],
  ['two family names and a slip', `García Márquez, Lucía | 1979-04-30 | F | ${HOME} | ${PHONE}`, `Garsia Marquez, Lucia | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['de la Cruz and Delacruz', `De La Cruz, Ana | 1979-04-30 | F | ${HOME} | ${PHONE}`, `Delacruz, Ana | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['de la Cruz and Cruz', `De La Cruz, Ana | 1979-04-30 | F | ${HOME} | ${PHONE}`, `Cruz, Ana | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['van der Berg and Vanderberg', `van der Berg, Pieter | 1979-04-30 | M | ${HOME} | ${PHONE}`, `Vanderberg, Pieter | 1979-04-30 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['an apostrophe and accents', `O’Connor-Núñez, Zoë | 1979-04-30 | F | ${HOME} | ${PHONE}`, `OConnor Nunez, Zoe | 1979-04-30 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['an umlaut written out', `Müller, Jürgen | 1979-04-30 | M | ${HOME} | ${PHONE}`, `Mueller, Juergen | 1979-04-30 | M | ${HOME} | ${PHONE}`, 'certain or possible'],
  ['day and month in each other’s place', `Whitlock, Ines | 1948-03-11 | F | ${HOME} | ${PHONE}`, `Whitlock, Ines | 1948-11-03 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['day and month in each other’s place, a common name that has moved', `Johnson, Michael | 1948-03-11 | M | ${HOME} | ${PHONE}`, `Johnson, Michael | 1948-11-03 | M | ${AWAY} | ${OTHER}`, 'possible or none'],
  ['first and last name in each other’s place', `Whitlock, Ines | 1948-03-11 | F | ${HOME} | ${PHONE}`, `Ines, Whitlock | 1948-03-11 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['a Vietnamese name in its own order', `Nguyen, Minh Tuan | 1968-02-10 | M | ${HOME} | ${PHONE}`, `Tuan, Nguyen Minh | 1968-02-10 | M | ${HOME} | ${PHONE}`, 'certain or possible'],
  ['a Chinese name in its own order, the syllables joined', `Zhang, Xiaoming | 1968-02-10 | M | ${HOME} | ${PHONE}`, `Xiao Ming, Zhang | 1968-02-10 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['a Chinese given name in two words', `Zhang, Xiao Ming | 1968-02-10 | M | ${HOME} | ${PHONE}`, `Zhang, Xiaoming | 1968-02-10 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['an Arabic article', `Al-Rashid, Yusuf | 1968-02-10 | M | ${HOME} | ${PHONE}`, `Alrashid, Yusuf | 1968-02-10 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['an Arabic article left out', `Al Rashid, Yusuf | 1968-02-10 | M | ${HOME} | ${PHONE}`, `Rashid, Yusuf | 1968-02-10 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['an Indian name with the father’s name in between', `Patel, Rajesh | 1968-02-10 | M | ${HOME} | ${PHONE}`, `Patel, Rajesh Kantilal | 1968-02-10 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['an Indian name of one word, said twice', `Lakshmi, Lakshmi | 1968-02-10 | F | ${HOME} | ${PHONE}`, `FNU, Lakshmi | 1968-02-10 | F | ${HOME} | ${PHONE}`, 'certain or possible'],
  ['married since: the maiden name is on the referral', `Haverford, Joan | 1985-08-19 | F | ${HOME} | ${PHONE}`, `Ostrander, Joan | 1985-08-19 | F | ${HOME} | ${PHONE}`, 'certain or possible'],
  ['married since and moved', `Haverford, Joan | 1985-08-19 | F | ${HOME} | ${PHONE}`, `Ostrander, Joan | 1985-08-19 | F | ${AWAY} | ${PHONE}`, 'certain or possible'],
  ['read from a fax: rn for m, l for i', `Zimmerman, Milton | 1951-05-16 | M | ${HOME} | ${PHONE}`, `Zirnmerman, Milton | 1951-05-16 | M | ${HOME} | ${PHONE}`, 'certain'],
  ['read from a fax: O for 0 in the telephone and the street number', 'Whitlock, Ines | 1948-03-11 | F | 108 Larch St, Fairview, 62704 | 217-555-0103', 'Whitlock, Ines | 1948-03-11 | F | 1O8 Larch St, Fairview, 62704 | 217-555-O1O3', 'certain'],
  ['a slip in the given name, at home', `Whitlock, Margaret | 1948-03-11 | F | ${HOME} | ${PHONE}`, `Whitlock, Margret | 1948-03-11 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['a key beside the right one', `Whitlock, Margaret | 1948-03-11 | F | ${HOME} | ${PHONE}`, `Whitlock, Nargaret | 1948-03-11 | F | ${HOME} | ${PHONE}`, 'certain'],
  ['moved, with a new phone, a rare name', `Whitlock, Philippa | 1948-03-11 | F | ${HOME} | ${PHONE}`, `Whitlock, Philippa | 1948-03-11 | F | ${AWAY} | ${OTHER}`, 'certain or possible'],
  ['another sex by a slip', `Whitlock, Philippa | 1948-03-11 | F | ${HOME} | ${PHONE}`, `Whitlock, Philippa | 1948-03-11 | M | ${HOME} | ${PHONE}`, 'certain or possible'],
]
