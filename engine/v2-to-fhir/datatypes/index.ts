/** The datatypes that rows of mapping files may name. */
import type { Datatype } from '../datatype.js'
import { CWE, ID } from './cwe.js'
import { CX } from './cx.js'
import { ED, mediaTypeOf, RP } from './document.js'
import { DTM, TM } from './dtm.js'
import { EI, EIP } from './ei.js'
import { HD } from './hd.js'
import { MSG, PT } from './msg.js'
import { NDL } from './ndl.js'
import { boolean, NM, ST, TX } from './plain.js'
import { DLD, DLN, PL, PLN } from './places.js'
import { CQ, DR, MO, NR, range, SN, VR } from './quantity.js'
import { lines, names } from './pieces.js'
import { earlier, earliest, later, latest, minutes } from './reckoned.js'
import { durationUnit, durationValue, RPT } from './timing.js'
import { ethnicity, race } from './us-core.js'
import { XAD } from './xad.js'
import { XCN } from './xcn.js'
import { XON } from './xon.js'
import { XPN } from './xpn.js'
import { XTN } from './xtn.js'
import { C003, C022, C023, RD8 } from './x12.js'

export const DATATYPES: Readonly<Record<string, Datatype>> = {
  CE: CWE, CF: CWE, CNE: CWE, CWE, code: CWE, CQ, CX, date: DTM, DR, DT: DTM, DTM, ED, EI, EIP, ethnicity, DLD, DLN, FT: TX, HD, ID, IS: CWE, MO, MSG, NM, NR,
  PL, PLN, PT, race, RP, SI: NM, SN, ST, string: ST, text: TX, TM, TS: DTM, TX, XAD, XCN, XON, XPN, XTN, boolean,
  C003, C022, C023, RD8,
  durationUnit, durationValue, earlier, earliest, later, latest, lines, mediaType: mediaTypeOf, minutes, names, NDL, range, RPT, VR,
}
