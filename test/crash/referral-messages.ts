/** Messages about referrals that tests of crashes and outages send, and the keys by which receivers know them again. */
import { readFileSync } from 'node:fs'
import { fixture } from '../product/product.js'

const REFERRAL = readFileSync(fixture('hl7v2/ref-i12-cardiology.hl7'), 'utf8')
const BIRTH_YEAR = 1930

/** The number that the referrer gives the n-th referral. */
export const placerOf = (n: number): string => `R2026-${String(n).padStart(5, '0')}`

/** A referral of a person of its own; whoever sends it can be answered by e-mail alone. */
export const referral = (n: number): string =>
  REFERRAL.replaceAll('LFM20260302000117', `REF${n}`)
    .replaceAll('R2026-00117', placerOf(n))
    .replace('774411^^^LFM', `${700_000 + n}^^^LFM`)
    .replace('~999-71-4321^^^SSA^SS', '')
    .replaceAll('EVERYWOMAN^EVE^E', `${family(n)}^EVE^E`)
    .replace('~EVERY^EVE^^^^^N', '')
    .replace('|19610615|', `|${BIRTH_YEAR + (n % 70)}0615|`)
    .replaceAll('GLH551920034', `GLH${551_920_000 + n}`)
    .replace('~^WPN^FX^^^608^5550143~^WPN^Internet^nokafor@direct.lakesidefm.example', '~^NET^Internet^office@lakesidefm.example')

/** The practice's EHR books an appointment for the n-th referral. */
export const booked = (n: number): string => [
  `MSH|^~\\&|SCHED|HC|REFERO|HC|20260302120000-0600||SIU^S12^SIU_S12|SIU${n}|P|2.5.1`,
  `SCH|PL-${n}^LFM|FI-${n}^HC^1.3.6.1.4.1.99999.2.9^ISO|||||NEW^New^HL70276|Normal^Normal^HL70277|30|min^minutes^UCUM|^^^20260309090000-0500^20260309093000-0500|771^KIM^SU^^^MS||||||||773^OTT^IDA|||||Booked^Booked^HL70278|${placerOf(n)}^CLINICOS^1.3.6.1.4.1.99999.1.7^ISO`,
  `PID|1||P-${n}^^^HC^MR||${family(n)}^EVE||${BIRTH_YEAR + (n % 70)}0615|F`,
  'RGS|1|A',
  'AIS|1|A|99204^New patient visit^C4|20260309090000-0500|0|min|30|min',
].join('\r')

/** Letters alone tell families apart: the index reads no numbers in names. */
const family = (n: number): string => `EVERY${String(n).replace(/\d/g, (digit) => 'ABCDEFGHIK'[Number(digit)] ?? '')}`

/** MSH-10 of a message, Message-ID of a mail: what stays the same when it is sent again. */
export const keyOnWire = (payload: Buffer): string =>
  /^MSH(?:\|[^|\r]*){8}\|([^|\r]*)/.exec(payload.toString('latin1'))?.[1] ?? /^Message-ID:\s*(\S+)/im.exec(payload.toString('latin1'))?.[1] ?? 'no key'
