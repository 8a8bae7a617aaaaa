/** Makes winmail.dat files, attribute by attribute (MS-OXTNEF §2.1). */

export const u16 = (n: number): Buffer => Buffer.from(Uint16Array.of(n).buffer)
export const u32 = (n: number): Buffer => Buffer.from(Uint32Array.of(n).buffer)
export const filled = (bytes: Buffer): Buffer => Buffer.concat([u32(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)])
export const attribute = (level: number, tag: number, value: Buffer): Buffer => Buffer.concat([Buffer.of(level), u32(tag), u32(value.length), value, u16(value.reduce((sum, byte) => (sum + byte) & 0xffff, 0))])
export const property = (type: number, id: number, value: Buffer): Buffer => Buffer.concat([u16(type), u16(id), u32(1), filled(value)])
export const properties = (...each: Buffer[]): Buffer => Buffer.concat([u32(each.length), ...each])
export const tnef = (...attributes: Buffer[]): Buffer => Buffer.concat([u32(0x223e9f78), u16(1), ...attributes])
export const wide = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le')

/** One attachment: its beginning, its name, its content. */
export const attachment = (name: string, content: Buffer): readonly Buffer[] => [attribute(2, 0x00069002, Buffer.alloc(14)), attribute(2, 0x00018010, Buffer.from(`${name}\0`, 'latin1')), attribute(2, 0x0006800f, content)]
