/** Which code system a code is of, by its system where one is named and by its form where none is. */
import type { Coded } from '../contracts.js'

const ICD10 = /^[A-TV-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?$/i
const PROCEDURE = /^(\d{4}[0-9A-Z]|[A-V]\d{4})$/i
const ICD10_SYSTEMS = /icd-?10|^i10c?$|2\.16\.840\.1\.113883\.6\.90$|^abk$|^abf$/i
const PROCEDURE_SYSTEMS = /cpt|hcpcs|^c[45]$|^hc(pt)?$|2\.16\.840\.1\.113883\.6\.(12|285|14)$/i
const LOINC_SYSTEMS = /loinc|^ln$|2\.16\.840\.1\.113883\.6\.1$/i

/** ICD-10-CM: named so, or in its form where no system is named. */
export const isIcd10 = ({ system, code }: Coded): boolean => code !== null && ICD10.test(code.trim()) && (system === null || ICD10_SYSTEMS.test(system))

/** CPT or HCPCS. */
export const isProcedure = ({ system, code }: Coded): boolean => code !== null && PROCEDURE.test(code.trim()) && (system === null || PROCEDURE_SYSTEMS.test(system))

export const isLoinc = ({ system, code }: Coded): boolean => code !== null && /^\d{1,7}-\d$/.test(code.trim()) && (system === null || LOINC_SYSTEMS.test(system))
