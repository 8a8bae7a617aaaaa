/** The least MLLP that a load generator needs: frames out of chunks, and an acknowledgement. */

/** Calls `got` with each frame's content; content is valid until the call returns. */
export function deframe(got: (frame: Buffer) => void): (chunk: Buffer) => void {
  let held: Buffer = Buffer.alloc(0)
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    for (let start = held.indexOf(0x0b); start >= 0; start = held.indexOf(0x0b)) {
      const end = held.indexOf(0x1c, start)
      if (end < 0 || end + 1 >= held.length) return
      got(held.subarray(start + 1, end))
      held = held.subarray(end + 2)
    }
  }
}

let acknowledgements = 0

export const acknowledgement = (controlId: string): Buffer =>
  Buffer.from(`\x0bMSH|^~\\&|RECEIVER|BENCH|REFERO|BENCH|20260302091500||ACK|K${++acknowledgements}|P|2.5.1\rMSA|AA|${controlId}\r\x1c\r`, 'latin1')
