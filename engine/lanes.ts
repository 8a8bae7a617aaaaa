/** Which lane a delivery waits in: the same keys, the same lane, as long as the number of lanes stays. */

/** A hash of whose order is to be kept, or null where it is that of several: all lanes must then be waited for. */
export function laneHash(keys: readonly string[]): number | null {
  const [first = '', ...others] = keys
  return others.every((other) => other === first) ? hash(first) : null
}

/** FNV-1a over UTF-16 units, 31 bits: stable across restarts and machines. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let n = 0; n < text.length; n++) value = Math.imul(value ^ text.charCodeAt(n), 0x01000193)
  return value >>> 1
}
