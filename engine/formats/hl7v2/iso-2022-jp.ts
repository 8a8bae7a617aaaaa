/** The Japanese character sets of MSH-18 (ISO IR13, IR14, IR87, IR159), which escape sequences switch between (ISO 2022, JAHIS). */
import iconv from 'iconv-lite'
import { type Charset, shield } from './charset.js'

// What follows ESC, and the byte that EUC-JP writes before each of its characters.
const SETS: readonly { readonly sequence: string; readonly width: 1 | 2; readonly prefix?: number }[] = [
  { sequence: '$(D', width: 2, prefix: 0x8f },
  { sequence: '$@', width: 2 },
  { sequence: '$B', width: 2 },
  { sequence: '(I', width: 1, prefix: 0x8e },
]
const ESCAPE = 0x1b

const sequenceAt = (bytes: Buffer, at: number): string | null => {
  if (bytes[at] !== ESCAPE) return null
  const found = SETS.find(({ sequence }) => bytes.toString('latin1', at + 1, at + 1 + sequence.length) === sequence)?.sequence
  return found ?? (bytes[at + 1] === 0x28 ? bytes.toString('latin1', at + 1, at + 3) : null)
}

/** Calls `run` for each stretch of bytes in one set (null: ASCII), without the escape sequences; a line always ends in ASCII. */
const eachRun = (bytes: Buffer, run: (from: number, to: number, set: (typeof SETS)[number] | null, sequence: number) => void): void => {
  let from = 0
  let before = 0
  let set: (typeof SETS)[number] | null = null
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    const switched = sequenceAt(bytes, at)
    const lineEnds = set !== null && (byte === 0x0d || byte === 0x0a)
    if (switched === null && !lineEnds) continue
    run(from, at, set, before)
    before = switched === null ? 0 : switched.length + 1
    from = at + before
    set = SETS.find(one => one.sequence === switched) ?? null
    if (switched !== null) at = from - 1
  }
  run(from, bytes.length, set, before)
}

const carry = (bytes: Buffer): string => {
  const shielded = new Uint8Array(bytes.length)
  eachRun(bytes, (from, to, set, sequence) => {
    shielded.fill(1, from - sequence, from)
    if (set) shielded.fill(1, from, to)
  })
  return shield(bytes, at => shielded[at] === 1)
}

const decode = (carried: string): string => {
  const bytes = Buffer.from(carried, 'latin1')
  const pieces: string[] = []
  eachRun(bytes, (from, to, set) => {
    if (!set) return pieces.push(iconv.decode(bytes.subarray(from, to), 'euc-jp'))
    const euc: number[] = []
    for (let at = from; at < to; at++) {
      if (set.prefix !== undefined && (at - from) % set.width === 0) euc.push(set.prefix)
      euc.push((bytes[at] ?? 0) | 0x80)
    }
    return pieces.push(iconv.decode(Buffer.from(euc), 'euc-jp'))
  })
  return pieces.join('')
}

const encode = (text: string): string | null => {
  const euc = iconv.encode(text, 'euc-jp')
  if (iconv.decode(euc, 'euc-jp') !== text) return null
  const out: number[] = []
  let current = '(B'
  for (let at = 0; at < euc.length; ) {
    const lead = euc[at] ?? 0
    const set = lead < 0x80 ? undefined : SETS.find(({ prefix, sequence }) => (lead === 0x8e || lead === 0x8f ? prefix === lead : sequence === '$B'))
    const wanted = set?.sequence ?? '(B'
    if (wanted !== current) out.push(ESCAPE, ...Buffer.from(wanted, 'latin1'))
    current = wanted
    if (set?.prefix !== undefined) at++
    const end = at + (set?.width ?? 1)
    for (; at < end; at++) out.push((euc[at] ?? 0) & 0x7f)
  }
  if (current !== '(B') out.push(ESCAPE, 0x28, 0x42)
  return carry(Buffer.from(out))
}

/** ISO-2022-JP as Japanese senders use it: delimiters stand in ASCII, and no set outlasts its line. */
export const iso2022jp = (name: string): Charset => ({ name, carry, hexadecimal: carry, bytes: carried => Buffer.from(carried, 'latin1'), decode, encode })
